"""The result of an action, at the bottom of the window for a while, with a way back where there is one."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QEvent, QObject, QRect, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QHideEvent
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox

_SHOWN_MS = 5_000
_SHOWN_WITH_CHOICE_MS = 10_000  # with Undo, or an error to read
_MARGIN = 16
_NARROWEST, _WIDEST = 280, 760


class Tone(Enum):
    """What a toast tells: the icon of it, and its colour."""

    DONE = ("completed", Role.HEALTHY)
    GOING_ON = ("clock", Role.MUTED)
    ERROR = ("warning", Role.ERROR)


class Toast(QFrame):
    """One at a time; a new one takes the place of the old. Floats over the widget it is made for."""

    def __init__(self, theme: Theme, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName("toast")
        self.setProperty("look", "toast")
        self._theme = theme
        self._undo: Callable[[], None] | None = None
        self._icon = QLabel(self)
        self._text = PlainLabel("", self, objectName="toast_text", wordWrap=True)
        self._button = make_button("Undo", "toast_undo", self, look="link")
        self._button.clicked.connect(self._on_undo)
        self._close = make_button("", "toast_close", self, look="quiet")
        self._close.setAccessibleName("Dismiss")
        self._close.setToolTip("Dismiss (Esc)")
        self._close.setFixedSize(28, 28)
        self._close.setProperty("bulk", "tool")
        theme.picture(self._close, "close", Role.MUTED, is_inverse=True)
        self._close.clicked.connect(self.hide)
        hbox(self._icon, (self._text, 1), self._button, self._close, on=self, margins=(14, 8, 8, 8), spacing=10)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        host.installEventFilter(self)
        self.hide()

    def show_text(
        self,
        text: str,
        tone: Tone = Tone.DONE,
        *,
        undo: Callable[[], None] | None = None,
        is_update: bool = False,
    ) -> None:
        """Say `text`; with `undo` offer to take it back. What is an update of the text there is not read out."""
        self._undo = undo
        self._text.setText(text)
        self._button.setVisible(undo is not None)
        self._theme.picture(self._icon, *tone.value, is_inverse=True)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(_SHOWN_WITH_CHOICE_MS if undo is not None or tone is Tone.ERROR else _SHOWN_MS)
        if is_update:
            return
        event = QAccessibleAnnouncementEvent(self, text)
        if tone is Tone.ERROR:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous() and self.isHidden():
            self._undo = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _on_undo(self) -> None:
        undo = self._undo
        self.hide()
        if undo is not None:
            undo()

    def _place(self) -> None:
        host = self.parentWidget()
        if host is None:
            return
        one_line = self._text.fontMetrics().horizontalAdvance(self._text.text()) + 8
        around = self.sizeHint().width() - self._text.sizeHint().width()
        width = min(max(one_line + around, _NARROWEST), host.width() - 2 * _MARGIN, _WIDEST)
        height = max(self.heightForWidth(width), 44)
        left = (host.width() - width) // 2
        self.setGeometry(QRect(left, host.height() - height - _MARGIN, width, height))
