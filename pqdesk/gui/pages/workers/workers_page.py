"""The workers page as the window knows it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock
from pqdesk.gui.pages.workers.worker_actions import ACTIONS
from pqdesk.gui.pages.workers.workers_controller import WorkersController
from pqdesk.gui.pages.workers.workers_model import WorkersModel
from pqdesk.gui.pages.workers.workers_view import WorkersView
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink


class WorkersPage(WorkersView):
    """The view with its model and its controller."""

    title = "Workers"

    def __init__(self, link: SupervisorLink, theme: Theme, clock: Clock) -> None:
        model = WorkersModel(theme)
        super().__init__(model, theme)
        model.setParent(self)
        self.controller = WorkersController(self, model, link, clock)

    @property
    def worker_actions(self) -> Sequence[QAction]:
        """For the window's menu Worker."""
        return [self.actions_on_workers.actions[look.name] for look in ACTIONS]

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self.table, self.log.text]

    def set_live(self, is_live: bool) -> None:
        self.controller.set_live(is_live)

    def show_worker(self, name: str) -> None:
        """Select this worker, or process; links from elsewhere lead here."""
        self.controller.show_worker(name)

    def focus_filter(self) -> None:
        self.log.focus_find()
