"""Records as Qt's views see them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from pqdesk.gui.records.columns import RecordColumn
from pqdesk.gui.records.rows import Insert, Remove, Row, Update, reuse_rows, row_changes
from pqdesk.gui.visible_text import as_tooltip

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_SHOWN = [Qt.ItemDataRole.DisplayRole]


class RecordModel(QAbstractTableModel, Generic[T]):
    """Rows from top to bottom in the order given. Never reads storage, never resets.

    The delegate takes whole rows by `row_at` and does not ask `data`, which stays complete for assistive
    technology and tests.

    Signals:
        about_to_change, has_changed: Around the changes of one `show`: a view keeps its place between the two.
    """

    about_to_change = Signal()
    has_changed = Signal()

    def __init__(
        self,
        columns: Sequence[RecordColumn[T]],
        id_of: Callable[[T], Hashable],
        *,
        phrase: Callable[[T], str],
        heading: Sequence[int] = (0,),
        now: datetime | None = None,
        parent: QObject | None = None,
    ) -> None:
        """`phrase`: the whole row as a sentence, for people who hear it. `heading`: the columns that name a row.

        `now` is the moment that relative times refer to, until `tick`.
        """
        super().__init__(parent)
        self.columns = tuple(columns)
        self.id_of = id_of
        self._phrase, self._heading = phrase, heading
        self._rows: list[Row[T]] = []
        self._positions: dict[Any, int] | None = None
        self.now = now or datetime.min.replace(tzinfo=UTC)

    def row_at(self, position: int) -> Row[T]:
        return self._rows[position]

    @property
    def rows(self) -> Sequence[Row[T]]:
        return self._rows

    def position_of(self, row_id: Hashable) -> int | None:
        """Where the record is, None when it is not here."""
        if self._positions is None:
            self._positions = {row.id: at for at, row in enumerate(self._rows)}
        return self._positions.get(row_id)

    def show_records(self, records: Sequence[T]) -> None:
        """Show exactly these."""
        self.show(reuse_rows(self._rows, records, self.id_of))

    def show(self, rows: Sequence[Row[T]]) -> None:
        """Show exactly `rows`, touching only those that differ, so selection and scroll stay put."""
        changes = list(row_changes(self._rows, rows))
        if not changes:
            return
        self.about_to_change.emit()
        for change in changes:
            self._apply(change)
        self.has_changed.emit()

    def tick(self, now: datetime, first: int, last: int, *, only: Callable[[T], bool] | None = None) -> None:
        """Let relative times refer to `now`, and have those in the rows `first` to `last` painted again."""
        self.now = now
        for position in range(max(first, 0), min(last, len(self._rows) - 1) + 1):
            record = self._rows[position].record
            if only is not None and not only(record):
                continue
            timed = [at for at, one in enumerate(self.columns) if one.is_timed is not None and one.is_timed(record)]
            if timed:
                self.dataChanged.emit(self.index(position, timed[0]), self.index(position, timed[-1]), _SHOWN)

    # --- what Qt asks -----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text(column, self.now)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return self._phrase(row.record) + ("" if row.gone_ms is None else ", no longer belongs here")
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = "" if column.tip is None else column.tip(row.record)
            return as_tooltip(tip or row.text(column, self.now))
        return _alignment(column) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            column = self.columns[section]
            if role == Qt.ItemDataRole.DisplayRole:
                return column.title
            if role == Qt.ItemDataRole.ToolTipRole:
                return as_tooltip(column.header_tip)
            return _alignment(column) if role == Qt.ItemDataRole.TextAlignmentRole else None
        if role == Qt.ItemDataRole.DisplayRole and 0 <= section < len(self._rows):
            words = (self._rows[section].text(self.columns[at], self.now) for at in self._heading)
            return " ".join(word for word in words if word)
        return None

    # --- changes ----------------------------------------------------------------------------------

    def _apply(self, change: Insert[T] | Remove | Update[T]) -> None:
        if isinstance(change, Remove):
            self.beginRemoveRows(_NOWHERE, change.first, change.first + change.count - 1)
            del self._rows[change.first : change.first + change.count]
            self._positions = None
            self.endRemoveRows()
        elif isinstance(change, Insert):
            self.beginInsertRows(_NOWHERE, change.first, change.first + len(change.rows) - 1)
            self._rows[change.first : change.first] = change.rows
            self._positions = None
            self.endInsertRows()
        else:
            last = change.first + len(change.rows) - 1
            self._rows[change.first : last + 1] = change.rows
            self.dataChanged.emit(self.index(change.first, 0), self.index(last, len(self.columns) - 1))


def _alignment(column: RecordColumn[Any]) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.is_right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
