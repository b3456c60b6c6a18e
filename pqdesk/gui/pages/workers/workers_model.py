"""The workers' processes as a table: a row per replica. Rows are merged by the process's name, never reset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from pqdesk.gui.formatting import format_absolute, format_number, format_uptime
from pqdesk.gui.palette import WORKER_LOOKS, Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.supervision.records import ReplicaRecord, WorkerState

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class WorkerColumn(IntEnum):
    """In their order from left to right."""

    NAME = 0
    STATE = 1
    PID = 2
    UP_FOR = 3
    RESTARTS = 4
    LAST_EXIT = 5
    QUEUES = 6
    COMMAND = 7


HEADERS = ("Name", "State", "PID", "Up for", "Restarts", "Last exit", "Queues", "Command")
RIGHT = (WorkerColumn.PID, WorkerColumn.UP_FOR, WorkerColumn.RESTARTS)
_QUIET = (WorkerColumn.PID, WorkerColumn.UP_FOR, WorkerColumn.RESTARTS, WorkerColumn.COMMAND)


class WorkersModel(QAbstractTableModel):
    """What supervisord said last of each process."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[ReplicaRecord] = []
        self._stopping_s: dict[str, int] = {}  # for how long each has been stopping
        theme.changed.connect(self._repaint)

    def merge(self, replicas: Sequence[ReplicaRecord]) -> None:
        """Show `replicas` in their order, touching only rows that differ."""
        names = [one.process for one in replicas]
        for at in reversed(range(len(self._rows))):
            if self._rows[at].process not in names:
                self.beginRemoveRows(_NOWHERE, at, at)
                del self._rows[at]
                self.endRemoveRows()
        for at, replica in enumerate(replicas):
            self._put(at, replica)

    def replica(self, row: int) -> ReplicaRecord:
        return self._rows[row]

    def row_of(self, name: str) -> int | None:
        """Where the process called `name` is, or the first of the worker called so."""
        names = [one.process for one in self._rows]
        if name not in names:
            names = [one.worker for one in self._rows]
        return names.index(name) if name in names else None

    def tell_stopping(self, seconds: dict[str, int]) -> None:
        """For how long each process has been asked to stop."""
        self._stopping_s = seconds
        for at, one in enumerate(self._rows):
            if one.process in seconds:
                self.dataChanged.emit(self.index(at, WorkerColumn.STATE), self.index(at, WorkerColumn.STATE))

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
        elif role == Qt.ItemDataRole.DisplayRole and 0 <= section < len(self._rows):
            return f"{self._rows[section].process} {self._rows[section].state.word}"
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        replica, column = self._rows[index.row()], WorkerColumn(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._state_text(replica) if column is WorkerColumn.STATE else _TEXTS[column](replica)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._theme.color(_ink(replica, column))
        if role == Qt.ItemDataRole.DecorationRole and column is WorkerColumn.STATE:
            return self._theme.worker_icon(replica.state)
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tooltip(_tooltip(replica, column) or str(self.data(index)))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return _phrase(replica)
        return None

    def _state_text(self, replica: ReplicaRecord) -> str:
        if replica.state is not WorkerState.STOPPING:
            return replica.state.word
        seconds = self._stopping_s.get(replica.process, 0)
        return f"Stopping… {seconds} s" if seconds else "Stopping…"

    def _put(self, at: int, replica: ReplicaRecord) -> None:
        if at < len(self._rows) and self._rows[at].process == replica.process:
            if self._rows[at] != replica:
                self._rows[at] = replica
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(HEADERS) - 1))
            return
        where = self.row_of(replica.process)
        if where is not None and self._rows[where].process == replica.process:
            self.beginMoveRows(_NOWHERE, where, where, _NOWHERE, at)
            self._rows.insert(at, self._rows.pop(where))
            self.endMoveRows()
            self._put(at, replica)
            return
        self.beginInsertRows(_NOWHERE, at, at)
        self._rows.insert(at, replica)
        self.endInsertRows()

    def _repaint(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(HEADERS) - 1))


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _ink(replica: ReplicaRecord, column: WorkerColumn) -> Role:
    if column is WorkerColumn.STATE:
        return WORKER_LOOKS[replica.state][1]
    if column is WorkerColumn.LAST_EXIT and replica.state in (WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START):
        return Role.ERROR
    return Role.MUTED if column in _QUIET else Role.TEXT


def _tooltip(replica: ReplicaRecord, column: WorkerColumn) -> str:
    if column is WorkerColumn.STATE:
        return replica.description
    if column is WorkerColumn.UP_FOR and isinstance(replica.started_at, datetime):
        return f"Since {format_absolute(replica.started_at)}"
    if column is WorkerColumn.RESTARTS:
        return "New processes that nobody asked for, since this window was opened"
    return ""


def _phrase(replica: ReplicaRecord) -> str:
    parts = [visible_line(replica.process), replica.state.word]
    if replica.uptime_s is not None:
        parts.append(f"up for {format_uptime(replica.uptime_s)}")
    if replica.exit_text:
        parts.append(visible_line(replica.exit_text))
    return ", ".join(parts)


_TEXTS: dict[WorkerColumn, Callable[[ReplicaRecord], str]] = {
    WorkerColumn.NAME: lambda one: visible_line(one.process),
    WorkerColumn.PID: lambda one: "" if one.pid is None else str(one.pid),
    WorkerColumn.UP_FOR: lambda one: "" if one.uptime_s is None else format_uptime(one.uptime_s),
    WorkerColumn.RESTARTS: lambda one: format_number(one.restarts),
    WorkerColumn.LAST_EXIT: lambda one: visible_line(one.exit_text or ""),
    WorkerColumn.QUEUES: lambda one: visible_line(", ".join(one.queues)),
    WorkerColumn.COMMAND: lambda one: visible_line(one.command),
}
