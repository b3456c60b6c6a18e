"""A copy of a queue file while others write to it: one snapshot, whole and on disk, or no file at all.

In one step of SQLite's backup (sqlite.org/backup.html): in several it would start anew whenever somebody writes, and
under load never end (measured). Copying the file itself would miss the WAL, and closing it drop SQLite's locks.
"""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from pqdesk.errors import Corrupt, DiskFull, WorkspaceError
from pqdesk.storage.sqlite import durability, files
from pqdesk.storage.sqlite.connection import Translating, only_value

_SPARE_BYTES = 1024 * 1024
_SETTINGS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE"


def write_copy(db: apsw.Connection, path: Path, *, is_new: bool = True) -> int:
    """Write what `db` holds to `path`, which then is a file of its own; returns its bytes.

    It is written under another name, checked, flushed, and renamed. `is_new`: refuse an existing `path`.

    Raises:
        DiskFull: There is no room for it.
        Corrupt: The copy is damaged, so what was copied is.
        WorkspaceError: It cannot be written there.
    """
    size_bytes = only_value(db, "PRAGMA page_count") * only_value(db, "PRAGMA page_size")
    _check_room(path.parent, size_bytes, path)
    unfinished = path.with_name(f"{path.name}.unfinished-{os.getpid()}")
    for leftover in path.parent.glob(f"{files.plain_pattern(path.name)}.unfinished-*"):  # of writers that were killed
        leftover.unlink(missing_ok=True)
    files.make_empty_file(unfinished)
    try:
        with Translating(unfinished):
            _copy(db, unfinished)
        _flush(unfinished)
        if is_new:
            os.link(unfinished, path)  # fails where something is, which a rename would not
            unfinished.unlink()
        else:
            os.rename(unfinished, path)
        durability.flush_folder(path.parent)
    except FileExistsError as exc:
        unfinished.unlink(missing_ok=True)
        raise WorkspaceError(f"{str(path)!r} is there already; name a file that is not", path=path) from exc
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return path.stat().st_size


def _copy(db: apsw.Connection, path: Path) -> None:
    copy = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        copy.execute(_SETTINGS).fetchall()
        with copy.backup("main", db, "main") as backup:
            backup.step(-1)
        verdict = only_value(copy, "PRAGMA quick_check(1)")
        if verdict != "ok":
            told = " ".join(verdict.split())
            raise Corrupt(f"the copy {str(path)!r} is damaged ({told}), so the queue file is; nothing changed")
    finally:
        copy.close()


def _check_room(folder: Path, size_bytes: int, path: Path) -> None:
    disk = os.statvfs(folder)
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < size_bytes + _SPARE_BYTES:
        needed, free = (size_bytes >> 20) + 1, free_bytes >> 20
        text = f"no room for the copy {str(path)!r}: it takes {needed:,} MiB, {free:,} MiB are free; nothing changed"
        raise DiskFull(text, path=path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
