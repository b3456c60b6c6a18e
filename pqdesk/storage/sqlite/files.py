"""Is this folder and file safe to use, and making a new queue file that nobody sees half made."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from pqdesk.door import check_root, check_workspace
from pqdesk.errors import DiskFull, InvalidInput, WorkspaceError
from pqdesk.opening import open_plain
from pqdesk.paths import WorkspacePaths, application_paths, path_text, resolved_path
from pqdesk.shortage import USED_UP, reason

# File systems without one kernel's shared memory and locks (sqlite.org/wal.html), as mountinfo names them.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "glusterfs", "afs", "ncpfs", "lustre"}
)
_ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


class Location(NamedTuple):
    """One queue file. `is_ours`: a workspace's own file, not one of an application (`database=`)."""

    database: Path
    run: Path
    is_ours: bool

    @classmethod
    def of_workspace(cls, paths: WorkspacePaths) -> Self:
        return cls(paths.database, paths.run, paths.application is None)

    @classmethod
    def of_database(cls, given: str | os.PathLike[str]) -> Self:
        """An application's file; locks and bells go to `FILE-pqdesk/` beside it."""
        name = path_text(given, "database", "file")
        if name == ":memory:" or name.startswith("file:"):
            raise InvalidInput(f"database must be the path of a file, got {name!r}")
        return cls.of_workspace(application_paths(resolved_path(given, "database", "file")))


def make_private_folder(folder: Path) -> None:
    """Make `folder` and its parents, 0700, where they do not exist. Raises WorkspaceError."""
    try:
        folder.mkdir(mode=0o700, parents=False, exist_ok=True)
    except FileNotFoundError as exc:
        if folder.parent.is_dir():  # one where nothing can be made, as in /proc
            raise WorkspaceError(f"cannot make the folder {str(folder)!r}: {exc.strerror}", path=folder) from exc
        make_private_folder(folder.parent)
        make_private_folder(folder)
    except OSError as exc:
        if exc.errno == 28:
            raise DiskFull(f"cannot make {str(folder)!r}: disk full", path=folder) from exc
        raise WorkspaceError(f"cannot make the folder {str(folder)!r}: {exc.strerror}", path=folder) from exc


def check_place(location: Location) -> None:
    """Refuse what is not this user's alone, as pqdesk.door has it, and network file systems. Raises WorkspaceError."""
    folder = location.database.parent
    check_workspace(WorkspacePaths(folder) if location.is_ours else application_paths(location.database))
    check_root(folder, is_shared=not location.is_ours)
    check_file_system(folder)


def check_file_system(folder: Path) -> None:
    """Refuse network file systems. Raises WorkspaceError."""
    if is_on_network(folder) and os.environ.get("PQDESK_ALLOW_NETWORK_FS") != "1":
        text = f"{str(folder)!r} is on {file_system_of(folder)}, where SQLite can lose data; use a local disk"
        raise WorkspaceError(f"{text} (PQDESK_ALLOW_NETWORK_FS=1 overrides)", path=folder)


def is_on_network(folder: Path) -> bool:
    """Whether other machines may use the files of `folder` too."""
    kind = file_system_of(folder)
    return kind in _NETWORK_FILE_SYSTEMS or kind.startswith("fuse.sshfs")


def file_system_of(folder: Path) -> str:
    """The type of the file system that holds `folder`, as /proc/self/mountinfo says (proc(5)); empty if unknown."""
    best, kind = "", ""
    wanted = os.path.realpath(folder)
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as exc:
        if exc.errno in USED_UP:  # else it would pass for a local one
            raise
        return ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = fields.split(" ")[4]
        for escape, character in _ESCAPES:
            point = point.replace(escape, character)
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind


def check_file(path: Path, *, is_ours: bool) -> None:
    """Refuse what cannot be a queue file, by stat alone: opening it would drop SQLite's locks in this process."""
    try:
        status = os.lstat(path)
    except OSError as exc:
        raise WorkspaceError(f"cannot open queue file {str(path)!r}: {exc.strerror}", path=path) from exc
    if not stat.S_ISREG(status.st_mode):
        raise WorkspaceError(f"{str(path)!r} is not a regular file, so it is no queue file", path=path)
    if status.st_nlink > 1:
        raise WorkspaceError(f"{str(path)!r} has a second name (hard link); a queue file must have one", path=path)
    if status.st_size == 0 and is_ours:
        text = f"{str(path)!r} is empty, not a queue file; remove it, and the next start makes a new one"
        raise WorkspaceError(text, path=path)


def plain_pattern(name: str) -> str:
    """What Path.glob takes for just this name: a file's name may have brackets and stars."""
    return "".join(f"[{character}]" if character in "[*?" else character for character in name)


@contextlib.contextmanager
def initializer_lock(run: Path) -> Iterator[None]:
    """Hold the one lock under which queue files are made and migrated."""
    file = run / "initialize.lock"
    try:
        descriptor = open_plain(file, os.O_RDWR | os.O_CREAT)
    except OSError as exc:
        raise WorkspaceError(f"cannot write {str(file)!r}: {reason(exc)}", path=file) from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_empty_file(path: Path) -> None:
    """An empty file of mode 0600, which must not exist; SQLite would make it 0644."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError as exc:
        if exc.errno == 28:
            raise DiskFull(f"cannot make {str(path)!r}: disk full", path=path) from exc
        raise WorkspaceError(f"cannot make {str(path)!r}: {reason(exc)}", path=path) from exc
