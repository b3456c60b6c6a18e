"""The rows of workers as a table model. Rows are merged by their key, never reset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QFont, QPixmap

from pqdesk.gui.pages.workers.worker_rows import HEADERS, WorkerColumn, WorkerFacts, WorkerRow, worker_rows
from pqdesk.gui.palette import WORKER_LOOKS, Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_RIGHT = (
    WorkerColumn.PID, WorkerColumn.UP_FOR, WorkerColumn.CPU, WorkerColumn.MEMORY, WorkerColumn.RESTARTS,
    WorkerColumn.NOW_RUNNING, WorkerColumn.RATE,
)  # fmt: skip
_QUIET = (WorkerColumn.PID, WorkerColumn.UP_FOR, WorkerColumn.RESTARTS, WorkerColumn.QUEUES)
_HEADER_TIPS = {
    WorkerColumn.CPU: "Of one core, child processes included",
    WorkerColumn.RESTARTS: "By supervisord, not asked for: in the last hour / in all",
    WorkerColumn.NOW_RUNNING: "The message in hand; click to show it",
    WorkerColumn.RATE: "Messages per second of its queues",
}
_STEP_PX = 16


class WorkersModel(QAbstractTableModel):
    """The rows made of the newest WorkerFacts."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[WorkerRow] = []
        self._facts: WorkerFacts | None = None
        self._folded: frozenset[str] = frozenset()
        self._blanks = {level: _blank(_STEP_PX * (level + 1)) for level in (0, 1)}
        theme.changed.connect(self._repaint)

    def show_facts(self, facts: WorkerFacts) -> None:
        """Show these, touching only rows that differ."""
        self._facts = facts
        self._merge(worker_rows(facts, self._folded))

    def row_at(self, row: int) -> WorkerRow:
        return self._rows[row]

    def row_of(self, name: str) -> int | None:
        """Where the worker called so is, or the process."""
        names = [one.target for one in self._rows]
        if name in names:
            return names.index(name)
        processes = [[replica.process for replica in one.replicas] for one in self._rows]
        return next((at for at, found in enumerate(processes) if name in found), None)

    def toggle_fold(self, row: int) -> None:
        """Hide or show the replicas of the worker in this row."""
        one = self._rows[row]
        if one.is_group and self._facts is not None:
            self._folded ^= {one.worker}
            self._merge(worker_rows(self._facts, self._folded))
            self._tell_changed(row, row)

    def is_folded(self, row: int) -> bool:
        return self._rows[row].worker in self._folded

    # --- what Qt asks -----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
            if role == Qt.ItemDataRole.ToolTipRole:
                return _HEADER_TIPS.get(WorkerColumn(section))
        elif role == Qt.ItemDataRole.DisplayRole and 0 <= section < len(self._rows):
            return f"{self._rows[section].target} {self._rows[section].state.word}"
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], WorkerColumn(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return row.cells[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._theme.color(_ink(row, column))
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(row, column)
        if role == Qt.ItemDataRole.FontRole:
            return self._font(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tooltip(row.tips[column] or row.cells[column])
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return row.phrase
        return None

    def _picture(self, row: WorkerRow, column: WorkerColumn) -> Any:
        if column is WorkerColumn.STATE:
            return self._theme.worker_icon(row.state)
        if column is not WorkerColumn.NAME or not any(one.is_group for one in self._rows):
            return None
        if row.is_group:
            return self._theme.icon("chevron-right" if row.worker in self._folded else "chevron-down", Role.MUTED)
        return self._blanks[row.level]

    def _font(self, row: WorkerRow, column: WorkerColumn) -> QFont | None:
        if column is WorkerColumn.NAME and row.is_group:
            return self._theme.font(100, is_semibold=True)
        if column is WorkerColumn.NOW_RUNNING and row.message_ids:
            font = self._theme.font()
            font.setUnderline(True)
            return font
        return None

    # --- merging ----------------------------------------------------------------------------------

    def _merge(self, rows: Sequence[WorkerRow]) -> None:
        wanted = {one.key for one in rows}
        for at in reversed(range(len(self._rows))):
            if self._rows[at].key not in wanted:
                self.beginRemoveRows(_NOWHERE, at, at)
                del self._rows[at]
                self.endRemoveRows()
        for at, row in enumerate(rows):
            self._put(at, row)

    def _put(self, at: int, row: WorkerRow) -> None:
        """Below the rows that are in their places already."""
        where = next((one for one in range(at, len(self._rows)) if self._rows[one].key == row.key), None)
        if where is None:
            self.beginInsertRows(_NOWHERE, at, at)
            self._rows.insert(at, row)
            self.endInsertRows()
            return
        if where != at:
            self.beginMoveRows(_NOWHERE, where, where, _NOWHERE, at)
            self._rows.insert(at, self._rows.pop(where))
            self.endMoveRows()
        if self._rows[at] != row:
            self._rows[at] = row
            self._tell_changed(at, at)

    def _tell_changed(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(HEADERS) - 1))

    def _repaint(self) -> None:
        if self._rows:
            self._tell_changed(0, len(self._rows) - 1)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _ink(row: WorkerRow, column: WorkerColumn) -> Role:
    if column is WorkerColumn.STATE:
        return WORKER_LOOKS[row.state][1]
    if column is WorkerColumn.LAST_EXIT:
        return Role.ERROR if row.state.is_in_trouble else Role.MUTED
    if column is WorkerColumn.NOW_RUNNING:
        return Role.ACCENT
    return Role.MUTED if column in _QUIET else Role.TEXT


def _blank(width: int) -> QPixmap:
    """Room where other rows have a picture: it indents."""
    pixmap = QPixmap(QSize(width, _STEP_PX))
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap
