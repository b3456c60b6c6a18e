"""The table of workers: which rows can be seen, links to messages, folding the replicas of a worker."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyleOptionViewItem, QTableView, QWidget

from pqdesk.gui.pages.workers.selected_workers import SelectedWorkers
from pqdesk.gui.pages.workers.worker_rows import WorkerColumn
from pqdesk.gui.pages.workers.workers_model import WorkersModel
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.ink_delegate import InkDelegate

_WIDTHS = {
    WorkerColumn.NAME: 144,
    WorkerColumn.STATE: 164,
    WorkerColumn.PID: 66,
    WorkerColumn.UP_FOR: 92,
    WorkerColumn.CPU: 58,
    WorkerColumn.MEMORY: 82,
    WorkerColumn.RESTARTS: 76,
    WorkerColumn.LAST_EXIT: 148,
    WorkerColumn.QUEUES: 100,
    WorkerColumn.NOW_RUNNING: 96,
}
# Left out one after the other while the columns do not fit.
_DROPPED = (WorkerColumn.PID, WorkerColumn.QUEUES, WorkerColumn.MEMORY, WorkerColumn.CPU)
_RATE_WIDTH = 64


class _Delegate(InkDelegate):
    """Keeps the room that a picture takes for indenting."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        if index.column() == WorkerColumn.NAME and (sizes := option.icon.availableSizes()):
            option.decorationSize = QSize(max(16, min(32, sizes[0].width())), 16)


class WorkersTable(QTableView):
    """Signals:
    messages_asked: Ids of messages in hand whose link was followed.
    visible_changed: Other rows can be seen now.
    """

    messages_asked = Signal(object)
    visible_changed = Signal()

    def __init__(self, model: WorkersModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setObjectName("workers")
        self.setAccessibleName("Workers")
        self.setModel(model)
        self.setItemDelegate(_Delegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setIconSize(QSize(32, 16))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(48)
        header.setSectionResizeMode(WorkerColumn.LAST_EXIT, QHeaderView.ResizeMode.Stretch)
        for column, width in (*_WIDTHS.items(), (WorkerColumn.RATE, _RATE_WIDTH)):
            self.setColumnWidth(column, width)
        self.verticalScrollBar().valueChanged.connect(lambda _: self.visible_changed.emit())
        for changed in (model.rowsInserted, model.rowsRemoved, model.rowsMoved):
            changed.connect(lambda *_: self.visible_changed.emit())
        theme.changed.connect(self._take_looks)
        self._take_looks()

    def selected(self) -> SelectedWorkers:
        """The selected rows, from top to bottom."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return SelectedWorkers(tuple(self._model.row_at(row) for row in rows))

    def select(self, row: int) -> None:
        """This row and no other; it is scrolled to."""
        index = self._model.index(row, 0)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(index, flags)
        self.scrollTo(index)

    def visible_processes(self) -> frozenset[str]:
        """Of the rows that can be seen; a worker's row stands for all its replicas."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        if first < 0:
            return frozenset()
        rows = range(first, (last if last >= 0 else self._model.rowCount() - 1) + 1)
        return frozenset(one.process for row in rows for one in self._model.row_at(row).replicas)

    # --- what Qt tells ----------------------------------------------------------------------------

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._drop_columns()
        self.visible_changed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        is_link = bool(self._ids_at(self.indexAt(event.position().toPoint())))
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_link else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() != Qt.MouseButton.LeftButton or event.modifiers():
            return
        place = event.position().toPoint()
        index = self.indexAt(place)
        if ids := self._ids_at(index):
            self.messages_asked.emit(ids)
        elif index.column() == WorkerColumn.NAME and place.x() < self.columnViewportPosition(0) + 24:
            self._toggle_fold(index.row())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() != WorkerColumn.NOW_RUNNING:
            self._toggle_fold(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        is_fold = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers()
        if is_fold and row >= 0:
            if self._model.row_at(row).is_group and self._model.is_folded(row) == (event.key() == Qt.Key.Key_Right):
                self._toggle_fold(row)
            return
        super().keyPressEvent(event)

    def _ids_at(self, index: QModelIndex) -> tuple[int, ...]:
        is_link = index.isValid() and index.column() == WorkerColumn.NOW_RUNNING
        return self._model.row_at(index.row()).message_ids if is_link else ()

    def _toggle_fold(self, row: int) -> None:
        self._model.toggle_fold(row)

    def _drop_columns(self) -> None:
        """Hide what does not fit rather than scroll sideways."""
        room = self.viewport().width() - _RATE_WIDTH
        needed = sum(_WIDTHS.values())
        for column in _DROPPED:
            is_dropped = needed > room
            self.setColumnHidden(column, is_dropped)
            needed -= _WIDTHS[column] if is_dropped else 0

    def _take_looks(self) -> None:
        height = max(28, self.fontMetrics().height() + 12)
        self.verticalHeader().setDefaultSectionSize(height)
        self.horizontalHeader().setFixedHeight(height)
        self.setStyleSheet("QTableView::item { padding: 0 5px; }")
