"""The text of a log: follows its end, lets go when the user scrolls up, and stays quick at 5,000 lines a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QResizeEvent, QTextCharFormat, QTextCursor, QTextLayout, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.ansi import parse_ansi
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.log_buffer import LINES_KEPT

_LINES_A_TURN = 200  # of the event loop: 3 ms, with dropping as many 15 ms
_SLACK = 200  # lines are dropped so many at a time
_MARGIN_PX = 14


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line as it was read, and whose it is: `prefix` is shown before it, in the colour of `role`."""

    text: str
    prefix: str = ""
    role: Role = Role.MUTED


class LogText(QPlainTextEdit):
    """Plain text only; colours are laid over the finished lines and touch no document.

    Signals:
        follow_changed: Whether the newest line is kept in sight.
    """

    follow_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log")
        self.setAccessibleName("Log")
        self._theme = theme
        self._pending: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._shown: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._is_following = True
        self._is_changing = False
        self._unseen = 0
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.setCenterOnScroll(False)
        self.document().setDocumentMargin(_MARGIN_PX)
        self._jump = make_button("", "jump_to_newest", self.viewport(), look="primary")
        self._jump.clicked.connect(self.follow)
        self._jump.hide()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._append_some)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._keep_end())
        self.selectionChanged.connect(self._keep_end)
        theme.changed.connect(self._take_looks)
        self._take_looks()

    # --- what the page asks -----------------------------------------------------------------------

    @property
    def is_following(self) -> bool:
        return self._is_following

    def append_lines(self, lines: Sequence[LogLine]) -> None:
        """Add `lines` at the end, within the next turns of the event loop."""
        self._pending.extend(lines)
        if self._pending:
            self._timer.start(0)

    def set_lines(self, lines: Sequence[LogLine]) -> None:
        """Show these instead, from the newest on."""
        self._timer.stop()
        self._pending.clear()
        self._shown.clear()
        self._is_changing = True
        self.setPlainText("")
        self._is_changing = False
        self._insert(lines[-LINES_KEPT:])
        self.follow()

    def follow(self) -> None:
        """Go to the newest line and stay there."""
        cursor = self.textCursor()
        cursor.clearSelection()
        self.setTextCursor(cursor)
        self._set_following(True)
        self._keep_end()

    def set_wrapped(self, is_wrapped: bool) -> None:
        mode = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if is_wrapped else QTextOption.WrapMode.NoWrap
        self.setWordWrapMode(mode)
        self._keep_end()

    # --- adding lines -----------------------------------------------------------------------------

    def _append_some(self) -> None:
        batch = [self._pending.popleft() for _ in range(min(_LINES_A_TURN, len(self._pending)))]
        if not self._pending:
            self._timer.stop()
        self._insert(batch)

    def _insert(self, lines: Sequence[LogLine]) -> None:
        if not lines:
            return
        self._is_changing = True
        document = self.document()
        texts, looks = zip(*(self._prepared(line) for line in lines), strict=True)
        cursor = QTextCursor(document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        first = document.blockCount() if self._shown else 0
        chosen = (self.textCursor().anchor(), self.textCursor().position())
        cursor.insertText(("\n" if self._shown else "") + "\n".join(texts))
        self._keep_selection(*chosen)
        self._lay_colors(first, looks, [len(line.prefix) + 2 if line.prefix else 0 for line in lines])
        self._shown.extend(lines)
        self._drop_oldest()
        self._is_changing = False
        if self._may_scroll:
            self._keep_end()
        else:
            self._count_unseen(len(lines))

    def _keep_selection(self, anchor: int, position: int) -> None:
        """A selection that ends at the end of the text has grown with it."""
        cursor = self.textCursor()
        if anchor == position or (cursor.anchor(), cursor.position()) == (anchor, position):
            return
        cursor.setPosition(anchor)
        cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
        before = self.verticalScrollBar().value()
        self.setTextCursor(cursor)  # scrolls to it
        self.verticalScrollBar().setValue(before)

    def _prepared(self, line: LogLine) -> tuple[str, tuple[tuple[int, int, QTextCharFormat], ...]]:
        text, stretches = parse_ansi(line.text)
        head = f"{line.prefix}  " if line.prefix else ""
        looks = [(len(head) + one.start, one.length, self._format(one.role, one.is_bold)) for one in stretches]
        if head:
            looks.insert(0, (0, len(head), self._format(line.role, True)))
        return head + text, tuple(looks)

    def _format(self, role: Role | None, is_bold: bool) -> QTextCharFormat:
        found = self._formats.get((role, is_bold))
        if found is None:
            found = self._formats[role, is_bold] = QTextCharFormat()
            if role is not None:
                found.setForeground(QColor(self._theme.color(role)))
            if is_bold:
                found.setFontWeight(QFont.Weight.Bold)
        return found

    def _lay_colors(
        self, first: int, looks: Sequence[tuple[tuple[int, int, QTextCharFormat], ...]], heads: Sequence[int]
    ) -> None:
        """As QSyntaxHighlighter does it: on the layouts, so the document stays as it is."""
        block = self.document().findBlockByNumber(first)
        for at, look in enumerate(looks):
            if look:
                ranges = []
                for start, length, text_format in look:
                    one = QTextLayout.FormatRange()
                    one.start, one.length, one.format = start, length, text_format
                    ranges.append(one)
                block.layout().setFormats(ranges)
                self.document().markContentsDirty(block.position(), block.length())
            block.setUserState(heads[at])
            block = block.next()

    def _drop_oldest(self) -> None:
        """Forget lines beyond LINES_KEPT; what is in sight stays where it is."""
        document = self.document()
        surplus = document.blockCount() - LINES_KEPT
        if surplus <= _SLACK:
            return
        cursor = QTextCursor(document)
        bar, before = self.verticalScrollBar(), self.verticalScrollBar().value()
        height = document.findBlockByNumber(surplus).firstLineNumber()
        cursor.movePosition(QTextCursor.MoveOperation.Start)
        cursor.movePosition(QTextCursor.MoveOperation.NextBlock, QTextCursor.MoveMode.KeepAnchor, surplus)
        cursor.removeSelectedText()
        if not self._is_following:
            bar.setValue(max(0, before - height))

    # --- following --------------------------------------------------------------------------------

    @property
    def _may_scroll(self) -> bool:
        return self._is_following and not self.textCursor().hasSelection()

    def _keep_end(self) -> None:
        if self._may_scroll and not self._is_changing:
            self._is_changing = True
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
            self._is_changing = False
            self._count_unseen(0)

    def _on_scrolled(self, value: int) -> None:
        if self._is_changing:
            return
        is_at_end = value >= self.verticalScrollBar().maximum()
        if is_at_end and self.textCursor().hasSelection():
            self._count_unseen(0)
        self._set_following(is_at_end)

    def _set_following(self, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self.follow_changed.emit(is_following)
        if is_following:
            self._count_unseen(0)
        self._jump.setVisible(not is_following)
        self._describe_jump()

    def _count_unseen(self, more: int) -> None:
        self._unseen = self._unseen + more if more else 0
        self._jump.setVisible(not self._is_following or self._unseen > 0)
        self._describe_jump()

    def _describe_jump(self) -> None:
        news = f" · {format_count(self._unseen, 'new line')}" if self._unseen else ""
        self._jump.setText(f"Jump to newest{news}")
        self._place_jump()

    def _place_jump(self) -> None:
        self._jump.adjustSize()
        room = self.viewport()
        self._jump.move((room.width() - self._jump.width()) // 2, room.height() - self._jump.height() - 12)

    # --- what Qt tells ----------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_End:
            self.follow()
            return
        if event.key() == Qt.Key.Key_Home:
            self.verticalScrollBar().setValue(0)
            return
        super().keyPressEvent(event)

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied: the lines without the names before them."""
        cursor, lines = self.textCursor(), []
        block = self.document().findBlock(cursor.selectionStart())
        while block.isValid() and block.position() <= cursor.selectionEnd():
            start = max(cursor.selectionStart() - block.position(), max(0, block.userState()))
            lines.append(block.text()[start : cursor.selectionEnd() - block.position()])
            block = block.next()
        data = QMimeData()
        data.setText("\n".join(lines))
        return data

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_end()
        self._place_jump()

    def _take_looks(self) -> None:
        self._formats: dict[tuple[Role | None, bool], QTextCharFormat] = {}
        self.setFont(self._theme.fixed_font())
        if self._shown:
            self.set_lines([*self._shown, *self._pending])
