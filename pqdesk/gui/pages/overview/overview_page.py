"""The Overview as a page: what is known goes in, what the user asks for comes out."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pqdesk.clock import Clock
from pqdesk.gui.pages.overview.attention import AttentionItem, Remedy, attention_items
from pqdesk.gui.pages.overview.overview_view import OverviewView
from pqdesk.gui.pages.overview.queues_table import SeenQueue
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.actor import TEST_QUEUE, Actor
from pqdesk.gui.threads.orders import Order, Queues
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.messages.states import State
from pqdesk.services.health import Health
from pqdesk.services.rates import RateMeter
from pqdesk.supervision.records import SupervisionStatus

_CHART_MS = 2_000


class OverviewPage(QWidget):
    """Signals:
    filter_asked: A state's word or "", a queue's name or "": show these on Messages.
    worker_asked: The name of the worker to show on Workers.
    rates_changed: Messages in and out per second, averaged.
    """

    title = "Overview"

    filter_asked = Signal(str, str)
    worker_asked = Signal(str)
    rates_changed = Signal(float, float)
    start_asked = Signal(str)
    stop_asked = Signal(str)
    order_asked = Signal(object)

    def __init__(self, reader: Reader, actor: Actor, link: SupervisorLink, theme: Theme, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.view = OverviewView(theme)
        self._meter = RateMeter()
        self._records: tuple[QueueRecord, ...] = ()
        self._counts: Counts | None = None
        self._status: SupervisionStatus | None = None
        self._health: Health | None = None
        self._is_live = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self._timer = QTimer(self)
        self._timer.setInterval(_CHART_MS)
        self._timer.timeout.connect(self._on_chart_due)
        self._timer.start()
        reader.counts_loaded.connect(self._on_counts_loaded)
        link.status_changed.connect(self._on_status_changed)
        self.start_asked.connect(link.start)
        self.stop_asked.connect(link.stop)
        self.order_asked.connect(actor.carry_out)
        self._connect_view()

    def set_live(self, is_live: bool) -> None:
        """Not live: what is shown stays; the rates are counted on."""
        self._is_live = is_live
        if is_live:
            self._show_all()

    def _connect_view(self) -> None:
        view = self.view
        view.state_chosen.connect(lambda state: self.filter_asked.emit(state.word, ""))
        view.queues.queue_chosen.connect(lambda queue: self.filter_asked.emit("", queue))
        view.queues.pause_asked.connect(self._switch)
        view.workers.worker_chosen.connect(self.worker_asked)
        view.attention.remedy_chosen.connect(self._on_remedy_chosen)
        view.start_all.clicked.connect(lambda: self.start_asked.emit("all"))
        view.stop_all.clicked.connect(lambda: self.stop_asked.emit("all"))
        view.test_message_asked.connect(lambda: self.order_asked.emit(Order("test_message", Queues((TEST_QUEUE,)))))

    @Slot(str, bool)
    def _switch(self, queue: str, is_paused: bool) -> None:
        self.order_asked.emit(Order("pause" if is_paused else "resume", Queues((queue,))))

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._records = queues
        self._counts = sum((one.counts for one in queues), Counts())
        self._meter.observe(self._counts, self._now_s())
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
    def _on_chart_due(self) -> None:
        now_s = self._now_s()
        if self._counts is not None:
            self._meter.observe(self._counts, now_s)  # no news is a rate of nothing
        average = self._meter.average(now_s)
        self.rates_changed.emit(*average)
        if self._is_live:
            self.view.show_rates(*self._meter.series(now_s), average)

    @Slot(object)
    def _on_remedy_chosen(self, item: AttentionItem) -> None:
        match item.remedy:
            case Remedy.SHOW_LOG | Remedy.SHOW_WORKERS:
                self.worker_asked.emit(item.subject)
            case Remedy.SHOW_FAILED:
                self.filter_asked.emit(State.FAILED.word, item.subject)
            case Remedy.START_ALL:
                self.start_asked.emit("all")
            case Remedy.START_WORKER:
                self.start_asked.emit(item.subject)
            case Remedy.RESUME:
                self._switch(item.subject, False)

    def _now_s(self) -> float:
        return self._clock.awake_ms() / 1000

    def _show_all(self) -> None:
        self._show_counts()
        self._show_status()
        self._show_health()
        self._on_chart_due()

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
        if self._status is None:
            return
        replicas = self._status.replicas
        self.view.workers.show_status(self._status)
        self.view.start_all.setEnabled(any(not one.state.is_up for one in replicas))
        self.view.stop_all.setEnabled(any(one.state.is_up for one in replicas))
