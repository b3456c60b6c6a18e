"""Start, Stop, Restart on the selected processes: in which states each can be done, and why not otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.supervision.records import ReplicaRecord, WorkerState

AT_REST = frozenset({WorkerState.STOPPED, WorkerState.EXITED, WorkerState.FAILED_TO_START})
AT_WORK = frozenset({WorkerState.STARTING, WorkerState.RUNNING, WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING})
TROUBLED = frozenset({WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START})


@dataclass(frozen=True, slots=True)
class WorkerActionLook:
    """`name` is the order for supervisord's link."""

    name: str
    text: str
    icon: str
    keys: str
    states: frozenset[WorkerState]
    tip: str
    why_not: str


ACTIONS = (
    WorkerActionLook("start", "Start", "start", "F7", AT_REST, "Start it (F7)", "It runs already"),
    WorkerActionLook(
        "stop", "Stop", "stop", "F9", AT_WORK, "Stop it; it finishes the message in hand first (F9)", "It does not run"
    ),
    WorkerActionLook(
        "restart",
        "Restart",
        "restart",
        "Ctrl+Shift+R",
        AT_WORK,
        "Stop it, then start it anew (Ctrl+Shift+R)",
        "It does not run; start it",
    ),
)


class WorkerActions(QObject):
    """One QAction for each of ACTIONS.

    Signals:
        asked: The name of the action and the names of the processes, a tuple.
        changed: What can be done has changed.
    """

    asked = Signal(str, object)
    changed = Signal()

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner)
        self._theme = theme
        self._selected: Sequence[ReplicaRecord] = ()
        self._actions: dict[str, QAction] = {}
        for look in ACTIONS:
            action = QAction(look.text, owner)
            action.setObjectName(f"action_{look.name}")
            action.setShortcut(QKeySequence(look.keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(lambda _checked=False, look=look: self._ask(look))
            owner.addAction(action)
            self._actions[look.name] = action
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self.set_selected(())

    @property
    def actions(self) -> Mapping[str, QAction]:
        """By the name of the action."""
        return self._actions

    def names(self, look: WorkerActionLook) -> tuple[str, ...]:
        """The selected processes that the action applies to."""
        return tuple(one.process for one in self._selected if one.state in look.states)

    def reason(self, look: WorkerActionLook) -> str:
        """What the action does, or why it cannot."""
        if self.names(look):
            return look.tip
        if not self._selected:
            return f"Select a worker to {look.text.lower()} it"
        is_stopping = any(one.state is WorkerState.STOPPING for one in self._selected)
        return "It is stopping" if is_stopping else look.why_not

    def set_selected(self, replicas: Sequence[ReplicaRecord]) -> None:
        """These processes are selected."""
        self._selected = tuple(replicas)
        for look in ACTIONS:
            action = self._actions[look.name]
            action.setEnabled(bool(self.names(look)))
            action.setToolTip(as_tooltip(self.reason(look)))
        self.changed.emit()

    def _ask(self, look: WorkerActionLook) -> None:
        names = self.names(look)
        if names:
            self.asked.emit(look.name, names)

    def _take_looks(self) -> None:
        for look in ACTIONS:
            self._actions[look.name].setIcon(self._theme.icon(look.icon))
