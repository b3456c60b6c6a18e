"""Paints the message table. One delegate for all columns; it reads ready-made rows and never calls data().

A default delegate asks data() seven times a cell, 2,000 Python calls and 6 to 17 ms for one screen; this one
takes a third of that.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from pqdesk.gui.pages.messages.columns import LOOKS, Column
from pqdesk.gui.pages.messages.message_row import MessageRow
from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.gui.palette import STATE_LOOKS, Role
from pqdesk.gui.theme import Theme
from pqdesk.messages.states import State

PADDING = 8
_ICON = 16
_GONE_OPACITY = 0.5
_ELISIONS_KEPT = 4_000
_QUIET = frozenset(
    (
        Column.ID,
        Column.PAYLOAD,
        Column.ENQUEUED,
        Column.WAITED,
        Column.RAN,
        Column.ATTEMPTS,
        Column.DUE,
        Column.FINISHED,
        Column.SIZE,
        Column.PRIORITY,
        Column.WORKER,
    )
)
_SELECTED = QStyle.StateFlag.State_Selected


class MessageDelegate(QStyledItemDelegate):
    """Draws the cells of one MessageTableModel.

    Attributes:
        hovered_row, current_row: Set by the view; -1 for none.
        first_column: The leftmost visible column, which carries the mark of the current row.
        has_focus: Whether the view has the keyboard.
    """

    def __init__(self, model: MessageTableModel, theme: Theme) -> None:
        super().__init__()
        self._model = model
        self._theme = theme
        self.hovered_row = self.current_row = -1
        self.first_column = Column.STATE
        self.has_focus = False
        self._elided: dict[tuple[str, int, bool], str] = {}
        self.take_looks()
        theme.changed.connect(self.take_looks)

    def take_looks(self) -> None:
        """Take colours, icons and fonts from the theme again."""
        color = self._theme.color
        self._selection, self._hover = color(Role.SELECTION), color(Role.HOVER)
        self._hover.setAlphaF(0.6)
        self._text, self._muted = color(Role.TEXT), color(Role.MUTED)
        self._error, self._warning = color(Role.ERROR), color(Role.WARNING)
        self._focus, self._no_focus = color(Role.ACCENT), color(Role.INPUT_BORDER)
        self._states = {state: self._theme.state_color(state) for state in State}
        self._icons: dict[tuple[State, float], QPixmap] = {}
        self._font, self._fixed_font = self._theme.font(), self._theme.fixed_font(96)
        self._metrics, self._fixed_metrics = QFontMetrics(self._font), QFontMetrics(self._fixed_font)
        self._elided.clear()

    @property
    def row_height(self) -> int:
        return max(24, round(self._metrics.height() * 1.0) + 12)

    @property
    def font(self) -> QFont:
        return self._font

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """What double-clicking a border of the header fits the column to."""
        column = Column(index.column())
        metrics = self._fixed_metrics if LOOKS[column].is_fixed_font else self._metrics
        text = self._model.row_at(index.row()).text(column, self._model.now)
        icon = _ICON + 6 if column is Column.STATE else 0
        return QSize(metrics.horizontalAdvance(text) + 2 * PADDING + icon, self.row_height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        position, column = index.row(), Column(index.column())
        row = self._model.row_at(position)
        rect: QRect = option.rect
        if option.state & _SELECTED:
            painter.fillRect(rect, self._selection)
        elif position == self.hovered_row:
            painter.fillRect(rect, self._hover)
        if position == self.current_row and column is self.first_column:
            painter.fillRect(rect.x(), rect.y(), 3, rect.height(), self._focus if self.has_focus else self._no_focus)
        if row.gone_ms is not None:
            painter.setOpacity(_GONE_OPACITY)
        self._draw_cell(painter, rect, row, column)
        if row.gone_ms is not None:
            painter.setOpacity(1.0)

    def _draw_cell(self, painter: QPainter, rect: QRect, row: MessageRow, column: Column) -> None:
        text = row.text(column, self._model.now)
        left = rect.x() + PADDING
        if column is Column.STATE:
            painter.drawPixmap(left, rect.y() + (rect.height() - _ICON) // 2, self._icon(painter, row.state))
            left += _ICON + 6
        if not text:
            return
        look = LOOKS[column]
        painter.setFont(self._fixed_font if look.is_fixed_font else self._font)
        painter.setPen(self._color(row, column, text))
        width = rect.right() - PADDING - left + 1
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        flags |= Qt.AlignmentFlag.AlignRight if look.is_right else Qt.AlignmentFlag.AlignLeft
        shown = self._elide(text, width, column)
        painter.drawText(left, rect.y(), width, rect.height(), int(flags), shown)

    def _color(self, row: MessageRow, column: Column, text: str) -> QColor:
        if column is Column.STATE:
            return self._states[row.state]
        if column is Column.DUE and text.startswith("late"):
            return self._warning
        if column is Column.ATTEMPTS and row.state is State.FAILED and row.record.attempt >= row.record.max_attempts:
            return self._error
        return self._muted if column in _QUIET else self._text

    def _icon(self, painter: QPainter, state: State) -> QPixmap:
        ratio = painter.device().devicePixelRatio()
        icon = self._icons.get((state, ratio))
        if icon is None:
            name, role = STATE_LOOKS[state]
            icon = self._icons[state, ratio] = self._theme.pixmap(name, role, _ICON, ratio)
        return icon

    def _elide(self, text: str, width: int, column: Column) -> str:
        is_fixed = LOOKS[column].is_fixed_font
        key = (text, width, is_fixed)
        shown = self._elided.get(key)
        if shown is None:
            if len(self._elided) > _ELISIONS_KEPT:
                self._elided.clear()
            side = Qt.TextElideMode.ElideMiddle if column is Column.ID else Qt.TextElideMode.ElideRight
            shown = (self._fixed_metrics if is_fixed else self._metrics).elidedText(text, side, width)
            self._elided[key] = shown
        return shown
