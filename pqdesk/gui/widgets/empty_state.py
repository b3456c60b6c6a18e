"""What stands where rows would be: why there are none, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import vbox

_ICON_PX = 32


class EmptyState(QWidget):
    """Fills `host`, a view's viewport or a page, until `hide`. Hidden at first.

    Signals:
        pressed: The button was pressed.
    """

    pressed = Signal()

    def __init__(self, theme: Theme, object_name: str, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName(object_name)
        self._theme = theme
        self._icon = QLabel(self)
        self._title = PlainLabel("", self, objectName=f"{object_name}_title", font=theme.font(115, is_semibold=True))
        self._text = PlainLabel("", self, look="muted", wordWrap=True, objectName=f"{object_name}_text")
        self._button = make_button("", f"{object_name}_button", self)
        self._button.clicked.connect(self.pressed)
        column = vbox(on=self, margins=(24, 16, 24, 16), spacing=6)
        column.addStretch(2)
        for widget in (self._icon, self._title, self._button):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.insertWidget(3, self._text)
        column.insertSpacing(2, 6)
        column.insertSpacing(5, 8)
        column.addStretch(3)
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        host.installEventFilter(self)
        self.hide()

    def show_text(
        self, title: str, text: str = "", *, icon: str = "info", role: Role = Role.MUTED, button: str = ""
    ) -> None:
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._theme.picture(self._icon, icon, role, _ICON_PX)
        self._fill()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._fill()
        return False

    def _fill(self) -> None:
        host = self.parentWidget()
        if host is not None:
            self.setGeometry(host.rect())
