"""The messages page as the window knows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from pqdesk.clock import Clock, to_datetime
from pqdesk.gui.pages.messages.filter_bar import STATE_ORDER
from pqdesk.gui.pages.messages.message_log import MessageLog
from pqdesk.gui.pages.messages.message_table import make_model
from pqdesk.gui.pages.messages.messages_controller import MessagesController
from pqdesk.gui.pages.messages.messages_view import MessagesView
from pqdesk.gui.shell.page import Parts
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.messages.filters import quote
from pqdesk.messages.records import QueueRecord


class MessagesPage(MessagesView):
    """The view with its model and its controller."""

    key, title, icon = "messages", "Messages", "messages"

    def __init__(
        self, reader: Reader, actor: Actor, theme: Theme, clock: Clock, link: SupervisorLink | None = None
    ) -> None:
        """`link` tells which workers there are, whose logs have lines about a message; without one there are none."""
        model = make_model(to_datetime(clock.wall_us()))
        super().__init__(model, theme)
        model.setParent(self)
        self._queue_names: Sequence[str] = ()
        self.controller = MessagesController(self, model, reader, actor, clock)
        reader.counts_loaded.connect(self._on_counts_loaded)
        self.detail.worker_asked.connect(lambda name: self.route_asked.emit(Route("workers", subject=name)))
        if link is not None:
            self._log = MessageLog(self.detail.log, link)
            self._log.around_asked.connect(self._show_log)
            self.detail.log_shown.connect(self._log.show_message)
            self.detail.log_ticked.connect(self._log.tick)

    @classmethod
    def make(cls, parts: Parts) -> MessagesPage:
        return cls(parts.reader, parts.actor, parts.theme, parts.clock, parts.link)

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self.table, self.detail.tab_bar]

    def set_live(self, is_live: bool) -> None:
        self.controller.set_live(is_live)

    @property
    def route(self) -> Route:
        return Route(self.key, filter=self.filter_bar.text)

    def go(self, route: Route) -> None:
        """Of one message, its detail too."""
        if route.filter is not None:
            self.filter_bar.show_text(route.filter)
            ids = self.filter_bar.selection.ids
            if ids is not None and len(ids) == 1:
                self.controller.show_message(ids[0])

    def places(self, typed: str) -> Iterator[tuple[str, Route]]:
        number = typed.strip()
        if number.isascii() and number.isdigit() and len(number) < 20:
            yield f"Message {number}", Route(self.key, filter=f"id:{number}")
        for state in STATE_ORDER:
            yield f"{state.word.capitalize()} messages", Route(self.key, filter=f"state:{state.word}")
        for name in self._queue_names:
            yield f"Queue {name}", Route(self.key, filter=f"queue:{quote(name)}")

    def begin_find(self) -> None:
        self.filter_bar.focus_field()

    @Slot(object, str)
    def _show_log(self, message_id: int, process: str) -> None:
        self.route_asked.emit(Route("logs", filter=f"id:{message_id}", subject=process))

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._queue_names = [one.name for one in queues]
        self.badge_changed.emit(sum(one.counts.failed for one in queues), "failed message")
