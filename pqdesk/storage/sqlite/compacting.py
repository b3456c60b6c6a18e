"""Giving back to the disk what a file does not need any more, beside everybody who works on it.

A VACUUM would write the whole file anew under an exclusive lock, and a file put in its place would lose the commits of
whoever has the old one open. So: the free pages, in small steps (sqlite.org/pragma.html#pragma_incremental_vacuum),
and then the WAL.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import apsw

from pqdesk.storage.sqlite.connection import Translating, connect, let_go, only_value
from pqdesk.storage.sqlite.files import Location

_PAGES_AT_ONCE = 2000  # 8 MiB, a few milliseconds of the write lock
_PATIENCE_MS = 2000  # for readers, before the WAL is left as it is


def compact(location: Location, rng: Random, vfs: str | None, on_progress: Callable[[int, int], object]) -> int:
    """Over a connection of its own; returns the bytes given back. `on_progress`: free pages that went, and all of them.

    Raises:
        Busy: Others held the file for too long; what was given back by then stays so.
    """
    before_bytes = _size(location)
    db = connect(location.database, is_ours=location.is_ours, vfs=vfs, rng=rng)
    try:
        with Translating(location.database):
            _give_back_pages(db, on_progress)
            _truncate_wal(db)
    finally:
        let_go(db)
    return max(0, before_bytes - _size(location))


def _give_back_pages(db: apsw.Connection, on_progress: Callable[[int, int], object]) -> None:
    total = left = only_value(db, "PRAGMA freelist_count")
    while left:
        db.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        now = only_value(db, "PRAGMA freelist_count")
        if now >= left:  # a file of an application that was not made for it
            return
        left = now
        on_progress(total - left, total)


def _truncate_wal(db: apsw.Connection) -> None:
    db.set_busy_timeout(_PATIENCE_MS)
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:  # somebody reads: the next checkpoint does it
        return


def _size(location: Location) -> int:
    total = 0
    for name in (location.database, location.database.with_name(location.database.name + "-wal")):
        try:
            total += name.stat().st_size
        except FileNotFoundError:
            continue
    return total
