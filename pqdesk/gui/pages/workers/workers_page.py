"""The workers page as the window knows it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock
from pqdesk.gui.pages.workers.worker_dialogs import WorkerDialogs
from pqdesk.gui.pages.workers.workers_controller import WorkersController
from pqdesk.gui.pages.workers.workers_view import WorkersView
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.services.health import Health


class WorkersPage(WorkersView):
    """The view with its model, its controller and its dialogs.

    Signals:
        notice, problem: One sentence for the toast.
        messages_asked: Ids of messages to show on the page Messages.
        log_asked: The process whose log to show on the page Logs.
    """

    title = "Workers"

    notice = Signal(str)
    problem = Signal(str)
    messages_asked = Signal(object)
    log_asked = Signal(str)

    def __init__(self, link: SupervisorLink, reader: Reader, theme: Theme, clock: Clock) -> None:
        super().__init__(theme)
        self.dialogs = WorkerDialogs(link, theme, self)
        self.controller = WorkersController(self, link, reader, self.dialogs, clock)
        self.dialogs.told.connect(self.notice)
        self.dialogs.failed.connect(self.problem)
        self.controller.messages_asked.connect(self.messages_asked)
        self.controller.log_asked.connect(self.log_asked)
        self.controller.log_told.connect(self.notice)
        self.log.message_asked.connect(lambda message_id: self.messages_asked.emit((message_id,)))

    @property
    def worker_actions(self) -> Sequence[QAction]:
        """For the window's menu Worker."""
        return self.actions_on_workers.menu_entries()

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self.table, self.log.text.mirror]

    def set_live(self, is_live: bool) -> None:
        self.controller.set_live(is_live)

    def show_health(self, health: Health) -> None:
        self.controller.show_health(health)

    def show_worker(self, name: str) -> None:
        """Select this worker, or process; links from elsewhere lead here."""
        self.controller.show_worker(name)

    def add_worker(self, queue: str = "") -> None:
        """Begin to define one."""
        self.dialogs.add(queue)

    def focus_filter(self) -> None:
        self.log.focus_find()
