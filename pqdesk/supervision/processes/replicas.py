"""What supervisord and the .conf files tell of a process, as one record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pqdesk.clock import to_datetime
from pqdesk.log_records import parse_line
from pqdesk.supervision.definitions.definition import USUAL_START_S, ProcessDefinition, WorkerDefinition
from pqdesk.supervision.logs.journal import Exits
from pqdesk.supervision.logs.log_files import tail_lines
from pqdesk.supervision.records import ReplicaRecord, RestartPolicy, WorkerState

# supervisor.states.ProcessStates of supervisor 4.3
_STATES = {
    0: WorkerState.STOPPED,
    10: WorkerState.STARTING,
    20: WorkerState.RUNNING,
    30: WorkerState.BACKING_OFF,
    40: WorkerState.STOPPING,
    100: WorkerState.EXITED,
    200: WorkerState.FAILED_TO_START,
}

_CRASHES, _CRASH_WINDOW = 3, timedelta(seconds=60)
_FAILURES = 2  # a second BACKOFF
_TOO_QUICK = "Exited too quickly"  # supervisor/process.py; any other spawnerr in BACKOFF: it could not be run
_BAD_CODE = "Bad exit code"
_LONGEST_REASON = 300
_NEXT_LOOK_S = 2  # supervisord looks once a second, and tells times in whole seconds


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A struct of getAllProcessInfo."""

    process: str
    name: str
    group: str
    code: int
    pid: int
    started_s: int
    now_s: int
    exit_status: int
    spawn_error: str
    description: str
    stdout_log: str
    stderr_log: str
    stopped_s: int = 0

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> ProcessInfo:
        name, group = answer["name"], answer["group"]
        return cls(
            process=name if name == group else f"{group}:{name}",
            name=name,
            group=group,
            code=answer["state"],
            pid=answer["pid"],
            started_s=answer["start"],
            now_s=answer["now"],
            exit_status=answer["exitstatus"],
            spawn_error=answer["spawnerr"],
            description=answer["description"],
            stdout_log=answer["stdout_logfile"],
            stderr_log=answer["stderr_logfile"],
            stopped_s=answer["stop"],
        )

    @property
    def state(self) -> WorkerState:
        """As supervisord has it."""
        return _STATES.get(self.code, WorkerState.UNKNOWN)

    @property
    def is_up(self) -> bool:
        """Starting, running or about to be started again; such a process can be stopped."""
        return self.state.is_up

    @property
    def has_run(self) -> bool:
        """If it has ended, or could not be run: whether there was a process."""
        return self.spawn_error.startswith((_TOO_QUICK, _BAD_CODE))

    def comes_back(self, restart: RestartPolicy | None) -> bool:
        """It has ended by itself, and supervisord starts it again at its next look.

        Args:
            restart: The policy that its file has; None when that is not known, and then the time tells.
        """
        if self.state is not WorkerState.EXITED or restart == "never":
            return False
        if restart == "if it fails":
            return self.spawn_error.startswith(_BAD_CODE)
        return restart == "always" or self.now_s - self.stopped_s <= _NEXT_LOOK_S

    @property
    def is_settled(self) -> bool:
        """There is no process, and without a new request there will be none."""
        return not self.is_up and self.state is not WorkerState.STOPPING


def unstarted_record(
    worker: WorkerDefinition, process: ProcessDefinition, state: WorkerState, description: str = ""
) -> ReplicaRecord:
    """A process of which supervisord tells nothing."""
    return ReplicaRecord(
        process=process.process,
        worker=worker.name,
        kind=worker.kind,
        replica=process.replica,
        state=state,
        description=description,
        queues=worker.queues,
        command=shlex.join(worker.command),
        is_autostart=worker.is_autostart,
        restart=worker.restart,
        stop_wait_s=worker.stop_wait_s,
        stdout_log=process.stdout_log,
        stderr_log=process.stderr_log,
    )


def replica_record(
    info: ProcessInfo, base: ReplicaRecord, exits: Exits, *, restarts: int, asked_at: datetime | None
) -> ReplicaRecord:
    """What is known of a process of a running supervisord: `base` is what its file says, `exits` how it ended before.

    What it did before it was `asked_at` last to start no longer counts against it.
    """
    state = shown_state(info, exits, asked_at, base.restart)
    has_process = info.state.has_process and info.pid != 0
    return replace(
        base,
        state=state,
        pid=info.pid if has_process else None,
        started_at=to_datetime(info.started_s * 1_000_000) if has_process else None,
        uptime_s=float(max(0, info.now_s - info.started_s)) if has_process else None,
        restarts=restarts,
        description=info.description,
        exit_text=_why_it_ended(info, state, exits, base.stderr_log),
    )


def shown_state(
    info: ProcessInfo, exits: Exits, asked_at: datetime | None = None, restart: RestartPolicy | None = None
) -> WorkerState:
    """The state to show: supervisord's own, or crash-looping, or failed to start when it cannot even be run.

    Crash-looping is three unexpected ends within a minute, or a second one in a row that came too quickly. What is not
    to run for ever runs at once for supervisord (writing.start_settings); it is starting for as long as others are.
    """
    state = info.state
    if state is WorkerState.BACKING_OFF and info.spawn_error and not info.spawn_error.startswith(_TOO_QUICK):
        return WorkerState.FAILED_TO_START
    if not info.is_up and not info.comes_back(restart):
        return state
    ends = [at for at in exits.unexpected if asked_at is None or at >= asked_at]
    recent = to_datetime(info.now_s * 1_000_000) - _CRASH_WINDOW
    is_failing = state not in (WorkerState.RUNNING, WorkerState.EXITED) and min(exits.failures, len(ends)) >= _FAILURES
    if is_failing or sum(at >= recent for at in ends) >= _CRASHES:
        return WorkerState.CRASH_LOOPING
    if state is WorkerState.EXITED and restart is not None:
        return WorkerState.BACKING_OFF  # between two runs: only what stays so has exited
    is_fresh = restart not in ("always", None) and info.now_s - info.started_s < USUAL_START_S
    return WorkerState.STARTING if state is WorkerState.RUNNING and is_fresh else state


def _why_it_ended(info: ProcessInfo, state: WorkerState, exits: Exits, stderr_log: Path) -> str | None:
    if not state.is_in_trouble and state is not WorkerState.EXITED:
        return None
    if state is WorkerState.EXITED and info.exit_status == 0:
        return "exit status 0"
    if info.spawn_error and not info.has_run:
        return info.spawn_error
    how = exits.how or info.spawn_error or f"exit status {info.exit_status}"
    last_words = _last_words(stderr_log, since_s=info.started_s)
    return f"{how}: {last_words}" if last_words else how


def _last_words(stderr_log: Path, *, since_s: int) -> str | None:
    """The last line that a process of after `since_s` wrote to stderr: most programs say there why they end."""
    try:
        if stderr_log.stat().st_mtime < since_s:
            return None
        lines = tail_lines(stderr_log, 5)
    except OSError:
        return None
    texts = (parse_line(line).text.strip() for line in reversed(lines))
    last = next((text for text in texts if text), None)
    return last[:_LONGEST_REASON] if last else None
