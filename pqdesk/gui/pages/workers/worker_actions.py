"""What can be done to the selected workers: in which states, to how many of them, and why not otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from pqdesk.gui.pages.workers.selected_workers import (
    SelectedWorkers,
    Which,
    is_at_rest,
    is_stopping,
    is_up,
    is_up_or_stopping,
)
from pqdesk.gui.shell.actions import Action, ActionSet, Menu
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAction(Action):
    """`why_not` answers with the reason against doing it to what is selected, or nothing."""

    menu: Menu = Menu.WORKER
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


BUTTONS = ("start", "stop", "restart", "scale", "edit")
IN_CONTEXT = range(1, 4)  # the groups that are about what is selected
ADD = Action(
    "add_worker",
    "Add worker",
    Menu.WORKER,
    icon="plus",
    tip="Add a worker: a function, a command, a folder, a schedule",
    is_anywhere=True,
)
ACTIONS = (
    WorkerAction(
        name="start", verb="Start", icon="start", keys=("F7",), group=1, why_not=_needs(is_at_rest, "It runs already"),
        tip="Start it; a paused retry is tried at once",
    ),
    WorkerAction(
        name="stop", verb="Stop", icon="stop", keys=("F9",), group=1, back="Start starts it again",
        why_not=_needs(is_up_or_stopping, "It does not run"),
        tip="Stop it; it finishes the message in hand first",
    ),
    WorkerAction(
        name="restart", verb="Restart", icon="restart", keys=("Ctrl+Shift+R",), group=1,
        why_not=_needs(is_up, "It does not run; start it"), tip="Stop it, then start it anew",
    ),
    WorkerAction(
        name="scale", verb="Scale…", icon="workers", group=1, why_not=_one_worker,
        tip="Run it in more or fewer processes",
    ),
    WorkerAction(
        name="show_message", verb="Show message in hand", icon="messages", group=2, why_not=_has_message,
        tip="In Messages",
    ),
    WorkerAction(name="show_log", verb="Open full log", icon="logs", group=2, why_not=_never, tip="In Logs"),
    WorkerAction(
        name="copy_command", verb="Copy command", icon="copy", group=2, why_not=_one_worker,
        tip="Its command line, for a terminal",
    ),
    WorkerAction(name="edit", verb="Edit…", icon="file", group=3, why_not=_one_worker, tip="What it runs, and how"),
    WorkerAction(
        name="duplicate", verb="Duplicate…", icon="copy", group=3, why_not=_one_worker,
        tip="A new worker that begins as a copy of it",
    ),
    WorkerAction(
        name="autostart", verb="Enable at start", group=3, why_not=_whole_workers, is_checkable=True,
        tip="Start it whenever supervisord starts",
    ),
    WorkerAction(
        name="remove", verb="Remove…", icon="delete", group=3, why_not=_whole_workers,
        tip="Take the worker out; its logs stay", back="Undo brings it back",
    ),
)  # fmt: skip
SEND_SIGNAL = WorkerAction(
    name="send_signal", verb="Send signal", group=1, tip="Send a signal to its processes",
    why_not=lambda selected: "" if any(one.pid is not None for one in selected.replicas) else "It does not run",
)  # fmt: skip
AT_LOGIN = Action("at_login", "Start at login…", Menu.WORKER, group=5, is_anywhere=True)


class WorkerActions(ActionSet):
    """ACTIONS on what is selected, and one that adds a worker.

    Signals:
        asked: The name of the action.
        signal_asked: The name of the signal.
    """

    asked = Signal(str)
    signal_asked = Signal(str)

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner, theme, "Workers")
        self.selected = SelectedWorkers()
        self._why_no_workspace = ""
        self.signals = QMenu(owner)
        self.signals.setObjectName("menu_signals")
        self.signals.setToolTipsVisible(True)
        for name, tip in SIGNALS:
            entry = self.signals.addAction(name)
            entry.setObjectName(f"action_signal_{name.lower()}")
            entry.setToolTip(as_tooltip(tip))
            entry.triggered.connect(lambda _checked=False, name=name: self.signal_asked.emit(name))
        self.add(ADD, partial(self.asked.emit, ADD.name), lambda: self._why_no_workspace)
        for action in ACTIONS:
            self.add(action, partial(self.asked.emit, action.name), partial(self._reason, action))
        self.add(SEND_SIGNAL, why_not=partial(self._reason, SEND_SIGNAL), qt=self.signals.menuAction())
        self.add(AT_LOGIN, partial(self.asked.emit, AT_LOGIN.name), lambda: self._why_no_workspace)

    def forbid_adding(self, why: str) -> None:
        """There is no workspace that a worker could belong to."""
        self._why_no_workspace = why
        self.refresh()

    def set_selected(self, selected: SelectedWorkers) -> None:
        """These are selected, in these states."""
        self.selected = selected
        stop = self.entry("stop")
        stop.label = "Stop now" if selected.is_stopping else "Stop"
        stop.tip = "Kill it now; the message in hand runs again" if selected.is_stopping else stop.action.tip
        stop.qt.setText(stop.label)
        self["autostart"].setChecked(selected.is_autostart)
        names = ", ".join(selected.targets)
        for action in ACTIONS:
            entry = self.entry(action.name)
            entry.about = f"{entry.label} {names}"
        self.refresh()

    def _reason(self, action: WorkerAction) -> str:
        return action.why_not(self.selected) if self.selected.rows else "Select a worker first"
