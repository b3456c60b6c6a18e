"""The line above each page: its title, and whether what it shows is live."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox

HEIGHT = 48


class PageHeader(QFrame):
    """Signals:
    live_toggled: The user wants live updates on or off.
    """

    live_toggled = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page_header")
        self.setProperty("look", "page_header")
        self._theme = theme
        self._is_live = True
        self._title = PlainLabel("", self, objectName="page_title", font=theme.font(140, is_semibold=True))
        self._live = make_button("Live", "live_updates", self, look="quiet")
        self._live.setAccessibleName("Live updates")
        self._live.clicked.connect(lambda: self.live_toggled.emit(not self._is_live))
        hbox(self._title, None, self._live, on=self, margins=(16, 0, 8, 0), spacing=12)
        self.setMinimumHeight(HEIGHT)
        self.show_live()

    def set_title(self, title: str) -> None:
        self._title.setText(title)

    def set_live_visible(self, is_visible: bool) -> None:
        """Not where nothing changes."""
        self._live.setVisible(is_visible)

    def show_live(self, every_s: float = 0.25) -> None:
        """Live; slower than usual when reading takes long."""
        self._is_live = True
        text = "Live" if every_s <= 1 else f"Live, every {every_s:.0f} s"
        self._describe(text, f"{text}. Press to pause (Shift+F5)")

    def show_paused(self, since: str) -> None:
        """Paused at `since`, a time of day."""
        self._is_live = False
        self._describe(f"Paused {since}", f"Paused since {since}. Press to go on (Shift+F5)")

    def _describe(self, text: str, description: str) -> None:
        self._live.setText(text)
        self._live.setToolTip(as_tooltip(description))
        self._live.setAccessibleDescription(description)
        self._theme.picture(self._live, *(("live", Role.HEALTHY) if self._is_live else ("paused", Role.PAUSED)))
