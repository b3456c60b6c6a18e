"""How many new rows wait; pressing it takes them in. Floats over the table, so nothing moves when it comes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QPushButton, QWidget

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme

_TOP_PX = 8


class HeldPill(QPushButton):
    """Hidden while nothing is held."""

    def __init__(self, theme: Theme, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName("held_pill")
        self._theme = theme
        host.installEventFilter(self)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self.hide()

    def show_held(self, count: int, *, is_more: bool) -> None:
        """`is_more`: there are more than `count`."""
        self.setVisible(count > 0)
        more = "+" if is_more else ""
        self.setText(f"▲ {format_number(count)}{more} new")
        self.setAccessibleDescription(f"{format_count(count, 'new message')} held back. Press to show, or Home")
        self.setToolTip("Show them (Home)")
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        host = self.parentWidget()
        if host is not None:
            self.adjustSize()
            self.move((host.width() - self.width()) // 2, _TOP_PX)
            self.raise_()

    def _take_looks(self) -> None:
        color = self._theme.color
        self.setStyleSheet(
            f"QPushButton {{ background: {color(Role.ACCENT).name()}; color: {color(Role.ON_ACCENT).name()};"
            " border: none; border-radius: 13px; padding: 4px 14px; font-weight: 600; }"
            f"QPushButton:focus {{ border: 2px solid {color(Role.TEXT).name()}; padding: 2px 12px; }}"
        )
