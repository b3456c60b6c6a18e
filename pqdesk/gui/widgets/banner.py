"""A line across the top of the page for what lasts: the queue file cannot be read, supervisord is gone."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel

_LOOKS = {"error": ("warning", Role.ERROR), "warning": ("warning", Role.WARNING), "info": ("info", Role.ACCENT)}


class Banner(QWidget):
    """Hidden until `show_text`; at most one button.

    Signals:
        pressed: The button was pressed.
    """

    pressed = Signal()

    def __init__(self, theme: Theme, object_name: str, parent: QWidget | None = None, *, is_card: bool = False) -> None:
        """`is_card`: it stands among cards and is one; else it goes from edge to edge."""
        super().__init__(parent)
        self._is_card = is_card
        self.setObjectName(object_name)
        self._theme = theme
        self._kind = "info"
        self._icon = QLabel(self)
        self._text = PlainLabel("", self)
        self._text.setObjectName(f"{object_name}_text")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = make_button("", f"{object_name}_button", self)
        self._button.clicked.connect(self.pressed)
        row = QHBoxLayout(self)
        row.setContentsMargins(12 if is_card else 16, 8, 12 if is_card else 16, 8)
        row.setSpacing(8)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        theme.changed.connect(self._take_looks)
        self.hide()

    def show_text(self, kind: str, text: str, button: str = "") -> None:
        """`kind` is error, warning or info."""
        self._kind = kind
        if self._text.text() != text:
            self._text.setText(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._take_looks()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        color = self._theme.color(_LOOKS[self._kind][1])
        tint = QColor(color)
        tint.setAlphaF(0.09)
        painter = QPainter(self)
        if self._is_card:
            tint.setAlphaF(0.07)
            color.setAlphaF(0.35)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(color)
            painter.setBrush(tint)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        else:
            painter.fillRect(self.rect(), self._theme.color(Role.BASE))
            painter.fillRect(self.rect(), tint)
            painter.fillRect(0, 0, 3, self.height(), color)
            painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color(Role.HAIRLINE))
        painter.end()

    def _take_looks(self) -> None:
        icon, role = _LOOKS[self._kind]
        self._icon.setPixmap(self._theme.pixmap(icon, role, 16, self.devicePixelRatioF()))
        self.update()
