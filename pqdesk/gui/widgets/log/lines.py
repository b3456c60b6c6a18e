"""The lines that a log view shows, the rows they take, and what of them is selected. Needs no Qt.

A line has a number that stays the same while older ones are dropped; a row is counted from the oldest line on. Wrapped
lines break as in terminals, after so many cells, and words are not kept together: so the number of rows of 20,000 lines
is known without laying any of them out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, east_asian_width

from pqdesk.gui.palette import Role
from pqdesk.gui.widgets.ansi import strip_ansi
from pqdesk.supervision.logs.message_lines import message_id_of

LINES_KEPT = 20_000
TAB_CELLS = 8
_NO_CELL = ("Mn", "Me", "Cf")
_BREAKS_KEPT = 1_000
_SLACK = 2_000  # lines are dropped so many at a time: moving the others costs as much as for one


class LogLine(NamedTuple):
    """A line as it was read, and whose it is. A tuple: at 5,000 lines a second a dataclass costs twice as much.

    Attributes:
        prefix: Shown before it, the name of its process; empty where there is only one.
        role: The colour of the prefix and of the bar before it.
        is_error: It was written to stderr.
        read_at: When it was read, local time; None for what was in the file before.
    """

    text: str
    prefix: str = ""
    role: Role = Role.MUTED
    is_error: bool = False
    read_at: datetime | None = None

    @property
    def plain(self) -> str:
        """The text without the escapes of colours."""
        return self.text if "\x1b" not in self.text else strip_ansi(self.text)

    @property
    def message_id(self) -> int | None:
        """Of the message that the line is about, if it names one."""
        return message_id_of(self.text)


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


class LogPlace(NamedTuple):
    """Before the `column`-th character of the plain text of line `number`."""

    number: int
    column: int


class LogSelection:
    """Anchor and end; nothing is selected while they are the same."""

    def __init__(self) -> None:
        self.anchor = self.end = LogPlace(0, 0)

    def __bool__(self) -> bool:
        return self.anchor != self.end

    def clear(self) -> None:
        self.end = self.anchor

    def set(self, anchor: LogPlace, end: LogPlace) -> None:
        self.anchor, self.end = anchor, end

    @property
    def ordered(self) -> tuple[LogPlace, LogPlace]:
        return min(self.anchor, self.end), max(self.anchor, self.end)

    def columns_in(self, number: int, length: int) -> tuple[int, int] | None:
        """What of a line of this `length` is selected; None for nothing. A whole line goes one beyond its end."""
        first, last = self.ordered
        if not self or not first.number <= number <= last.number:
            return None
        start = first.column if number == first.number else 0
        end = last.column if number == last.number else length + 1
        return (start, end) if end > start else None

    def text(self, lines: LogLines, head_of: Callable[[LogLine], str] | None = None) -> str:
        """The selected text; with `head_of`, that before each line of which anything is selected."""
        first, last = self.ordered
        parts = []
        for number, line in lines.numbered(first.number, last.number + 1):
            plain = line.plain
            start = first.column if number == first.number else 0
            end = last.column if number == last.number else len(plain)
            parts.append((head_of(line) if head_of is not None else "") + plain[start:end])
        return "\n".join(parts)


def word_at(text: str, column: int) -> tuple[int, int]:
    """The run of characters around `column` that belong together: between blanks, quotes and brackets."""
    if column >= len(text) or not _is_of_word(text[column]):
        return column, min(column + 1, len(text))
    start = end = column
    while start > 0 and _is_of_word(text[start - 1]):
        start -= 1
    while end < len(text) and _is_of_word(text[end]):
        end += 1
    return start, end


def _is_of_word(character: str) -> bool:
    return not character.isspace() and character not in "\"'`()[]{}<>=,;|"


def is_plain(text: str) -> bool:
    """Whether each character takes one cell, whatever the font falls back to."""
    return text.isascii() and "\t" not in text


def cell_count(text: str) -> int:
    """How many cells of a terminal the line takes."""
    if is_plain(text):
        return len(text)
    cells = 0
    for character in text:
        cells += TAB_CELLS - cells % TAB_CELLS if character == "\t" else _cells(character)
    return cells


def break_line(text: str, columns: int) -> list[tuple[int, int]]:
    """Start and end of each row of a line that is wrapped after `columns` cells; an empty line has one row."""
    if is_plain(text):
        return [(at, min(at + columns, len(text))) for at in range(0, len(text), columns)] or [(0, 0)]
    rows, start, used = [], 0, 0
    for at, character in enumerate(text):
        cells = TAB_CELLS - used % TAB_CELLS if character == "\t" else _cells(character)
        if used + cells > columns and at > start:
            rows.append((start, at))
            start, used = at, 0
            cells = TAB_CELLS if character == "\t" else cells
        used += cells
    return [*rows, (start, len(text))]


@lru_cache(maxsize=8192)
def _cells(character: str) -> int:
    if character < "\u0300":
        return 1
    if category(character) in _NO_CELL:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
