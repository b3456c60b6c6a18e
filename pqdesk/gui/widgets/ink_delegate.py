"""A delegate for small tables whose cells keep their colour while they are selected."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem


class InkDelegate(QStyledItemDelegate):
    """Takes ForegroundRole for selected cells too: every text colour of the theme is readable on the selection."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        if index.data(Qt.ItemDataRole.ForegroundRole) is not None:  # it is in the palette's Text by now
            ink = option.palette.brush(QPalette.ColorRole.Text)
            option.palette.setBrush(QPalette.ColorRole.HighlightedText, ink)
