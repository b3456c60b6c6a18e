"""The lines that a log view shows, and the rows they take. Needs no Qt.

A line has a number that stays the same while older ones are dropped; a row is counted from the oldest line on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pqdesk.gui.widgets.log_buffer import LINES_KEPT
from pqdesk.gui.widgets.log_line import LogLine
from pqdesk.gui.widgets.log_wrap import break_line, cell_count, is_plain

_BREAKS_KEPT = 1_000
_SLACK = 2_000  # lines are dropped so many at a time: moving the others costs as much as for one


class LogLines:
    """The newest LINES_KEPT lines, a few more between two clearings."""

    def __init__(self) -> None:
        self._lines: list[LogLine] = []
        self._first = 0
        self._columns: int | None = None
        self._ends: list[int] = []  # rows up to and with each line, when lines are wrapped
        self._gone_rows = 0
        self._widths: list[int] = []  # of each line in cells
        self._widest = 0
        self._breaks: dict[int, list[tuple[int, int]]] = {}  # of the lines that were in sight

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> LogLine:
        """By its number."""
        return self._lines[number - self._first]

    def __contains__(self, number: int) -> bool:
        return self._first <= number < self._first + len(self._lines)

    @property
    def first(self) -> int:
        """The number of the oldest line."""
        return self._first

    @property
    def end(self) -> int:
        """The number that the next line will have."""
        return self._first + len(self._lines)

    @property
    def widest_cells(self) -> int:
        """Of all lines."""
        return self._widest

    @property
    def row_count(self) -> int:
        if self._columns is None:
            return len(self._lines)
        return self._ends[-1] - self._gone_rows if self._ends else 0

    def numbered(self, first: int, end: int) -> Iterator[tuple[int, LogLine]]:
        """The lines from number `first` up to `end`, of those that are still there."""
        first, end = max(first, self._first), min(end, self.end)
        return zip(range(first, end), self._lines[first - self._first : end - self._first], strict=True)

    def append(self, lines: Sequence[LogLine]) -> None:
        widths = [_width(line) for line in lines]
        self._lines += lines
        self._widths += widths
        self._widest = max(self._widest, max(widths, default=0))
        if self._columns is not None:
            self._count_rows(lines)

    def drop_oldest(self) -> int:
        """Forget what is beyond LINES_KEPT, if it has become enough; returns how many rows that were."""
        surplus = len(self._lines) - LINES_KEPT
        if surplus < _SLACK:
            return 0
        rows = self.first_row(self._first + surplus)
        del self._lines[:surplus]
        del self._widths[:surplus]
        self._first += surplus
        if self._columns is not None:
            self._gone_rows = self._ends[surplus - 1]
            del self._ends[:surplus]
        self._widest = max(self._widths)
        return rows

    def clear(self) -> None:
        """Numbers go on: a number of before means no line any more."""
        self._first = self.end
        self._lines.clear()
        self._widths.clear()
        self._ends.clear()
        self._breaks.clear()
        self._gone_rows = self._widest = 0

    def wrap(self, columns: int | None) -> None:
        """From now on a row has `columns` cells; None: each line is one row."""
        if columns == self._columns:
            return
        self._columns, self._gone_rows = columns, 0
        self._ends.clear()
        self._breaks.clear()
        if columns is not None:
            self._count_rows(self._lines)

    def first_row(self, number: int) -> int:
        """The row at which the line begins; for the number after the newest, the row after all."""
        at = number - self._first
        if self._columns is None or at <= 0:
            return max(0, at)
        return self._ends[at - 1] - self._gone_rows

    def place_of(self, row: int) -> tuple[int, int]:
        """The line at this row, and which of the line's rows it is."""
        if self._columns is None:
            return self._first + row, 0
        at = bisect_right(self._ends, row + self._gone_rows)
        number = self._first + at
        return number, row - self.first_row(number)

    def rows_of(self, number: int) -> list[tuple[int, int]]:
        """Where each row of the line starts and ends in its plain text."""
        if self._columns is None:
            return [(0, len(self[number].plain))]
        if number not in self._breaks:
            if len(self._breaks) >= _BREAKS_KEPT:
                self._breaks.clear()
            self._breaks[number] = break_line(self[number].plain, self._columns)
        return self._breaks[number]

    def _count_rows(self, lines: Sequence[LogLine]) -> None:
        columns = self._columns
        assert columns is not None
        total = self._ends[-1] if self._ends else self._gone_rows
        for line in lines:
            text = line.text
            if len(text) <= columns and is_plain(text):
                total += 1  # escapes, if any, make it shorter only
            else:
                total += len(break_line(line.plain, columns))
            self._ends.append(total)


def _width(line: LogLine) -> int:
    """Cells; escapes of colours in plain lines count too, which only makes the scroll bar a little shorter."""
    text = line.text
    return len(text) if is_plain(text) else cell_count(line.plain)
