"""All that belongs to a worker's process, noted before it is told to end, and ended with it.

A program that a worker starts can outlive it: supervisord's first signal goes to the process, or to its group, and
when that has ended nobody looks for the rest. So the rest is noted before: the process group, all descendants, and
whatever has supervisord's name for the process in its environment, which also a program with a session of its own
inherits. What does all three, and also clears its environment, is not found.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from pqdesk.supervision.processes.orphans import NAME_VARIABLE, URL_VARIABLE, mark_ordered_ends

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


def mark_ends(members: Iterable[Member]) -> None:
    """Note for each that its end is ordered, where it holds messages: these are not to blame for it."""
    mark_ordered_ends(_living(members))


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
        url = environment.get(URL_VARIABLE, "")
        is_ours = url.startswith("unix://") and os.path.realpath(url.removeprefix("unix://")) in places
        name = environment.get(NAME_VARIABLE) if is_ours else None
        return _Seen(process.pid, process.ppid(), os.getpgid(process.pid), process.create_time(), name)
    except (psutil.Error, OSError):
        return None  # ended meanwhile, or closed to us


def _spared() -> set[int]:
    """PQDesk may itself be run by a worker, and supervisord by one of another workspace."""
    return {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
