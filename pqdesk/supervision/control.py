"""Starting, stopping, restarting and signalling the processes of a workspace, many at once.

What takes longer than a call may wait, a restart or a removal, is kept in mind here and gone on with at each look.
"""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Callable, Collection, Mapping, Sequence

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision import client as rpc
from pqdesk.supervision.addresses import address_of
from pqdesk.supervision.client import DaemonDown, Fault
from pqdesk.supervision.configured import ALL, ConfiguredWorkers
from pqdesk.supervision.daemon import ensure_daemon, is_process_gone, known_sockets
from pqdesk.supervision.orphans import end_orphans
from pqdesk.supervision.processes import Daemon
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.status import StatusReader
from pqdesk.supervision.waiting import wait_for

Names = str | Collection[str]  # a worker, a process, `all`, or several of them
Progress = Callable[[int, int, str], None]  # how many are done, of how many, and the process that was done last

_MARGIN_S = 5.0  # on top of stopwaitsecs: supervisord looks at its children once a second
_END_S = 15.0
_NEXT_LOOK_S = 1.5  # supervisord starts what has ended once a second


class Control:
    """Tells supervisord what to do with processes. Belongs to one thread; keeps nothing open."""

    def __init__(
        self,
        paths: WorkspacePaths,
        daemon: Daemon,
        configured: ConfiguredWorkers,
        reader: StatusReader,
        clock: Clock,
        timeout_s: float,
    ) -> None:
        self._paths = paths
        self._daemon = daemon
        self._configured = configured
        self._reader = reader
        self._clock = clock
        self._timeout_s = timeout_s
        self._to_start: set[str] = set()  # to be started as soon as they have stopped
        self._to_remove: set[str] = set()  # to be taken out of supervisord as soon as they have stopped

    def ensure_daemon(self) -> None:
        """Raises SupervisorError."""
        ensure_daemon(self._paths, timeout_s=self._timeout_s)

    def go_on(self) -> None:
        """Do what was waiting for processes to stop, for those that have. Never raises for it."""
        if not (self._to_start or self._to_remove):
            return
        try:
            self._finish_stopped()
        except DaemonDown:
            self._to_start.clear()
            self._to_remove.clear()
        except SupervisorError:
            pass  # the record of the process says why it does not start

    def targets(self, names: Names) -> list[str]:
        """supervisord's names of the processes meant, those in files first. Raises NotFound, SupervisorError."""
        workers = self._configured.workers_of_processes()
        try:
            for info in self._daemon.infos():
                workers.setdefault(info.process, info.group)
        except DaemonDown:
            pass  # the files tell
        wanted = {names} if isinstance(names, str) else set(names)
        alone = {process: f"{process}:{process}" for process in workers}
        for unknown in sorted(wanted - {ALL, *workers, *workers.values(), *alone.values()}):
            raise self._configured.unknown(unknown)
        return [process for process, worker in workers.items() if wanted & {ALL, worker, process, alone[process]}]

    def start(self, names: Names) -> None:
        targets = self.targets(names)
        self.ensure_daemon()
        self.start_processes(targets)
        problems = self._configured.read().problems
        if problems and (names == ALL or ALL in names):
            raise SupervisorError(f"{problems[0]}; the other workers were started")

    def stop(self, names: Names, wait_s: float | None, on_progress: Progress | None) -> None:
        targets = self.targets(names)
        self._to_start -= set(targets)
        self._reader.forget_refusals(targets)
        limit_s = self.limit_s(wait_s)
        try:
            self.stop_processes(targets)
            if limit_s > 0 and not wait_for(self._watched(targets, on_progress), limit_s):
                raise SupervisorError(_late(self._daemon.unsettled(targets), limit_s, "messages are unaffected"))
        except DaemonDown:
            self.end_orphans(None if names == ALL else targets)

    def stop_now(self, names: Names) -> None:
        targets = self.targets(names)
        self._to_start -= set(targets)
        try:
            self.stop_processes(targets)  # else it would be started again
            running = [one for one in self._daemon.infos() if one.process in targets and one.pid]
            refused = [one.process for one in running if not _kill_group(one.pid)]
            self._daemon.ask("signalProcess", refused, str(int(signals.SIGKILL)))
        except DaemonDown:
            self.end_orphans(None if names == ALL else targets)

    def restart(self, names: Names, wait_s: float | None, on_progress: Progress | None) -> None:
        targets = self.targets(names)
        self.ensure_daemon()
        self.stop_processes(targets)
        self.finish(start=targets, remove=(), wait_s=wait_s, on_progress=on_progress)

    def signal(self, names: Names, number: int | str) -> None:
        sent = str(int(_signal_of(number)))
        refused = self._daemon.ask("signalProcess", self.targets(names), sent)
        if refused:
            raise self._refusal("signal", dict.fromkeys(refused, "it is not running"))

    def shutdown(self, wait_s: float | None, on_progress: Progress | None) -> None:
        self._to_start.clear()
        self._to_remove.clear()
        limit_s = self.limit_s(wait_s)
        client = self._daemon.client()
        try:
            pid = client.try_call("supervisor.getPID")
            if not isinstance(pid, Fault):  # else it is on its way out already
                self._refuse_foreign()
                # supervisord alone would stop one group after the other
                targets = [info.process for info in self._daemon.infos()]
                self.stop_processes(targets)
                wait_for(self._watched(targets, on_progress), limit_s)
                client.call("supervisor.shutdown")
        except DaemonDown:
            self.end_orphans(None)
            return
        if not wait_for(
            lambda: self._daemon.is_down() and (isinstance(pid, Fault) or is_process_gone(pid)), limit_s + _END_S
        ):
            raise SupervisorError("supervisord is still ending its workers; messages are unaffected; look again later")

    # --- parts ---------------------------------------------------------------------------------------

    def limit_s(self, wait_s: float | None) -> float:
        """How long to wait for processes to stop; by default as long as their configuration lets them take."""
        return self._configured.longest_stop_s() + _MARGIN_S if wait_s is None else wait_s

    def start_processes(self, targets: Sequence[str]) -> None:
        problem = self._daemon.load(targets)
        infos = {info.process: info for info in self._daemon.infos()}
        self._daemon.restore_logs(list(infos.values()))
        loaded = [target for target in targets if target in infos]
        stopping = {target for target in loaded if infos[target].state is WorkerState.STOPPING}
        self._to_start |= stopping  # supervisord would take the request and forget it
        self._reader.note_request(loaded, to_datetime(self._clock.wall_us()))
        refused = self._daemon.ask(
            "startProcess", [one for one in loaded if one not in stopping], False, accept={rpc.ALREADY_STARTED}
        )
        # What backs off counts as started; unless its program is missing, it is stopped first to be tried at once.
        waiting = [one for one in loaded if infos[one].state is WorkerState.BACKING_OFF and one not in refused]
        self.stop_processes(waiting)
        refused |= self._daemon.ask("startProcess", waiting, False, accept={rpc.ALREADY_STARTED})
        reasons = {one: self._daemon.reason(one, fault) for one, fault in refused.items()}
        self._reader.note_refusals(reasons)
        if reasons:
            raise self._refusal("start", reasons)
        if problem is not None and len(loaded) < len(targets):
            raise SupervisorError(
                f"new configuration cannot be loaded: {problem}; what was loaded before is unaffected; correct or "
                "remove the file"
            )

    def stop_processes(self, targets: Sequence[str]) -> None:
        refused = self._daemon.ask("stopProcess", targets, False, accept={rpc.NOT_RUNNING, rpc.BAD_NAME})
        if refused:
            raise self._refusal("stop", {one: fault.reason for one, fault in refused.items()})
        self._stop_what_comes_back(targets)

    def _stop_what_comes_back(self, targets: Collection[str]) -> None:
        """supervisord cannot stop one that has just ended by itself, and starts it again within a second."""
        waiting = {one.process for one in self._daemon.infos() if one.may_come_back and one.process in targets}

        def is_over() -> bool:
            back = [one.process for one in self._daemon.infos() if one.is_up and one.process in waiting]
            self._daemon.ask("stopProcess", back, False, accept={rpc.NOT_RUNNING})
            waiting.difference_update(back)
            return not waiting

        if waiting:
            wait_for(is_over, _NEXT_LOOK_S)

    def finish(
        self, *, start: Collection[str], remove: Collection[str], wait_s: float | None, on_progress: Progress | None
    ) -> None:
        """Start some and take others out of supervisord, each as soon as it has stopped.

        Raises:
            SupervisorError: Not all have stopped in time; with `wait_s` 0 that is left to go_on().
        """
        mine = {*start, *remove}
        self._to_start |= set(start)
        self._to_remove |= set(remove)
        total, told = len(mine), set[str]()

        def is_finished() -> bool:
            self._finish_stopped()
            for process in sorted(mine - self._to_start - self._to_remove - told):
                told.add(process)
                if on_progress is not None:
                    on_progress(len(told), total, process)
            return len(told) == total

        limit_s = self.limit_s(wait_s)
        if not wait_for(is_finished, limit_s) and wait_s != 0:
            late = (self._to_start | self._to_remove) & mine
            self._to_start -= late
            rest = "it was not started again; messages are unaffected; try again"
            raise SupervisorError(_late(late, limit_s, rest if late & set(start) else "messages are unaffected"))

    def end_orphans(self, processes: Collection[str] | None) -> None:
        """End what a supervisord that is gone left running of these; None is all."""
        names = None if processes is None else [process.rpartition(":")[2] for process in processes]
        end_orphans(known_sockets(self._paths, address_of(self._paths)), processes=names)

    def _refuse_foreign(self) -> None:
        if self._daemon.is_foreign():
            raise SupervisorError(
                "the supervisord that runs here was started on another configuration than this workspace's, so it is "
                "not ended; its workers can be stopped; end it where it was started"
            )

    def _finish_stopped(self) -> None:
        """Start and take out those that wait for it and have stopped."""
        unsettled = set(self._daemon.unsettled())
        gone = sorted(self._to_remove - unsettled)
        self._to_remove.difference_update(gone)
        self._daemon.drop(gone)
        stopped = sorted(self._to_start - unsettled)
        self._to_start.difference_update(stopped)
        if stopped:
            self.start_processes(stopped)

    def _watched(self, targets: Collection[str], on_progress: Progress | None) -> Callable[[], bool]:
        """Asks whether all of `targets` have stopped, and tells of each that has."""
        told: set[str] = set()

        def have_stopped() -> bool:
            left = set(self._daemon.unsettled(targets))
            for process in [one for one in targets if one not in left and one not in told]:
                told.add(process)
                if on_progress is not None:
                    on_progress(len(told), len(targets), process)
            return not left

        return have_stopped

    def _refusal(self, verb: str, reasons: Mapping[str, str]) -> SupervisorError:
        told = "; ".join(f"{process!r}: {reason}" for process, reason in reasons.items())
        file = self._configured.file_of(next(iter(reasons))) if verb == "start" else None
        way_out = f"; correct its command in '{file}'" if file is not None else ""
        return SupervisorError(f"cannot {verb} {told}; other workers and messages are unaffected{way_out}")


def _kill_group(pid: int) -> bool:
    """KILL to the process and its children, if it leads its own group, as supervisord's children do."""
    try:
        if os.getpgid(pid) != pid:
            return False
        os.killpg(pid, signals.SIGKILL)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


def _signal_of(number: int | str) -> signals.Signals:
    text = str(int(number)) if isinstance(number, int) else number.strip().upper()
    try:
        return signals.Signals(int(text)) if text.isdecimal() else signals.Signals["SIG" + text.removeprefix("SIG")]
    except (KeyError, ValueError) as exc:
        raise InvalidInput(f"there is no signal {number!r}; use a number or a name such as HUP or USR1") from exc


def _late(processes: Collection[str], wait_s: float, consequence: str) -> str:
    names = ", ".join(map(repr, sorted(processes)))
    return f"{names} did not stop within {wait_s:g} s, having something in hand; {consequence}"
