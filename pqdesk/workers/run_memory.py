"""When a worker's schedule is to run next, kept while the worker is stopped: so that missed runs can be made up for.

A file in the workspace's run/ for each producer that supervisord knows by a name. It is written when a run has been
made, so that a death in between makes a run again rather than never.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pqdesk.opening import read_plain
from pqdesk.paths import WorkspacePaths

_LARGEST_BYTES = 4096
_PROCESS = "SUPERVISOR_PROCESS_NAME"


class RunMemory:
    """Of one producer.

    Args:
        plan: Its schedule in words; what was kept for another one is no longer of use.
        paths: Whose; None, or no supervisord: nothing is kept.
    """

    def __init__(self, plan: str, queue: str, paths: WorkspacePaths | None) -> None:
        self._plan = plan
        process = os.environ.get(_PROCESS, "")
        name = hashlib.sha256(f"{process}\0{queue}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._file: Path | None = paths.run / f"next-{name}" if paths is not None and process else None

    def next_us(self) -> int | None:
        """What was kept; None for nothing that can be used."""
        if self._file is None:
            return None
        try:
            plan, _, number = read_plain(self._file, _LARGEST_BYTES).decode("utf-8").rpartition("\n")
            return int(number[:20]) if plan == self._plan and number.isdecimal() else None
        except (OSError, ValueError):
            return None

    def keep(self, next_us: int) -> None:
        """In place of what was kept. Where that fails, the next start begins anew."""
        if self._file is None:
            return
        new = self._file.with_suffix(".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{self._plan}\n{next_us}")
            os.replace(new, self._file)
        except OSError:
            pass
