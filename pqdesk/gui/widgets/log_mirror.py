"""The log as assistive technology reads it: a text with the lines that are in sight.

The view paints its lines itself, so a screen reader would find nothing in it. This widget lies in the view's viewport,
draws nothing, holds the same lines, and has the keyboard for the view. (Accessible interfaces written in
Python crash PySide 6.11.3 as soon as a screen reader asks one for its text.)
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QContextMenuEvent, QFocusEvent, QKeyEvent, QPaintEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

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
