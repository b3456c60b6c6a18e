"""Free space kept back, so that a disk filled by puts still takes acks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from pqdesk.clock import Clock
from pqdesk.errors import DiskFull, WorkspaceError

_RESERVE_BYTES = 256 * 1024 * 1024
_RESERVE_SHARE = 0.05
_LOOK_EVERY_MS = 100
_OVERHEAD_BYTES = 16 * 1024  # the pages that a put touches besides those of its payload


class Space(NamedTuple):
    """What is free on the disk of a queue file, and what of that is kept for acks: puts are refused below it."""

    free_bytes: int
    reserve_bytes: int

    @property
    def is_gone(self) -> bool:
        return self.free_bytes <= self.reserve_bytes

    @property
    def problem(self) -> str | None:
        """What is wrong; what to do. None while there is twice as much as is kept."""
        if self.free_bytes > 2 * self.reserve_bytes:
            return None
        free, least = self.free_bytes >> 20, self.reserve_bytes >> 20
        text = (
            f"the disk is {'full' if self.is_gone else 'nearly full'}: {free:,} MiB are free, and below {least:,} MiB"
        )
        return f"{text} nothing can be put, acks still work; free some space"


def space_of(database: Path) -> Space:
    """256 MiB or 5 % of the disk are kept, whichever is smaller. Raises OSError.

    What is in the WAL counts as not free: the next checkpoint takes as much again for the file itself, and one that
    finds no room leaves the WAL growing into what is kept for acks.
    """
    disk = os.statvfs(database.parent)
    try:
        # A stat is safe beside SQLite's locks, opening it would not be.
        wal_bytes = database.with_name(database.name + "-wal").stat().st_size
    except OSError:
        wal_bytes = 0
    reserve = min(_RESERVE_BYTES, int(disk.f_blocks * disk.f_frsize * _RESERVE_SHARE))
    return Space(max(disk.f_bavail * disk.f_frsize - wal_bytes, 0), reserve)


class SpaceReserve:
    """Refuses puts while only what is kept for acks is free."""

    def __init__(self, database: Path, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._looked_ms = -_LOOK_EVERY_MS
        self._left_bytes = 0  # above the reserve, less what was put since the last look

    def check(self, put_bytes: int, what: str = "put", *, now_ms: int | None = None) -> None:
        """Raise DiskFull when `put_bytes` more would touch the reserve: nothing was `what`.

        Looks at most ten times a second.
        """
        if now_ms is None:
            now_ms = self._clock.awake_ms()
        needed_bytes = 2 * (put_bytes + _OVERHEAD_BYTES)  # in the WAL, and then in the file
        self._left_bytes -= needed_bytes
        if now_ms - self._looked_ms < _LOOK_EVERY_MS and self._left_bytes > 0:
            return
        folder = self._database.parent
        try:
            free, reserve = space_of(self._database)
        except OSError as exc:
            text = f"nothing was {what}: cannot look at {str(folder)!r}: {exc.strerror}"
            raise WorkspaceError(text, path=folder) from exc
        self._looked_ms, self._left_bytes = now_ms, free - reserve - needed_bytes
        if self._left_bytes <= 0:
            raise DiskFull(
                f"nothing was {what}: the disk of {str(folder)!r} has {free >> 20:,} MiB free, and "
                f"{reserve >> 20:,} MiB are kept for acks; free some space",
                path=folder,
            )
