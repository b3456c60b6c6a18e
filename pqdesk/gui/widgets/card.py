"""A framed area with a title: the building block of pages that are not a table."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox

PADDING = 12


class SectionHeader(QWidget):
    """A title in semibold, with room for buttons at its right."""

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._label = PlainLabel(title, self)
        self._row = hbox(self._label, None, on=self, spacing=8)
        self._label.setFont(theme.font(100, is_semibold=True))
        self.setMinimumHeight(28)

    def add(self, widget: QWidget) -> None:
        """Put `widget` at the right end."""
        self._row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)


class Card(QFrame):
    """A SectionHeader above whatever is added to `body`."""

    def __init__(self, title: str, theme: Theme, object_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setProperty("look", "card")
        self.header = SectionHeader(title, theme, self)
        self.body = QVBoxLayout()
        self.body.setSpacing(4)
        vbox(self.header, self.body, on=self, margins=(PADDING, 8, PADDING, PADDING), spacing=8)
