"""One workspace in the window: its session, its pages, and what they tell to the window and to the tray."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.clock import Clock
from pqdesk.gui.announcer import Announcer
from pqdesk.gui.demo_guide import demo_progress, demo_story
from pqdesk.gui.dialogs.first_start import FirstStartDialog
from pqdesk.gui.main_window import MainWindow
from pqdesk.gui.notices import sentence
from pqdesk.gui.pages import logs, messages, workers
from pqdesk.gui.pages.overview import OverviewPage
from pqdesk.gui.pages.welcome import Trouble, WelcomeView
from pqdesk.gui.palette import Role
from pqdesk.gui.places import Place
from pqdesk.gui.session import Session
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.actor import TEST_QUEUE
from pqdesk.gui.threads.orders import Order, Queues, WorkerOrder
from pqdesk.gui.tray import Tray
from pqdesk.gui.tray_state import TrayFacts
from pqdesk.gui.widgets.banner import Banner
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.messages.states import State
from pqdesk.services.health import Health
from pqdesk.supervision.daemon.known_starts import PlannedCommand
from pqdesk.supervision.records import SupervisionStatus

_WATCHED_PAGES = ("Overview", "Workers")
_CANNOT_OPEN = "This workspace cannot be opened"


class WorkspaceController(QObject):
    """Made anew for each workspace; `end` before the next.

    Signals:
        demo_asked, open_asked, create_asked: Chosen on the welcome page.
        stopped: Workers and supervisord have stopped, as `shut_down` asked; with the reason if they have not.
    """

    demo_asked = Signal()
    open_asked = Signal()
    create_asked = Signal()
    stopped = Signal(str)

    _order_asked = Signal(object)
    _start_asked = Signal(str)
    _stop_asked = Signal(str)
    _restart_asked = Signal(str)
    _daemon_asked = Signal()
    _seen_asked = Signal(object)
    _shut_down_asked = Signal()
    _watched = Signal(bool)
    _hidden = Signal(bool)
    _refresh_asked = Signal()

    def __init__(self, place: Place, window: MainWindow, tray: Tray, theme: Theme, clock: Clock) -> None:
        super().__init__()
        self.session = Session(place)
        self._window, self._tray, self._theme = window, tray, theme
        self._queues: tuple[QueueRecord, ...] | None = None
        self._status: SupervisionStatus | None = None
        self._health = Health()
        self._trouble: str | None = None
        self._is_starting = False
        self._is_demo_told = not place.is_demo
        self._make_pages(theme, clock)
        session = self.session
        self._announcer = Announcer(session.reader, session.actor, session.link, window.toast, clock)
        self._connect_threads()
        self._connect_asks()
        window.set_workspace(place.name, str(place.location), is_demo=place.is_demo)
        tray.set_workspace(place.name)

    @property
    def place(self) -> Place:
        return self.session.place

    @property
    def facts(self) -> TrayFacts:
        return TrayFacts(self._queues or (), self._status, self._health, self._trouble is None)

    @property
    def status(self) -> SupervisionStatus | None:
        return self._status

    @property
    def counts(self) -> Counts:
        return sum((one.counts for one in self._queues or ()), Counts())

    def start(self, *, with_daemon: bool = False) -> None:
        """Begin to look; `with_daemon` starts supervisord too, and with it the workers marked so."""
        self.session.start()
        self.update_watching()
        if with_daemon:
            self.start_daemon()

    def start_daemon(self) -> None:
        """Start supervisord, and with it the workers marked so."""
        self._is_starting = True
        self._daemon_asked.emit()

    def end(self) -> bool:
        """End the threads. False when one is still in a call that does not come back."""
        self.disconnect_from_all()
        return self.session.end()

    @property
    def has_workers_up(self) -> bool:
        """Whether something goes on when the window is gone."""
        return self._status is not None and any(not one.state.is_at_rest for one in self._status.replicas)

    def shut_down(self) -> None:
        """Stop the workers, then supervisord; `stopped` tells."""
        self._shut_down_asked.emit()

    def show_failed(self) -> None:
        self._on_filter_asked(State.FAILED.word, "")

    def update_watching(self) -> None:
        """Look less often where nobody sees it."""
        window = self._window
        is_seen = window.isVisible() and not window.isMinimized()
        self._hidden.emit(not is_seen)
        self._watched.emit(is_seen and window.current_page in _WATCHED_PAGES)

    # --- building ---------------------------------------------------------------------------------

    def _make_pages(self, theme: Theme, clock: Clock) -> None:
        session = self.session
        self._overview = OverviewPage(session.reader, session.actor, session.link, theme, clock)
        self._messages = messages.build(session.reader, session.actor, theme, session.link)
        has_workspace = self.place.database is None
        self._workers = workers.build(session.link, session.reader, theme, has_workspace=has_workspace)
        self._logs = logs.build(session.link, theme)
        self._welcome = WelcomeView(theme)
        self._welcome.show_workspace(self.place.python_arguments)
        self._strip = Banner(theme, "demo_strip", self._overview, is_card=True)
        self._overview.view.strip_place.addWidget(self._strip)
        self._window.set_pages([self._overview, self._messages, self._workers, self._logs], self._welcome)

    def _connect_threads(self) -> None:
        reader, actor, link = self.session.reader, self.session.actor, self.session.link
        reader.counts_loaded.connect(self._on_counts_loaded)
        self.session.health.health_changed.connect(self._on_health_changed)
        self.session.health.health_changed.connect(self._overview.show_health)
        self.session.health.health_changed.connect(self._workers.show_health)
        reader.unreadable.connect(self._on_unreadable)
        reader.readable.connect(self._on_readable)
        reader.pace_changed.connect(self._on_pace_changed)
        link.status_changed.connect(self._on_status_changed)
        link.shut_down_ended.connect(self.stopped)
        link.action_failed.connect(self._on_action_failed)
        link.first_start_found.connect(self._on_first_start_found)
        self._seen_asked.connect(link.carry_out_seen)
        self._order_asked.connect(actor.carry_out)
        self._start_asked.connect(link.start)
        self._stop_asked.connect(link.stop)
        self._restart_asked.connect(link.restart)
        self._daemon_asked.connect(link.start_daemon)
        self._shut_down_asked.connect(link.shut_down)
        self._watched.connect(link.set_watched)
        self._hidden.connect(reader.set_hidden)
        self._refresh_asked.connect(reader.refresh)
        self._refresh_asked.connect(link.poll)

    def _connect_asks(self) -> None:
        actions = self._window.window_actions
        self._connections = [
            actions.refresh.triggered.connect(self._refresh_asked),
            actions.test_message.triggered.connect(
                lambda: self._order_asked.emit(Order("test_message", Queues((TEST_QUEUE,))))
            ),
            actions.undo.triggered.connect(self._announcer.undo),
            actions.redo.triggered.connect(self._announcer.redo),
            self._announcer.undo_known.connect(actions.set_undo),
            actions.start_all.triggered.connect(lambda: self._start_asked.emit("all")),
            actions.stop_all.triggered.connect(lambda: self._stop_asked.emit("all")),
            self._tray.start_asked.connect(self._start_asked),
            self._tray.stop_asked.connect(self._stop_asked),
            self._tray.restart_asked.connect(self._restart_asked),
            self._tray.pause_asked.connect(self._on_pause_asked),
            self._window.page_changed.connect(self._on_page_changed),
        ]
        self._overview.filter_asked.connect(self._on_filter_asked)
        self._overview.worker_asked.connect(self._on_worker_asked)
        self._overview.rates_changed.connect(self._window.status_line.show_rates)
        self._strip.pressed.connect(self.show_failed)
        self._welcome.demo_asked.connect(self.demo_asked)
        self._welcome.open_asked.connect(self.open_asked)
        self._welcome.create_asked.connect(self.create_asked)
        self._workers.notice.connect(self._window.toast.show_text)
        self._workers.problem.connect(self._on_problem)
        self._workers.messages_asked.connect(self._on_messages_asked)
        self._workers.log_asked.connect(self._on_log_asked)
        self._messages.worker_asked.connect(self._on_worker_asked)
        self._messages.log_asked.connect(self._on_message_log_asked)
        self._logs.notice.connect(self._window.toast.show_text)
        self._logs.message_asked.connect(lambda message_id: self._on_messages_asked((message_id,)))

    def disconnect_from_all(self) -> None:
        """The window and the tray outlive this; a late answer must not reach them."""
        for connection in self._connections:
            QObject.disconnect(connection)
        self._connections = []
        self._announcer.silence()
        for source in (self.session.reader, self.session.link, self.session.health):
            source.disconnect(self)

    def set_demo_busy(self, is_busy: bool) -> None:
        self._welcome.set_busy(is_busy)

    # --- answers ----------------------------------------------------------------------------------

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._queues = queues
        self._window.status_line.show_file(is_readable=True, is_there=bool(queues))
        failed = self.counts.failed
        self._window.sidebar.entry("Messages").set_badge(failed, "failed messages", Role.ERROR)
        if self._window.current_page == "Messages" and self._window.isActiveWindow():
            self._tray.mark_failed_seen()
        self._show_facts()

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._status = status
        unhealthy = sum(one.is_in_trouble for one in status.replicas)
        self._window.sidebar.entry("Workers").set_badge(unhealthy, "unhealthy workers", Role.ERROR)
        self._window.status_line.show_status(status)
        can_start = any(one.state.is_at_rest for one in status.replicas)
        self._window.window_actions.set_worker_controls(
            can_start=can_start,
            can_stop=any(not one.state.is_at_rest for one in status.replicas),
            can_shut_down=status.is_running,
            reason="" if status.replicas else "No workers are defined here",
        )
        self._show_facts()

    @Slot(object)
    def _on_health_changed(self, health: Health) -> None:
        self._health = health
        self._show_facts()

    def _show_facts(self) -> None:
        self._tray.set_facts(self.facts)
        has_nothing = self._queues is not None and not self.counts.total
        is_without_workers = self._status is not None and not self._status.replicas
        cannot_open = self._trouble is not None and self._queues is None
        self._window.window_actions.set_test_message(self._trouble is None)
        is_welcome = cannot_open or (has_nothing and is_without_workers)
        heading = "Overview" if cannot_open else "Welcome"
        if self._window.set_welcoming(is_welcome, heading) and is_welcome:
            self._welcome.focus_demo()
        self._show_demo_strip()

    def _show_demo_strip(self) -> None:
        if self._is_demo_told:
            return
        progress = demo_progress(self._status)
        if progress is None:
            self._is_starting = False
            self._strip.show_text("info", *demo_story(self.counts))
        elif self._is_starting:
            self._strip.show_text("info", progress)
        else:
            self._strip.hide()

    @Slot(str)
    def _on_unreadable(self, why: str) -> None:
        self._trouble = why
        self._window.status_line.show_file(is_readable=False)
        if self._queues is None:
            self._welcome.show_workspace(self.place.python_arguments, Trouble(_CANNOT_OPEN, sentence(why)))
        else:
            text = f"Cannot read the queue file. {sentence(why)} What is shown may be old."
            self._window.banner.show_text("error", text)
        self._show_facts()

    @Slot()
    def _on_readable(self) -> None:
        self._trouble = None
        self._window.banner.hide()
        self._welcome.show_workspace(self.place.python_arguments)
        self._show_facts()

    @Slot(float)
    def _on_pace_changed(self, every_s: float) -> None:
        if not self._window.is_paused:
            self._window.header.show_live(every_s)

    @Slot(str)
    def _on_action_failed(self, text: str) -> None:
        self._is_starting = False
        self._show_demo_strip()

    @Slot(object, object)
    def _on_first_start_found(self, commands: tuple[PlannedCommand, ...], order: WorkerOrder) -> None:
        dialog = FirstStartDialog(str(self.place.location), commands, self._theme, self._window)
        dialog.accepted.connect(lambda: self._seen_asked.emit(order))
        self._window.bring_to_front()
        dialog.open()

    # --- asks -------------------------------------------------------------------------------------

    @Slot(str, str)
    def _on_filter_asked(self, state: str, queue: str) -> None:
        self._messages.show_filter(state or None, queue or None)
        self._window.show_page("Messages")

    @Slot(str)
    def _on_worker_asked(self, name: str) -> None:
        self._window.show_page("Workers")
        self._workers.show_worker(name)

    @Slot(object)
    def _on_messages_asked(self, ids: tuple[int, ...]) -> None:
        self._window.show_page("Messages")
        self._messages.show_messages(ids)

    @Slot(str)
    def _on_log_asked(self, process: str) -> None:
        self._window.show_page("Logs")
        self._logs.show_worker(process)

    @Slot(object, str)
    def _on_message_log_asked(self, message_id: int, process: str) -> None:
        self._window.show_page("Logs")
        self._logs.show_message(message_id, process)

    @Slot(object, bool)
    def _on_pause_asked(self, queues: tuple[str, ...], is_paused: bool) -> None:
        target = Queues(queues if len(queues) == 1 else ())
        self._order_asked.emit(Order("pause" if is_paused else "resume", target))

    @Slot(str)
    def _on_problem(self, text: str) -> None:
        self._window.toast.show_text(text, is_error=True)

    @Slot(str)
    def _on_page_changed(self, title: str) -> None:
        self.update_watching()
        if title == "Messages":
            self._tray.mark_failed_seen()
