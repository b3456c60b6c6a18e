"""How many new rows wait; pressing it takes them in. Floats over the table, so nothing moves when it comes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QPushButton, QWidget

from pqdesk.gui.formatting import format_count, format_number

_TOP_PX = 8


class HeldPill(QPushButton):
    """Hidden while nothing is held."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName("held_pill")
        self.setProperty("look", "pill")
        host.installEventFilter(self)
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
