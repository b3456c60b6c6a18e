"""All that belongs to a worker's process, noted before it is told to end, and ended with it; and what was left behind.

A program that a worker starts can outlive it: supervisord's first signal goes to the process, or to its group, and
when that has ended nobody looks for the rest. So the rest is noted before: the process group, all descendants, and
whatever has supervisord's name for the process in its environment, which also a program with a session of its own
inherits. What does all three, and also clears its environment, is not found.

supervisord does not take its children along when it is killed, and the next one starts them a second time. There is
no adopting these orphans, so they are ended before. The same environment tells them: SUPERVISOR_SERVER_URL names the
socket of this workspace, which only this user can write to.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from pqdesk.errors import SupervisorError
from pqdesk.ordered_ends import is_owner_lock, mark_ordered

_URL_VARIABLE = "SUPERVISOR_SERVER_URL"
_NAME_VARIABLE = "SUPERVISOR_PROCESS_NAME"
_GRACE_S = 10.0
_KILL_S = 5.0

Member = tuple[int, float]  # pid, and when it was started: a pid alone may be another's by the next look


@dataclass(frozen=True, slots=True)
class _Seen:
    pid: int
    parent: int
    group: int
    started: float
    name: str | None  # supervisord's, if it is one of this workspace's


class ProcessTable:
    """The processes of this user as they are at one moment.

    Args:
        sockets: The names under which the workspace's supervisord may be known.
    """

    def __init__(self, sockets: Collection[Path]) -> None:
        places = {os.path.realpath(one) for one in sockets}
        self._seen: dict[int, _Seen] = {}
        for process in psutil.process_iter():
            seen = _look(process, places)
            if seen is not None:
                self._seen[seen.pid] = seen

    def tree(self, name: str | None, leader: int | None, known: Iterable[Member] = ()) -> list[Member]:
        """What belongs to the process that supervisord calls `name`, this program and its parents apart.

        Args:
            name: None: not told by its name.
            leader: Its pid; None when it has ended.
            known: Members of before, which may have lost what told them.
        """
        found = {pid for pid, started in known if pid in self._seen and self._seen[pid].started == started}
        found |= {
            one.pid for one in self._seen.values() if (name and one.name == name) or (leader and one.group == leader)
        }
        if leader in self._seen:
            found.add(leader)
        children: dict[int, list[int]] = {}
        for one in self._seen.values():
            children.setdefault(one.parent, []).append(one.pid)
        open_pids = list(found)
        while open_pids:
            more = [pid for pid in children.get(open_pids.pop(), ()) if pid not in found]
            found.update(more)
            open_pids += more
        return [(pid, self._seen[pid].started) for pid in sorted(found - _spared())]

    def orphans(self, names: Collection[str] | None = None) -> dict[Member, str]:
        """What has a name of supervisord's, this program and its parents apart; of these names, or all with it."""
        spared = _spared()
        found = [one for one in self._seen.values() if one.name is not None and one.pid not in spared]
        return {(one.pid, one.started): one.name or "" for one in found if names is None or one.name in names}


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
    orphans = _living(ProcessTable(sockets).orphans(processes))
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
    return {pid: name for (pid, _), name in ProcessTable(sockets).orphans().items()}


def mark_ends(members: Iterable[Member]) -> None:
    """Note for each that its end is ordered, where it holds messages: these are not to blame for it."""
    mark_ordered_ends(_living(members))


def mark_ordered_ends(processes: Iterable[psutil.Process]) -> None:
    """The same of processes that live."""
    for process in processes:
        try:
            locks = [Path(one.path) for one in process.open_files()]
        except (psutil.Error, OSError):
            continue
        for lock in filter(is_owner_lock, locks):
            mark_ordered(lock)


def send(members: Iterable[Member], number: signal.Signals) -> None:
    """A signal to each that still lives."""
    for process in _living(members):
        try:
            process.send_signal(number)
        except (psutil.Error, OSError):
            continue


def _living(members: Iterable[Member]) -> list[psutil.Process]:
    found = []
    for pid, started in members:
        try:
            process = psutil.Process(pid)
            if process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _look(process: psutil.Process, places: Collection[str]) -> _Seen | None:
    try:
        if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment: Mapping[str, str] = process.environ()
        url = environment.get(_URL_VARIABLE, "")
        is_ours = url.startswith("unix://") and os.path.realpath(url.removeprefix("unix://")) in places
        name = environment.get(_NAME_VARIABLE, "") if is_ours else None
        return _Seen(process.pid, process.ppid(), os.getpgid(process.pid), process.create_time(), name)
    except (psutil.Error, OSError):
        return None  # ended meanwhile, or closed to us


def _spared() -> set[int]:
    """PQDesk may itself be run by a worker, and supervisord by one of another workspace."""
    return {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}


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
