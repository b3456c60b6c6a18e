"""Files and folders that only their owner can read, written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from pqdesk import opening
from pqdesk.errors import DiskFull, SupervisorError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def make_private_folder(folder: Path) -> None:
    """Make `folder` and those above it that are missing, 0700. One that exists stays as it is.

    Raises SupervisorError: it cannot be made.
    """
    try:
        if folder.is_dir():
            return
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise SupervisorError(
            f"cannot make the folder '{folder}': {exc.strerror}; messages are unaffected; make it, or choose another "
            "workspace"
        ) from exc


def check_private_folder(folder: Path) -> None:
    """Raises SupervisorError if others than this user could put something into `folder`, or another in its place."""
    for one in (folder.parent, folder):  # who may write to the parent can put another folder in its place
        try:
            opening.check_private_folder(one)
        except OSError as exc:
            raise SupervisorError(
                f"no socket is put into the folder '{one}': {exc.strerror}; remove it and try again, or set "
                "XDG_RUNTIME_DIR to a folder of yours"
            ) from exc


def write_private_file(path: Path, text: str) -> None:
    """Write `path`, 0600, in one step, with its folder: whoever reads it sees the old or the new text.

    The temporary name does not end as `path` does, so that supervisord's include pattern never finds it.

    Raises:
        DiskFull: There is no space for it, or no more allowed to this user; what was there is unchanged.
        SupervisorError: It cannot be written; what was there is unchanged.
    """
    make_private_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)  # line ends as they are, also those of a hand-written file
                file.flush()
                os.fsync(descriptor)
            os.rename(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as exc:
        if exc.errno in _FULL:
            raise DiskFull(
                f"cannot write '{path}': {exc.strerror}; nothing was changed; free some space and try again", path=path
            ) from exc
        raise SupervisorError(
            f"cannot write '{path}': {exc.strerror}; nothing was changed; see to free space and permissions"
        ) from exc


def remove_file(path: Path, consequence: str) -> None:
    """Remove `path`, if it is there. Raises SupervisorError, with what comes of it, when that cannot be done."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise SupervisorError(f"cannot remove '{path}': {exc.strerror}; {consequence}") from exc
