"""Whether somebody has a file open for writing, as far as the system tells.

On Linux the kernel grants a read lease (fcntl(2), F_SETLEASE) only on a file that nobody has open for writing. It does
so for files of this user, or for root; and on a file system of a network it refuses whoever writes or not. Then the
open files of all processes that /proc shows are looked through instead. Elsewhere nothing can be told.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Iterable

_Inode = tuple[int, int]


def files_being_written(paths: Iterable[str], *, has_leases: bool = True) -> set[str]:
    """Those of the files that somebody has open for writing, this process included.

    Args:
        has_leases: Whether the file system's word on a lease counts.
    """
    mine = _open_here()  # never opened here: closing it once more would drop the locks that SQLite holds on it
    written: set[str] = set()
    untold: dict[_Inode, list[str]] = {}
    for path in paths:
        try:
            status = os.lstat(path)
        except OSError:  # gone meanwhile
            continue
        inode = status.st_dev, status.st_ino
        has_writer = True if inode in mine else _refuses_lease(path) if has_leases else None
        if has_writer:
            written.add(path)
        elif has_writer is None:
            untold.setdefault(inode, []).append(path)
    if untold:
        written.update(*(untold[inode] for inode in _written_by_processes(untold)))
    return written


def _refuses_lease(path: str) -> bool | None:
    """None when that tells nothing."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # who opens it meanwhile: SIGIO would end this process
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as exc:
        return True if exc.errno == errno.EAGAIN else None
    else:
        return False
    finally:
        os.close(file)


def _open_here() -> set[_Inode]:
    """What this process has open."""
    return {inode for _, inode in _descriptors("self")}


def _written_by_processes(wanted: Iterable[_Inode]) -> set[_Inode]:
    """Those that a process, of those that /proc shows to this user, has open for writing."""
    left = set(wanted)
    written: set[_Inode] = set()
    for pid in _listed("/proc"):
        if not left:
            break
        if pid.isdecimal():
            found = {inode for name, inode in _descriptors(pid) if inode in left and _is_for_writing(pid, name)}
            written |= found
            left -= found
    return written


def _descriptors(pid: str) -> list[tuple[str, _Inode]]:
    """Number and inode of each file that the process has open."""
    found = []
    for name in _listed(f"/proc/{pid}/fd"):
        try:
            status = os.stat(f"/proc/{pid}/fd/{name}")
        except OSError:  # closed meanwhile
            continue
        found.append((name, (status.st_dev, status.st_ino)))
    return found


def _is_for_writing(pid: str, name: str) -> bool:
    try:
        with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii", errors="replace") as lines:
            flags = next((line.split()[1] for line in lines if line.startswith("flags:")), "0")
        return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY
    except (OSError, ValueError, IndexError):
        return False


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
