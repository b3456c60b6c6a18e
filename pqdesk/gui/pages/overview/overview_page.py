"""The Overview as a page: what is known goes in, what the user asks for comes out."""

from __future__ import annotations

from PySide6.QtCore import Slot

from pqdesk.gui.pages.overview.attention import AttentionItem, Remedy, attention_items
from pqdesk.gui.pages.overview.demo_strip import DemoStrip
from pqdesk.gui.pages.overview.overview_view import OverviewView
from pqdesk.gui.pages.overview.queue_actions import QueueActions
from pqdesk.gui.pages.overview.queues_table import SeenQueue
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.shell.page import Page, Parts
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Order, Queues, Workers
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.throughput import Throughput
from pqdesk.gui.widgets.layouts import vbox
from pqdesk.messages.filters import quote
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.messages.states import State
from pqdesk.services.health import Health
from pqdesk.supervision.records import SupervisionStatus


class OverviewPage(Page):
    """The view, and what is asked for in it."""

    key, title, icon = "overview", "Overview", "overview"
    shows_workers = True

    def __init__(
        self,
        reader: Reader,
        link: SupervisorLink,
        throughput: Throughput,
        actions: ActionSet,
        theme: Theme,
        *,
        is_demo: bool = False,
    ) -> None:
        super().__init__()
        self._throughput = throughput
        self.action_set = self._queue_actions = QueueActions(self, theme)
        self.view = OverviewView(self._queue_actions, actions, theme)
        self._records: tuple[QueueRecord, ...] = ()
        self._counts: Counts | None = None
        self._status: SupervisionStatus | None = None
        self._health: Health | None = None
        self._is_live = False
        vbox(self.view, on=self)
        self._strip = DemoStrip(link, theme, self) if is_demo else None
        if self._strip is not None:
            self.view.strip_place.addWidget(self._strip)
            self._strip.pressed.connect(lambda: self._show_messages(State.FAILED.word))
        throughput.changed.connect(self._on_throughput_changed)
        reader.counts_loaded.connect(self._on_counts_loaded)
        link.status_changed.connect(self._on_status_changed)
        self._connect_view()

    @classmethod
    def make(cls, parts: Parts) -> OverviewPage:
        is_demo = parts.place.is_demo
        page = cls(parts.reader, parts.link, parts.throughput, parts.actions, parts.theme, is_demo=is_demo)
        parts.health.health_changed.connect(page.show_health)
        return page

    def set_live(self, is_live: bool) -> None:
        self._is_live = is_live
        if is_live:
            self._show_all()

    def _connect_view(self) -> None:
        view = self.view
        view.state_chosen.connect(lambda state: self._show_messages(state.word))
        self._queue_actions.messages_asked.connect(lambda queue: self._show_messages(queue=queue))
        self._queue_actions.pause_asked.connect(self._switch)
        view.workers.worker_chosen.connect(self._show_worker)
        view.attention.remedy_chosen.connect(self._on_remedy_chosen)

    @Slot(str, bool)
    def _switch(self, queue: str, is_paused: bool) -> None:
        self.order_asked.emit(Order("pause" if is_paused else "resume", Queues((queue,))))

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._records = queues
        self._counts = sum((one.counts for one in queues), Counts())
        if self._strip is not None:
            self._strip.show_counts(self._counts)
        if self._is_live:
            self._show_counts()

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._status = status
        if self._is_live:
            self._show_status()

    @Slot(object)
    def show_health(self, health: Health) -> None:
        self._health = health
        if self._is_live:
            self._show_health()

    @Slot()
    def _on_throughput_changed(self) -> None:
        if self._is_live:
            self.view.show_rates(*self._throughput.series, self._throughput.average)

    @Slot(object)
    def _on_remedy_chosen(self, item: AttentionItem) -> None:
        match item.remedy:
            case Remedy.SHOW_LOG | Remedy.SHOW_WORKERS:
                self._show_worker(item.subject)
            case Remedy.SHOW_FAILED:
                self._show_messages(State.FAILED.word, item.subject)
            case Remedy.START_ALL:
                self.order_asked.emit(Order("start", Workers()))
            case Remedy.START_WORKER:
                self.order_asked.emit(Order("start", Workers((item.subject,))))
            case Remedy.RESUME:
                self._switch(item.subject, False)

    def _show_messages(self, state: str = "", queue: str = "") -> None:
        terms = (f"state:{state}" if state else "", f"queue:{quote(queue)}" if queue else "")
        self.route_asked.emit(Route("messages", filter=" ".join(filter(None, terms))))

    @Slot(str)
    def _show_worker(self, name: str) -> None:
        self.route_asked.emit(Route("workers", subject=name))

    def _show_all(self) -> None:
        self._show_counts()
        self._show_status()
        self._show_health()
        self._on_throughput_changed()

    def _show_counts(self) -> None:
        if self._counts is not None:
            self.view.show_counts(self._counts)
            self._show_queues()

    def _show_health(self) -> None:
        if self._health is not None:
            self._show_queues()
            self.view.attention.show_items(attention_items(self._health))

    def _show_queues(self) -> None:
        words = {} if self._health is None else self._health.words
        self.view.queues.show_records([SeenQueue(one, words.get(one.name)) for one in self._records])

    def _show_status(self) -> None:
        if self._status is not None:
            self.view.workers.show_status(self._status)
