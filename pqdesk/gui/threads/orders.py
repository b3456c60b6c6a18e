"""What the window orders, and what comes of it: frozen records that cross threads, and how they are told.

An order carries what the person saw: messages with their states, or a filter frozen at the highest id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pqdesk.messages.looking import CappedCounts
from pqdesk.messages.records import Outcome
from pqdesk.messages.states import State
from pqdesk.supervision.definitions.writing import WorkerDefinition
from pqdesk.supervision.records import RemovedWorker

Verb = Literal[
    "start",
    "stop",
    "restart",
    "stop_now",
    "signal",
    "scale",
    "autostart",
    "remove",
    "bring_back",
    "undo_edit",
    "restart_daemon",
    "start_daemon",
]

STARTING = (
    "start",
    "restart",
    "scale",
    "bring_back",
    "undo_edit",
    "restart_daemon",
    "start_daemon",
)  # what may start a process

_DOING = {
    "start": "Starting",
    "stop": "Stopping",
    "restart": "Restarting",
    "stop_now": "Killing",
    "signal": "Sending a signal to",
    "scale": "Scaling",
    "autostart": "Changing the start of",
    "remove": "Removing",
    "bring_back": "Bringing back",
    "undo_edit": "Taking back the change of",
    "restart_daemon": "Restarting supervisord and",
}
_DONE = {
    "start": "Started",
    "stop": "Stopping",
    "restart": "Restarting",
    "stop_now": "Killed",
    "bring_back": "Brought back",
    "undo_edit": "Took back the change of",
}
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """Messages by id, with the state that each was seen in."""

    states: Mapping[int, State]


@dataclass(frozen=True, slots=True)
class Matching:
    """All messages that a filter matched at one moment.

    Attributes:
        filters: As the library's actions take them: `where`, `queue`, `state`.
        states: Those that it is about.
        matched: How many there were, up to which id.
    """

    filters: Mapping[str, Any]
    states: Collection[State]
    matched: CappedCounts


@dataclass(frozen=True, slots=True)
class Queues:
    """These, or all there are where none is named."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """What somebody did; None: the newest of this person's."""

    id: int | None = None


Target = Seen | Matching | Queues | Activity


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to be done to what is in the queue file, for the actor; `action` is a key of `DOING`."""

    action: str
    target: Target


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order: its outcome, or the error, expected or not."""

    order: Order
    outcome: Outcome = field(default_factory=Outcome)
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """One thing to be done to workers or processes.

    Attributes:
        names: Of workers, of processes, or `all`.
        value: The signal, the number of replicas, or whether they start with supervisord.
        removed: What is to be brought back.
    """

    verb: Verb
    names: tuple[str, ...]
    value: int | str | bool | None = None
    removed: tuple[RemovedWorker, ...] = ()

    @property
    def doing(self) -> str:
        """`Stopping consumer`."""
        if self.verb == "start_daemon":
            return "Starting supervisord"
        return f"{_DOING[self.verb]} {who(self.names)}"

    @property
    def done(self) -> str:
        """What the toast says when supervisord has taken the order; a removal says more, later."""
        if self.verb in ("remove", "start_daemon"):
            return ""
        if self.verb == "signal":
            return f"{self.value} sent to {who(self.names)}"
        if self.verb == "scale":
            return f"{who(self.names)}: {self.value} {'replica' if self.value == 1 else 'replicas'}"
        if self.verb == "autostart":
            return f"{who(self.names)}: {'starts' if self.value else 'does not start'} with supervisord"
        if self.verb == "restart_daemon":
            return "supervisord restarted"
        return f"{_DONE[self.verb]} {who(self.names)}"


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """A worker to be tried: on a payload, on a copy of a message, or on neither."""

    definition: WorkerDefinition
    sample: str | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """A worker's definition to be written.

    Attributes:
        is_new: There must be none of that name; else it takes the place of the one it was made from.
        is_started: A new one is started.
        is_forced: Whatever the file has become meanwhile is written over.
    """

    definition: WorkerDefinition
    is_new: bool
    is_started: bool = False
    is_forced: bool = False


def who(names: tuple[str, ...]) -> str:
    """`consumer, producer and 4 more`."""
    if names == ("all",):
        return "all workers"
    rest = len(names) - _MOST_NAMES
    shown = ", ".join(names if rest <= 0 else names[:_MOST_NAMES])
    return f"{shown} and {rest} more" if rest > 0 else shown
