"""A line across the top of the page for what lasts: the queue file cannot be read, supervisord is gone."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox

_LOOKS = {"error": ("warning", Role.ERROR), "warning": ("warning", Role.WARNING), "info": ("info", Role.ACCENT)}


class Banner(QFrame):
    """Hidden until `show_text`; at most one button.

    Signals:
        pressed: The button was pressed.
    """

    pressed = Signal()

    def __init__(self, theme: Theme, object_name: str, parent: QWidget | None = None, *, is_card: bool = False) -> None:
        """`is_card`: it stands among cards and is one; else it goes from edge to edge."""
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setProperty("look", "banner_card" if is_card else "banner")
        self._theme = theme
        self._icon = QLabel(self)
        self._text = PlainLabel("", self, objectName=f"{object_name}_text", wordWrap=True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = make_button("", f"{object_name}_button", self)
        self._button.clicked.connect(self.pressed)
        hbox(
            (self._icon, Qt.AlignmentFlag.AlignVCenter),
            (self._text, 1),
            self._button,
            on=self,
            margins=(12 if is_card else 16, 8, 12 if is_card else 16, 8),
            spacing=8,
        )
        self.hide()

    def show_text(self, kind: str, text: str, button: str = "") -> None:
        """`kind` is error, warning or info."""
        if self._text.text() != text:
            self._text.setText(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        icon, role = _LOOKS[kind]
        self._theme.picture(self._icon, icon, role)
        set_look(self, role.name, "tint")
        self.show()
