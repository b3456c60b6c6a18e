"""Finding and ending the processes that a test started, however far they have wandered off.

A program that detaches itself is nobody's child any more, but it keeps its environment: each test, and each private
desktop, puts a marker of its own there.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

import psutil

_GRACE_S = 5.0
_KILL_S = 10.0


def marked_processes(variable: str, value: str) -> list[psutil.Process]:
    """The living processes, this one excepted, that were started with `variable=value` in their environment."""
    mark = f"{variable}={value}".encode()
    found = []
    for pid in psutil.pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as environment:  # a tenth of what psutil's environ() takes
                if pid == os.getpid() or mark not in environment.read().split(b"\0"):
                    continue
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.Error):
            continue  # ended meanwhile, or somebody else's
    return found


def describe(process: psutil.Process) -> str:
    """One line for a message: pid, state and command."""
    try:
        return f"{process.pid} {process.status()} {' '.join(process.cmdline())}"
    except psutil.ZombieProcess:  # it has no command line any more
        return f"{process.pid} zombie {process.name()}"
    except psutil.Error:
        return f"{process.pid} (ended)"


def end_processes(processes: Iterable[psutil.Process]) -> None:
    """TERM, then KILL for those that do not go; returns when all are gone. Never signals a pid that was reused."""
    rest = list(processes)
    for signal_name, wait_s in (("terminate", _GRACE_S), ("kill", _KILL_S)):
        for process in rest:
            try:
                getattr(process, signal_name)()
            except psutil.Error:
                continue
        _, rest = psutil.wait_procs(rest, timeout=wait_s)


def end_child(child: subprocess.Popen[bytes], *, grace_s: float = _GRACE_S) -> int:
    """TERM, then KILL; reaps it and returns its exit status."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()
