"""Forked processes that put and get until they are killed or stopped, each with a history of its own."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import time
import traceback
from pathlib import Path

from tests.crash.children import Child
from tests.crash.history import History, last_word

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LOOK_S = 0.0005


class Processes:
    """Forked, so that a kill costs a few milliseconds. Histories go to `folder`.

    Attributes:
        running: pid → role, of those that are stopped too.
        stopped: pid → when to go on (monotonic).
        histories: In the order of the forks.
        failures: One sentence for each process that ended by itself.
    """

    def __init__(self, folder: Path, workspace: Path, seed: str) -> None:
        self.folder, self.workspace, self._seed = folder, workspace, seed
        self.running: dict[int, Child] = {}
        self._history_of: dict[int, Path] = {}
        self.stopped: dict[int, float] = {}
        self.histories: list[Path] = []
        self.failures: list[str] = []

    def fork(self, role: Child) -> int:
        """Start a process of this role; its pid."""
        path = self.folder / f"history-{len(self.histories):06d}"
        self.histories.append(path)
        path.touch()
        rng = random.Random(f"{self._seed}-{len(self.histories)}")
        pid = os.fork()
        if pid:
            self.running[pid] = role
            self._history_of[pid] = path
            return pid
        status = 1
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            role(self.workspace, History(path), rng)
            status = 0
        except BaseException:  # noqa: BLE001 - whatever it is, this process must not return into the parent's code
            traceback.print_exc()
        finally:
            os._exit(status)

    def kill(self, pid: int) -> Child:
        """Kill and reap; returns its role. A process that had already ended by itself has failed."""
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        else:
            self._note_failure(pid, status)
        self.stopped.pop(pid, None)
        return self.running.pop(pid)

    def stop(self, pid: int, seconds: float) -> None:
        """Let it go on after that time, with the next `continue_stopped`."""
        os.kill(pid, signal.SIGSTOP)
        self.stopped[pid] = time.monotonic() + seconds

    def stop_all(self) -> None:
        """Return when none runs any more, nor is inside a call of the kernel."""
        for pid in self.running:
            self.stop(pid, 0)
        for pid in self.running:
            _wait_until_stopped(pid)

    def stop_one_with_a_message(self, role: Child, seconds: float) -> None:
        """Stop one of that role that has got a message and not begun to settle it, if there is any."""
        for pid in [pid for pid, its_role in self.running.items() if its_role is role and pid not in self.stopped]:
            self.stop(pid, seconds)
            _wait_until_stopped(pid)
            if last_word(self._history_of[pid]) == "got":
                return
            self.stopped[pid] = 0.0
            self.continue_stopped()

    def continue_stopped(self) -> None:
        """Those whose time is over."""
        for pid, until in list(self.stopped.items()):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGCONT)
                del self.stopped[pid]

    def wait_for_history(self, events: int, patience_s: float) -> None:
        """Return when those that run have told of that many more things, or will not: so the machine sets the pace."""
        files = [self._history_of[pid] for pid in self.running if pid not in self.stopped]
        wanted = sum(map(_lines, files)) + events
        deadline = time.monotonic() + patience_s
        while sum(map(_lines, files)) < wanted and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def run_to_its_end(self, role: Child, patience_s: float) -> None:
        """Start one and return when it has ended; it has failed when it does not."""
        pid = self.fork(role)
        deadline = time.monotonic() + patience_s
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > deadline:
                self.failures.append(f"{role.__name__} did not end within {patience_s:g} s")
                self.kill(pid)
                return
            time.sleep(0.01)
        if status:
            self._note_failure(pid, status)
        del self.running[pid]

    def end(self) -> None:
        """Kill what still runs."""
        for pid in list(self.running):
            self.kill(pid)

    def _note_failure(self, pid: int, status: int) -> None:
        role = self.running[pid].__name__
        self.failures.append(f"{role} ended by itself with {os.waitstatus_to_exitcode(status)}, its traceback is above")


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _wait_until_stopped(pid: int) -> None:
    while not set(_states(pid)) <= set("TZ"):
        time.sleep(_LOOK_S)


def _states(pid: int) -> list[str]:
    """A letter for each thread, as proc(5) has it."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads]
