"""Which lines of a log have what is sought: counted bit by bit, kept up as lines come and go."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from pqdesk.gui.widgets.log_find import Sought
from pqdesk.gui.widgets.log_selection import LogPlace
from pqdesk.gui.widgets.log_text import LogText

_BUDGET_MS = 8  # of one turn of the event loop
_LINES_BETWEEN_LOOKS = 50  # at the clock


class LogFinder(QObject):
    """Looks through the lines of one log and goes from hit to hit.

    Signals:
        counted: How many lines were found has changed, or on which of them one stands.
        settled: Everything was looked through; for an announcement.
    """

    counted = Signal()
    settled = Signal()

    def __init__(self, log: LogText) -> None:
        super().__init__(log)
        self._log = log
        self._sought = Sought("", is_regex=False)
        self._hits: list[int] = []  # numbers of lines, rising
        self._next = 0  # the first line not looked at
        self._wish: bool | None = None  # go down or up, when all is looked through
        self._is_settled = True
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look_on)
        log.lines_taken.connect(self._on_lines_taken)

    @property
    def sought(self) -> Sought:
        return self._sought

    @property
    def is_looking(self) -> bool:
        return self._timer.isActive()

    @property
    def count(self) -> int:
        """Lines with a hit."""
        return len(self._hits)

    @property
    def position(self) -> int | None:
        """Which of them one stands on, from 1, the oldest, on; None for none of them."""
        at = self._log.current_line
        if at is None:
            return None
        place = bisect_left(self._hits, at)
        return place + 1 if place < len(self._hits) and self._hits[place] == at else None

    def seek(self, sought: Sought) -> None:
        """Look for this from now on."""
        self._sought = sought
        self._hits.clear()
        self._wish = None
        self._next = self._log.lines.first
        self._log.mark_hits(sought)
        self._is_settled = False
        self._look_soon()
        self.counted.emit()

    def go(self, *, is_down: bool) -> None:
        """To the next hit from the current line on, else from what is in sight; at the end begin anew."""
        if not self._sought:
            return
        if self.is_looking:
            self._wish = is_down
            return
        if not self._hits:
            return
        at = self._log.current_line
        if at is None:
            bar = self._log.verticalScrollBar()
            row = bar.value() if is_down else min(bar.value() + self._log.page_rows, self._log.lines.row_count) - 1
            at = self._log.lines.place_of(max(0, row))[0] + (-1 if is_down else 1)
        place = bisect_right(self._hits, at) if is_down else bisect_left(self._hits, at) - 1
        self._stand_on(self._hits[place % len(self._hits)])

    def _stand_on(self, number: int) -> None:
        log = self._log
        start, end = next(iter(self._sought.spans(log.lines[number].plain)), (0, 0))
        log.select(LogPlace(number, start), LogPlace(number, end))
        log.set_current_line(number)
        log.show_line(number)
        log.mark_hits(self._sought, number)
        self.counted.emit()

    def _on_lines_taken(self) -> None:
        gone = bisect_left(self._hits, self._log.lines.first)
        if gone:
            del self._hits[:gone]
        self._next = max(self._next, self._log.lines.first)
        self._look_soon()

    def _look_soon(self) -> None:
        if self._sought and self._next < self._log.lines.end:
            self._timer.start(0)
        else:
            self._next = self._log.lines.end
            self._timer.stop()

    def _look_on(self) -> None:
        spent = QElapsedTimer()
        spent.start()
        before, lines = len(self._hits), self._log.lines
        while self._next < lines.end and spent.elapsed() < _BUDGET_MS:
            until = min(self._next + _LINES_BETWEEN_LOOKS, lines.end)
            self._hits += [n for n, line in lines.numbered(self._next, until) if self._sought.is_in(line.plain)]
            self._next = until
        is_done = self._next >= lines.end
        if is_done:
            self._timer.stop()
        if is_done or len(self._hits) != before:
            self.counted.emit()
        if is_done and not self._is_settled:
            self._is_settled = True
            self.settled.emit()
        if is_done and self._wish is not None:
            wish, self._wish = self._wish, None
            self.go(is_down=wish)
