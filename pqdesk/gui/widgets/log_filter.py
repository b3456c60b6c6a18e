"""Which lines of a log are shown: those of a level and above. Needs no Qt."""

from __future__ import annotations

from collections.abc import Iterable

from pqdesk.gui.widgets.log_line import LogLine
from pqdesk.supervision.logs.levels import Level, LevelReader


class LogFilter:
    """Reads levels only while it has to: a line without one has that of the line before it in its stream."""

    def __init__(self) -> None:
        self._lowest: Level | None = None
        self._readers: dict[tuple[str, bool], LevelReader] = {}

    @property
    def lowest(self) -> Level | None:
        return self._lowest

    def set_lowest(self, level: Level | None) -> None:
        """None shows every line. Lines have to be passed from the oldest on again."""
        self._lowest = level
        self.begin_anew()

    def begin_anew(self) -> None:
        self._readers.clear()

    def passing(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Of `lines`, which follow those of the call before, the ones to show."""
        lowest = self._lowest
        if lowest is None:
            return list(lines)
        return [line for line in lines if self._level(line) >= lowest]

    def _level(self, line: LogLine) -> Level:
        key = (line.prefix, line.is_error)
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = LevelReader(is_error=line.is_error)
        return reader.read(line.text)
