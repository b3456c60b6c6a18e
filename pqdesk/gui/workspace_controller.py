"""One workspace in the window: its session, its pages, and what they tell to the window and to the tray."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.clock import Clock
from pqdesk.gui.announcer import Announcer
from pqdesk.gui.dialogs.first_start import FirstStartDialog
from pqdesk.gui.main_window import MainWindow
from pqdesk.gui.notices import sentence
from pqdesk.gui.pages.welcome import Trouble, WelcomeView
from pqdesk.gui.places import Place
from pqdesk.gui.registry import PAGES
from pqdesk.gui.session import Session
from pqdesk.gui.shell.page import Parts
from pqdesk.gui.shell.routes import FAILED
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Order, Workers
from pqdesk.gui.threads.reader import Answer
from pqdesk.gui.throughput import Throughput
from pqdesk.gui.tray import Tray
from pqdesk.gui.tray_state import TrayFacts
from pqdesk.messages.records import Counts, QueueRecord, ScheduleRecord
from pqdesk.services.health import Health
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import SupervisionStatus

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
    _worker_order_asked = Signal(object)
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
        self._schedules: tuple[ScheduleRecord, ...] = ()
        self._schedules_ticket = 0
        self._health = Health()
        self._trouble: str | None = None
        self._make_pages(theme, clock)
        session = self.session
        self._announcer = Announcer(session.reader, session.actor, session.link, window.toast, clock)
        self._connect_threads()
        self._connect_asks()
        window.set_workspace(place.name, str(place.location))
        tray.set_workspace(place.name)
        window.workspace_actions.show_facts(self.facts)

    @property
    def place(self) -> Place:
        return self.session.place

    @property
    def facts(self) -> TrayFacts:
        return TrayFacts(self._queues or (), self._status, self._health, self._trouble is None, self._schedules)

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
        self.give(Order("start_daemon", Workers()))

    def end(self) -> bool:
        """End the threads. False when one is still in a call that does not come back."""
        self.disconnect_from_all()
        return self.session.end()

    @property
    def has_workers_up(self) -> bool:
        """Whether something goes on when the window is gone."""
        return self._status is not None and any(not one.state.is_at_rest for one in self._status.replicas)

    def refresh(self) -> None:
        """Look at everything now."""
        self._refresh_asked.emit()

    @Slot(object)
    def give(self, order: Order) -> None:
        """Have it carried out by the thread whose business it is."""
        if isinstance(order.target, Workers):
            self._worker_order_asked.emit(order)
        else:
            self._order_asked.emit(order)

    def shut_down(self) -> None:
        """Stop the workers, then supervisord; `stopped` tells."""
        self._shut_down_asked.emit()

    def update_watching(self) -> None:
        """Look less often where nobody sees it."""
        window = self._window
        is_seen = window.isVisible() and not window.isMinimized()
        self._hidden.emit(not is_seen)
        self._watched.emit(is_seen and window.page.shows_workers)

    # --- building ---------------------------------------------------------------------------------

    def _make_pages(self, theme: Theme, clock: Clock) -> None:
        session = self.session
        self._throughput = Throughput(session.reader, clock)
        self._throughput.changed.connect(self._on_throughput_changed)
        parts = Parts(
            place=self.place,
            reader=session.reader,
            actor=session.actor,
            link=session.link,
            health=session.health,
            throughput=self._throughput,
            actions=self._window.workspace_actions,
            theme=theme,
            clock=clock,
        )
        self._welcome = WelcomeView(theme)
        self._welcome.show_workspace(self.place.python_arguments)
        pages = [page.make(parts) for page in PAGES]
        for page in pages:
            page.order_asked.connect(self.give)
        self._window.set_pages(pages, self._welcome)

    def _connect_threads(self) -> None:
        reader, actor, link = self.session.reader, self.session.actor, self.session.link
        reader.counts_loaded.connect(self._on_counts_loaded)
        self.session.health.health_changed.connect(self._on_health_changed)
        reader.answered.connect(self._on_answered)
        reader.unreadable.connect(self._on_unreadable)
        reader.readable.connect(self._on_readable)
        reader.pace_changed.connect(self._on_pace_changed)
        link.status_changed.connect(self._on_status_changed)
        link.shut_down_ended.connect(self.stopped)
        link.first_start_found.connect(self._on_first_start_found)
        self._seen_asked.connect(link.carry_out_seen)
        self._order_asked.connect(actor.carry_out)
        self._worker_order_asked.connect(link.carry_out)
        self._shut_down_asked.connect(link.shut_down)
        self._watched.connect(link.set_watched)
        self._hidden.connect(reader.set_hidden)
        self._refresh_asked.connect(reader.refresh)
        self._refresh_asked.connect(link.poll)

    def _connect_asks(self) -> None:
        self._connections = [
            self._window.undo_asked.connect(self._announcer.undo),
            self._window.redo_asked.connect(self._announcer.redo),
            self._announcer.undo_known.connect(self._window.set_undo),
            self._window.page_changed.connect(self._on_page_changed),
        ]
        self._welcome.demo_asked.connect(self.demo_asked)
        self._welcome.open_asked.connect(self.open_asked)
        self._welcome.create_asked.connect(self.create_asked)

    def disconnect_from_all(self) -> None:
        """The window and the tray outlive this; a late answer must not reach them."""
        for connection in self._connections:
            QObject.disconnect(connection)
        self._connections = []
        self._announcer.silence()
        for source in (self.session.reader, self.session.link, self.session.health, self._throughput):
            source.disconnect(self)
        self._throughput.deleteLater()  # its timer is this thread's; a collection in another one would crash Qt

    def set_demo_busy(self, is_busy: bool) -> None:
        self._welcome.set_busy(is_busy)

    # --- answers ----------------------------------------------------------------------------------

    @Slot(object)
    def _on_counts_loaded(self, queues: tuple[QueueRecord, ...]) -> None:
        self._queues = queues
        self._schedules_ticket = self.session.reader.ask("window.schedules", lambda look: look.schedules())
        self._window.status_line.show_file(is_readable=True, is_there=bool(queues))
        if self._window.page.key == FAILED.page and self._window.isActiveWindow():
            self._tray.mark_failed_seen()
        self._show_facts()

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.ticket == self._schedules_ticket:
            self._schedules = answer.value or ()
            self._show_facts()

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        self._status = status
        self._window.status_line.show_status(status)
        self._window.window_actions.refresh()
        self._show_facts()

    @Slot(object)
    def _on_health_changed(self, health: Health) -> None:
        self._health = health
        self._show_facts()

    def _show_facts(self) -> None:
        self._tray.set_facts(self.facts)
        self._window.workspace_actions.show_facts(self.facts)
        has_nothing = self._queues is not None and not self.counts.total
        is_without_workers = self._status is not None and not self._status.replicas
        cannot_open = self._trouble is not None and self._queues is None
        is_welcome = cannot_open or (has_nothing and is_without_workers)
        heading = "Overview" if cannot_open else "Welcome"
        if self._window.set_welcoming(is_welcome, heading) and is_welcome:
            self._welcome.focus_demo()

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

    @Slot()
    def _on_throughput_changed(self) -> None:
        self._window.status_line.show_rates(*self._throughput.average)

    @Slot(float)
    def _on_pace_changed(self, every_s: float) -> None:
        if not self._window.is_paused:
            self._window.header.show_live(every_s)

    @Slot(object, object)
    def _on_first_start_found(self, commands: tuple[WorkerDefinition, ...], order: Order) -> None:
        dialog = FirstStartDialog(str(self.place.location), commands, self._theme, self._window)
        dialog.accepted.connect(lambda: self._seen_asked.emit(order))
        self._window.bring_to_front()
        dialog.open()

    @Slot()
    def _on_page_changed(self) -> None:
        self.update_watching()
        if self._window.page.key == FAILED.page:
            self._tray.mark_failed_seen()
