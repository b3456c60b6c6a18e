"""The result of an action, at the bottom of the window for a while, with a way back where there is one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QHideEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel

_SHOWN_MS = 5_000
_SHOWN_WITH_CHOICE_MS = 10_000  # with Undo, or an error to read
_MARGIN = 16
_NARROWEST, _WIDEST = 280, 760


class Toast(QWidget):
    """One at a time; a new one takes the place of the old. Floats over the widget it is made for."""

    def __init__(self, theme: Theme, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName("toast")
        self._theme = theme
        self._is_error = False
        self._undo: Callable[[], None] | None = None
        self._icon = QLabel(self)
        self._text = PlainLabel("", self)
        self._text.setObjectName("toast_text")
        self._text.setWordWrap(True)
        self._button = make_button("Undo", "toast_undo", self, look="link")
        self._button.clicked.connect(self._on_undo)
        self._close = make_button("", "toast_close", self, look="quiet")
        self._close.setAccessibleName("Dismiss")
        self._close.setToolTip("Dismiss (Esc)")
        self._close.setFixedSize(28, 28)
        self._close.setStyleSheet("padding: 0;")
        self._close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(self._close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        host.installEventFilter(self)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self.hide()

    def show_text(
        self, text: str, *, is_error: bool = False, undo: Callable[[], None] | None = None, is_update: bool = False
    ) -> None:
        """Say `text`; with `undo` offer to take it back. What is an update of the text there is not read out."""
        self._is_error, self._undo = is_error, undo
        self._text.setText(text)
        self._button.setVisible(undo is not None)
        self._take_looks()
        self._place()
        self.show()
        self.raise_()
        self._timer.start(_SHOWN_WITH_CHOICE_MS if undo is not None or is_error else _SHOWN_MS)
        if is_update:
            return
        event = QAccessibleAnnouncementEvent(self, text)
        if is_error:
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

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.inverse.color(Role.BASE))
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.end()

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

    def _take_looks(self) -> None:
        other = self._theme.inverse  # it stands out without a shadow
        self._text.setStyleSheet(f"color: {other.color(Role.TEXT).name()};")
        self._button.setStyleSheet(f"color: {other.color(Role.ACCENT).name()}; font-weight: 600;")
        icon, role = ("warning", Role.ERROR) if self._is_error else ("completed", Role.HEALTHY)
        self._icon.setPixmap(other.pixmap(icon, role, 16, self.devicePixelRatioF()))
        self._close.setIcon(other.icon("close", Role.MUTED))
        self.update()
