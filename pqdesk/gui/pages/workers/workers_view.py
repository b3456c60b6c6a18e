"""The workers page as it looks: buttons, the table of workers, and below the log of the selected one."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from pqdesk.gui.pages.workers.activity_line import ActivityLine
from pqdesk.gui.pages.workers.trouble_panel import TroublePanel
from pqdesk.gui.pages.workers.worker_actions import (
    EDIT,
    RESTART,
    SCALE,
    START,
    STOP,
    WorkerActionLook,
    WorkerActions,
)
from pqdesk.gui.pages.workers.workers_table import WorkersTable
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import Hairline
from pqdesk.gui.widgets.log.pane import LogPane

_TABLE_SHARE = 0.42
_PICTURES_FROM_PX = 940  # narrower, the buttons have room for their words only
_BUTTONS = (START, STOP, RESTART, SCALE, EDIT)
_NO_WORKSPACE = (
    "These queues are in an application's own file; its programs work on them. Workers belong to a workspace"
)


class WorkersView(QWidget):
    """Holds the widgets and lays them out; the controller fills them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("workers_page")
        self._theme = theme
        self._may_add = True
        self.actions_on_workers = WorkerActions(self, theme)
        self.add = make_button("Add worker", "add_worker_button", self)
        self.buttons = {look.name: self._make_button(look) for look in _BUTTONS}
        self.more = self._make_more()
        self.start_all = make_button("Start all", "start_all_button", self)
        self.stop_all = make_button("Stop all", "stop_all_button", self)
        self.banner = Banner(theme, "workers_banner", self)
        self.alarm = Banner(theme, "workers_alarm", self)
        self.table = WorkersTable(theme, self)
        self.empty = EmptyState(theme, "workers_empty", self.table.viewport())
        self.activity = ActivityLine(self)
        self.trouble = TroublePanel(theme, self)
        self.log = LogPane(theme, self)
        self._splitter = QSplitter(Qt.Orientation.Vertical, self)
        self._lay_out()
        self.add.clicked.connect(self.actions_on_workers.add.trigger)
        self.empty.pressed.connect(self.actions_on_workers.add.trigger)
        self.actions_on_workers.changed.connect(self._update_buttons)
        self.table.customContextMenuRequested.connect(self._show_menu)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self._update_buttons()

    def _make_button(self, look: WorkerActionLook) -> QPushButton:
        button = make_button(look.text, f"{look.name}_button", self)
        button.clicked.connect(self.actions_on_workers.actions[look.name].trigger)
        return button

    def _make_more(self) -> QPushButton:
        button = make_button("More", "more_button", self, description="Everything that can be done to the selection")
        button.setToolTip("Remove, duplicate, send a signal, …")
        menu = QMenu(button)
        menu.setObjectName("more_menu")
        menu.setToolTipsVisible(True)
        self.actions_on_workers.fill_menu(menu)
        menu.addSeparator()
        menu.addAction(self.actions_on_workers.at_login)
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setContentsMargins(16, 10, 16, 10)
        buttons.setSpacing(8)
        buttons.addWidget(self.add)
        buttons.addSpacing(8)
        for button in (*self.buttons.values(), self.more):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self.start_all, self.stop_all):
            buttons.addWidget(button)
        upper, self._lower = QWidget(self), QWidget(self)
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.alarm)
        column.addLayout(buttons)
        column.addWidget(Hairline(upper))
        inset = QHBoxLayout()  # so that the first column begins at the page's margin
        inset.setContentsMargins(8, 0, 8, 0)
        inset.addWidget(self.table)
        column.addLayout(inset, 1)
        column.addWidget(self.activity)
        below = QVBoxLayout(self._lower)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.trouble)
        below.addWidget(self.log, 1)
        self._splitter.addWidget(upper)
        self._splitter.addWidget(self._lower)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        self.table.setMinimumHeight(96)
        self.log.text.setMinimumHeight(80)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._splitter)

    def forbid_adding(self) -> None:
        """Workers belong to a workspace, and here is none."""
        self._may_add = False
        self.actions_on_workers.add.setEnabled(False)
        self.actions_on_workers.add.setToolTip(as_tooltip(_NO_WORKSPACE))
        self.add.setEnabled(False)
        self.add.setToolTip(as_tooltip(_NO_WORKSPACE))
        self.add.setAccessibleDescription(_NO_WORKSPACE)
        self.actions_on_workers.at_login.setEnabled(False)

    @property
    def may_add(self) -> bool:
        return self._may_add

    def set_empty(self, is_empty: bool) -> None:
        """There is no worker, so there is no log either."""
        self._lower.setVisible(not is_empty)
        if not is_empty:
            self.empty.hide()
        elif self.empty.isHidden():
            story = "A worker is a function, a command or a folder that is kept at work."
            self.empty.show_text(
                "No workers defined",
                story if self._may_add else _NO_WORKSPACE,
                icon="workers",
                button="Add a worker" if self._may_add else "",
            )

    # --- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().height() <= 0:
            upper = round(self.height() * _TABLE_SHARE)
            self._splitter.setSizes([upper, self.height() - upper])
        self._take_looks()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(Role.BASE))
        painter.end()

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        if self.table.indexAt(point).isValid():
            self.actions_on_workers.fill_menu(menu)
        else:
            menu.addAction(self.actions_on_workers.add)
        menu.popup(self.table.viewport().mapToGlobal(point))

    def _update_buttons(self) -> None:
        for look in _BUTTONS:
            button, action = self.buttons[look.name], self.actions_on_workers.actions[look.name]
            tip = self.actions_on_workers.tip(look)
            button.setText(action.text())
            button.setEnabled(action.isEnabled())
            button.setToolTip(as_tooltip(tip))
            names = ", ".join(self.actions_on_workers.selected.targets)
            button.setAccessibleDescription(f"{action.text()} {names}" if action.isEnabled() else tip)

    def _take_looks(self) -> None:
        has_pictures = self.width() >= _PICTURES_FROM_PX
        empty = QIcon()
        for look in _BUTTONS:
            self.buttons[look.name].setIcon(self._theme.icon(look.icon) if has_pictures else empty)
        self.add.setIcon(self._theme.icon("plus"))
        self.start_all.setIcon(self._theme.icon("start") if has_pictures else empty)
        self.stop_all.setIcon(self._theme.icon("stop") if has_pictures else empty)
