"""The one check at the door of a workspace: whose it is, who else may write to it, and what kind of things stand in it.

Whoever can write to a workspace can have programs run as its user: a worker's file is a command, a queue's rows are
what handlers get. So every command, the library and the window come through here before they use one, and refuse it
whole: one sentence, with the command that mends it. root is refused another user's workspace as anybody is.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pqdesk.errors import WorkspaceError
from pqdesk.opening import OWNER_VARIABLE, is_own, kind_word
from pqdesk.paths import WorkspacePaths
from pqdesk.shortage import USED_UP


class Fault(NamedTuple):
    """Why a workspace is refused: a path in it, and a sentence that names it and what to do."""

    path: Path
    text: str


def check_workspace(paths: WorkspacePaths) -> None:
    """Refuse a workspace that is another user's, that others may write to, or in which links stand for files.

    One that is not there yet is no fault. Touches nothing. Raises WorkspaceError with the first fault.
    """
    for fault in faults(paths):
        raise WorkspaceError(fault.text, path=fault.path)


def check_root(root: Path, *, is_shared: bool = False) -> None:
    """The same of one folder alone, which has to be there; one that `is_shared` its group may write to.

    Raises WorkspaceError: it cannot be used.
    """
    try:
        status = os.stat(root)
    except OSError as exc:
        raise WorkspaceError(f"cannot use {str(root)!r}: {exc.strerror}", path=root) from exc
    for fault in _faults_of_root(root, status, stat.S_IWOTH if is_shared else 0o022):
        raise WorkspaceError(fault.text, path=fault.path)


def faults(paths: WorkspacePaths) -> Iterator[Fault]:
    """All that is wrong with a workspace's folder, the folders in it and their files.

    An application's file is its own business, and its folder may be its group's.
    """
    if paths.application is not None:
        with suppress(OSError):
            folder = paths.application.parent
            yield from _faults_of_root(folder, os.stat(folder), stat.S_IWOTH)
    try:
        status = os.stat(paths.root)
    except FileNotFoundError:
        return
    except OSError as exc:
        yield Fault(paths.root, f"cannot use {str(paths.root)!r}: {exc.strerror}")
        return
    yield from _faults_of_root(paths.root, status, 0o022)
    for file in database_files(paths) if paths.application is None else ():
        yield from _faults_of(file, "file")
    for folder in (paths.run / "owners", paths.run / "bells"):
        yield from _faults_of(folder, "folder")
    for folder in (paths.run, paths.logs):  # what is in them is no authority for anything
        yield from _faults_in(folder, mask=0)
    for folder in (paths.supervisor, paths.workers, paths.secrets, paths.removed):
        yield from _faults_in(folder, mask=0o022)


def too_wide(paths: WorkspacePaths) -> Iterator[Path]:
    """What others may read: queue file, logs, secrets and the socket. Nothing where they cannot enter the folder."""
    if not _mode(paths.root) & 0o077:
        return
    private = [*database_files(paths), paths.run, paths.logs, paths.secrets, paths.removed, paths.socket]
    for path in private:
        if _mode(path) & 0o077:
            yield path
            if path in (paths.logs, paths.secrets, paths.removed):
                yield from (one for name in _names_in(path) if _mode(one := path / name) & 0o077)


def database_files(paths: WorkspacePaths) -> tuple[Path, ...]:
    """The queue file, and what SQLite keeps beside it."""
    return tuple(paths.database.with_name(paths.database.name + ending) for ending in ("", "-wal", "-shm", "-journal"))


def _faults_of_root(root: Path, status: os.stat_result, mask: int) -> Iterator[Fault]:
    if not stat.S_ISDIR(status.st_mode):
        yield Fault(root, f"{str(root)!r} is not a folder; a workspace is one")
        return
    if status.st_uid != os.geteuid() and os.environ.get(OWNER_VARIABLE) != "1":
        text = f"{str(root)!r} belongs to user {status.st_uid}; set {OWNER_VARIABLE}=1 to use it all the same"
        yield Fault(root, text)
    yield from _writable(root, status, mask)


def _faults_in(folder: Path, *, mask: int) -> Iterator[Fault]:
    """Those of a folder and of what is in it. `mask`: the bits that no file in it may have."""
    found = list(_faults_of(folder, "folder"))
    yield from found
    if found:
        return
    for name in _names_in(folder):
        path = folder / name
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode) and name.endswith(".conf") and is_own(status):
                status = os.stat(path)  # people keep configuration elsewhere on purpose
        except OSError:
            continue  # gone meanwhile, or a link to nothing: whoever needs it says so
        if stat.S_ISDIR(status.st_mode) or (stat.S_ISSOCK(status.st_mode) and not name.endswith(".conf")):
            continue  # sockets are supervisord's, and opened as files by nobody
        yield from _faults(path, status, "file", mask)


def _faults_of(path: Path, kind: str) -> Iterator[Fault]:
    try:
        status = os.lstat(path)
    except OSError:
        return
    yield from _faults(path, status, kind, 0o022)


def _faults(path: Path, status: os.stat_result, kind: str, mask: int) -> Iterator[Fault]:
    if stat.S_IFMT(status.st_mode) != (stat.S_IFREG if kind == "file" else stat.S_IFDIR):
        what = f"{str(path)!r} is not a regular {kind}" if kind == "file" else f"{str(path)!r} is not a folder"
        yield Fault(path, f"{what} but {kind_word(status.st_mode)}; put a {kind} of yours there, or remove it")
        return
    if not is_own(status):
        text = f"{str(path)!r} belongs to user {status.st_uid}; remove it, or set {OWNER_VARIABLE}=1 to allow that"
        yield Fault(path, text)
    yield from _writable(path, status, mask)


def _writable(path: Path, status: os.stat_result, mask: int) -> Iterator[Fault]:
    wide = status.st_mode & mask
    if wide & stat.S_IWGRP and _is_own_group(status.st_gid):
        wide &= ~stat.S_IWGRP
    if not wide:
        return
    who = "everybody" if wide & stat.S_IWOTH else f"everybody in group {status.st_gid}"
    change = ",".join(letter for letter, bit in (("o-w", stat.S_IWOTH), ("g-w", stat.S_IWGRP)) if wide & bit)
    from shlex import quote  # nobody needs it but here

    yield Fault(path, f"{who} may write to {str(path)!r}; run: chmod {change} {quote(str(path))}")


def _is_own_group(gid: int) -> bool:
    """Whether this user has the group to itself: where each user has one, the umask is 002, and a checkout is writable
    to it. Told as pam_umask does: not root's, of the user's number and name; and with nobody else in it.
    """
    if os.geteuid() == 0 or gid != os.geteuid():
        return False
    import grp  # only where it is asked
    import pwd

    try:
        name, group = pwd.getpwuid(gid).pw_name, grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name == name and not set(group.gr_mem) - {name}


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as exc:
        if exc.errno in USED_UP:  # else nothing would be found wrong
            raise
        return []


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(os.lstat(path).st_mode)
    except OSError:
        return 0
