"""The tray icon: how it is going at a glance, and the way back to the window. Everything in it is in the window too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from pqdesk.clock import Clock
from pqdesk.gui.icons import load_picture
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.tray_state import TrayFacts, TrayState, TrayStateMachine, tray_summary
from pqdesk.gui.visible_text import as_entry, as_notice

_TICK_MS = 1_000
_SEARCH_MS = 5_000  # for two minutes, then each minute: Qt tells of no tray that appears later
_LATER_SEARCH_MS = 60_000
_SEARCHES_AT_FIRST = 24


class Tray(QObject):
    """One icon with one menu, which is built once and updated.

    Signals:
        route_asked: The Route of a notice that was clicked.
        lost: The tray went away.
    """

    route_asked = Signal(object)
    lost = Signal()

    def __init__(
        self, actions: Sequence[Sequence[QAction]], clock: Clock, is_there: Callable[[], bool] | None = None
    ) -> None:
        """`actions` make the menu, with lines between the groups; a click on the icon does the first."""
        super().__init__()
        self._clock = clock
        self._is_there = is_there or QSystemTrayIcon.isSystemTrayAvailable
        self._was_there = False
        self._name = ""
        self._facts = TrayFacts()
        self._machine = TrayStateMachine()
        self._state: TrayState | None = None
        self._route: Route | None = None
        self._icons = {state: _icon(state.value) for state in TrayState}
        self._menu = QMenu()
        self._summary = self._menu.addAction("")
        self._summary.setEnabled(False)
        for at, group in enumerate(actions):
            if at:
                self._menu.addSeparator()
            self._menu.addActions(group)
        self._first = actions[0][0]
        self._icon = QSystemTrayIcon(self._icons[TrayState.IDLE])
        self._icon.setContextMenu(self._menu)  # before show(), or some desktops never see it
        self._icon.activated.connect(self._on_activated)
        self._icon.messageClicked.connect(self._on_message_clicked)
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
        self.tick()

    def mark_failed_seen(self) -> None:
        self._machine.mark_failed_seen(self._facts)
        self.tick()

    def tell(self, text: str, route: Route) -> None:
        """A notice beside the icon, where the desktop has them; it leads to `route`."""
        self._route = route
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

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self._first.trigger()

    def _on_message_clicked(self) -> None:
        if self._route is not None:
            self.route_asked.emit(self._route)

    def search(self) -> None:
        """Look whether the tray came or went."""
        self._searches += 1
        if self._searches == _SEARCHES_AT_FIRST:
            self._searcher.setInterval(_LATER_SEARCH_MS)
        is_there = self.is_usable
        if self._was_there and not is_there:
            self.lost.emit()
        self._was_there = is_there


def _icon(name: str) -> QIcon:
    icon = QIcon()
    for size in (16, 22, 24, 32, 48, 64):
        icon.addPixmap(load_picture(name, size))
    return icon
