"""Sleeping in the kernel until there may be work, and waking exactly one sleeper.

Each queue has a FIFO in `run/bells`. A put writes a byte into it after its commit; all who wait for that queue
sleep on it with EPOLLEXCLUSIVE (epoll_ctl(2)), so the kernel wakes one. A bell is a hint, never the truth: a woken
sleeper looks, and so does everybody once a second. Where there is no epoll, that look comes more often.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pqdesk.clock import awake_ns
from pqdesk.errors import WorkspaceError
from pqdesk.shortage import USED_UP, reason
from pqdesk.storage.sqlite import inotify
from pqdesk.storage.sqlite.files import make_private_folder

LONGEST_SLEEP_S = 1.0
NEXT_RUN = "SELECT min(next_us) FROM pqdesk_schedule INDEXED BY pqdesk_schedule_next WHERE next_us IS NOT NULL"
_LONGEST_POLL_S = 1000.0  # poll() takes 24 days at most
_LONGEST_NAME = 160  # of a bell's file; Linux allows 255
_SLOW_LOOK_S = 0.02  # without epoll
_SPARE = 8  # bells on which nobody waits, and ways to sleep on one
_RUNG = 16  # bells of others that are kept open
_HAS_EPOLL = hasattr(select, "epoll") and hasattr(os, "eventfd")

_EVENT = struct.Struct("iIII")


class PollableEvent:
    """Wakes whoever sleeps on it, now and, once set, for ever. No lock: a signal handler may set it."""

    def __init__(self) -> None:
        self.is_set = False
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) if _HAS_EPOLL else -1

    def wait(self, seconds: float) -> None:
        deadline_ns = awake_ns() + int(seconds * 1e9)
        while not self.is_set and (left_s := (deadline_ns - awake_ns()) / 1e9) > 0:
            if self.descriptor < 0:
                time.sleep(min(left_s, _SLOW_LOOK_S))
            else:
                poll = select.poll()  # select() knows no descriptor above 1,023
                poll.register(self.descriptor, select.POLLIN)
                poll.poll(min(left_s, _LONGEST_POLL_S) * 1000)

    def set(self) -> None:
        self.is_set = True
        if self.descriptor >= 0:
            os.eventfd_write(self.descriptor, 1)

    def clear(self) -> None:
        self.is_set = False
        if self.descriptor >= 0:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self.descriptor)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def room_bell(queue: str) -> str:
    """The bell of those who wait to put into `queue`; no queue's name has a control character."""
    return f"\0{queue}"


class _Bell:
    """A bell that is slept on. `users`: those who came to wait and have not left; none of them, and it is spare.

    `resting`: of those who do not sleep just now; else they would take wake-ups.
    """

    __slots__ = ("descriptor", "resting", "users")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor  # open for both ways, so that reading never sees an end
        self.resting: list[select.epoll] = []
        self.users = 0

    def close_resting(self, but: int = 0) -> None:
        while len(self.resting) > but:
            self.resting.pop().close()


class Bells:
    """The bells of one workspace, one per queue; any thread may ring and wait.

    Who waits makes the FIFO, holds a shared flock(2) on it, and removes it when it is the last to go, so that a
    folder in which nothing runs can be copied whole. Who only puts never makes one. Who comes to wait touches the
    folder `beside` before its last look, so that a time of that which has not changed means that nobody new waits.

    A few bells on which nobody waits stay open, as those of a worker that is at work; a descriptor for each queue that
    a process ever waited for, or put to, would run it out of them.
    """

    def __init__(self, folder: Path, beside: Path) -> None:
        self._folder, self._beside = folder, beside
        self._unheard_ns: dict[str, int] = {}  # the time of `beside` as of which nobody waited
        self._waiting: dict[str, _Bell] = {}
        self._spare: dict[str, _Bell] = {}  # those of them that have no users, the longest unused first
        self._ringing: dict[str, int] = {}
        self._paths: dict[str, str] = {}
        self.lock = threading.RLock()  # a signal handler may put, too

    def ring(self, queue: str, settled_ns: int = 0) -> None:
        """Wake one who waits for this queue, if anybody does. Never blocks.

        `settled_ns`: the time of the folder `beside` since the last commit, as `Durability` knows it.
        """
        for _ in range(2):  # a bell whose last waiter has gone is replaced by the next one
            if (settled_ns and self._unheard_ns.get(queue) == settled_ns) or self.ring_open(queue):
                return
            if not self._open_to_ring(queue, settled_ns):
                return

    def ring_open(self, queue: str) -> bool:
        """The same with a bell that was rung before; False when there is none, or nobody hears it any more."""
        if queue not in self._ringing:
            return False
        with self.lock:  # another thread may close it, and its number be something else's by then
            descriptor = self._ringing.get(queue)
            if descriptor is None:
                return False
            try:
                os.write(descriptor, b"!")
            except BlockingIOError:  # full: there are wake-ups enough in it
                return True
            except OSError:
                del self._ringing[queue]
                os.close(descriptor)
                return False
            return True

    def enter(self, queue: str) -> _Bell:
        """Come to wait: until `leave`, what rings is kept for who sleeps next. Raises WorkspaceError."""
        with self.lock:
            bell = self._waiting.get(queue)
            if bell is None:
                bell = self._waiting[queue] = _Bell(self._open_to_wait(queue))
            self._spare.pop(queue, None)
            bell.users += 1
            return bell

    def leave(self, queue: str) -> None:
        with self.lock:
            bell = self._waiting.get(queue)
            if bell is None:  # closed meanwhile
                return
            bell.users -= 1
            if bell.users == 0:
                if len(bell.resting) > _SPARE:
                    bell.close_resting(but=_SPARE)
                self._spare[queue] = bell
                if len(self._spare) > _SPARE:
                    self._close(next(iter(self._spare)))

    @contextlib.contextmanager
    def entered(self, queue: str) -> Iterator[None]:
        """`enter` and `leave` around a block, which a thread needs where others wait for the same queue."""
        self.enter(queue)
        try:
            yield
        finally:
            self.leave(queue)

    def wait(self, queue: str, seconds: float, interrupt: PollableEvent) -> bool:
        """Sleep until the bell rings, `interrupt` is set, or `seconds` (at most one) have passed; True when it rang."""
        if not _HAS_EPOLL:
            interrupt.wait(min(seconds, _SLOW_LOOK_S))
            return False
        bell = self._waiting.get(queue)
        if bell is None or not bell.users:
            with self.entered(queue):
                return self.wait(queue, seconds, interrupt)
        try:
            epoll = bell.resting.pop()
        except IndexError:  # not asked before: another thread may take the last one in between
            epoll = self._epoll_of(bell, interrupt)
        try:
            rung = epoll.poll(seconds if seconds < LONGEST_SLEEP_S else LONGEST_SLEEP_S, 2)
        finally:
            bell.resting.append(epoll)
        for descriptor, _ in rung:
            if descriptor == bell.descriptor:
                with contextlib.suppress(BlockingIOError):  # another sleeper was quicker
                    os.read(descriptor, 1)
                return True
        return False

    def listen(self, queue: str) -> int:
        """A descriptor of the bell for an event loop, to be given to `unlisten`; -1 where it cannot be slept on."""
        if not _HAS_EPOLL:
            return -1
        bell = self.enter(queue)
        try:
            return os.dup(bell.descriptor)
        except OSError as exc:
            self.leave(queue)
            raise self._deaf(exc) from exc

    def unlisten(self, queue: str, descriptor: int) -> None:
        if descriptor >= 0:
            os.close(descriptor)
            self.leave(queue)

    def silence(self, queue: str) -> None:
        """Forget what rang while nobody slept; whoever calls this looks once more afterwards."""
        bell = self._waiting.get(queue)
        if bell is None or not bell.users:
            with self.entered(queue):
                return self.silence(queue)
        try:
            while len(os.read(bell.descriptor, 65_536)) == 65_536:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        with self.lock:
            for descriptor in self._ringing.values():
                os.close(descriptor)
            self._ringing.clear()
            for queue in list(self._waiting):
                self._close(queue)

    def _close(self, queue: str) -> None:
        self._spare.pop(queue, None)
        bell = self._waiting.pop(queue)
        bell.close_resting()
        self._remove_if_last(self._path(queue), bell.descriptor)
        os.close(bell.descriptor)

    def _path(self, queue: str) -> str:
        path = self._paths.get(queue)
        if path is None:  # made once: a put that wakes nobody asks for it each time
            path = self._paths[queue] = bell_path(self._folder, queue)
        return path

    def _open_to_ring(self, queue: str, settled_ns: int) -> bool:
        path = self._path(queue)
        if os.access(path, os.W_OK):  # most often nobody waits: cheaper than an error
            with self.lock:
                if queue in self._ringing:  # another thread was quicker
                    return True
                if len(self._ringing) >= _RUNG:
                    os.close(self._ringing.pop(next(iter(self._ringing))))
                try:
                    self._ringing[queue] = _open_bell(path, os.O_WRONLY)
                    return True
                except OSError as exc:
                    if exc.errno in USED_UP:  # they look by themselves, in a second at the latest
                        return False
        self._unheard_ns[queue] = settled_ns  # no bell, or nobody who hears it
        return False

    def _open_to_wait(self, queue: str) -> int:
        path = self._path(queue)
        while True:
            make_private_folder(self._folder)
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkfifo(path, 0o600)
                descriptor = _open_bell(path, os.O_RDWR)
            except FileNotFoundError:  # its last waiter removed it between the two calls
                continue
            except OSError as exc:
                text = f"cannot make the bell {path!r}: {reason(exc)}"
                raise WorkspaceError(text, path=Path(path)) from exc
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _is_at(path, descriptor):
                with contextlib.suppress(OSError):  # not ours to touch: then wake-ups come with the next look
                    os.utime(self._beside)
                return descriptor
            os.close(descriptor)

    def _epoll_of(self, bell: _Bell, interrupt: PollableEvent) -> select.epoll:
        """One sleeper's way to sleep on both; made once and kept, since closing it takes 20 µs of each wake-up."""
        try:
            epoll = select.epoll(2)
        except OSError as exc:
            raise self._deaf(exc) from exc
        epoll.register(bell.descriptor, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        epoll.register(interrupt.descriptor, select.EPOLLIN)
        return epoll

    def _deaf(self, exc: OSError) -> WorkspaceError:
        text = f"cannot wait for a queue of {str(self._beside)!r}: {reason(exc)}; its messages are unaffected"
        return WorkspaceError(text, path=self._beside)

    @staticmethod
    def _remove_if_last(path: str, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        if _is_at(path, descriptor):
            os.unlink(path)


def is_waited_for(folder: Path, queue: str) -> bool:
    """Whether a living process waits for this queue, or has and is at work: it keeps the bell open. Rings nothing.

    Where there are no bells, nobody knows: True.
    """
    if not _HAS_EPOLL:
        return True
    try:
        descriptor = _open_bell(bell_path(folder, queue), os.O_WRONLY)
    except OSError:  # no bell, or ENXIO: nobody hears it (fifo(7))
        return False
    os.close(descriptor)
    return True


def _open_bell(path: str, way: int) -> int:
    """A descriptor of the FIFO at `path`; OSError where there is none, or something else is in its place."""
    descriptor = os.open(path, way | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "something else is in its place; remove that", path)
    return descriptor


def bell_path(folder: Path, queue: str) -> str:
    name = queue.encode().hex()
    if len(name) > _LONGEST_NAME:
        import hashlib  # here: most programs do not need it

        name = hashlib.sha256(queue.encode()).hexdigest()
    return f"{folder}/{name}.bell"


def _is_at(path: str, descriptor: int) -> bool:
    """Whether the open file is still the one at `path`."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


class DeathWatch:
    """Names of lock files in `folder` that their processes closed, as inotify(7) tells. Without inotify: none."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self.descriptor = inotify.watch(folder, inotify.CLOSED_AFTER_WRITE)  # else the look once a second finds them

    def read(self) -> list[str]:
        """The names closed since the last call."""
        if self.descriptor < 0:
            return []
        data = inotify.read(self.descriptor)
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
