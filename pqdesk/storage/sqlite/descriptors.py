"""Which descriptors of this process lead to a database file, and which of those are our SQLite's own.

On Linux, by proc(5) and fcntl(2). A descriptor of ours is marked by the signal that its events would be told with,
which nobody asks for: the mark goes along when SQLite keeps a descriptor that it does not need any more, and not to
another one that gets its number. Elsewhere nothing is found.
"""

from __future__ import annotations

import fcntl
import os

import apsw

Identity = tuple[int, int]  # device and inode

_FOLDER = "/proc/self/fd"
_SHARED = b" 1073741826 1073742335"  # the bytes that SQLite locks as SHARED (sqlite.org/src, os.h)
# Machine code in which no SQLite is: Python with its own modules but sqlite3, ours, and what these need.
_HARMLESS = frozenset(
    "python3 c m dl rt pthread util z bz2 lzma ssl crypto crypt ffi expat uuid gcc_s resolv".split()  # noqa: SIM905 - short
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
    folder, slash, name = library.rpartition("/")
    if not slash:
        return name.startswith("[")  # the kernel's own
    if folder.endswith("/apsw"):
        return True
    if folder.endswith("/lib-dynload"):
        return not name.startswith("_sqlite3")
    if name.startswith("lib"):
        stem = name[3:].replace("-", ".").partition(".")[0]
        return stem != name[3:] and (stem in _HARMLESS or stem.startswith("nss_"))
    if name.startswith("python"):
        return not name[6:].strip(".0123456789")
    return name.startswith("ld-") or (name.startswith("ld") and name[2:3].isdigit())


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
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, _mark())


def is_marked(descriptor: int) -> bool:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETSIG) == _mark()
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


def _mark() -> int:
    from signal import SIGURG  # here, as nobody needs it who is alone

    return SIGURG
