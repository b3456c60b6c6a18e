"""What is selected in a log: from a place to a place, by numbers of lines. Needs no Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pqdesk.gui.widgets.log_line import LogLine
from pqdesk.gui.widgets.log_lines import LogLines


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
