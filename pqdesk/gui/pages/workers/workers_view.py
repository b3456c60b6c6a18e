"""The workers page as it looks: buttons, the table of processes, and below the log of the selected one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from pqdesk.gui.pages.workers.trouble_panel import TroublePanel
from pqdesk.gui.pages.workers.worker_actions import ACTIONS, WorkerActions
from pqdesk.gui.pages.workers.workers_model import WorkerColumn, WorkersModel
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.ink_delegate import InkDelegate
from pqdesk.gui.widgets.labels import ElidedLabel, Hairline
from pqdesk.gui.widgets.log_pane import LogPane
from pqdesk.supervision.records import ReplicaRecord

_WIDTHS = {
    WorkerColumn.NAME: 140,
    WorkerColumn.STATE: 140,
    WorkerColumn.PID: 76,
    WorkerColumn.UP_FOR: 112,
    WorkerColumn.RESTARTS: 88,
    WorkerColumn.LAST_EXIT: 190,
    WorkerColumn.QUEUES: 130,
}
_TABLE_SHARE = 0.36
STREAMS = ("Output", "Errors")


class WorkersView(QWidget):
    """Holds the widgets and lays them out; the controller fills them."""

    def __init__(self, model: WorkersModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("workers_page")
        self._theme = theme
        self._model = model
        self.actions_on_workers = WorkerActions(self, theme)
        self.buttons = {look.name: make_button(look.text, f"{look.name}_button", self, look="") for look in ACTIONS}
        self.start_all = make_button("Start all", "start_all_button", self)
        self.stop_all = make_button("Stop all", "stop_all_button", self)
        self.banner = Banner(theme, "workers_banner", self)
        self.table = self._make_table(model)
        self.empty = EmptyState(theme, "workers_empty", self.table.viewport())
        self.trouble = TroublePanel(theme, self)
        self.log = LogPane(theme, self)
        self.log_title = ElidedLabel("", self.log)
        self.log_title.setFont(theme.font(100, is_semibold=True))  # before Qt polishes it, else a new parent drops it
        self.log_title.setObjectName("log_title")
        self.stream = QComboBox(self.log)
        self.stream.setObjectName("streamFilter")
        self.stream.setAccessibleName("Stream")
        self.stream.addItems(STREAMS)
        self._splitter = QSplitter(Qt.Orientation.Vertical, self)
        self._lay_out()
        for look in ACTIONS:
            self.buttons[look.name].clicked.connect(self.actions_on_workers.actions[look.name].trigger)
        self.actions_on_workers.changed.connect(self._update_buttons)
        self.table.customContextMenuRequested.connect(self._show_menu)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self._update_buttons()

    def _make_table(self, model: WorkersModel) -> QTableView:
        table = QTableView(self)
        table.setObjectName("workers")
        table.setAccessibleName("Workers")
        table.setModel(model)
        table.setItemDelegate(InkDelegate(table))
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setIconSize(QSize(16, 16))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(48)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, width)
        return table

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setContentsMargins(16, 10, 16, 10)
        buttons.setSpacing(8)
        for look in ACTIONS:
            buttons.addWidget(self.buttons[look.name])
        buttons.addStretch(1)
        for button in (self.start_all, self.stop_all):
            buttons.addWidget(button)
        upper, lower = QWidget(self), QWidget(self)
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addLayout(buttons)
        column.addWidget(Hairline(upper))
        inset = QHBoxLayout()  # so that the first column begins at the page's margin
        inset.setContentsMargins(8, 0, 0, 0)
        inset.addWidget(self.table)
        column.addLayout(inset, 1)
        self.log.controls.insertWidget(0, self.log_title, 1)
        self.log.controls.insertWidget(1, self.stream)
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.trouble)
        below.addWidget(self.log, 1)
        self._splitter.addWidget(upper)
        self._splitter.addWidget(lower)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        self.table.setMinimumHeight(96)
        self.log.text.setMinimumHeight(80)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._splitter)

    # --- what the controller asks -----------------------------------------------------------------

    def selected(self) -> Sequence[ReplicaRecord]:
        """The selected processes, from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self._model.replica(row) for row in rows]

    def select(self, row: int) -> None:
        self.table.selectRow(row)

    # --- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().height() <= 0:
            upper = round(self.height() * _TABLE_SHARE)
            self._splitter.setSizes([upper, self.height() - upper])
        is_narrow = self.width() < 940
        self.table.setColumnHidden(WorkerColumn.COMMAND, is_narrow)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(Role.BASE))
        painter.end()

    def _show_menu(self, point: QPoint) -> None:
        if not self.table.indexAt(point).isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self.actions_on_workers.actions[look.name] for look in ACTIONS])
        menu.popup(self.table.viewport().mapToGlobal(point))

    def _update_buttons(self) -> None:
        for look in ACTIONS:
            button = self.buttons[look.name]
            names = self.actions_on_workers.names(look)
            reason = self.actions_on_workers.reason(look)
            button.setEnabled(bool(names))
            button.setToolTip(as_tooltip(reason))
            button.setAccessibleDescription(f"{look.text} {', '.join(names)}" if names else reason)

    def _take_looks(self) -> None:
        height = max(28, self.fontMetrics().height() + 12)
        self.table.verticalHeader().setDefaultSectionSize(height)
        self.table.horizontalHeader().setFixedHeight(height)
        self.table.setStyleSheet("QTableView::item { padding: 0 5px; }")
        self.log_title.setFont(self._theme.font(100, is_semibold=True))
        for look in ACTIONS:
            self.buttons[look.name].setIcon(self._theme.icon(look.icon))
        self.start_all.setIcon(self._theme.icon("start"))
        self.stop_all.setIcon(self._theme.icon("stop"))
