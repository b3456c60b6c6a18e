"""Sleeping in the kernel until there may be work, and waking exactly one sleeper.

Each queue has a FIFO in `run/bells`. A put writes a byte into it after its commit; all who wait for that queue
sleep on it with EPOLLEXCLUSIVE (epoll_ctl(2)), so the kernel wakes one. A bell is a hint, never the truth: a woken
sleeper looks, and so does everybody once a second. Where there is no epoll, that look comes more often.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import select
import struct
import threading
from pathlib import Path

from pqdesk.errors import WorkspaceError
from pqdesk.storage.sqlite.files import make_private_folder

LONGEST_SLEEP_S = 1.0
_SLOW_LOOK_S = 0.02  # without epoll
_HAS_EPOLL = hasattr(select, "epoll") and hasattr(os, "eventfd")

_IN_CLOSE_WRITE, _IN_NONBLOCK, _IN_CLOEXEC = 0x8, os.O_NONBLOCK, os.O_CLOEXEC  # inotify(7)
_EVENT = struct.Struct("iIII")


class Alarm:
    """Wakes whoever sleeps on it, now and, once set, for ever."""

    def __init__(self) -> None:
        self._is_set = threading.Event()
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) if _HAS_EPOLL else -1

    @property
    def is_set(self) -> bool:
        return self._is_set.is_set()

    def wait(self, seconds: float) -> None:
        self._is_set.wait(seconds)

    def set(self) -> None:
        self._is_set.set()
        if self.descriptor >= 0:
            os.eventfd_write(self.descriptor, 1)

    def clear(self) -> None:
        self._is_set.clear()
        if self.descriptor >= 0:
            try:
                os.eventfd_read(self.descriptor)
            except BlockingIOError:
                pass

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Bells:
    """The bells of one workspace, one per queue; any thread may ring and wait."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptors: dict[str, int] = {}
        self._opening = threading.Lock()

    def ring(self, queue: str) -> None:
        """Wake one who waits for this queue. Never blocks: a full FIFO has enough bytes in it already."""
        try:
            os.write(self._descriptor(queue), b"!")
        except BlockingIOError:
            pass

    def wait(self, queue: str, seconds: float, alarm: Alarm) -> None:
        """Sleep until the bell or the alarm rings, or `seconds` (at most one) have passed."""
        if not _HAS_EPOLL:
            alarm_or_time = min(seconds, _SLOW_LOOK_S)
            threading.Event().wait(alarm_or_time)
            return
        bell = self._descriptor(queue)
        with select.epoll(2) as epoll:
            epoll.register(bell, select.EPOLLIN | select.EPOLLEXCLUSIVE)
            epoll.register(alarm.descriptor, select.EPOLLIN)
            rung = epoll.poll(min(seconds, LONGEST_SLEEP_S))
        if any(descriptor == bell for descriptor, _ in rung):
            try:
                os.read(bell, 1)
            except BlockingIOError:  # another sleeper was quicker
                pass

    def silence(self, queue: str) -> None:
        """Forget what rang while nobody slept; whoever calls this looks once more afterwards."""
        try:
            while len(os.read(self._descriptor(queue), 65_536)) == 65_536:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        with self._opening:
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors.clear()

    def _descriptor(self, queue: str) -> int:
        descriptor = self._descriptors.get(queue)
        return self._open(queue) if descriptor is None else descriptor

    def _open(self, queue: str) -> int:
        with self._opening:
            if queue not in self._descriptors:
                path = self._folder / f"{hashlib.sha256(queue.encode()).hexdigest()[:24]}.bell"
                make_private_folder(self._folder)
                try:
                    try:
                        os.mkfifo(path, 0o600)
                    except FileExistsError:
                        pass
                    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW  # O_RDWR: never without a reader
                    self._descriptors[queue] = os.open(path, flags)
                except OSError as exc:
                    raise WorkspaceError(f"cannot make the bell {str(path)!r}: {exc.strerror}", path=path) from exc
            return self._descriptors[queue]


class DeathWatch:
    """Names of lock files in `folder` that their processes closed, as inotify(7) tells. Without inotify: none."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self.descriptor = -1
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            return
        self.descriptor = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self.descriptor >= 0 and libc.inotify_add_watch(self.descriptor, os.fsencode(folder), _IN_CLOSE_WRITE) < 0:
            self.close()  # out of watches: the look once a second still finds the dead

    def read(self) -> list[str]:
        """The names closed since the last call."""
        if self.descriptor < 0:
            return []
        try:
            data = os.read(self.descriptor, 65_536)
        except BlockingIOError:
            return []
        names, position = [], 0
        while position < len(data):
            *_, length = _EVENT.unpack_from(data, position)
            start = position + _EVENT.size
            names.append(os.fsdecode(data[start : start + length].rstrip(b"\0")))
            position = start + length
        return names

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
