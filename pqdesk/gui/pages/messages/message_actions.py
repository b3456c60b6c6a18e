"""What a person can do to messages: the words, the keys, and to which states each applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Matching, Order, Seen
from pqdesk.gui.visible_text import as_tooltip
from pqdesk.messages.looking import CappedCount
from pqdesk.messages.states import State


@dataclass(frozen=True, slots=True)
class ActionLook:
    """`name` is what the actor calls it. `states` are those it applies to; `why_not` says so."""

    name: str
    text: str
    icon: str
    keys: str
    states: frozenset[State]
    tip: str
    why_not: str


_UNFINISHED = frozenset({State.SCHEDULED, State.READY, State.RUNNING, State.RETRYING})
ACTIONS = (
    ActionLook(
        "retry",
        "Retry",
        "retry",
        "Ctrl+Shift+R",
        frozenset({State.FAILED, State.RETRYING, State.CANCELLED}),
        "Put back to ready now, with new attempts",
        "Only failed, retrying and cancelled messages can be retried",
    ),
    ActionLook(
        "run_again",
        "Run again",
        "restart",
        "",
        frozenset({State.COMPLETED}),
        "Do the work of completed messages once more",
        "Only completed messages can be run again",
    ),
    ActionLook(
        "run_now",
        "Run now",
        "start",
        "",
        frozenset({State.SCHEDULED}),
        "Make ready now instead of later",
        "Only scheduled messages can be run early",
    ),
    ActionLook(
        "cancel",
        "Cancel",
        "cancelled",
        "",
        _UNFINISHED,
        "Not started: cancelled at once. Running: its handler is asked to stop",
        "Only messages that are not finished can be cancelled",
    ),
    ActionLook(
        "delete",
        "Delete",
        "delete",
        "Del",
        frozenset(State) - {State.RUNNING},
        "Move to the trash; it can be undone",
        "Running messages cannot be deleted; cancel them first",
    ),
)


class MessageActions(QObject):
    """One QAction for each of ACTIONS, on whatever is selected; only what qualifies is acted on.

    Signals:
        asked: An Order to what of it the action applies to, as it was seen.
        changed: What can be done has changed.
    """

    asked = Signal(object)
    changed = Signal()

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner)
        self._theme = theme
        self._target: Seen | Matching = Seen({})
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
        self.set_target(self._target)

    @property
    def actions(self) -> Mapping[str, QAction]:
        """By the name of the action."""
        return self._actions

    @property
    def target(self) -> Seen | Matching:
        """What is selected."""
        return self._target

    def count(self, look: ActionLook) -> CappedCount:
        """How many of the selected messages the action applies to."""
        if isinstance(self._target, Matching):
            return self._target.count(look.states)
        return CappedCount(sum(state in look.states for state in self._target.states.values()))

    def reason(self, look: ActionLook) -> str:
        """What the action does, or why it cannot."""
        if self.count(look).count:
            return look.tip
        return look.why_not if self._target != Seen({}) else f"Select messages to {look.text.lower()} them"

    def set_target(self, target: Seen | Matching) -> None:
        """These messages are selected."""
        self._target = target
        for look in ACTIONS:
            action = self._actions[look.name]
            action.setEnabled(self.count(look).count > 0)
            action.setToolTip(as_tooltip(self.reason(look)))
        self.changed.emit()

    def _ask(self, look: ActionLook) -> None:
        if not self.count(look).count:
            return
        target = self._target
        if isinstance(target, Matching):
            states = [state for state in target.counts if state in look.states]
            target = replace(target, filters={**target.filters, "state": states})
        else:
            target = Seen({one: state for one, state in target.states.items() if state in look.states})
        self.asked.emit(Order(look.name, target))

    def _take_looks(self) -> None:
        for look in ACTIONS:
            self._actions[look.name].setIcon(self._theme.icon(look.icon))
