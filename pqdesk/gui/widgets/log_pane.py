"""A log with its controls: find, wrap, clear, and room for what chooses the log."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QTextEdit, QVBoxLayout, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import Hairline
from pqdesk.gui.widgets.log_text import LogLine, LogText

_MOST_HITS = 500


class LogPane(QWidget):
    """Signals:
    cleared: The user cleared the view; the file is untouched.
    """

    cleared = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log_pane")
        self._theme = theme
        self.text = LogText(theme, self)
        self.empty = EmptyState(theme, "log_empty", self.text.viewport())
        self._find = self._make_find()
        self._wrap = make_button("Wrap", "log_wrap", self, look="quiet")
        self._wrap.setCheckable(True)
        self._wrap.setToolTip("Wrap long lines")
        self._wrap.toggled.connect(self.text.set_wrapped)
        self._wrap.toggled.connect(lambda _: self._take_looks())
        self._clear = make_button("Clear view", "log_clear", self, look="quiet")
        self._clear.setToolTip("Clear what is shown here; the file stays as it is")
        self._clear.clicked.connect(self._on_clear)
        self.controls = QHBoxLayout()  # the page puts what chooses the log at its left
        self.controls.setContentsMargins(16, 6, 8, 6)
        self.controls.setSpacing(8)
        for widget in (self._find, self._wrap, self._clear):
            self.controls.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self.controls)
        column.addWidget(Hairline(self))
        column.addWidget(self.text, 1)
        self.text.verticalScrollBar().valueChanged.connect(lambda _: self._mark_hits())
        theme.changed.connect(self._take_looks)
        self._take_looks()

    def _make_find(self) -> QLineEdit:
        field = QLineEdit(self)
        field.setObjectName("log_find")
        field.setAccessibleName("Find in log")
        field.setPlaceholderText("Find")
        field.setToolTip("Enter finds the next one upwards, Shift+Enter downwards")
        field.setClearButtonEnabled(True)
        field.setFixedWidth(200)
        self._find_icon = QAction(field)
        field.addAction(self._find_icon, QLineEdit.ActionPosition.LeadingPosition)
        field.textChanged.connect(lambda _: self._mark_hits())
        field.installEventFilter(self)
        return field

    # --- what the page asks -----------------------------------------------------------------------

    def set_lines(self, lines: Sequence[LogLine], empty_text: str) -> None:
        """Show these instead; `empty_text` stands there while there are none."""
        self.text.set_lines(lines)
        if lines:
            self.empty.hide()
        else:
            self.empty.show_text(empty_text, icon="logs", role=Role.MUTED)
        self._mark_hits()

    def append_lines(self, lines: Sequence[LogLine]) -> None:
        if lines:
            self.empty.hide()
            self.text.append_lines(lines)

    def focus_find(self) -> None:
        self._find.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._find.selectAll()

    # --- finding ----------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(is_down=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return True
        if event.key() == Qt.Key.Key_Escape and self._find.text():
            self._find.clear()
            return True
        return False

    def _go(self, *, is_down: bool) -> None:
        """To the next hit from the cursor on, beginning again at the other end."""
        wanted = self._find.text()
        if not wanted:
            return
        flags = QTextDocument.FindFlag(0) if is_down else QTextDocument.FindFlag.FindBackward
        if not self.text.find(wanted, flags):
            cursor = self.text.textCursor()
            cursor.movePosition(QTextCursor.MoveOperation.Start if is_down else QTextCursor.MoveOperation.End)
            self.text.setTextCursor(cursor)
            self.text.find(wanted, flags)
        self._mark_hits()

    def _mark_hits(self) -> None:
        """Mark every hit that can be seen; the lines around them stay readable."""
        wanted = self._find.text()
        marks: list[QTextEdit.ExtraSelection] = []
        if wanted:
            look = QTextCharFormat()
            color = self._theme.color(Role.WARNING)
            color.setAlphaF(0.35)
            look.setBackground(color)
            document = self.text.document()
            cursor = self.text.cursorForPosition(self.text.viewport().rect().topLeft())
            last = self.text.cursorForPosition(self.text.viewport().rect().bottomRight()).block().blockNumber()
            while len(marks) < _MOST_HITS:
                cursor = document.find(wanted, cursor)
                if cursor.isNull() or cursor.block().blockNumber() > last:
                    break
                mark = QTextEdit.ExtraSelection()
                mark.cursor, mark.format = cursor, look
                marks.append(mark)
        self.text.setExtraSelections(marks)

    def _on_clear(self) -> None:
        self.set_lines((), "Cleared. New lines appear here")
        self.cleared.emit()

    def _take_looks(self) -> None:
        self._find_icon.setIcon(self._theme.icon("search", Role.MUTED))
        self._wrap.setIcon(self._theme.icon("wrap", Role.ACCENT if self._wrap.isChecked() else Role.TEXT))
        self._clear.setIcon(self._theme.icon("close"))
        self._mark_hits()
