"""Opening a file of ours as what it should be, and as nothing else that may stand in its place.

A name in a workspace can lead to anything that somebody put there: a pipe without a writer holds an open() for ever,
/dev/zero has no end, a link reads or empties a file elsewhere. So every file of ours is opened here: a regular one, not
through a link, this user's own, of a size that makes sense, without waiting. Looking comes after opening, so that
nothing can be put there in between.

The queue's own files are SQLite's: they are never opened here, since closing them would drop its locks.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from pqdesk.shortage import USED_UP, reason

OWNER_VARIABLE = "PQDESK_ALLOW_OWNER"

_ALWAYS = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISREG, "a file"),
)
_CHUNK_BYTES = 1024 * 1024


class UnfitFile(OSError):
    """What is there is not the file that it should be. `strerror` says what it is instead; it was left as it is."""


def open_plain(path: str | os.PathLike[str], flags: int = os.O_RDONLY, *, may_be_link: bool = False) -> int:
    """A descriptor of the regular file at `path`, made 0600 where `flags` has O_CREAT and nothing is there.

    Args:
        flags: As of os.open(); O_TRUNC empties the file only once it is known to be one.
        may_be_link: For what people keep elsewhere on purpose: then both the link and the file have to be theirs.

    Raises:
        UnfitFile: It is no regular file, a link, or belongs to another user ($PQDESK_ALLOW_OWNER=1 lets that pass).
        OSError: It cannot be opened; `strerror` says what to do where no descriptor is left.
    """
    name = os.fspath(path)
    try:
        nofollow = 0 if may_be_link and _is_own_link(name) else os.O_NOFOLLOW
        descriptor = os.open(name, flags & ~os.O_TRUNC | _ALWAYS | nofollow, 0o600)
    except OSError as exc:
        if exc.errno in USED_UP:
            raise OSError(exc.errno, reason(exc), name) from exc
        kind = kind_of(name)
        if kind is None or exc.errno in (errno.EACCES, errno.EPERM):
            raise
        raise _unfit(f"it is {kind}, not a regular file", name) from exc
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unfit(f"it is {kind_word(status.st_mode)}, not a regular file", name)
        if not is_own(status):
            raise _unfit(f"it belongs to user {status.st_uid}", name)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_plain(
    path: str | os.PathLike[str], limit_bytes: int, *, may_be_link: bool = False, may_be_shared: bool = False
) -> bytes:
    """What the file at `path` holds.

    Args:
        may_be_shared: For what only informs; else nobody but its owner may be able to write to it.

    Raises:
        UnfitFile: As open_plain(); others may write to it; or it has more than `limit_bytes`.
        OSError: It cannot be read.
    """
    descriptor = open_plain(path, may_be_link=may_be_link)
    try:
        status = os.fstat(descriptor)
        if status.st_mode & 0o022 and not may_be_shared:
            raise _unfit("others may write to it (run: chmod go-w on it)", path)
        if status.st_size <= limit_bytes:
            data = read_at_most(descriptor, limit_bytes + 1)
            if len(data) <= limit_bytes:
                return data
        raise _unfit(f"it has more than {limit_bytes:,} bytes, so it is not what it should be", path)
    finally:
        os.close(descriptor)


def read_at_most(descriptor: int, limit_bytes: int) -> bytes:
    """What can be read of an open file from where it stands, at most so many bytes."""
    parts: list[bytes] = []
    while limit_bytes > 0 and (part := os.read(descriptor, min(limit_bytes, _CHUNK_BYTES))):
        parts.append(part)
        limit_bytes -= len(part)
    return b"".join(parts)


def check_private_folder(folder: Path) -> None:
    """Raises UnfitFile unless `folder` is one of this user's own, into which nobody else can put anything."""
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise _unfit(f"it is {kind_word(status.st_mode)}, not a folder", folder)
    if status.st_uid != os.geteuid():
        raise _unfit(f"it belongs to user {status.st_uid}", folder)
    if status.st_mode & 0o022:
        raise _unfit("others may write to it", folder)


def kind_of(path: str | os.PathLike[str]) -> str | None:
    """What stands at `path` in place of a regular file, in words; None when there is one, or nothing."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) else kind_word(mode)


def kind_word(mode: int) -> str:
    """What a mode of stat(2) is, in words."""
    return next((word for is_it, word in _KINDS if is_it(mode)), "something else")


def is_own(status: os.stat_result) -> bool:
    """Whether it belongs to this user or to root, or the environment says that the owner does not matter."""
    return status.st_uid in (os.geteuid(), 0) or os.environ.get(OWNER_VARIABLE) == "1"


def _is_own_link(name: str | bytes) -> bool:
    status = os.lstat(name)
    return stat.S_ISLNK(status.st_mode) and is_own(status)


def _unfit(reason: str, path: str | bytes | os.PathLike[str]) -> UnfitFile:
    return UnfitFile(errno.EINVAL, reason, os.fspath(path))
