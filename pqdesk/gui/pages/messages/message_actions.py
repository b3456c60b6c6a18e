"""What a person can do to messages: the words, the keys, and to which states each applies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pqdesk.gui.formatting import format_capped, format_count
from pqdesk.gui.shell.actions import Action, ActionSet, Menu
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Matching, Order, Seen
from pqdesk.messages.looking import CappedCount, CappedCounts
from pqdesk.messages.records import Counts
from pqdesk.messages.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAction(Action):
    """`name` is what the actor calls it. `states` are those it applies to; `why_not` says so."""

    menu: Menu = Menu.MESSAGE
    states: frozenset[State]
    why_not: str


_UNFINISHED = frozenset({State.SCHEDULED, State.READY, State.RUNNING, State.RETRYING})
_UNDO = "Undo takes it back"
ACTIONS = (
    MessageAction(
        name="retry",
        verb="Retry",
        icon="retry",
        keys=("Ctrl+Shift+R",),
        states=frozenset({State.FAILED, State.RETRYING, State.CANCELLED}),
        tip="Put back to ready now, with new attempts",
        back=_UNDO,
        why_not="Only failed, retrying and cancelled messages can be retried",
    ),
    MessageAction(
        name="run_again",
        verb="Run again",
        icon="restart",
        states=frozenset({State.COMPLETED}),
        tip="Do the work of completed messages once more",
        back=_UNDO,
        why_not="Only completed messages can be run again",
    ),
    MessageAction(
        name="run_now",
        verb="Run now",
        icon="start",
        states=frozenset({State.SCHEDULED}),
        tip="Make ready now instead of later",
        back=_UNDO,
        why_not="Only scheduled messages can be run early",
    ),
    MessageAction(
        name="cancel",
        verb="Cancel",
        icon="cancelled",
        states=_UNFINISHED,
        tip="Not started: cancelled at once. Running: its handler is asked to stop",
        back=_UNDO,
        why_not="Only messages that are not finished can be cancelled",
    ),
    MessageAction(
        name="delete",
        verb="Delete",
        icon="delete",
        keys=("Del",),
        states=frozenset(State) - {State.RUNNING},
        tip="Move to the trash",
        back=_UNDO,
        why_not="Running messages cannot be deleted; cancel them first",
    ),
)
DETAIL_PANE = Action("detail_pane", "Detail pane", Menu.VIEW, ("Ctrl+I",), group=3, is_checkable=True)


class MessageActions(ActionSet):
    """ACTIONS, on whatever is selected; only what qualifies is acted on.

    Signals:
        asked: An Order to what of it the action applies to, as it was seen.
    """

    asked = Signal(object)

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner, theme, "Messages")
        self._target: Seen | Matching = Seen({})
        self._counts = CappedCounts()
        for action in ACTIONS:
            self.add(action, partial(self._ask, action), partial(self._reason, action))

    @property
    def target(self) -> Seen | Matching:
        """What is selected."""
        return self._target

    def count(self, action: MessageAction) -> CappedCount:
        """How many of the selected messages the action applies to."""
        return self._counts.count(action.states)

    def set_target(self, target: Seen | Matching) -> None:
        """These messages are selected."""
        self._target = target
        if isinstance(target, Matching):
            self._counts = target.matched
        else:
            self._counts = CappedCounts(Counts(**Counter(state.word for state in target.states.values())))
        for action in ACTIONS:
            entry, capped = self.entry(action.name), self.count(action)
            entry.label = f"{action.verb} {format_capped(capped)}" if capped.count > 1 else action.verb
            entry.about = f"{action.verb} {format_count(capped, 'message')}"
        self.refresh()

    def _reason(self, action: MessageAction) -> str:
        if self.count(action).count:
            return ""
        return action.why_not if self._target != Seen({}) else f"Select messages to {action.verb.lower()} them"

    def _ask(self, action: MessageAction) -> None:
        target = self._target
        if isinstance(target, Matching):
            states = [state for state in target.states if state in action.states]
            target = replace(target, filters={**target.filters, "state": states})
        else:
            target = Seen({one: state for one, state in target.states.items() if state in action.states})
        self.asked.emit(Order(action.name, target))
