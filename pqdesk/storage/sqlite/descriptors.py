"""Which descriptors of this process lead to a database file, and which of those are our SQLite's own.

On Linux, by proc(5) and fcntl(2). A descriptor of ours is marked by the signal that its events would be told with,
which nobody asks for: the mark goes along when SQLite keeps a descriptor that it does not need any more, and not to
another one that gets its number. Elsewhere nothing is found.

And how it is told that there are no more to be had.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal

import apsw

Identity = tuple[int, int]  # device and inode

USED_UP = (errno.EMFILE, errno.ENFILE)
_TAKEN_AT_ONCE = 4  # SQLite opens the file, its log, its index and their folder, and closes all when the last one fails

_FOLDER = "/proc/self/fd"
_MARK = signal.SIGURG
_SHARED = b" 1073741826 1073742335"  # the bytes that SQLite locks as SHARED (sqlite.org/src, os.h)
# Machine code in which no SQLite is: Python with its own modules but sqlite3, ours, and what these need.
_HARMLESS = re.compile(
    r"\[.*|.*/lib-dynload/(?!_sqlite3)[^/]*|.*/apsw/[^/]*|.*/python3?[\d.]*"
    r"|.*/(ld-|ld\d|lib(python3|c|m|dl|rt|pthread|util|z|bz2|lzma|ssl|crypto|crypt|ffi|expat|uuid|gcc_s|nss_\w+|resolv)[.-])[^/]*"
)


def identity_of(path: str | bytes | os.PathLike[str]) -> Identity | None:
    """Of what is at `path`, through links; None when nothing is, or it is no path."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def is_harmless(library: str) -> bool:
    """Whether no SQLite but ours can be in the file of machine code `library`."""
    return _HARMLESS.fullmatch(library) is not None


def has_other_code() -> bool:
    """Whether machine code is loaded in which another SQLite may be."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            return any(len(fields := line.split(None, 5)) > 5 and not is_harmless(fields[5].strip())
                       for line in maps if line[line.find(" ") + 3] == "x")  # fmt: skip
    except FileNotFoundError:
        return False


def leading_to(identity: Identity) -> list[int]:
    """This process's descriptors of that file. Raises OSError when no descriptor is left to look with."""
    found = []
    try:
        names = os.listdir(_FOLDER)
    except FileNotFoundError:
        return []
    for name in names:
        try:
            status = os.fstat(int(name))
        except OSError:  # closed by now: the listing's own, or another thread's
            continue
        if (status.st_dev, status.st_ino) == identity:
            found.append(int(name))
    return found


def mark(descriptor: int) -> None:
    """This one is ours."""
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, _MARK)


def is_marked(descriptor: int) -> bool:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETSIG) == _MARK
    except OSError:  # closed by now
        return True


def mark_those_of(db: apsw.Connection) -> None:
    """Mark the descriptors of the databases of a connection of our library.

    SQLite tells where its record of the open file is (sqlite3_file_control, SQLITE_FCNTL_FILE_POINTER); the number
    is the fourth member of it (struct unixFile in os_unix.c, since 2009). Only one that leads to the file is believed.
    """
    import ctypes  # here: needed only where other code is loaded

    for name in db.db_names():
        identity = identity_of(db.db_filename(name) or b"\0")
        if identity is None or db.vfsname(name) not in ("unix", None):
            continue
        pointer = ctypes.c_void_p()
        if db.file_control(name, apsw.SQLITE_FCNTL_FILE_POINTER, ctypes.addressof(pointer)) and pointer.value:
            descriptor = ctypes.c_int.from_address(pointer.value + 3 * ctypes.sizeof(pointer)).value
            try:
                status = os.fstat(descriptor)
            except OSError:
                continue
            if (status.st_dev, status.st_ino) == identity:
                mark(descriptor)


def shows_lock(descriptor: int) -> bool:
    """Whether this process has SQLite's SHARED lock on the file, as each connection in WAL mode has."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
            return _SHARED in file.read()
    except FileNotFoundError:
        return False


def reason(exc: OSError) -> str:
    """Why nothing could be opened, in words; where no descriptors are left, what to do."""
    if exc.errno == errno.EMFILE:
        import resource  # hardly ever needed

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"this process has as many files open as it may, {limit:,}; close some, or raise that (ulimit -n)"
    if exc.errno == errno.ENFILE:
        return "this machine has as many files open as it may; end some programs, or raise that (sysctl fs.file-max)"
    return exc.strerror or str(exc)


def shortage() -> str | None:
    """The same where SQLite could not open a file and does not say why; None when there are descriptors to be had."""
    taken: list[int] = []
    try:
        while len(taken) < _TAKEN_AT_ONCE:
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as exc:
        return reason(exc) if exc.errno in USED_UP else None
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return None


def shortage_behind(exc: BaseException) -> str | None:
    """The same for an error of Python's; None where it comes of something else."""
    if isinstance(exc, OSError) and exc.errno in USED_UP:
        return reason(exc)
    return shortage() if isinstance(exc, ImportError) else None  # dlopen() gives no number
