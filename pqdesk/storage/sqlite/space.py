"""Free space kept back, so that a disk filled by puts still takes acks."""

from __future__ import annotations

import os
from pathlib import Path

from pqdesk.clock import Clock
from pqdesk.errors import DiskFull

_RESERVE_BYTES = 256 * 1024 * 1024
_RESERVE_SHARE = 0.05
_LOOK_EVERY_MS = 100


class SpaceReserve:
    """Refuses puts while less than 256 MiB or 5 % of the disk, whichever is smaller, is free."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._looked_ms = -_LOOK_EVERY_MS
        self._left_bytes = 0  # above the reserve, less what was put since the last look

    def check(self, put_bytes: int) -> None:
        """Raise DiskFull when putting `put_bytes` would touch the reserve. Looks at most ten times a second."""
        now_ms = self._clock.awake_ms()
        self._left_bytes -= put_bytes
        if now_ms - self._looked_ms < _LOOK_EVERY_MS and self._left_bytes > 0:
            return
        disk = os.statvfs(self._folder)
        reserve = min(_RESERVE_BYTES, int(disk.f_blocks * disk.f_frsize * _RESERVE_SHARE))
        free = disk.f_bavail * disk.f_frsize
        self._looked_ms, self._left_bytes = now_ms, free - reserve - put_bytes
        if self._left_bytes <= 0:
            raise DiskFull(
                f"nothing was put: the disk of {str(self._folder)!r} has {free >> 20:,} MiB free, and "
                f"{reserve >> 20:,} MiB are kept for acks; free some space",
                path=self._folder,
            )
