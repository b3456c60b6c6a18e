"""The lines of log files that are kept while the window lives. Needs no Qt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import count
from pathlib import Path

LINES_KEPT = 20_000
_SKIPPED = "… lines in between are in the file …"


class LogBuffer:
    """The newest LINES_KEPT lines of each file, and in which order they came."""

    def __init__(self) -> None:
        self._lines: dict[Path, deque[tuple[int, str]]] = {}
        self._numbers = count()

    def add(self, path: Path, lines: Iterable[str]) -> None:
        """Keep new `lines` of `path`."""
        kept = self._lines.setdefault(path, deque(maxlen=LINES_KEPT))
        kept.extend((next(self._numbers), line) for line in lines)

    def add_tail(self, path: Path, tail: Sequence[str]) -> Sequence[str]:
        """Keep what of the last lines of the file is not here yet; returns that."""
        lines = new_of_tail(self.lines(path)[-len(tail) :] if tail else (), tail)
        self.add(path, lines)
        return lines

    def lines(self, path: Path) -> list[str]:
        """Oldest first."""
        return [text for _, text in self._lines.get(path, ())]

    def merged(self, paths: Iterable[Path]) -> list[tuple[Path, str]]:
        """The newest lines of several files in the order they came."""
        streams = ([(number, path, text) for number, text in self._lines.get(path, ())] for path in paths)
        return [(path, text) for _, path, text in merge(*streams)][-LINES_KEPT:]

    def clear(self, paths: Iterable[Path]) -> None:
        """Forget what was read; the files stay as they are."""
        for path in paths:
            self._lines.pop(path, None)


def new_of_tail(known: Sequence[str], tail: Sequence[str]) -> Sequence[str]:
    """What of `tail` comes after `known`: the longest end of `known` that `tail` begins with is left out."""
    if not known or not tail:
        return tail
    for size in range(min(len(known), len(tail)), 0, -1):
        if list(known[-size:]) == list(tail[:size]):
            return tail[size:]
    return [_SKIPPED, *tail]
