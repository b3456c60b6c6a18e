"""Workers that outlived their supervisord.

supervisord does not take its children along when it is killed, and the next one starts them a second time. There is
no adopting them, so they are ended before. An orphan is told by its environment: SUPERVISOR_SERVER_URL names the
socket of this workspace, which only this user can write to.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterable
from pathlib import Path

import psutil

from pqdesk.errors import SupervisorError
from pqdesk.ordered_ends import is_owner_lock, mark_ordered

URL_VARIABLE = "SUPERVISOR_SERVER_URL"
NAME_VARIABLE = "SUPERVISOR_PROCESS_NAME"
_GRACE_S = 10.0
_KILL_S = 5.0


def end_orphans(sockets: Collection[Path], *, processes: Collection[str] | None = None) -> int:
    """End what a supervisord that is gone left running, and wait for it; how many processes that were.

    TERM to each process group, KILL to what is there after 10 s. Only call this when no supervisord answers on the
    socket.

    Args:
        sockets: The names under which the workspace's socket may have been known.
        processes: supervisord's names of those to end; None for all.

    Raises:
        SupervisorError: A supervisord of this workspace lives, though nobody answers on its socket.
    """
    orphans = _orphans(sockets, processes)
    parent = _living_supervisord(orphans)
    if parent is not None:
        raise SupervisorError(
            f"supervisord (pid {parent.pid}) of this workspace is running, but cannot be reached on "
            f"'{next(iter(sockets))}'; its workers are unaffected; end it with `kill {parent.pid}`, then try again"
        )
    mark_ordered_ends(orphans)
    rest = orphans
    for number, wait_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _KILL_S)):
        for group in _groups(rest):
            _kill_group(group, number)
        _, rest = psutil.wait_procs(rest, timeout=wait_s)
    return len(orphans)


def find_orphans(sockets: Collection[Path]) -> dict[int, str]:
    """By pid, the names that supervisord had for what it left running. Only when none answers on the socket."""
    found = {}
    for one in _orphans(sockets, None):
        try:
            found[one.pid] = one.environ().get(NAME_VARIABLE, "")
        except (psutil.Error, OSError):
            continue
    return found


def mark_ordered_ends(processes: Iterable[psutil.Process]) -> None:
    """Note of processes that are about to be ended that somebody wants it, so that their messages are not to blame."""
    for process in processes:
        try:
            locks = [Path(one.path) for one in process.open_files()]
        except (psutil.Error, OSError):
            continue
        for lock in filter(is_owner_lock, locks):
            mark_ordered(lock)


def _orphans(sockets: Collection[Path], names: Collection[str] | None) -> list[psutil.Process]:
    places = {os.path.realpath(one) for one in sockets}
    spared = {
        os.getpid(),
        *(parent.pid for parent in psutil.Process().parents()),
    }  # PQDesk may itself be run by a worker
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid in spared or process.uids().real != os.getuid():
                continue
            environment = process.environ()
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
        except (psutil.Error, OSError):
            continue  # ended meanwhile, or closed to us
        url = environment.get(URL_VARIABLE, "")
        if not url.startswith("unix://") or os.path.realpath(url.removeprefix("unix://")) not in places:
            continue
        if names is None or environment.get(NAME_VARIABLE) in names:
            found.append(process)
    return found


def _living_supervisord(processes: Iterable[psutil.Process]) -> psutil.Process | None:
    for process in processes:
        try:
            for parent in process.parents():
                if any(os.path.basename(word) == "supervisord" for word in parent.cmdline()):
                    return parent
        except psutil.Error:
            continue
    return None


def _groups(processes: Iterable[psutil.Process]) -> set[int]:
    """The process groups of those that still live under the pid they were found with."""
    groups = set()
    for process in processes:
        try:
            if process.is_running():  # compares the time of its start, so a pid that was used again is left alone
                groups.add(os.getpgid(process.pid))
        except (psutil.Error, ProcessLookupError):
            continue
    return groups - {os.getpgrp()}


def _kill_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass
