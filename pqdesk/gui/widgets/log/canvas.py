"""A log as it is drawn: only what is in sight is laid out, the rest are strings in a list; and its text for readers.

The view paints its lines itself, so a screen reader would find nothing in it. A LogMirror lies in its viewport, draws
nothing, holds the same lines, and has the keyboard for the view. (Accessible interfaces written in Python crash
PySide 6.11.3 as soon as a screen reader asks one for its text.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.log.choosing import Sought
from pqdesk.gui.widgets.log.lines import LogLine, LogPlace
from pqdesk.gui.widgets.log.painter import LONG_LINE, Mark, hit_mark
from pqdesk.gui.widgets.log.scroll import TOP_PX, LogScroll

_PAUSE_MS = 500  # a reader that is told of every line would never come to an end


class LogMirror(QPlainTextEdit):
    """Named `Log`. Its text is made when somebody listens, at most twice a second.

    Signals:
        menu_asked: By the keyboard.
        focus_changed: The keyboard came or went.
    """

    menu_asked = Signal()
    focus_changed = Signal()

    def __init__(
        self, parent: QWidget, text: Callable[[], tuple[str, int]], on_key: Callable[[QKeyEvent], None]
    ) -> None:
        """`text` gives the lines and where in them the keyboard is; keys go to `on_key`."""
        super().__init__(parent)
        self.setObjectName("log")
        self.setAccessibleName("Log")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        for policy in (self.setVerticalScrollBarPolicy, self.setHorizontalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)  # else Qt takes it for opaque and leaves out what lies below
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._source = text
        self._on_key = on_key
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.take)

    def follow_soon(self) -> None:
        """What is in sight has changed."""
        if QAccessible.isActive() and not self._timer.isActive():
            self._timer.start(_PAUSE_MS)

    def take(self) -> None:
        """Take the text now."""
        text, position = self._source()
        if text != self.toPlainText():
            self.setPlainText(text)
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(position, max(0, self.document().characterCount() - 1)))
        self.setTextCursor(cursor)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The view has drawn the lines."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._on_key(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_asked.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.follow_soon()
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()


class _Row(NamedTuple):
    """One row in sight: its y, line number, which row of the line, and what of the line it shows."""

    top: int
    number: int
    at: int
    span: tuple[int, int]


class LogCanvas(LogScroll):
    """Draws the lines, and knows which place is where and what is selected; mouse and keyboard are LogText's."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName("log_view")
        self.viewport().setObjectName("log_rows")
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # all of it is drawn
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the mirror has the keyboard
        self._current: int | None = None
        self._sought = Sought("", is_regex=False)
        self._hit: int | None = None  # the line that Find stands on
        self.mirror = LogMirror(self.viewport(), self._seen_text, self.keyPressEvent)
        self.mirror.lower()
        self.mirror.focus_changed.connect(self.viewport().update)
        theme.changed.connect(self._take_looks)

    # --- what the page asks -----------------------------------------------------------------------

    def toPlainText(self) -> str:
        """All lines, with what stands before them, as QPlainTextEdit would have it."""
        heads = self.columns
        return "\n".join(
            heads.head(line) + line.plain for _, line in self.lines.numbered(self.lines.first, self.lines.end)
        )

    def mark_hits(self, sought: Sought, line: int | None = None) -> None:
        """Mark what is sought wherever it is in sight; that in `line` stronger."""
        self._sought, self._hit = sought, line
        self.viewport().update()

    @property
    def current_line(self) -> int | None:
        """Where the keyboard is: a line's number."""
        return self._current if self._current is not None and self._current in self.lines else None

    def set_current_line(self, number: int | None) -> None:
        self._current = number
        self._changed()

    def copy(self, *, has_heads: bool = False) -> None:
        """The selection to the clipboard; the names before the lines stay out unless `has_heads`."""
        if self.selection:
            QGuiApplication.clipboard().setText(self.selected_text(has_heads=has_heads))

    def selected_text(self, *, has_heads: bool = False) -> str:
        return self.selection.text(self.lines, self.columns.head if has_heads else None)

    def select(self, anchor: LogPlace, end: LogPlace) -> None:
        was_selected = bool(self.selection)
        self.selection.set(anchor, end)
        if was_selected and not self.selection:
            self._keep_end()
        self._changed()

    def clear_selection(self) -> None:
        self.select(self.selection.anchor, self.selection.anchor)

    def select_all(self) -> None:
        if len(self.lines):
            last = self.lines.end - 1
            self.select(LogPlace(self.lines.first, 0), LogPlace(last, len(self.lines[last].plain)))

    # --- places -----------------------------------------------------------------------------------

    def place_at(self, point: QPoint) -> LogPlace:
        """The place in the text that is nearest to a point of the viewport."""
        if not len(self.lines):
            return LogPlace(self.lines.first, 0)
        row = self.verticalScrollBar().value() + (point.y() - TOP_PX) // self._painter.row_px
        if row >= self.lines.row_count:
            last = self.lines.end - 1
            return LogPlace(last, len(self.lines[last].plain))
        number, at = self.lines.place_of(max(0, row))
        span = self.lines.rows_of(number)[at]
        x = point.x() - self._painter.body_px + self.horizontalScrollBar().value()
        return LogPlace(number, self._painter.column_at(x, number, self.lines[number], span))

    def bottom_of(self, number: int) -> QPoint:
        """Below the beginning of the line, for a menu."""
        row = self.lines.first_row(number) - self.verticalScrollBar().value() + 1
        return QPoint(round(self._painter.body_px), min(TOP_PX + row * self._painter.row_px, self.viewport().height()))

    def _rows(self) -> Iterator[_Row]:
        """The rows in sight, from the top."""
        first = self.verticalScrollBar().value()
        if first >= self.lines.row_count:
            return
        number, skipped = self.lines.place_of(first)
        top, height = TOP_PX, self.viewport().height()
        while number < self.lines.end and top < height:
            for at, span in enumerate(self.lines.rows_of(number)):
                if at >= skipped and top < height:
                    yield _Row(top, number, at, span)
                    top += self._painter.row_px
            number, skipped = number + 1, 0

    def _seen_text(self) -> tuple[str, int]:
        """For the mirror: the lines in sight, and where the current one begins."""
        numbers = dict.fromkeys(row.number for row in self._rows())
        position, size, texts = 0, 0, []
        for number in numbers:
            text = self.columns.head(self.lines[number]) + self.lines[number].plain
            if number == self._current or (self._current is None and self._is_following):
                position = size
            texts.append(text)
            size += len(text) + 1
        return "\n".join(texts), position

    # --- drawing ----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        width = self.viewport().width()
        self._painter.fill(painter, QRectF(self.viewport().rect()))
        rows = list(self._rows())
        has_focus = self.mirror.hasFocus()
        for row in rows:
            is_current = row.number == self._current
            if is_current:
                self._painter.fill(painter, QRectF(0, row.top, width, self._painter.row_px), Role.ALTERNATE)
            self._painter.draw_bars(painter, row.top, self.lines[row.number], has_keyboard=is_current and has_focus)
            if row.at == 0:
                self._painter.draw_head(painter, row.top, self.lines[row.number])
        left = self._painter.body_px
        painter.setClipRect(QRectF(left, 0, width - left, self.viewport().height()))
        x = left - self.horizontalScrollBar().value()
        for row in rows:
            line = self.lines[row.number]
            marks = self._marks(row.number, line)
            span = row.span
            if span[1] - span[0] > LONG_LINE and not self._is_wrapped:
                span = self._painter.seen_span(line.plain, left - x, width - left)
            place = QPointF(x + (span[0] - row.span[0]) * self._painter.cell_px, row.top)
            self._painter.draw_row(painter, place, row.number, line, span, marks)
        if has_focus and not any(row.number == self._current for row in rows):  # else the line's bar tells
            painter.setClipping(False)
            self._painter.draw_focus(painter, QRectF(self.viewport().rect()))
        painter.end()

    def _marks(self, number: int, line: LogLine) -> list[Mark]:
        marks = []
        if self.selection:
            plain = line.plain
            chosen = self.selection.columns_in(number, len(plain))
            if chosen is not None:
                marks.append(Mark(*chosen, Role.SELECTION))
        if self._sought:
            is_hit = number == self._hit
            marks += [hit_mark(start, end, is_current=is_hit) for start, end in self._sought.spans(line.plain)]
        return marks

    # --- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.mirror.setGeometry(self.viewport().rect())

    def _changed(self) -> None:
        super()._changed()
        self.mirror.follow_soon()

    def _take_looks(self) -> None:
        self._painter.take_looks()
        self._lay_out()
