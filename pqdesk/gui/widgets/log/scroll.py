"""Scrolling a log: keeps the newest line in sight, lets go when the user scrolls up, counts what comes meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.log.lines import LINES_KEPT, LogLine, LogLines, LogSelection
from pqdesk.gui.widgets.log.painter import MARGIN_PX, LogColumns, LogPainter

_TAKE_MS = 100  # new lines are taken in at most so often
_FEWEST_COLUMNS = 10
_JUMP_GAP_PX = 12
TOP_PX = 6


class LogScroll(QAbstractScrollArea):
    """What is drawn and chosen is up to LogCanvas.

    Signals:
        follow_changed: Whether the newest line is kept in sight.
        end_asked: The user asked for the newest line.
        lines_taken: Lines were added or replaced; the finder looks at them.
    """

    follow_changed = Signal(bool)
    end_asked = Signal()
    lines_taken = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = LogLines()
        self.selection = LogSelection()
        self._painter = LogPainter(theme)
        self._pending: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._is_wrapped = False
        self._is_following = True
        self._is_changing = False
        self._unseen = 0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._jump = make_button("", "jump_to_newest", self.viewport(), look="primary")
        self._jump.clicked.connect(self.jump_to_newest)
        self._jump.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._take_pending)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.horizontalScrollBar().valueChanged.connect(lambda _: self.viewport().update())

    # --- what the page asks -----------------------------------------------------------------------

    @property
    def is_following(self) -> bool:
        return self._is_following

    @property
    def columns(self) -> LogColumns:
        return self._painter.columns

    def append_lines(self, lines: Sequence[LogLine]) -> None:
        """Add `lines` at the end, a moment later."""
        self._pending.extend(lines)
        if self._pending and not self._timer.isActive():
            self._timer.start(_TAKE_MS)

    def set_lines(self, lines: Sequence[LogLine]) -> None:
        """Show these instead, from the newest on."""
        self._timer.stop()
        self._pending.clear()
        self.lines.clear()
        self._painter.forget()
        self.lines.append(lines[-LINES_KEPT:])
        self.follow()
        self._lay_out()
        self.lines_taken.emit()

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        self.selection.clear()
        self._set_following(True)
        self._keep_end()
        self._changed()

    def jump_to_newest(self) -> None:
        """The same for the user, whose wish is told."""
        self.follow()
        self.end_asked.emit()

    def set_wrapped(self, is_wrapped: bool) -> None:
        self._is_wrapped = is_wrapped
        self._lay_out()

    def set_columns(self, columns: LogColumns) -> None:
        """What stands before each line."""
        if columns != self._painter.columns:
            self._painter.columns = columns
            self._lay_out()

    def show_line(self, number: int) -> None:
        """Bring the line into sight, in the middle if it was outside; lets go of the end for that."""
        bar, row = self.verticalScrollBar(), self.lines.first_row(number)
        if not bar.value() <= row < bar.value() + self.page_rows:
            bar.setValue(max(0, row - self.page_rows // 2))
        self._set_following(bar.value() >= bar.maximum() and self.lines.row_count - row <= self.page_rows)
        self._changed()

    @property
    def is_settled(self) -> bool:
        """Whether all that has come is shown."""
        return not self._pending

    @property
    def has_lines(self) -> bool:
        """Now or in a moment."""
        return bool(self._pending) or len(self.lines) > 0

    @property
    def top_line(self) -> LogLine | None:
        """The first that is in sight."""
        if not len(self.lines):
            return None
        return self.lines[self.lines.place_of(min(self.verticalScrollBar().value(), self.lines.row_count - 1))[0]]

    def scroll_to_line(self, number: int) -> None:
        """Make it the first in sight."""
        self.verticalScrollBar().setValue(self.lines.first_row(number))

    def step_into_sight(self, number: int) -> None:
        """The same with as little scrolling as will do."""
        bar, row = self.verticalScrollBar(), self.lines.first_row(number)
        bar.setValue(min(max(bar.value(), row - self.page_rows + 1), row))
        self._set_following(bar.value() >= bar.maximum() and number == self.lines.end - 1)
        self._changed()

    @property
    def page_rows(self) -> int:
        """Rows that fit whole."""
        return max(1, (self.viewport().height() - TOP_PX) // self._painter.row_px)

    # --- adding lines -----------------------------------------------------------------------------

    def _take_pending(self) -> None:
        lines = list(self._pending)
        self._pending.clear()
        self._is_changing = True
        self.lines.append(lines)
        gone = self.lines.drop_oldest()
        bar = self.verticalScrollBar()
        before = bar.value()
        self._update_bars()
        if gone:
            bar.setValue(max(0, before - gone))
        self._is_changing = False
        if self.may_scroll:
            self._keep_end()
            self._changed()
        else:
            self._count_unseen(len(lines))
            if gone > before:  # what was in sight is gone
                self._changed()
        self.lines_taken.emit()

    def _lay_out(self) -> None:
        """The rows are other ones: of another width, or of other lines. The line on top stays there."""
        bar = self.verticalScrollBar()
        top = self.lines.place_of(bar.value())[0] if len(self.lines) else 0
        room = self.viewport().width() - self._painter.body_px - MARGIN_PX
        columns = max(_FEWEST_COLUMNS, int(room / self._painter.cell_px)) if self._is_wrapped else None
        self.lines.wrap(columns)
        self._painter.forget()
        self._is_changing = True
        self._update_bars()
        if top in self.lines:
            bar.setValue(self.lines.first_row(top))
        self._is_changing = False
        self._keep_end()
        self._changed()

    def _update_bars(self) -> None:
        bar = self.verticalScrollBar()
        bar.setPageStep(self.page_rows)
        bar.setRange(0, max(0, self.lines.row_count - self.page_rows))
        side, cell = self.horizontalScrollBar(), self._painter.cell_px
        wide = 0 if self._is_wrapped else self._painter.body_px + self.lines.widest_cells * cell + MARGIN_PX
        side.setSingleStep(round(4 * cell))
        side.setPageStep(self.viewport().width())
        side.setRange(0, max(0, round(wide) - self.viewport().width()))

    def _changed(self) -> None:
        """What is in sight is to be drawn anew."""
        self.viewport().update()

    # --- following --------------------------------------------------------------------------------

    @property
    def may_scroll(self) -> bool:
        """A selection holds the text where it is, and following goes on after it."""
        return self._is_following and not self.selection

    def _keep_end(self) -> None:
        if self.may_scroll and not self._is_changing:
            self._is_changing = True
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
            self._is_changing = False
            self._count_unseen(0)

    def _on_scrolled(self, value: int) -> None:
        self._changed()
        if self._is_changing:
            return
        is_at_end = value >= self.verticalScrollBar().maximum()
        if is_at_end and self.selection:
            self._count_unseen(0)
        self._set_following(is_at_end)

    def _set_following(self, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self.follow_changed.emit(is_following)
        if is_following:
            self._count_unseen(0)
        self._describe_jump()

    def _count_unseen(self, more: int) -> None:
        self._unseen = self._unseen + more if more else 0
        self._describe_jump()

    def _describe_jump(self) -> None:
        is_needed = not self._is_following or self._unseen > 0
        if is_needed:
            news = f" · {format_count(self._unseen, 'new line')}" if self._unseen else ""
            if self._jump.text() != (text := f"Jump to newest{news}"):
                self._jump.setText(text)
            self._place_jump()
        if is_needed == self._jump.isHidden():
            self._jump.setVisible(is_needed)

    def _place_jump(self) -> None:
        self._jump.adjustSize()
        room = self.viewport()
        x, y = (room.width() - self._jump.width()) // 2, room.height() - self._jump.height() - _JUMP_GAP_PX
        self._jump.move(x, y)

    # --- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()
        self._place_jump()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """The scroll bars' own signals do it."""
