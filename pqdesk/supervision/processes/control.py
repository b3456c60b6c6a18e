"""Starting, stopping, restarting and signalling the processes of a workspace, many at once.

What takes longer than a call may wait is written down before the first signal and carried out (requests.py), also when
whoever asked for it has gone.
"""

from __future__ import annotations

import signal as signals
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import InvalidInput, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon import client as rpc
from pqdesk.supervision.daemon.client import DaemonDown, Fault
from pqdesk.supervision.daemon.launch import end_unreachable, ensure_daemon, is_process_gone, known_sockets
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.daemon.status import StatusReader
from pqdesk.supervision.definitions.addresses import address_of
from pqdesk.supervision.definitions.reading import ALL, ConfiguredWorkers
from pqdesk.supervision.definitions.stopped_by_hand import StoppedByHand
from pqdesk.supervision.processes.replicas import ProcessInfo
from pqdesk.supervision.processes.requests import Carrying, Ending, Requests, RequestsFile
from pqdesk.supervision.processes.trees import Member, ProcessTable, end_orphans, find_orphans, mark_ends, send
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.waiting import wait_for
from pqdesk.worker_checks import signal_called

Names = str | Collection[str]  # a worker, a process, `all`, or several of them
Progress = Callable[[int, int, str], None]  # how many are done, of how many, and the process that was done last

_MARGIN_S = 5.0  # on top of stopwaitsecs: supervisord looks at its children once a second
_END_S = 15.0
_COME_BACK_S = 5.0  # supervisord starts what has ended once a second
_ALONE_MS = 1000
_ENDED = (rpc.NOT_RUNNING, rpc.BAD_NAME)
_ENDING = (signals.SIGTERM, signals.SIGINT, signals.SIGQUIT, signals.SIGKILL)


@dataclass(eq=False, slots=True)
class Control:
    """Tells supervisord what to do with processes. Belongs to one thread; keeps nothing open."""

    paths: WorkspacePaths
    daemon: Daemon
    configured: ConfiguredWorkers
    reader: StatusReader
    requests: RequestsFile
    clock: Clock
    timeout_s: float
    stopped: StoppedByHand = field(init=False)
    carrying: Carrying = field(init=False)

    def __post_init__(self) -> None:
        self.stopped = StoppedByHand(self.paths)
        self.carrying = Carrying(self.paths, self.daemon, self.requests, self.clock, self._start)

    def ensure_daemon(self) -> None:
        """Raises SupervisorError."""
        ensure_daemon(self.paths, timeout_s=self.timeout_s)
        self._carry_on()

    def ensure_daemon_without(self, targets: Sequence[str]) -> None:
        """The same; a new one does not start these by itself, since they are about to be started, and once."""
        if self.daemon.is_down():
            self.stopped.add(self.programs(targets))
        self.ensure_daemon()

    def targets(self, names: Names) -> list[str]:
        """supervisord's names of the processes meant, those in files first. Raises NotFound, SupervisorError."""
        workers = self.configured.workers_of_processes()
        try:
            for info in self.daemon.infos():
                workers.setdefault(info.process, info.group)
        except DaemonDown:
            pass  # the files tell
        wanted = {names} if isinstance(names, str) else set(names)
        alone = {process: f"{process}:{process}" for process in workers}
        for unknown in sorted(wanted - {ALL, *workers, *workers.values(), *alone.values()}):
            raise self.configured.read().unknown(unknown)
        return [process for process, worker in workers.items() if wanted & {ALL, worker, process, alone[process]}]

    def start(self, names: Names) -> None:
        targets = self.targets(names)
        self.ensure_daemon_without(targets)
        self.start_processes(targets)
        problems = self.configured.read().problems
        if problems and (names == ALL or ALL in names):
            raise SupervisorError(f"{problems[0]}; the other workers were started")

    def stop(self, names: Names, wait_s: float | None, on_progress: Progress | None, *, is_now: bool = False) -> None:
        targets = self.targets(names)
        self.stopped.add(self.programs(targets))
        try:
            self.stop_processes(targets, is_now=is_now)
            self.finish(targets, wait_s=wait_s, on_progress=on_progress, rest="messages are unaffected")
        except DaemonDown:
            self.end_orphans(None if names == ALL else targets)

    def restart(self, names: Names, wait_s: float | None) -> None:
        targets = self.targets(names)
        self.ensure_daemon_without(targets)
        self.stopped.discard(self.programs(targets))
        self.stop_processes(targets, start=targets)
        self.finish(targets, wait_s=wait_s, on_progress=None)

    def signal(self, names: Names, number: int | str) -> None:
        wanted = signal_called(str(int(number)) if isinstance(number, int) else number)
        if wanted is None:
            raise InvalidInput(f"there is no signal {number!r}; use a number or a name such as HUP or USR1")
        targets = self.targets(names)
        if wanted in _ENDING:
            leaders = {one.process: one.pid for one in self.daemon.infos() if one.process in targets and one.pid}
            for tree in self._trees(leaders).values():
                mark_ends(tree)
        refused = self.daemon.ask("signalProcess", targets, str(int(wanted)))
        if refused:
            raise self._refusal("signal", dict.fromkeys(refused, "it is not running"))

    def shutdown(self, wait_s: float | None, on_progress: Progress | None) -> None:
        limit_s = self.limit_s(wait_s)
        client = self.daemon.client()
        try:
            pid = client.try_call("supervisor.getPID")
            if not isinstance(pid, Fault):  # else it is on its way out already
                self._refuse_foreign()
                # supervisord alone would stop one group after the other
                targets = [info.process for info in self.daemon.infos()]
                self.stop_processes(targets)
                wait_for(self._watched(targets, on_progress), limit_s)
                client.call("supervisor.shutdown")
        except DaemonDown:
            end_unreachable(self.paths, limit_s + _END_S)
            self.end_orphans(None)
            self._forget_requests()
            return
        if not wait_for(
            lambda: self.daemon.is_down() and (isinstance(pid, Fault) or is_process_gone(pid)), limit_s + _END_S
        ):
            raise SupervisorError("supervisord is still ending its workers; messages are unaffected; look again later")
        wait_for(lambda: not self.carrying.step(), _END_S)  # what they left over
        self._forget_requests()

    def restart_daemon(self, on_progress: Progress | None) -> None:
        """Its own restart keeps the process, so after an upgrade it would go on with the old program."""
        try:
            if self.daemon.is_foreign():
                raise SupervisorError(
                    "the supervisord that runs here was started on another configuration than this workspace's; "
                    "restart it where it was started"
                )
            infos = self.daemon.infos()
        except DaemonDown:
            end_unreachable(self.paths, self.limit_s(None) + _END_S)
            self.ensure_daemon()
            return
        stopped = self.programs([one.process for one in infos if one.is_settled]) - self.stopped.read()
        self.stopped.add(stopped)
        try:
            self.shutdown(None, on_progress)
            self.ensure_daemon()
        finally:
            self.stopped.discard(stopped)
        up = [one.process for one in infos if one.is_up]
        if up:
            self.start_processes(up)

    # --- parts ---------------------------------------------------------------------------------------

    def limit_s(self, wait_s: float | None) -> float:
        """How long to wait for processes to stop; by default as long as their configuration lets them take."""
        return self.configured.longest_stop_s() + _MARGIN_S if wait_s is None else wait_s

    def start_processes(self, targets: Sequence[str]) -> None:
        """Start them, or as soon as they have stopped."""
        self.stopped.discard(self.programs(targets))
        with self.requests.changing() as requests:
            self._start(targets, requests)
            is_waiting = not requests.start.isdisjoint(targets)
        if is_waiting:
            self.carrying.launch()

    def _start(self, targets: Sequence[str], requests: Requests) -> None:
        added, problem = self.daemon.load(targets)
        infos = {info.process: info for info in self.daemon.infos()}
        self.daemon.restore_logs(list(infos.values()))
        loaded = [one for one in targets if one in infos or one.partition(":")[0] in added]
        stopping = {one for one in loaded if one in infos and infos[one].state is WorkerState.STOPPING}
        requests.start |= stopping  # supervisord would take the request and forget it
        at = to_datetime(self.clock.wall_us())
        known = {*infos, *self.configured.workers_of_processes()}
        requests.asked_at = {one: then for one, then in requests.asked_at.items() if one in known}
        requests.asked_at |= dict.fromkeys(loaded, at.replace(microsecond=0))  # the journal knows whole seconds
        self.requests.keep(requests)  # before it is done, or who looks meanwhile counts a restart
        self.reader.note_request(loaded)
        refused = self.daemon.start([one for one in loaded if one not in stopping], added)
        # What backs off counts as started; unless its program is missing, it is stopped first to be tried at once.
        waiting = [
            one for one in loaded if one in infos and infos[one].state is WorkerState.BACKING_OFF and one not in refused
        ]
        self.daemon.ask("stopProcess", waiting, False, accept={rpc.NOT_RUNNING})
        refused |= self.daemon.start(waiting, ())
        reasons = {one: self.daemon.reason(one, fault) for one, fault in refused.items()}
        self.reader.note_refusals(reasons)
        if reasons:
            raise self._refusal("start", reasons)
        if problem is not None and len(loaded) < len(targets):
            raise SupervisorError(
                f"new configuration cannot be loaded: {problem}; what was loaded before is unaffected; correct or "
                "remove the file"
            )

    def stop_processes(
        self, targets: Sequence[str], *, start: Collection[str] = (), remove: Collection[str] = (), is_now: bool = False
    ) -> None:
        """Tell them to end, or kill them `is_now`; what belongs to them is noted before, and that it is on purpose.

        Those in `start` are started, and those in `remove` taken out of supervisord, as soon as they have stopped.
        """
        self.reader.forget_refusals(targets)
        policies = self.configured.policies()
        refused: dict[str, Fault] = {}
        with self.requests.changing() as requests:
            requests.start -= set(targets)
            requests.start |= set(start)
            requests.remove |= set(remove)

            def have_been_told() -> bool:
                """supervisord cannot stop one that has just ended by itself, and starts it again: that is taken out."""
                infos = [one for one in self.daemon.infos() if one.process in targets and one.process not in refused]
                noted = {process: one.leader for process, one in requests.ending.items()}
                told = [one for one in infos if one.pid and not one.is_up and noted.get(one.process) != one.pid]
                self._note(told, requests, is_now=is_now)  # by take_out()
                up = [one for one in infos if one.is_up]
                faults = self._tell_to_end(up, requests, is_now=is_now)
                refused.update({one: fault for one, fault in faults.items() if fault.code not in _ENDED})
                between = {one.process for one in infos if one.comes_back(policies.get(one.process))} | set(faults)
                self.daemon.take_out(sorted(between - set(refused)))
                return not up and not between

            wait_for(have_been_told, _COME_BACK_S)
            requests.start -= set(refused)
        if refused:
            raise self._refusal("stop", {one: fault.reason for one, fault in refused.items()})

    def _tell_to_end(self, infos: Sequence[ProcessInfo], requests: Requests, *, is_now: bool) -> dict[str, Fault]:
        """Tell processes to end, after it is written down what belongs to them; those that were not told."""
        trees = self._note(infos, requests, is_now=is_now)
        faults = self.daemon.ask("stopProcess", [one.process for one in infos], False)
        for process in faults:
            requests.ending.pop(process, None)
        for tree in trees if is_now else ():
            send(tree, signals.SIGKILL)
        return faults

    def _note(self, infos: Sequence[ProcessInfo], requests: Requests, *, is_now: bool) -> list[list[Member]]:
        """Write down what belongs to processes that are to end, and that it is on purpose."""
        leaders = {one.process: one.pid for one in infos if one.pid}
        trees = self._trees(leaders)
        for process, tree in trees.items():
            requests.ending[process] = Ending(leaders[process], tree, is_now=is_now)
        self.requests.keep(requests)
        for tree in trees.values():
            mark_ends(tree)
        return list(trees.values())

    def finish(
        self,
        processes: Collection[str],
        *,
        wait_s: float | None,
        on_progress: Progress | None,
        rest: str = "what was asked for is done as soon as it has; messages are unaffected",
    ) -> None:
        """Wait for what stop_processes() was to do after the stop.

        Raises:
            SupervisorError: Not all have stopped in time, which is gone on with; with `wait_s` 0 that is no error.
        """
        mine, told = set(processes), set[str]()
        clock = self.clock
        launch_ms: float = clock.awake_ms() + _ALONE_MS
        left = set[str]()

        def is_finished() -> bool:
            nonlocal left, launch_ms
            left = self.carrying.step() & mine
            for process in sorted(mine - left - told):
                told.add(process)
                if on_progress is not None:
                    on_progress(len(told), len(mine), process)
            if left:
                self.daemon.infos()  # without a supervisord there is nothing to wait for
            if left and clock.awake_ms() >= launch_ms:  # should this process be killed while it waits
                launch_ms = float("inf")
                self.carrying.launch()
            return not left

        limit_s = self.limit_s(wait_s)
        try:
            is_late = not wait_for(is_finished, limit_s)
        except BaseException:
            self.carrying.launch()
            raise
        if is_late and launch_ms != float("inf"):
            self.carrying.launch()
        if is_late and wait_s != 0:
            names = ", ".join(map(repr, sorted(left)))
            raise SupervisorError(f"{names} did not stop within {limit_s:g} s, having something in hand; {rest}")

    def _carry_on(self) -> None:
        """Do what was asked for earlier and can be done by now. Never raises for it."""
        try:
            left = self.carrying.step()
        except SupervisorError:
            return  # the record of the process says why it does not start
        if left:
            self.carrying.launch()

    def _forget_requests(self) -> None:
        with self.requests.changing() as requests:
            requests.start.clear()
            requests.remove.clear()
            requests.ending.clear()

    def _trees(self, leaders: Mapping[str, int]) -> dict[str, list[Member]]:
        """By process, all that belongs to it."""
        if not leaders:
            return {}
        table = ProcessTable(known_sockets(self.paths, address_of(self.paths)))
        return {process: table.tree(process.rpartition(":")[2], pid) for process, pid in leaders.items()}

    def programs(self, processes: Collection[str]) -> set[str]:
        """The sections of the workspace's files that define them, where all processes of a section are meant."""
        whole: dict[str, set[str]] = {}
        for process in self.configured.workers_of_processes():
            whole.setdefault(process.partition(":")[0], set()).add(process)
        return {program for program, all_of_it in whole.items() if all_of_it <= set(processes)}

    def orphans(self) -> dict[int, str]:
        """By pid, supervisord's name for what one that is gone left running."""
        return find_orphans(known_sockets(self.paths, address_of(self.paths)))

    def end_orphans(self, processes: Collection[str] | None) -> None:
        """End what a supervisord that is gone left running of these; None is all."""
        names = None if processes is None else [process.rpartition(":")[2] for process in processes]
        end_orphans(known_sockets(self.paths, address_of(self.paths)), processes=names)

    def _refuse_foreign(self) -> None:
        if self.daemon.is_foreign():
            raise SupervisorError(
                "the supervisord that runs here was started on another configuration than this workspace's, so it is "
                "not ended; its workers can be stopped; end it where it was started"
            )

    def _watched(self, targets: Collection[str], on_progress: Progress | None) -> Callable[[], bool]:
        """Asks whether all of `targets` have stopped, and tells of each that has."""
        told: set[str] = set()

        def have_stopped() -> bool:
            left = set(self.daemon.unsettled(targets))
            for process in [one for one in targets if one not in left and one not in told]:
                told.add(process)
                if on_progress is not None:
                    on_progress(len(told), len(targets), process)
            return not left

        return have_stopped

    def _refusal(self, verb: str, reasons: Mapping[str, str]) -> SupervisorError:
        told = "; ".join(f"{process!r}: {reason}" for process, reason in reasons.items())
        file = self.configured.file_of(next(iter(reasons))) if verb == "start" else None
        way_out = f"; correct its command in '{file}'" if file is not None else ""
        return SupervisorError(f"cannot {verb} {told}; other workers and messages are unaffected{way_out}")
