"""Being told by the kernel what happens to a file or in a folder: inotify(7)."""

from __future__ import annotations

import os

CLOSED_AFTER_WRITE, OPENED = 0x8, 0x20  # IN_CLOSE_WRITE, IN_OPEN


def watch(path: str | os.PathLike[str], events: int) -> int:
    """A descriptor that can be read when one of `events` has happened at `path`; -1 where there is none to be had.

    That is another system, or this user's limit of instances (128) is reached.
    """
    import ctypes  # here: it takes 5 ms, and a program that only puts watches nothing

    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "inotify_init1"):
        return -1
    descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor >= 0 and libc.inotify_add_watch(descriptor, os.fsencode(path), events) < 0:
        os.close(descriptor)
        return -1
    return descriptor


def read(descriptor: int) -> bytes:
    """The events since the last call, as the kernel lays them out; may be empty."""
    try:
        return os.read(descriptor, 65_536)
    except BlockingIOError:
        return b""
