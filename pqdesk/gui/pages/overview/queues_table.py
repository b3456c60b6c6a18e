"""The queues with their counts, as a table on the Overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from pqdesk.gui.formatting import format_number
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.messages.records import QueueRecord
from pqdesk.messages.states import QueueWord, State

_STATES = (State.READY, State.RUNNING, State.RETRYING, State.FAILED, State.COMPLETED)
_INKS = {QueueWord.PAUSED: Role.PAUSED, QueueWord.STALLED: Role.WARNING, QueueWord.NO_WORKER: Role.WARNING}
_HIDDEN_FIRST = (4, 3, 6)  # columns, where not all fit
_LEAST_NAME_PX = 110
_ROW_PX = 28
_LONGEST_SHOWN = 8
_CELL_PADDING_PX = 20

Index = QModelIndex | QPersistentModelIndex


class QueuesModel(QAbstractTableModel):
    """A row per queue, by name; columns: name, status, then a count per state of _STATES."""

    HEADERS = ("Queue", "Status", *(state.word.capitalize() for state in _STATES))

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[QueueRecord] = []
        self._words: Mapping[str, QueueWord] = {}
        theme.changed.connect(self._repaint)

    def merge(self, queues: tuple[QueueRecord, ...], words: Mapping[str, QueueWord]) -> None:
        """Show `queues`, sorted by name, touching only rows that differ; `words`: how they are, as far as is known."""
        before, self._words = self._words, words
        fresh = {one.name: one for one in queues}
        for at in reversed(range(len(self._rows))):
            if self._rows[at].name not in fresh:
                self.beginRemoveRows(QModelIndex(), at, at)
                del self._rows[at]
                self.endRemoveRows()
        for at, queue in enumerate(queues):
            if at >= len(self._rows) or self._rows[at].name != queue.name:
                self.beginInsertRows(QModelIndex(), at, at)
                self._rows.insert(at, queue)
                self.endInsertRows()
            elif self._rows[at] != queue or before.get(queue.name) != words.get(queue.name):
                self._rows[at] = queue
                self.dataChanged.emit(self.index(at, 1), self.index(at, len(self.HEADERS) - 1))

    def queue(self, row: int) -> QueueRecord:
        return self._rows[row]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.HEADERS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        queue, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(queue, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._theme.color(_ink(queue, column, self._words.get(queue.name)))
        if role == Qt.ItemDataRole.DecorationRole and column == 1 and queue.is_paused:
            return self._theme.icon("paused", Role.PAUSED)
        if role == Qt.ItemDataRole.ToolTipRole and column == 0:
            return as_tooltip(queue.name) if len(queue.name) > 24 else None
        return None

    def _text(self, queue: QueueRecord, column: int) -> str:
        if column == 0:
            return visible_line(queue.name)
        if column == 1:
            return self._word(queue)
        return format_number(queue.counts.of(_STATES[column - 2]))

    def _word(self, queue: QueueRecord) -> str:
        word = self._words.get(queue.name)
        return "" if word is None else word.value

    def _repaint(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(self.HEADERS) - 1))


class QueuesTable(QTableView):
    """Signals:
    queue_chosen: The name of the queue whose messages are asked for.
    pause_asked: The name of a queue, and whether to pause or to resume it.
    """

    queue_chosen = Signal(str)
    pause_asked = Signal(str, bool)

    def __init__(self, model: QueuesModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queues_table")
        self.setAccessibleName("Queues")
        self.setModel(model)
        self._model = model
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setFont(theme.font())
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._row_px = max(_ROW_PX, self.fontMetrics().height() + 8)
        self.verticalHeader().setDefaultSectionSize(self._row_px)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(24)
        header.setFixedHeight(self._row_px)
        model.rowsInserted.connect(self._fit)
        model.rowsRemoved.connect(self._fit)
        self.doubleClicked.connect(lambda index: self.queue_chosen.emit(model.queue(index.row()).name))
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.queue_chosen.emit(self._model.queue(self.currentIndex().row()).name)
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos()) if event.reason() is QContextMenuEvent.Reason.Mouse else self.currentIndex()
        if index.isValid():
            menu = self.make_menu(self._model.queue(index.row()))
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def make_menu(self, queue: QueueRecord) -> QMenu:
        """What can be done to `queue`."""
        menu = QMenu(self)
        show = menu.addAction("Show messages")
        show.triggered.connect(lambda: self.queue_chosen.emit(queue.name))
        pause = menu.addAction("Resume queue" if queue.is_paused else "Pause queue")
        pause.triggered.connect(lambda: self.pause_asked.emit(queue.name, not queue.is_paused))
        return menu

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """The name takes what the counts leave; where that is too little, some counts are hidden."""
        metrics = self.horizontalHeader().fontMetrics()
        widths = [metrics.horizontalAdvance(text) + _CELL_PADDING_PX for text in QueuesModel.HEADERS]
        widths[1] = max(widths[1], metrics.horizontalAdvance("No worker") + 24 + _CELL_PADDING_PX)
        widths[6] = max(widths[6], metrics.horizontalAdvance("99,999,999") + _CELL_PADDING_PX)
        hidden: set[int] = set()
        for column in _HIDDEN_FIRST:
            if self._room(widths, hidden) >= _LEAST_NAME_PX:
                break
            hidden.add(column)
        for column, width in enumerate(widths):
            self.setColumnHidden(column, column in hidden)
            self.setColumnWidth(column, self._room(widths, hidden) if column == 0 else width)

    def _room(self, widths: list[int], hidden: set[int]) -> int:
        """What is left for the name."""
        return self.viewport().width() - sum(one for at, one in enumerate(widths) if at and at not in hidden)

    def _fit(self) -> None:
        shown = min(max(self._model.rowCount(), 1), _LONGEST_SHOWN)
        self.setFixedHeight(self._row_px * (shown + 1) + 2)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column < 2 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _ink(queue: QueueRecord, column: int, word: QueueWord | None) -> Role:
    if column == 0:
        return Role.TEXT
    if column == 1:
        return Role.MUTED if word is None else _INKS.get(word, Role.MUTED)
    state = _STATES[column - 2]
    if not queue.counts.of(state):
        return Role.MUTED
    return Role.ERROR if state is State.FAILED else Role.TEXT
