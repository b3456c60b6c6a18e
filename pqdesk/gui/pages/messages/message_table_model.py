"""The message rows as Qt's views see them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from pqdesk.gui.pages.messages.columns import LOOKS, Column, changes_with_time, full_text, phrase
from pqdesk.gui.pages.messages.message_row import MessageRow
from pqdesk.gui.pages.messages.row_changes import Insert, Remove, Update, row_changes
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.messages.states import State

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class MessageTableModel(QAbstractTableModel):
    """A window of message rows, newest first; one column per Column. Never reads storage, never resets.

    The delegate takes whole rows by `row_at` and does not ask `data`, which stays complete for assistive
    technology and tests.

    Signals:
        about_to_change, has_changed: Around the changes of one `show`: a view keeps its place between the two.
    """

    about_to_change = Signal()
    has_changed = Signal()

    def __init__(self, now: datetime, parent: QObject | None = None) -> None:
        """`now` is the moment that relative times refer to, until `tick`."""
        super().__init__(parent)
        self._rows: list[MessageRow] = []
        self._now = now

    @property
    def now(self) -> datetime:
        return self._now

    def row_at(self, position: int) -> MessageRow:
        return self._rows[position]

    def position_of(self, message_id: int) -> int | None:
        """Where the message is, None when it is not in the window."""
        position = self.position_near(message_id)
        found = position < len(self._rows) and self._rows[position].id == message_id
        return position if found else None

    def position_near(self, message_id: int) -> int:
        """Where the message is or would be: the first row whose id is not above."""
        return bisect_left(self._rows, -message_id, key=lambda row: -row.id)

    def show(self, rows: Sequence[MessageRow]) -> None:
        """Show exactly `rows`, touching only those that differ, so selection and scroll stay put."""
        changes = list(row_changes(self._rows, rows))
        if not changes:
            return
        self.about_to_change.emit()
        for change in changes:
            self._apply(change)
        self.has_changed.emit()

    def tick(self, now: datetime, first: int, last: int, *, only_running: bool = False) -> None:
        """Let relative times refer to `now`, and have those in the rows `first` to `last` painted again."""
        self._now = now
        for position in range(max(first, 0), min(last, len(self._rows) - 1) + 1):
            record = self._rows[position].record
            if only_running and record.state is not State.RUNNING:
                continue
            live = [column for column in Column if changes_with_time(record, column)]
            self.dataChanged.emit(self.index(position, live[0]), self.index(position, live[-1]), _SHOWN)

    # --- what Qt asks -----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(Column)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text(column, self._now)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return phrase(row.record) + ("" if row.gone_ms is None else ", no longer matches the filter")
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tooltip(full_text(row.record, column) or row.text(column, self._now))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if LOOKS[column].is_right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            look = LOOKS[Column(section)]
            if role == Qt.ItemDataRole.DisplayRole:
                return look.title
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if look.is_right else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        elif role == Qt.ItemDataRole.DisplayRole and 0 <= section < len(self._rows):
            row = self._rows[section]
            words = (row.text(column, self._now) for column in (Column.STATE, Column.ID, Column.TYPE))
            return " ".join(word for word in words if word)
        return None

    # --- changes ----------------------------------------------------------------------------------

    def _apply(self, change: Insert[MessageRow] | Remove | Update[MessageRow]) -> None:
        if isinstance(change, Remove):
            self.beginRemoveRows(_NOWHERE, change.first, change.first + change.count - 1)
            del self._rows[change.first : change.first + change.count]
            self.endRemoveRows()
        elif isinstance(change, Insert):
            self.beginInsertRows(_NOWHERE, change.first, change.first + len(change.rows) - 1)
            self._rows[change.first : change.first] = change.rows
            self.endInsertRows()
        else:
            last = change.first + len(change.rows) - 1
            self._rows[change.first : last + 1] = change.rows
            self.dataChanged.emit(self.index(change.first, 0), self.index(last, len(Column) - 1))


_SHOWN = [Qt.ItemDataRole.DisplayRole]
