"""The workers of one workspace: how they are, and starting, stopping, restarting them.

The way to supervisord for the window and the commands alike. A worker is addressed by its name, one of its processes
by supervisord's name for it (`NAME-2`), all of them as `all`.
"""

from __future__ import annotations

import signal as signals
from collections.abc import Callable, Collection, Mapping, Sequence

from pqdesk.clock import Clock, SystemClock, to_datetime
from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision import client as rpc
from pqdesk.supervision.addresses import address_of
from pqdesk.supervision.client import DaemonDown, Fault
from pqdesk.supervision.configured import ALL, ConfiguredWorkers
from pqdesk.supervision.daemon import ensure_daemon, is_process_gone, known_sockets
from pqdesk.supervision.definitions import WorkerDefinition
from pqdesk.supervision.orphans import end_orphans
from pqdesk.supervision.processes import Daemon
from pqdesk.supervision.records import RemovedWorker, Saved, SupervisionStatus, TryOut, WorkerState
from pqdesk.supervision.status import StatusReader
from pqdesk.supervision.waiting import wait_for

Names = str | Collection[str]  # a worker, a process, `all`, or several of them
Progress = Callable[[int, int, str], None]  # how many are done, of how many, and the process that was done last

_MARGIN_S = 5.0  # on top of stopwaitsecs: supervisord looks at its children once a second
_END_S = 15.0


class Supervision:
    """One workspace's workers and their supervisord. Belongs to one thread; keeps nothing open."""

    def __init__(self, paths: WorkspacePaths, *, timeout_s: float = 2.0, clock: Clock | None = None) -> None:
        """`timeout_s`: how long supervisord may take to answer."""
        self.paths = paths
        self._timeout_s = timeout_s
        self._daemon = Daemon(paths, timeout_s)
        self._clock = clock or SystemClock()
        self._configured = ConfiguredWorkers(paths)
        self._reader = StatusReader(paths, self._configured)
        self._to_start: set[str] = set()  # to be started as soon as they have stopped

    def status(self) -> SupervisionStatus:
        """How supervisord and all processes are, also those that only their files know of. Never raises for it.

        Also starts what a restart(…, wait_s=0) stopped, when it has.
        """
        if self._to_start:
            try:
                self._start_stopped()
            except DaemonDown:
                self._to_start.clear()
            except SupervisorError:
                pass  # the record of the process says why it does not start
        try:
            return self._reader.read(self._daemon.client(), address_of(self.paths))
        except SupervisorError as exc:  # there is no way to the socket
            return self._reader.without_daemon("not answering", WorkerState.UNKNOWN, str(exc))

    def ensure_running(self) -> SupervisionStatus:
        """Attach to the workspace's supervisord, or start it; workers marked so start with it.

        Raises:
            SupervisorError: It does not start, or does not answer; with the reason.
        """
        ensure_daemon(self.paths, timeout_s=self._timeout_s)
        return self.status()

    def start(self, name: Names) -> None:
        """Ask for workers, processes or all to be started, supervisord first if need be. Does not wait for them.

        Configuration that was added, or changed while its process is stopped, is read first. What is up stays as it
        is, what is backing off is tried at once, what is still stopping is started by a later call of status().

        Raises:
            NotFound: There is no such worker.
            SupervisorError: supervisord or one of them cannot be started; the others were.
        """
        targets = self._targets(name)
        ensure_daemon(self.paths, timeout_s=self._timeout_s)
        self._start(targets)

    def stop(self, name: Names, *, wait_s: float | None = 0, on_progress: Progress | None = None) -> None:
        """Ask workers, processes or all to stop; each finishes what it has in hand.

        Without a supervisord, what a killed one left running is ended, and waited for.

        Args:
            wait_s: Return when they have stopped, or raise after this long. 0: do not wait; None: as long as their
                configuration lets them take.
            on_progress: Called as each has stopped.

        Raises:
            NotFound: There is no such worker.
            SupervisorError: supervisord does not answer, or they have not stopped in time.
        """
        targets = self._targets(name)
        self._to_start -= set(targets)
        self._reader.forget_refusals(targets)
        try:
            self._stop(targets)
            wait_s = self._configured.longest_stop_s() + _MARGIN_S if wait_s is None else wait_s
            if wait_s > 0 and not wait_for(lambda: not self._daemon.unsettled(targets), wait_s):
                raise SupervisorError(_late(self._daemon.unsettled(targets), wait_s, "messages are unaffected"))
        except DaemonDown:
            self._end_orphans(None if name == ALL else targets)

    def restart(self, name: Names, *, wait_s: float | None = None, on_progress: Progress | None = None) -> None:
        """Stop workers, processes or all, and start each as soon as it has stopped; supervisord if need be.

        Args:
            wait_s: How long to wait for that; None: as long as their configuration lets them take. 0: return at
                once; the calls of status() that follow go on with it.
            on_progress: Called as each is started again.

        Raises:
            NotFound: There is no such worker.
            SupervisorError: As start() and stop().
        """
        targets = self._targets(name)
        ensure_daemon(self.paths, timeout_s=self._timeout_s)
        self._stop(targets)
        self._to_start |= set(targets)
        limit_s = self._configured.longest_stop_s() + _MARGIN_S if wait_s is None else wait_s
        if not wait_for(self._start_stopped, limit_s) and wait_s != 0:
            late = self._to_start & set(targets)
            self._to_start -= late
            raise SupervisorError(_late(late, limit_s, "it was not started again; messages are unaffected; try again"))

    def signal(self, name: Names, number: int | str) -> None:
        """Send a signal to the processes of a worker, to one process or to all.

        Args:
            number: 10, "10", "USR1", "SIGUSR1" or signal.SIGUSR1.

        Raises:
            InvalidInput: There is no such signal.
            NotFound: There is no such worker.
            SupervisorError: supervisord does not answer, or one of them does not run.
        """
        sent = str(int(_signal_of(number)))
        refused = self._daemon.ask("signalProcess", self._targets(name), sent)
        if refused:
            raise self._refusal("signal", dict.fromkeys(refused, "it is not running"))

    # --- definitions: what the workers are -----------------------------------------------------------

    def definition(self, name: str) -> WorkerDefinition:
        """A worker as its file has it now, with the `version` that change() wants back.

        Raises:
            NotFound: There is no such worker.
            SupervisorError: Its file cannot be read.
        """
        raise NotImplementedError

    def definition_preview(self, definition: WorkerDefinition) -> str:
        """The text of the file as add() or change() would write it; secrets are not in it.

        Raises:
            InvalidInput: It cannot be written, with the reason.
        """
        raise NotImplementedError

    def add(self, definition: WorkerDefinition, *, start: bool) -> Saved:
        """Write a new worker's file, and start it if asked (supervisord too, if it does not run).

        Raises:
            InvalidInput: It cannot be expressed; nothing was changed.
            SupervisorError: There is a worker, or a file, of this name; nothing was changed.
            DiskFull: Nothing was changed.
        """
        raise NotImplementedError

    def change(
        self, definition: WorkerDefinition, *, wait_s: float | None = None, on_progress: Progress | None = None
    ) -> Saved:
        """Change a worker's file in place, and restart those of its processes that run with other settings.

        Comments, order and keys that PQDesk does not know stay. A process whose own section is the same as before,
        or differs only in whether it starts with supervisord, is not touched; one that does not run takes the new
        settings when it is started. More or fewer replicas: as scale().

        Args:
            definition: Of definition(), with what is to be different replaced.
            wait_s: As in restart(): None waits, 0 returns at once and lets calls of status() go on with it.

        Raises:
            InvalidInput: It cannot be expressed; nothing was changed.
            NotFound: There is no such worker any more.
            SupervisorError: The file was changed since definition.version was read, or is not one of workers/*.conf;
                nothing was changed.
            DiskFull: Nothing was changed.
        """
        raise NotImplementedError

    def remove(self, name: str, *, wait_s: float | None = None, on_progress: Progress | None = None) -> RemovedWorker:
        """Take a worker out: its file at once, its processes when they have finished what they have in hand.

        Its logs stay. What is removed is also kept in supervisor/removed/ until a worker of the same name is
        removed again, for removed_worker().

        Args:
            wait_s: As in stop(), None waits as long as they may take.

        Raises:
            NotFound: There is no such worker.
            SupervisorError: It is not in one of workers/*.conf, or does not end in time.
        """
        raise NotImplementedError

    def removed_worker(self, name: str) -> RemovedWorker:
        """The last worker of this name that was removed, by whomever. Raises NotFound."""
        raise NotImplementedError

    def bring_back(self, removed: RemovedWorker) -> Saved:
        """Undo remove(): its file as it was, and what was up is started again.

        Raises:
            SupervisorError: There is a worker of this name again; nothing was changed.
            DiskFull: Nothing was changed.
        """
        raise NotImplementedError

    def scale(
        self, name: str, count: int, *, wait_s: float | None = None, on_progress: Progress | None = None
    ) -> Saved:
        """Run a worker in `count` processes; the others are not touched.

        New ones are started if any of its processes is up. Of too many, those with the highest numbers finish what
        they have in hand and end.

        Raises:
            InvalidInput: The count is not from 1 to 500.
            NotFound, SupervisorError, DiskFull: As change().
        """
        raise NotImplementedError

    def set_autostart(self, names: Names, on: bool) -> None:
        """Whether workers start with supervisord. What runs now is unaffected.

        Raises:
            NotFound, SupervisorError, DiskFull: As change(); those before it were changed.
        """
        raise NotImplementedError

    def try_out(self, definition: WorkerDefinition, seconds: float = 3.0) -> TryOut:
        """Run a worker's command as supervisord would, for a moment, and tell what came of it.

        Nothing is written. It really runs: a consumer takes messages. It is asked to end after `seconds`, killed
        5 s later, and nothing of it is left when this returns.

        Raises:
            InvalidInput: The definition cannot be expressed.
        """
        raise NotImplementedError

    # --- supervisord itself --------------------------------------------------------------------------

    def stop_now(self, names: Names) -> None:
        """Kill processes with all their children, also while they finish something. Messages in hand run again.

        Raises:
            NotFound: There is no such worker.
            SupervisorError: supervisord does not answer.
        """
        raise NotImplementedError

    def restart_daemon(self, *, wait_s: float | None = None, on_progress: Progress | None = None) -> SupervisionStatus:
        """Stop all workers and supervisord, start supervisord anew, from the PQDesk of now, and what was up.

        Workers that were stopped stay so.

        Raises:
            SupervisorError: As shutdown() and ensure_running().
        """
        raise NotImplementedError

    def shutdown(self, *, wait_s: float | None = None, on_progress: Progress | None = None) -> None:
        """Stop all workers at once, then supervisord, and return when it is gone; also when it was not there.

        Args:
            wait_s: How long workers may take before supervisord ends them; None: as their configuration says.

        Raises:
            SupervisorError: It does not answer, or does not end.
        """
        self._to_start.clear()
        limit_s = self._configured.longest_stop_s() + _MARGIN_S if wait_s is None else wait_s
        client = self._daemon.client()
        try:
            pid = client.try_call("supervisor.getPID")
            if not isinstance(pid, Fault):  # else it is on its way out already
                # supervisord alone would stop one group after the other
                self._stop([info.process for info in self._daemon.infos()])
                wait_for(lambda: not self._daemon.unsettled(), limit_s)
                client.call("supervisor.shutdown")
        except DaemonDown:
            self._end_orphans(None)
            return
        if not wait_for(
            lambda: self._daemon.is_down() and (isinstance(pid, Fault) or is_process_gone(pid)), limit_s + _END_S
        ):
            raise SupervisorError("supervisord is still ending its workers; messages are unaffected; look again later")

    def _targets(self, name: Names) -> list[str]:
        """supervisord's names of the processes meant, those in files first."""
        workers = self._configured.workers_of_processes()
        try:
            for info in self._daemon.infos():
                workers.setdefault(info.process, info.group)
        except DaemonDown:
            pass  # the files tell
        wanted = {name} if isinstance(name, str) else set(name)
        for one in wanted - {ALL, *workers, *workers.values()}:
            raise self._configured.unknown(one)
        return [process for process, worker in workers.items() if wanted & {ALL, worker, process}]

    def _start(self, targets: Sequence[str]) -> None:
        problem = self._daemon.load(targets)
        infos = {info.process: info for info in self._daemon.infos()}
        loaded = [target for target in targets if target in infos]
        stopping = {target for target in loaded if infos[target].state is WorkerState.STOPPING}
        self._to_start |= stopping  # supervisord would take the request and forget it
        self._reader.note_request(loaded, to_datetime(self._clock.wall_us()))
        refused = self._daemon.ask(
            "startProcess", [one for one in loaded if one not in stopping], False, accept={rpc.ALREADY_STARTED}
        )
        # What backs off counts as started; unless its program is missing, it is stopped first to be tried at once.
        waiting = [one for one in loaded if infos[one].state is WorkerState.BACKING_OFF and one not in refused]
        self._stop(waiting)
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

    def _stop(self, targets: Sequence[str]) -> None:
        refused = self._daemon.ask("stopProcess", targets, False, accept={rpc.NOT_RUNNING, rpc.BAD_NAME})
        if refused:
            raise self._refusal("stop", {one: fault.reason for one, fault in refused.items()})

    def _start_stopped(self) -> bool:
        """Start those of `_to_start` that have stopped; whether that was all of them."""
        stopped = sorted(self._to_start.difference(self._daemon.unsettled()))
        self._to_start.difference_update(stopped)
        if stopped:
            self._start(stopped)
        return not self._to_start

    def _refusal(self, verb: str, reasons: Mapping[str, str]) -> SupervisorError:
        told = "; ".join(f"{process!r}: {reason}" for process, reason in reasons.items())
        file = self._configured.file_of(next(iter(reasons))) if verb == "start" else None
        way_out = f"; correct its command in '{file}'" if file is not None else ""
        return SupervisorError(f"cannot {verb} {told}; other workers and messages are unaffected{way_out}")

    def _end_orphans(self, processes: Collection[str] | None) -> None:
        names = None if processes is None else [process.rpartition(":")[2] for process in processes]
        end_orphans(known_sockets(self.paths, address_of(self.paths)), processes=names)


def _signal_of(number: int | str) -> signals.Signals:
    text = str(int(number)) if isinstance(number, int) else number.strip().upper()
    try:
        return signals.Signals(int(text)) if text.isdecimal() else signals.Signals["SIG" + text.removeprefix("SIG")]
    except (KeyError, ValueError) as exc:
        raise InvalidInput(f"there is no signal {number!r}; use a number or a name such as HUP or USR1") from exc


def _late(processes: Collection[str], wait_s: float, consequence: str) -> str:
    names = ", ".join(map(repr, sorted(processes)))
    return f"{names} did not stop within {wait_s:g} s, having something in hand; {consequence}"
