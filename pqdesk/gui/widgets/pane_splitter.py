"""A splitter of two panes, one of which keeps its size when the window grows. The size is remembered."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QWidget


class PaneSplitter(QSplitter):
    """`sizes` are those that the user dragged the kept pane to, by "vertical" and "horizontal": lying it is another."""

    def __init__(self, kept: int, usual: Callable[[Qt.Orientation, int], int], parent: QWidget) -> None:
        """`kept` is the index of the pane; `usual` answers with its size before anybody drags, out of the whole."""
        super().__init__(parent)
        self._kept, self._usual = kept, usual
        self._laid_out: Qt.Orientation | None = None
        self.sizes_dragged: dict[str, int] = {}
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(lambda *_: self._on_moved())

    def restore(self, sizes: dict[str, int]) -> None:
        """Take these for what was dragged."""
        self.sizes_dragged = sizes
        self._laid_out = None
        self._lay_out()

    def lie(self, orientation: Qt.Orientation) -> None:
        """Be divided this way from now on."""
        self.setOrientation(orientation)
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        room = self.width() if self.orientation() is Qt.Orientation.Horizontal else self.height()
        if self._laid_out is self.orientation() or room <= 0 or self.count() != 2 or not self.isVisible():
            return
        for at in (0, 1):
            self.setStretchFactor(at, int(at != self._kept))
        wished = self.sizes_dragged.get(self._name, self._usual(self.orientation(), room))
        size = min(wished, room - 80)
        self._laid_out = self.orientation() if size == wished else None  # a window on its way to its size has no room
        self.setSizes([size, room - size] if self._kept == 0 else [room - size, size])

    def _on_moved(self) -> None:
        self.sizes_dragged[self._name] = self.sizes()[self._kept]

    @property
    def _name(self) -> str:
        return "horizontal" if self.orientation() is Qt.Orientation.Horizontal else "vertical"
