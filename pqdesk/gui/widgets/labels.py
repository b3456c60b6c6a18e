"""Labels that show data as it is: never as rich text, and cut instead of clipped."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from pqdesk.gui.visible_text import as_tooltip, visible_line, visible_text


class PlainLabel(QLabel):
    """A label whose text is taken literally, whatever it looks like, and every character of it can be seen.

    `look` is a word of the style sheet, `properties` are Qt's: objectName, wordWrap, font and so on.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None, *, look: str = "", **properties: Any) -> None:
        super().__init__(parent, **properties)
        self.setTextFormat(Qt.TextFormat.PlainText)
        if look:
            self.setProperty("look", look)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(visible_text(text))


class ElidedLabel(PlainLabel):
    """One line that ends in `…` where it does not fit; the whole text is in the tooltip then."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, look: str = "", **properties: Any) -> None:
        super().__init__(text, parent, look=look, **properties)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_tooltip()

    def setText(self, text: str) -> None:
        super().setText(visible_line(text))
        self._update_tooltip()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self.contentsRect()
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, self.alignment() | Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()

    def _update_tooltip(self) -> None:
        is_cut = self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()
        self.setToolTip(as_tooltip(self.text()) if is_cut else "")


class Hairline(QFrame):
    """A line one pixel thick between two panes."""

    def __init__(self, parent: QWidget | None = None, *, is_vertical: bool = False) -> None:
        super().__init__(parent)
        self.setProperty("look", "hairline")
        if is_vertical:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)
