"""Free space kept back, so that a disk filled by puts still takes acks."""

from __future__ import annotations

import os
from pathlib import Path

from pqdesk.clock import Clock
from pqdesk.errors import DiskFull, WorkspaceError

_RESERVE_BYTES = 256 * 1024 * 1024
_RESERVE_SHARE = 0.05
_LOOK_EVERY_MS = 100
_OVERHEAD_BYTES = 16 * 1024  # the pages that a put touches besides those of its payload


class SpaceReserve:
    """Refuses puts while less than 256 MiB or 5 % of the disk, whichever is smaller, is free.

    What is in the WAL counts as not free: the next checkpoint takes as much again for the file itself, and one that
    finds no room leaves the WAL growing into what is kept for acks.
    """

    def __init__(self, database: Path, clock: Clock) -> None:
        self._folder = database.parent
        self._wal = database.with_name(database.name + "-wal")
        self._clock = clock
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
        try:
            disk = os.statvfs(self._folder)
        except OSError as exc:
            text = f"nothing was {what}: cannot look at {str(self._folder)!r}: {exc.strerror}"
            raise WorkspaceError(text, path=self._folder) from exc
        reserve = min(_RESERVE_BYTES, int(disk.f_blocks * disk.f_frsize * _RESERVE_SHARE))
        free = disk.f_bavail * disk.f_frsize - self._wal_bytes()
        self._looked_ms, self._left_bytes = now_ms, free - reserve - needed_bytes
        if self._left_bytes <= 0:
            raise DiskFull(
                f"nothing was {what}: the disk of {str(self._folder)!r} has {max(free, 0) >> 20:,} MiB free, and "
                f"{reserve >> 20:,} MiB are kept for acks; free some space",
                path=self._folder,
            )

    def _wal_bytes(self) -> int:
        try:
            return self._wal.stat().st_size  # a stat is safe beside SQLite's locks, opening it would not be
        except OSError:
            return 0
