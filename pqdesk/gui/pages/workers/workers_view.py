"""The workers page as it looks: buttons, the table of workers, and below the log of the selected one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from pqdesk.gui.pages.workers.activity_line import ActivityLine
from pqdesk.gui.pages.workers.trouble_panel import TroublePanel
from pqdesk.gui.pages.workers.worker_actions import BUTTONS, IN_CONTEXT, WorkerActions
from pqdesk.gui.pages.workers.workers_table import WorkersTable
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.shell.kept import mapping, numbers
from pqdesk.gui.shell.page import Page
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.empty_state import EmptyState
from pqdesk.gui.widgets.labels import Hairline
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.gui.widgets.log.pane import LogPane
from pqdesk.gui.widgets.pane_splitter import PaneSplitter

_TABLE_SHARE = 0.42
_PICTURES_FROM_PX = 940  # narrower, the buttons have room for their words only
_NO_WORKSPACE = (
    "These queues are in an application's own file; its programs work on them. Workers belong to a workspace"
)


class WorkersView(Page):
    """Holds the widgets and lays them out; the controller fills them."""

    def __init__(self, actions: ActionSet, theme: Theme) -> None:
        """`actions` are those on all workers."""
        super().__init__()
        self.setObjectName("workers_page")
        self._theme = theme
        self._may_add = True
        self.action_set = self.actions_on_workers = WorkerActions(self, theme)
        make = self.action_set.button
        self.add = make("add_worker", self)
        self.buttons = {name: make(name, self) for name in BUTTONS}
        self.more = self._make_more()
        self.start_all, self.stop_all = actions.button("start_all", self), actions.button("stop_all", self)
        self.banner = Banner(theme, "workers_banner", self)
        self.alarm = Banner(theme, "workers_alarm", self)
        self.table = WorkersTable(theme, self.action_set, self)
        self.empty = EmptyState(theme, "workers_empty", self.table.viewport())
        self.activity = ActivityLine(self)
        self.trouble = TroublePanel(theme, self)
        self.log = LogPane(theme, self.action_set, self)
        self._splitter = PaneSplitter(0, lambda _orientation, room: round(room * _TABLE_SHARE), self)
        self._splitter.lie(Qt.Orientation.Vertical)
        self._lay_out()
        self.empty.pressed.connect(self.action_set["add_worker"].trigger)
        self.table.customContextMenuRequested.connect(self._show_menu)

    def _make_more(self) -> QPushButton:
        button = make_button("More", "more_button", self, description="Everything that can be done to the selection")
        button.setToolTip("Remove, duplicate, send a signal, …")
        menu = QMenu(button)
        menu.setObjectName("more_menu")
        menu.setToolTipsVisible(True)
        self.action_set.fill(menu, IN_CONTEXT)
        menu.addSeparator()
        menu.addAction(self.action_set["at_login"])
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        buttons = hbox(
            self.add,
            8,
            *self.buttons.values(),
            self.more,
            None,
            self.start_all,
            self.stop_all,
            margins=(16, 10, 16, 10),
            spacing=8,
        )
        upper, self._lower = QWidget(self), QWidget(self)
        column = vbox(self.banner, self.alarm, buttons, Hairline(upper), on=upper, spacing=0)
        inset = hbox(self.table, margins=(8, 0, 8, 0))
        column.addLayout(inset, 1)
        column.addWidget(self.activity)
        vbox(self.trouble, (self.log, 1), on=self._lower, spacing=0)
        self._splitter.addWidget(upper)
        self._splitter.addWidget(self._lower)
        self.table.setMinimumHeight(96)
        self.log.text.setMinimumHeight(80)
        vbox(self._splitter, on=self)

    def forbid_adding(self) -> None:
        """Workers belong to a workspace, and here is none."""
        self._may_add = False
        self.actions_on_workers.forbid_adding(_NO_WORKSPACE)

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

    def kept(self) -> dict[str, Any]:
        return {"sizes": self._splitter.sizes_dragged, "columns": self.table.columns.state()}

    def restore(self, kept: Mapping[str, Any]) -> None:
        self._splitter.restore(numbers(kept.get("sizes")))
        self.table.columns.restore(mapping(kept.get("columns")))

    # --- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_pictures()

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        if self.table.indexAt(point).isValid():
            self.action_set.fill(menu, IN_CONTEXT)
        else:
            menu.addAction(self.action_set["add_worker"])
        menu.popup(self.table.viewport().mapToGlobal(point))

    def _show_pictures(self) -> None:
        size = QSize(16, 16) if self.width() >= _PICTURES_FROM_PX else QSize(0, 0)
        for button in (*self.buttons.values(), self.start_all, self.stop_all):
            button.setIconSize(size)
