"""Which lines of a log are shown, and what is sought in them, without ever making the window wait.

Regular expressions are PCRE's, by Qt, and not Python's: Python's hold the interpreter, so that one that backtracks
for ever (`(a+)+$`) would freeze every thread. PCRE gives up on a line after a number of steps set here.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRegularExpression

from pqdesk.gui.widgets.astral import code_points
from pqdesk.gui.widgets.log.lines import LogLine
from pqdesk.supervision.logs.levels import Level, LevelReader

_STEPS_A_LINE = 20_000  # about a tenth of a millisecond
_MOST_HITS_A_LINE = 200


class LogFilter:
    """The lines of a level and above; a line without a level has that of the line before it in its stream."""

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


class Sought:
    """Finds in one line after another. Upper and lower case are the same.

    Attributes:
        problem: Why nothing can be found, one sentence; empty while all is well.
        is_slow: A line was given up, since the expression takes too many steps on it.
    """

    def __init__(self, text: str, *, is_regex: bool) -> None:
        self.is_slow = False
        self.problem = ""
        self._text = text.casefold()
        self._regex: QRegularExpression | None = None
        if is_regex and text:
            self._regex = _compiled(text)
            if not self._regex.isValid():
                self.problem = f"not a regular expression: {self._regex.errorString()}"

    def __bool__(self) -> bool:
        return bool(self._text) and not self.problem

    def is_in(self, line: str) -> bool:
        """Whether the plain text of a line has it."""
        if self._regex is None:
            return self._text in line.casefold()
        found = self._regex.match(line)
        if not found.isValid():
            self.is_slow = True
        return found.hasMatch()

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Start and end of each hit."""
        return self._plain_spans(line) if self._regex is None else self._regex_spans(line)

    def _plain_spans(self, line: str) -> list[tuple[int, int]]:
        folded, size = line.casefold(), len(self._text)
        if len(folded) != len(line):  # ß and its like: places would not fit
            folded = line.lower() if len(line.lower()) == len(line) else line
        found: list[tuple[int, int]] = []
        at = folded.find(self._text)
        while at >= 0 and len(found) < _MOST_HITS_A_LINE:
            found.append((at, at + size))
            at = folded.find(self._text, at + size)
        return found

    def _regex_spans(self, line: str) -> list[tuple[int, int]]:
        assert self._regex is not None
        found: list[tuple[int, int]] = []
        hits = self._regex.globalMatch(line)
        while hits.hasNext() and len(found) < _MOST_HITS_A_LINE:
            hit = hits.next()
            if hit.capturedLength():
                found.append((code_points(line, hit.capturedStart()), code_points(line, hit.capturedEnd())))
        return found


def _compiled(text: str) -> QRegularExpression:
    options = QRegularExpression.PatternOption.CaseInsensitiveOption
    # checked alone first, so that what is wrong is told of the text itself
    alone = QRegularExpression(text, options)
    if not alone.isValid():
        return alone
    limited = QRegularExpression(f"(*LIMIT_MATCH={_STEPS_A_LINE}){text}", options)
    limited.optimize()
    return limited
