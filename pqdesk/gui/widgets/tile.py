"""A tile: how many messages are in one state, and the way to them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.gui.palette import STATE_LOOKS, Role
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.card import PADDING
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.messages.states import State

_LARGEST_WHOLE = 9_999_999  # more digits do not fit into the smallest window


class StateTile(QAbstractButton):
    """Icon, word and number of one state. Named as the state; the count is in its text and description."""

    def __init__(self, state: State, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._theme = state, theme
        word = state.word.capitalize()
        self.setObjectName(f"tile_{state.word}")
        self.setAccessibleName(word)
        self.setToolTip("Failed (dead letter): out of attempts" if state is State.FAILED else "")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._icon = QLabel(self)
        self._word = PlainLabel(word, self, look="muted")
        self._number = PlainLabel(
            "–", self, objectName=f"tile_{state.word}_count", font=theme.font(190, is_semibold=True)
        )
        top = hbox(self._icon, (self._word, 1), spacing=6)
        vbox(top, self._number, on=self, margins=(PADDING, PADDING - 2, PADDING, PADDING - 2), spacing=4)
        for label in (self._icon, self._word, self._number):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.picture(self._icon, *STATE_LOOKS[state])
        self._count: int | None = None
        self._take_ink()

    @property
    def state(self) -> State:
        return self._state

    def set_count(self, count: int) -> None:
        if count == self._count:
            return
        self._count = count
        self._number.setText(_short(count))
        self._number.setToolTip(as_tooltip(format_number(count)))
        self.setAccessibleDescription(format_count(count, "message"))
        self._take_ink()

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return QSize(96, layout.sizeHint().height() if layout is not None else 72)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_lit = self.underMouse() or self.isDown()
        painter.setBrush(self._theme.color(Role.HOVER if is_lit else Role.BASE))
        painter.setPen(QPen(self._theme.color(Role.HAIRLINE), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color(Role.ACCENT), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()

    def _take_ink(self) -> None:
        usual = STATE_LOOKS[self._state][1] if self._state is State.FAILED else Role.TEXT
        set_look(self._number, (usual if self._count else Role.MUTED).name, "ink")


def _short(count: int) -> str:
    if count <= _LARGEST_WHOLE:
        return format_number(count)
    return f"{count / 1_000_000:.1f} M"
