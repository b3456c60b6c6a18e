"""The lines of log files that are kept while the window lives. Needs no Qt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from pqdesk.clock import from_datetime
from pqdesk.log_records import stamp, timed

LINES_KEPT = 20_000


class KeptLine(NamedTuple):
    """A line with its time and its place among all that were read, and when that was; None for what was there before.

    A line without a time in it has that of the line before it in its file, or else of its reading.
    """

    time: str
    number: int
    text: str
    read_at: datetime | None


class LogBuffer:
    """The newest LINES_KEPT lines of each file, and in which order they came."""

    def __init__(self) -> None:
        self._lines: dict[Path, deque[KeptLine]] = {}
        self._numbers = count()

    def add(self, path: Path, lines: Iterable[str], read_at: datetime | None = None) -> None:
        """Keep new `lines` of `path`."""
        kept = self._lines.setdefault(path, deque(maxlen=LINES_KEPT))
        before = kept[-1].time if kept else ""
        now = "" if read_at is None else stamp(from_datetime(read_at)).rstrip()
        each = timed(list(lines), max(before, now))
        kept.extend(KeptLine(max(before, time), next(self._numbers), line, read_at) for time, line in each)

    def first_time(self, path: Path, count: int) -> str:
        """Of the oldest of the newest `count` lines of `path`."""
        kept = self._lines.get(path)
        return kept[-min(count, len(kept))].time if kept and count else ""

    def last_time(self, paths: Iterable[Path]) -> str:
        """Of the newest line of these files."""
        return max((kept[-1].time for path in paths if (kept := self._lines.get(path))), default="")

    def lines(self, path: Path) -> list[str]:
        """Oldest first."""
        return [one.text for one in self._lines.get(path, ())]

    def merged_lines(self, paths: Iterable[Path]) -> list[tuple[Path, KeptLine]]:
        """The newest lines of several files in the order of their times; at most LINES_KEPT together."""
        newest = islice(merge(*map(self._newest_first, paths), reverse=True), LINES_KEPT)  # looks at no more than that
        return [(path, kept) for _, path, kept in newest][::-1]

    def _newest_first(self, path: Path) -> Iterator[tuple[tuple[str, int], Path, KeptLine]]:
        return (((kept.time, kept.number), path, kept) for kept in reversed(self._lines.get(path, ())))

    def clear(self, paths: Iterable[Path]) -> None:
        """Forget what was read; the files stay as they are."""
        for path in paths:
            self._lines.pop(path, None)
