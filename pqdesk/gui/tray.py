"""The tray icon: how it is going at a glance, and the way back to the window. Everything in it is in the window too."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from pqdesk.clock import Clock
from pqdesk.gui.formatting import format_count
from pqdesk.gui.icons import load_picture
from pqdesk.gui.shell.routes import FAILED
from pqdesk.gui.theme import Theme
from pqdesk.gui.tray_state import TrayFacts, TrayState, TrayStateMachine, tray_summary
from pqdesk.gui.visible_text import as_entry, as_notice
from pqdesk.gui.workers_menu import WorkersMenu
from pqdesk.supervision.records import SupervisionStatus

_TICK_MS = 1_000
_SEARCH_MS = 5_000  # for two minutes, then each minute: Qt tells of no tray that appears later
_LATER_SEARCH_MS = 60_000
_SEARCHES_AT_FIRST = 24


class Tray(QObject):
    """One icon with one menu, which is built once and updated.

    Signals:
        open_asked, route_asked(Route), start_asked(name), stop_asked(name), restart_asked(name),
        pause_asked(queues, is_paused), quit_asked, stop_and_quit_asked: What was chosen.
        lost: The tray went away.
    """

    open_asked = Signal()
    route_asked = Signal(object)
    start_asked = Signal(str)
    stop_asked = Signal(str)
    restart_asked = Signal(str)
    pause_asked = Signal(object, bool)
    quit_asked = Signal()
    stop_and_quit_asked = Signal()
    lost = Signal()

    def __init__(self, theme: Theme, clock: Clock, is_there: Callable[[], bool] | None = None) -> None:
        super().__init__()
        self._theme, self._clock = theme, clock
        self._is_there = is_there or QSystemTrayIcon.isSystemTrayAvailable
        self._was_there = False
        self._name = ""
        self._facts = TrayFacts()
        self._machine = TrayStateMachine()
        self._state: TrayState | None = None
        self._icons = {state: _icon(state.value) for state in TrayState}
        self._menu = QMenu()
        self._make_entries()
        self._icon = QSystemTrayIcon(self._icons[TrayState.IDLE])
        self._icon.setContextMenu(self._menu)  # before show(), or some desktops never see it
        self._icon.activated.connect(self._on_activated)
        self._ticker = QTimer(self)
        self._ticker.timeout.connect(self.tick)
        self._searcher = QTimer(self)
        self._searches = 0
        self._searcher.timeout.connect(self.search)

    def start(self) -> None:
        """Show the icon, now or when a tray appears."""
        self._icon.show()
        self._was_there = self.is_usable
        self._ticker.start(_TICK_MS)
        self._searcher.start(_SEARCH_MS)
        self.tick()

    def stop(self) -> None:
        """Take the icon away; before quitting, or it stays until the pointer passes."""
        self._ticker.stop()
        self._searcher.stop()
        self._icon.hide()

    @property
    def is_usable(self) -> bool:
        """Whether the user can reach the app through the icon. Asked anew each time: trays come and go."""
        return self._icon.isVisible() and self._is_there()

    @property
    def state(self) -> TrayState | None:
        return self._state

    @property
    def menu(self) -> QMenu:
        return self._menu

    def set_workspace(self, name: str) -> None:
        """Another workspace: what was known is forgotten."""
        self._name, self._machine = name, TrayStateMachine()
        self.set_facts(TrayFacts())

    def set_facts(self, facts: TrayFacts) -> None:
        self._facts = facts
        self._update_menu()
        self.tick()

    def mark_failed_seen(self) -> None:
        self._machine.mark_failed_seen(self._facts)
        self.tick()

    def tell(self, text: str) -> None:
        """A notice beside the icon, where the desktop has them."""
        self._icon.showMessage("PQDesk", as_notice(text), self._icons[TrayState.WORKING])

    def tick(self) -> None:
        state = self._machine.update(self._facts, self._clock.awake_ms() / 1000)
        if state is not self._state:
            self._state = state
            self._icon.setIcon(self._icons[state])
        summary = tray_summary(self._name, self._facts)
        if as_notice(summary) != self._icon.toolTip():
            self._icon.setToolTip(as_notice(summary))
            self._summary.setText(as_entry(summary.removeprefix("PQDesk – ")))

    def _make_entries(self) -> None:
        menu = self._menu
        self._summary = menu.addAction("")
        self._summary.setEnabled(False)
        self._entry("Open PQDesk", self.open_asked.emit)
        self._failed = self._entry("Show failed messages", lambda: self.route_asked.emit(FAILED))
        menu.addSeparator()
        self._workers = WorkersMenu(self._theme, menu)
        menu.addMenu(self._workers)
        self._workers.start_asked.connect(self.start_asked)
        self._workers.stop_asked.connect(self.stop_asked)
        self._workers.restart_asked.connect(self.restart_asked)
        self._pause = self._entry("Pause all queues", self._on_pause)
        menu.addSeparator()
        self._entry("Quit (workers keep running)", self.quit_asked.emit)
        self._stop_and_quit = self._entry("Stop workers and quit…", self.stop_and_quit_asked.emit)

    def _entry(self, text: str, chosen: Callable[[], None]) -> QAction:
        action = self._menu.addAction(text)
        action.triggered.connect(lambda: chosen())
        return action

    def _update_menu(self) -> None:
        failed = self._facts.counts.failed
        self._failed.setText(f"Show {format_count(failed, 'failed message')}" if failed else "No failed messages")
        self._failed.setEnabled(failed > 0)
        self._pause.setText("Resume all queues" if self._facts.are_all_paused else "Pause all queues")
        self._pause.setEnabled(bool(self._facts.queues))
        status = self._facts.status
        self._workers.show_replicas(status.replicas if status is not None else ())
        self._stop_and_quit.setEnabled(_is_up(status))

    def _on_pause(self) -> None:
        names = tuple(one.name for one in self._facts.queues)
        self.pause_asked.emit(names, not self._facts.are_all_paused)

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.open_asked.emit()

    def search(self) -> None:
        """Look whether the tray came or went."""
        self._searches += 1
        if self._searches == _SEARCHES_AT_FIRST:
            self._searcher.setInterval(_LATER_SEARCH_MS)
        is_there = self.is_usable
        if self._was_there and not is_there:
            self.lost.emit()
        self._was_there = is_there


def _is_up(status: SupervisionStatus | None) -> bool:
    return status is not None and status.is_running


def _icon(name: str) -> QIcon:
    icon = QIcon()
    for size in (16, 22, 24, 32, 48, 64):
        icon.addPixmap(load_picture(name, size))
    return icon
