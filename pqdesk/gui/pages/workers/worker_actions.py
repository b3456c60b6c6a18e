"""What can be done to the selected workers: in which states, to how many of them, and why not otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from pqdesk.gui.pages.workers.selected_workers import (
    SelectedWorkers,
    Which,
    is_at_rest,
    is_stopping,
    is_up,
    is_up_or_stopping,
)
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip

SIGNALS = (
    ("HUP", "many programs read their configuration again"),
    ("INT", "as Ctrl+C in a terminal"),
    ("TERM", "end; a consumer finishes the message in hand"),
    ("USR1", "what it means is up to the program"),
    ("USR2", "what it means is up to the program"),
    ("KILL", "end at once; the message in hand runs again"),
)


@dataclass(frozen=True, slots=True)
class WorkerActionLook:
    """`why_not` answers with the reason against doing it to what is selected, or nothing."""

    name: str
    text: str
    icon: str
    keys: str
    tip: str
    why_not: Callable[[SelectedWorkers], str]


def _needs(are: Which, reason: str) -> Callable[[SelectedWorkers], str]:
    def why_not(selected: SelectedWorkers) -> str:
        if selected.targets_that(are):
            return ""
        return "It is stopping" if selected.targets_that(is_stopping) else reason

    return why_not


def _one_worker(selected: SelectedWorkers) -> str:
    return "" if len(selected.workers) == 1 else "Select one worker only"


def _whole_workers(selected: SelectedWorkers) -> str:
    return "" if selected.whole_workers else "Scale… takes out single replicas; select the row of the worker"


def _has_message(selected: SelectedWorkers) -> str:
    return "" if selected.message_ids else "No message is in hand"


def _never(_selected: SelectedWorkers) -> str:
    return ""


START, STOP, RESTART, SCALE, EDIT, DUPLICATE, REMOVE = ACTIONS = (
    WorkerActionLook(
        "start", "Start", "start", "F7", "Start it; a paused retry is tried at once (F7)",
        _needs(is_at_rest, "It runs already"),
    ),
    WorkerActionLook(
        "stop", "Stop", "stop", "F9", "Stop it; it finishes the message in hand first (F9)",
        _needs(is_up_or_stopping, "It does not run"),
    ),
    WorkerActionLook(
        "restart", "Restart", "restart", "Ctrl+Shift+R", "Stop it, then start it anew (Ctrl+Shift+R)",
        _needs(is_up, "It does not run; start it"),
    ),
    WorkerActionLook("scale", "Scale…", "workers", "", "Run it in more or fewer processes", _one_worker),
    WorkerActionLook("edit", "Edit…", "file", "", "What it runs, and how", _one_worker),
    WorkerActionLook("duplicate", "Duplicate…", "copy", "", "A new worker that begins as a copy of it", _one_worker),
    WorkerActionLook("remove", "Remove…", "delete", "", "Take the worker out; its logs stay", _whole_workers),
)  # fmt: skip
AUTOSTART, SHOW_MESSAGE, SHOW_LOG, COPY_COMMAND = MORE = (
    WorkerActionLook(
        "autostart", "Enable at start", "", "", "Start it whenever supervisord starts", _whole_workers
    ),
    WorkerActionLook("show_message", "Show message in hand", "messages", "", "In Messages", _has_message),
    WorkerActionLook("show_log", "Open full log", "logs", "", "In Logs", _never),
    WorkerActionLook("copy_command", "Copy command", "copy", "", "Its command line, for a terminal", _one_worker),
)  # fmt: skip
_STOP_NOW_TIP = "Kill it now; the message in hand runs again (F9)"


class WorkerActions(QObject):
    """One QAction for each of ACTIONS and MORE, one that adds a worker, and the menu of signals.

    Signals:
        asked: The name of the action.
        signal_asked: The name of the signal.
        changed: What can be done has changed.
    """

    asked = Signal(str)
    signal_asked = Signal(str)
    changed = Signal()

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner)
        self._theme = theme
        self.selected = SelectedWorkers()
        self._actions: dict[str, QAction] = {}
        self.add = QAction("Add worker", owner)
        self.add.setObjectName("action_add_worker")
        self.add.setToolTip("Add a worker: a function, a command, a folder, a schedule")
        self.at_login = QAction("Start at login…", owner)
        self.at_login.setObjectName("action_at_login")
        self.signals = QMenu("Send signal", owner)
        self.signals.setObjectName("menu_signals")
        self.signals.setToolTipsVisible(True)
        for look in (*ACTIONS, *MORE):
            self._actions[look.name] = self._make(look, owner)
        self._actions["autostart"].setCheckable(True)
        for name, tip in SIGNALS:
            entry = self.signals.addAction(name)
            entry.setObjectName(f"action_signal_{name.lower()}")
            entry.setToolTip(as_tooltip(tip))
            entry.triggered.connect(lambda _checked=False, name=name: self.signal_asked.emit(name))
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self.set_selected(self.selected)

    @property
    def actions(self) -> Mapping[str, QAction]:
        """By the name of the action."""
        return self._actions

    def reason(self, look: WorkerActionLook) -> str:
        """Why it cannot be done now; empty when it can."""
        if not self.selected.rows:
            return "Select a worker first"
        return look.why_not(self.selected)

    def tip(self, look: WorkerActionLook) -> str:
        """What the action does, or why it cannot."""
        return self.reason(look) or (_STOP_NOW_TIP if look is STOP and self.selected.is_stopping else look.tip)

    def set_selected(self, selected: SelectedWorkers) -> None:
        """These are selected, in these states."""
        self.selected = selected
        self._actions["stop"].setText("Stop now" if selected.is_stopping else "Stop")
        self._actions["autostart"].setChecked(selected.is_autostart)
        for look in (*ACTIONS, *MORE):
            self._actions[look.name].setEnabled(not self.reason(look))
            self._actions[look.name].setToolTip(as_tooltip(self.tip(look)))
        is_up = any(one.pid is not None for one in selected.replicas)
        self.signals.menuAction().setEnabled(is_up)
        self.signals.menuAction().setToolTip("Send a signal to its processes" if is_up else "It does not run")
        self.changed.emit()

    def fill_menu(self, menu: QMenu) -> None:
        """All of it, as in the context menu."""
        menu.addActions([self._actions[look.name] for look in (START, STOP, RESTART, SCALE)])
        menu.addMenu(self.signals)
        menu.addSeparator()
        menu.addActions([self._actions[look.name] for look in (SHOW_MESSAGE, SHOW_LOG, COPY_COMMAND)])
        menu.addSeparator()
        menu.addActions([self._actions[look.name] for look in (EDIT, DUPLICATE, AUTOSTART, REMOVE)])

    def menu_entries(self) -> Sequence[QAction]:
        """The same for the window's menu."""
        menu = QMenu()
        self.fill_menu(menu)
        entries = [one for one in menu.actions() if not one.isSeparator()]
        return [self.add, *entries, self.at_login]

    def _make(self, look: WorkerActionLook, owner: QWidget) -> QAction:
        action = QAction(look.text, owner)
        action.setObjectName(f"action_{look.name}")
        if look.keys:
            action.setShortcut(QKeySequence(look.keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _checked=False, look=look: self._ask(look))
        owner.addAction(action)
        return action

    def _ask(self, look: WorkerActionLook) -> None:
        if not self.reason(look):
            self.asked.emit(look.name)

    def _take_looks(self) -> None:
        self.add.setIcon(self._theme.icon("plus"))
        for look in (*ACTIONS, *MORE):
            if look.icon:
                self._actions[look.name].setIcon(self._theme.icon(look.icon))
