"""Looking at supervisord: one question, and what came of the answer to the last one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.client import SHUTDOWN_STATE, Call, DaemonDown, DaemonHangs, Fault, SupervisorClient
from pqdesk.supervision.daemon.launch import version_of
from pqdesk.supervision.definitions.addresses import DaemonAddress
from pqdesk.supervision.definitions.reading import ConfiguredWorkers
from pqdesk.supervision.definitions.stopped_by_hand import StoppedByHand
from pqdesk.supervision.logs.journal_file import ExitJournal
from pqdesk.supervision.processes.replicas import ProcessInfo, replica_record, unstarted_record
from pqdesk.supervision.processes.requests import Requests, RequestsFile
from pqdesk.supervision.records import DaemonStateWord, ReplicaRecord, SupervisionStatus, WorkerState
from pqdesk.version import installed_version

_CALLS: tuple[Call, ...] = (
    ("supervisor.getPID", ()),
    ("supervisor.getIdentification", ()),
    ("supervisor.getAllProcessInfo", ()),
)
_HOUR = timedelta(hours=1)
_NEW = "not loaded yet; Start loads it"


class StatusReader:
    """Looks, and remembers what it needs to count restarts. Belongs to one thread."""

    def __init__(
        self, paths: WorkspacePaths, configured: ConfiguredWorkers, requests: RequestsFile, clock: Clock
    ) -> None:
        self._paths = paths
        self._requests = requests
        self._stopped = StoppedByHand(paths)
        self._configured = configured
        self._clock = clock
        self._journal = ExitJournal(paths)
        self._stopping_since_ms: dict[str, int] = {}
        self._started_s: dict[str, int] = {}
        self._restarts: dict[str, int] = {}
        self._refusals: dict[str, str] = {}
        self._open = Requests()
        self._held: Collection[str] = ()

    def note_request(self, processes: Collection[str]) -> None:
        """These are about to be started because somebody wants it: that is no restart."""
        for process in processes:
            self._started_s.pop(process, None)
        self.forget_refusals(processes)

    def note_refusals(self, reasons: Mapping[str, str]) -> None:
        """Why supervisord did not even try to start these: it forgets that itself, and says that they are stopped."""
        self._refusals.update(reasons)

    def forget_refusals(self, processes: Collection[str]) -> None:
        for process in processes:
            self._refusals.pop(process, None)

    def read(self, client: SupervisorClient, address: DaemonAddress) -> SupervisionStatus:
        """The status now; what is wrong is told in it, not raised."""
        try:
            answers = client.multicall(_CALLS)
        except DaemonDown:
            return self.without_daemon("not running", WorkerState.STOPPED)
        except DaemonHangs as exc:
            return self.without_daemon("not answering", WorkerState.UNKNOWN, str(exc))
        except SupervisorError as exc:
            return self.without_daemon("foreign", WorkerState.UNKNOWN, str(exc))
        refused = next((one for one in answers if isinstance(one, Fault)), None)
        if refused is None:
            pid, identification, infos = answers
            return self._with_daemon(pid, infos, address, is_ours=identification == address.identifier)
        if refused.code == SHUTDOWN_STATE:
            return self.without_daemon("stopping", WorkerState.UNKNOWN)
        return self.without_daemon("foreign", WorkerState.UNKNOWN, f"supervisord refuses to answer: {refused.reason}")

    def without_daemon(
        self, word: DaemonStateWord, state: WorkerState, problem: str | None = None
    ) -> SupervisionStatus:
        """What the files tell, each process in `state`."""
        known = self._known(state)
        return SupervisionStatus(False, word, None, _ordered(known.values()), self._problem(problem))

    def _with_daemon(
        self, pid: int, infos: list[Mapping[str, Any]], address: DaemonAddress, *, is_ours: bool
    ) -> SupervisionStatus:
        known = self._known(WorkerState.STOPPED, _NEW)
        for info in map(ProcessInfo.of, infos):
            base = known.get(info.process) or self._with_history(_undefined_record(info, self._paths.logs))
            known[info.process] = self._record(info, base)
        version = version_of(pid)
        foreign = f"supervisord on '{address.socket}' runs on another configuration than this workspace's"
        return SupervisionStatus(
            is_running=True,
            state_word="running" if is_ours else "foreign",
            pid=pid,
            replicas=_ordered(known.values()),
            problem=self._problem(None if is_ours else foreign),
            version=version,
            is_outdated=is_ours and version not in (None, installed_version()),
        )

    def _known(self, state: WorkerState, description: str = "") -> dict[str, ReplicaRecord]:
        """By process, what is known besides what supervisord tells."""
        self._journal.refresh()
        self._open, self._held = self._requests.read(), self._stopped.read()
        return {
            process.process: self._with_history(unstarted_record(worker, process, state, description))
            for worker in self._configured.read().workers
            for process in worker.processes
        }

    def _problem(self, problem: str | None) -> str | None:
        return next(filter(None, (problem, *self._configured.read().problems)), None)

    def _record(self, info: ProcessInfo, base: ReplicaRecord) -> ReplicaRecord:
        before, asked_at = self._started_s.get(info.process), self._open.asked_at.get(info.process)
        if info.started_s != before:
            is_asked = before is not None and asked_at is not None and asked_at.timestamp() > before
            if before and not info.is_settled and not is_asked:
                self._restarts[info.process] = self._restarts.get(info.process, 0) + 1
            self._started_s[info.process] = info.started_s
        restarts, exits = self._restarts.get(info.process, 0), self._journal.of(info.name)
        record = self._with_deadline(replica_record(info, base, exits, restarts=restarts, asked_at=asked_at))
        reason = self._refusals.get(info.process)
        if reason is None or record.state is not WorkerState.STOPPED:
            return record
        return replace(record, state=WorkerState.FAILED_TO_START, exit_text=reason)

    def _with_history(self, record: ReplicaRecord) -> ReplicaRecord:
        exits = self._journal.of(record.process.rpartition(":")[2])
        since = to_datetime(self._clock.wall_us()) - _HOUR
        return replace(
            record,
            is_held=record.process.partition(":")[0] in self._held,
            has_request=record.process in self._open.open,
            last_exit=exits.last,
            restarts_total=exits.restarts_total,
            restarts_last_hour=sum(at > since for at in exits.restarts),
        )

    def _with_deadline(self, record: ReplicaRecord) -> ReplicaRecord:
        """Counted from the look that first saw it stopping, which supervisord does not tell the time of."""
        if record.state is not WorkerState.STOPPING:
            self._stopping_since_ms.pop(record.process, None)
            return record
        now_ms = self._clock.awake_ms()
        since_ms = self._stopping_since_ms.setdefault(record.process, now_ms)
        return replace(record, stop_deadline_s=max(0.0, record.stop_wait_s - (now_ms - since_ms) / 1000))


def _undefined_record(info: ProcessInfo, logs: Path) -> ReplicaRecord:
    """A process that supervisord runs and no file of the workspace defines any more."""
    return ReplicaRecord(
        process=info.process,
        worker=info.group,
        kind="command",
        replica=1,
        state=WorkerState.UNKNOWN,
        stdout_log=Path(info.stdout_log) if info.stdout_log else logs / f"{info.name}.out.log",
        stderr_log=Path(info.stderr_log) if info.stderr_log else logs / f"{info.name}.err.log",
    )


def _ordered(records: Collection[ReplicaRecord]) -> tuple[ReplicaRecord, ...]:
    return tuple(sorted(records, key=lambda one: (one.worker, one.replica, one.process)))
