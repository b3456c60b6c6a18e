"""The workers page as the window knows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock
from pqdesk.gui.pages.workers.worker_dialogs import WorkerDialogs
from pqdesk.gui.pages.workers.workers_controller import WorkersController
from pqdesk.gui.pages.workers.workers_view import WorkersView
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.shell.page import Parts
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.services.health import Health
from pqdesk.supervision.records import SupervisionStatus


class WorkersPage(WorkersView):
    """The view with its model, its controller and its dialogs."""

    key, title, icon = "workers", "Workers", "workers"
    shows_workers = True

    def __init__(self, link: SupervisorLink, reader: Reader, actions: ActionSet, theme: Theme, clock: Clock) -> None:
        super().__init__(actions, theme)
        self._worker_names: Sequence[str] = ()
        self.dialogs = WorkerDialogs(link, theme, self)
        self.controller = WorkersController(self, link, reader, self.dialogs, clock)
        self.dialogs.told.connect(lambda text: self.told.emit(text, False))
        self.dialogs.failed.connect(lambda text: self.told.emit(text, True))
        self.controller.order_asked.connect(self.order_asked)
        self.controller.messages_asked.connect(self._show_messages)
        self.controller.log_asked.connect(lambda process: self.route_asked.emit(Route("logs", subject=process)))
        self.controller.log_told.connect(lambda text: self.told.emit(text, False))
        self.log.message_asked.connect(lambda message_id: self._show_messages((message_id,)))
        link.status_changed.connect(self._on_status_changed)

    @classmethod
    def make(cls, parts: Parts) -> WorkersPage:
        page = cls(parts.link, parts.reader, parts.actions, parts.theme, parts.clock)
        parts.health.health_changed.connect(page.show_health)
        if parts.place.database is not None:  # in an application's own file
            page.forbid_adding()
        return page

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self.table, self.log.text.mirror]

    def set_live(self, is_live: bool) -> None:
        self.controller.set_live(is_live)

    def show_health(self, health: Health) -> None:
        self.controller.show_health(health)

    @property
    def route(self) -> Route:
        rows = self.actions_on_workers.selected.rows
        return Route(self.key, subject=rows[0].target if rows else None)

    def go(self, route: Route) -> None:
        """Select the worker, or the process, that is called so."""
        if route.subject:
            self.controller.show_worker(route.subject)

    def add_worker(self, queue: str = "") -> None:
        """Begin to define one."""
        self.dialogs.add(queue)

    def places(self, typed: str) -> Iterator[tuple[str, Route]]:
        for name in self._worker_names:
            yield f"Worker {name}", Route(self.key, subject=name)

    def begin_find(self) -> None:
        self.log.focus_find()

    def _show_messages(self, ids: Sequence[int]) -> None:
        self.route_asked.emit(Route("messages", filter=f"id:{','.join(map(str, ids))}"))

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._worker_names = tuple(dict.fromkeys(one.worker for one in status.replicas))
        unhealthy = sum(one.is_in_trouble for one in status.replicas)
        self.badge_changed.emit(unhealthy, "unhealthy worker")
