"""Decides what the workers page shows: passes orders to supervisord's link, and its answers to the view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock, to_datetime
from pqdesk.gui.log_feed import LogFeed
from pqdesk.gui.pages.workers.order_progress import OrderProgress
from pqdesk.gui.pages.workers.selected_workers import is_at_rest, is_stopping, is_up
from pqdesk.gui.pages.workers.trouble_panel import LAST_LINES
from pqdesk.gui.pages.workers.worker_dialogs import WorkerDialogs
from pqdesk.gui.pages.workers.worker_notices import Notice, daemon_notice, need_notice
from pqdesk.gui.pages.workers.worker_rows import WorkerFacts
from pqdesk.gui.pages.workers.worker_watch import WorkerWatch
from pqdesk.gui.pages.workers.workers_view import WorkersView
from pqdesk.gui.threads.orders import Done, Order, Workers
from pqdesk.gui.threads.reader import Answer, Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.banner import Banner
from pqdesk.messages.records import QueueRecord
from pqdesk.services.health import Health
from pqdesk.supervision.records import SupervisionStatus

if TYPE_CHECKING:
    from pqdesk.supervision.processes.usage import Usage

_MOST_FOLLOWED = 20  # processes at once
_TICK_MS = 1_000
_SHOW_WAITING_AFTER_S = 1.0  # what is answered sooner needs no word


class WorkersController(QObject):
    """Joins the view, the model, supervisord's link and the reader.

    Signals:
        order_asked: An Order.
        usage_wanted: For the link: the processes whose rows can be seen.
        messages_asked: Ids of messages to show on the page Messages.
        log_asked: The process whose log to show on the page Logs.
        log_told: What came of opening or emptying a log file.
    """

    order_asked = Signal(object)
    poll_asked = Signal()
    usage_wanted = Signal(object)
    messages_asked = Signal(object)
    log_asked = Signal(str)
    log_told = Signal(str)

    def __init__(
        self,
        view: WorkersView,
        link: SupervisorLink,
        reader: Reader,
        dialogs: WorkerDialogs,
        clock: Clock,
    ) -> None:
        super().__init__(view)
        self._view, self._reader, self._clock = view, reader, clock
        self._hands_ticket = 0
        self._dialogs = dialogs
        self._log = LogFeed("workers page", view.log, link.logs, clock)
        self._watch = WorkerWatch()
        self._progress = OrderProgress()
        self._status: SupervisionStatus | None = None
        self._usages: Mapping[str, Usage] = {}
        self._wanted: str | None = None  # selected as soon as it is there
        self._usage_of: frozenset[str] = frozenset()
        self._waiting_for, self._waiting_since_s = "", 0.0
        self._health = Health()
        self._silent_since_s: float | None = None  # since when supervisord does not answer
        self._notices: dict[Banner, Notice | None] = {}
        self._is_live = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_tick)
        self._connect_view()
        self._connect_threads(link, reader)

    def _connect_view(self) -> None:
        view, actions = self._view, self._view.actions_on_workers
        view.table.selected.changed.connect(self._on_selection_changed)
        view.table.messages_asked.connect(self.messages_asked)
        view.table.scrolled.connect(self._update_usage)
        actions.asked.connect(self._on_asked)
        actions.signal_asked.connect(lambda name: self._dialogs.send_signal(actions.selected, name))
        view.banner.pressed.connect(lambda: self._on_notice_pressed(view.banner))
        view.alarm.pressed.connect(lambda: self._on_notice_pressed(view.alarm))
        view.trouble.stop_asked.connect(lambda process: self._order("stop", (process,)))
        view.trouble.undo_asked.connect(lambda worker: self._order("undo_edit", (worker,)))
        view.trouble.edit_asked.connect(self._dialogs.edit)
        view.trouble.log_asked.connect(self.log_asked)
        self._log.errors_changed.connect(self._show_trouble)
        self._log.told.connect(self.log_told)
        self._dialogs.order_asked.connect(self.order_asked)
        self._dialogs.worker_saved.connect(self.show_worker)

    def _connect_threads(self, link: SupervisorLink, reader: Reader) -> None:
        link.status_changed.connect(self._on_status_changed)
        link.usage_read.connect(self._on_usage_read)
        link.began.connect(self._on_began)
        link.waiting_changed.connect(self._on_waiting_changed)
        link.done.connect(self._on_done)
        reader.counts_loaded.connect(self._on_counts_loaded)
        reader.answered.connect(self._on_answered)
        self.poll_asked.connect(link.poll)
        self.usage_wanted.connect(link.watch_usage)

    def set_live(self, is_live: bool) -> None:
        """Ask for everything anew when it becomes live."""
        is_news = is_live != self._is_live
        self._is_live = is_live
        if is_live and is_news:
            self._ask_hands()
            self.poll_asked.emit()
            self._timer.start(_TICK_MS)
            self._show()
        elif not is_live:
            self._timer.stop()
        self._log.set_live(is_live)
        self._update_usage()

    def show_worker(self, name: str) -> None:
        """Select the worker, or the process, called so; as soon as it is there."""
        self._wanted = name
        self._select_wanted()

    # --- what the threads say ---------------------------------------------------------------------

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._status = status
        is_silent = status.state_word == "not answering"
        self._silent_since_s = (self._silent_since_s or self._now_s()) if is_silent else None
        self._show()
        self._update_usage()

    @Slot(object)
    def _on_usage_read(self, usages: Mapping[str, Usage]) -> None:
        self._usages = usages
        self._show()

    def _ask_hands(self) -> None:
        self._hands_ticket = self._reader.ask("workers.hands", lambda look: look.running_by_worker())

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.ticket == self._hands_ticket and answer.error is None:
            self._watch.observe_hands(answer.value)
            self._show()

    @Slot(object)
    def show_health(self, health: Health) -> None:
        self._health = health
        self._show()

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._watch.observe_queues(queues, self._now_s())
        if self._is_live:
            self._ask_hands()

    @Slot(object)
    def _on_began(self, order: Order) -> None:
        assert isinstance(order.target, Workers)
        replicas = self._status.replicas if self._status is not None else ()
        meant = [one for one in replicas if {"all", one.worker, one.process} & set(order.target.names)]
        are = is_at_rest if order.action == "start" else is_up
        self._progress.begin(order.action, [one for one in meant if are(one.state)])
        self._show_activity()

    @Slot(str)
    def _on_waiting_changed(self, what: str) -> None:
        self._waiting_for, self._waiting_since_s = what, self._now_s()
        self._show_activity()

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        if done.error is not None:
            self._progress.end()
            self._show_activity()

    @Slot()
    def _on_tick(self) -> None:
        self._watch.tick(self._now_s())
        self._show()

    # --- what is shown ----------------------------------------------------------------------------

    def _show(self) -> None:
        if self._status is None or not self._is_live:
            return
        replicas, now_s = self._status.replicas, self._now_s()
        self._view.table.show_facts(
            WorkerFacts(
                now=to_datetime(self._clock.wall_us()),
                replicas=replicas,
                usages=self._usages,
                in_hand=self._watch.in_hand(replicas),
                rates=self._watch.rates(replicas, now_s),
            )
        )
        self._dialogs.set_replicas(replicas)
        self._select_wanted()
        self._on_selection_changed()
        self._show_notices(self._status, now_s)
        self._show_activity()
        self._view.set_empty(not replicas)

    def _show_notices(self, status: SupervisionStatus, now_s: float) -> None:
        silent_s = None if self._silent_since_s is None else now_s - self._silent_since_s
        self._notices = {
            self._view.banner: daemon_notice(status, silent_s),
            self._view.alarm: need_notice(self._health.needs if self._view.may_add else (), status),
        }
        for banner, notice in self._notices.items():
            if notice is None:
                banner.hide()
            else:
                banner.show_text(notice.kind, notice.text, notice.button)

    def _show_activity(self) -> None:
        waited_s = self._now_s() - self._waiting_since_s
        progress = self._progress.look(self._status.replicas) if self._status is not None else None
        if self._waiting_for and waited_s >= _SHOW_WAITING_AFTER_S:
            self._view.activity.show_text(f"Waiting for supervisord: {self._waiting_for}… {waited_s:.0f} s")
        elif progress is not None:
            self._view.activity.show_text(progress.text, progress.done, progress.total)
        else:
            self._view.activity.hide()

    def _update_usage(self) -> None:
        """Only what can be seen is looked at."""
        processes = self._view.table.visible_processes() if self._is_live else frozenset()
        if processes != self._usage_of:
            self._usage_of = processes
            self.usage_wanted.emit(processes)

    def _show_trouble(self) -> None:
        selected = self._view.table.selected_workers
        troubled = next((one for one in selected.replicas if one.is_in_trouble), None)
        if troubled is None:
            self._view.trouble.hide()
        else:
            lines = self._log.errors_of(troubled, LAST_LINES)
            was_edited = troubled.worker in self._dialogs.edited
            self._view.trouble.show_trouble(troubled, lines, was_edited=was_edited)

    # --- what the user does -----------------------------------------------------------------------

    def _select_wanted(self) -> None:
        table = self._view.table
        if self._wanted is not None:
            if table.show_worker(self._wanted):
                self._wanted = None
        else:
            table.show_first()

    def _on_selection_changed(self) -> None:
        selected = self._view.table.selected_workers
        self._view.actions_on_workers.set_selected(selected)
        first = selected.rows[0] if selected.rows else None
        followed = first.replicas[:_MOST_FOLLOWED] if first else ()
        self._log.show_processes(first.target if first else "", followed, nothing="Select a worker")
        self._show_trouble()

    @Slot(str)
    def _on_asked(self, action: str) -> None:
        selected = self._view.actions_on_workers.selected
        match action:
            case "add_worker":
                self._dialogs.add()
            case "at_login":
                self._dialogs.show_login()
            case "start":
                self._order("start", selected.targets_that(is_at_rest))
            case "stop" if selected.is_stopping:
                self._order("stop_now", selected.targets_that(is_stopping))
            case "stop":
                self._order("stop", selected.targets_that(is_up))
            case "restart":
                self._order("restart", selected.targets_that(is_up))
            case "autostart":
                self.order_asked.emit(Order("autostart", Workers(selected.whole_workers, not selected.is_autostart)))
            case "show_message":
                self.messages_asked.emit(selected.message_ids)
            case "show_log":
                self.log_asked.emit(selected.replicas[0].process)
            case _:
                self._dialogs.open(action, selected)

    def _order(self, verb: str, names: tuple[str, ...]) -> None:
        if names:
            self.order_asked.emit(Order(verb, Workers(names)))

    def _on_notice_pressed(self, banner: Banner) -> None:
        notice = self._notices.get(banner)
        if notice is None:
            return
        match notice.remedy:
            case "start_daemon":
                self.order_asked.emit(Order("start_daemon", Workers()))
            case "restart_daemon":
                self.order_asked.emit(Order("restart_daemon", Workers()))
            case "add":
                self._dialogs.add(queue=notice.subject)
            case "start":
                self._order("start", (notice.subject,))
            case "show":
                self.show_worker(notice.subject)

    def _now_s(self) -> float:
        return self._clock.awake_ms() / 1000
