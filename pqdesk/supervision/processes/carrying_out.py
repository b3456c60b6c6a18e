"""Carrying out what was asked for and had to wait: starts and removals after a stop, and what a stop left over.

Each step is done alone among all programs, by whoever waits for it: the command, the next one, or, when the one who
asked does not wait, a process of its own that ends when nothing is left (`pqdesk carry-on`).
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from pqdesk.bundle import program_command
from pqdesk.clock import Clock
from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.client import DaemonDown
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.daemon.launch import known_sockets
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.definitions.addresses import address_of
from pqdesk.supervision.processes.replicas import ProcessInfo
from pqdesk.supervision.processes.requests import Ending, Requests, RequestsFile
from pqdesk.supervision.processes.trees import ProcessTable, mark_ends, send
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.waiting import held_lock, wait_for

_GRACE_MS = 5_000  # for what a stop left over, between TERM and KILL
_STEP_S = 0.1

Start = Callable[[Sequence[str], Requests], None]


class Carrying:
    """Belongs to one thread; keeps nothing open.

    Args:
        start: Starts processes; what cannot be started yet stays in the requests.
    """

    def __init__(self, paths: WorkspacePaths, daemon: Daemon, file: RequestsFile, clock: Clock, start: Start) -> None:
        self._paths, self._daemon, self._file, self._clock, self._start = paths, daemon, file, clock, start

    def step(self) -> set[str]:
        """Do what can be done now; the processes for which something is left.

        Raises SupervisorError: one of them cannot be started, which is not tried again.
        """
        if not self._file.read().open:
            return set()
        with self._file.changing() as requests:
            infos = self._infos()
            self._end_left(requests, infos or {})
            if infos is None:
                requests.remove.clear()
            else:
                self._remove(requests, infos)
                self._start_stopped(requests, infos)
            return requests.open

    def run(self) -> None:
        """Go on until nothing is left that can be done; at once when another process does that."""
        while self._file.read().open and self._run():
            pass

    def launch(self) -> None:
        """Have a process of its own go on, that outlives this one. Never raises for it: the requests are kept."""
        command = ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 &', "sh"]
        command += program_command("-w", str(self._paths.root), "carry-on")
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, env=clean_environment(), cwd="/", start_new_session=True, check=False
            )
        except OSError:
            pass

    # --- parts ---------------------------------------------------------------------------------------

    def _run(self) -> bool:
        """Whether to look once more: somebody may have asked while the last step was done."""
        try:
            with held_lock(self._paths.run / "carrying.lock", 0, "carrying on"):
                wait_for(self._is_done, float("inf"), step_s=_STEP_S)
        except SupervisorError:
            return False
        return not self._is_waiting_for_daemon()

    def _is_done(self) -> bool:
        try:
            left = self.step()
        except SupervisorError:
            left = self._file.read().open
        return not left or self._is_waiting_for_daemon()

    def _is_waiting_for_daemon(self) -> bool:
        """What is left is for the next supervisord to start."""
        return self._daemon.is_down() and not self._file.read().ending

    def _infos(self) -> Mapping[str, ProcessInfo] | None:
        try:
            return {one.process: one for one in self._daemon.infos()}
        except DaemonDown:
            return None

    def _end_left(self, requests: Requests, infos: Mapping[str, ProcessInfo]) -> None:
        """End what the processes that were told to end have left over, once their leaders have ended."""
        table: ProcessTable | None = None
        for process, one in list(requests.ending.items()):
            info = infos.get(process)
            if info is not None and info.pid == one.leader:
                if info.state is not WorkerState.STOPPING:  # who asked was killed before it could tell supervisord
                    self._daemon.ask("stopProcess", [process], False)
                continue
            if table is None:
                table = ProcessTable(known_sockets(self._paths, address_of(self._paths)))
            is_back = info is not None and info.pid != 0  # started since: only what was noted is of the one before
            left = table.tree(None if is_back else process.rpartition(":")[2], None, one.tree)
            if left:
                self._end(one, left)
            else:
                del requests.ending[process]

    def _end(self, one: Ending, left: list[tuple[int, float]]) -> None:
        now_ms = self._clock.awake_ms()
        one.tree = left
        if one.is_now or (one.asked_ms is not None and now_ms - one.asked_ms >= _GRACE_MS):
            mark_ends(left)
            send(left, signal.SIGKILL)
        elif one.asked_ms is None or one.asked_ms > now_ms:  # later than now: of another boot
            one.asked_ms = now_ms
            mark_ends(left)
            send(left, signal.SIGTERM)

    def _remove(self, requests: Requests, infos: Mapping[str, ProcessInfo]) -> None:
        waiting = {one.process for one in infos.values() if not one.is_settled} | set(requests.ending)
        gone = sorted(requests.remove - waiting)
        self._daemon.drop(gone)
        requests.remove.difference_update(gone)

    def _start_stopped(self, requests: Requests, infos: Mapping[str, ProcessInfo]) -> None:
        stopping = {one.process for one in infos.values() if one.state is WorkerState.STOPPING}
        ready = sorted(requests.start - set(requests.ending) - stopping)
        requests.start.difference_update(ready)
        stopped = [one for one in ready if one not in infos or not infos[one].is_up]  # else somebody was quicker
        if stopped:
            self._start(stopped, requests)
