"""The lines of log files that are kept while the window lives. Needs no Qt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

LINES_KEPT = 20_000


class KeptLine(NamedTuple):
    """A line with its place among all that were read, and when that was; None for what was in the file before."""

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
        kept.extend(KeptLine(next(self._numbers), line, read_at) for line in lines)

    def lines(self, path: Path) -> list[str]:
        """Oldest first."""
        return [one.text for one in self._lines.get(path, ())]

    def merged_lines(self, paths: Iterable[Path]) -> list[tuple[Path, KeptLine]]:
        """The newest lines of several files in the order they came; at most LINES_KEPT together."""
        newest = islice(merge(*map(self._newest_first, paths), reverse=True), LINES_KEPT)  # looks at no more than that
        return [(path, kept) for _, path, kept in newest][::-1]

    def _newest_first(self, path: Path) -> Iterator[tuple[int, Path, KeptLine]]:
        return ((kept.number, path, kept) for kept in reversed(self._lines.get(path, ())))

    def clear(self, paths: Iterable[Path]) -> None:
        """Forget what was read; the files stay as they are."""
        for path in paths:
            self._lines.pop(path, None)
