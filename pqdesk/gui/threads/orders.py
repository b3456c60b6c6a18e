"""What the window orders, and what comes of it: frozen records that cross threads.

An order carries what the person saw: messages with their states, or a filter frozen at the highest id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pqdesk.messages.looking import CappedCounts
from pqdesk.messages.records import Outcome
from pqdesk.messages.states import State
from pqdesk.supervision.definitions.definition import WorkerDefinition


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


@dataclass(frozen=True, slots=True)
class Schedules:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers or processes by name, or `all`.

    Attributes:
        value: The signal, the number of replicas, or whether they start with supervisord.
    """

    names: tuple[str, ...] = ("all",)
    value: int | str | bool | None = None


Target = Seen | Matching | Queues | Schedules | Activity | Workers


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to be done: by supervisord's link where it is about workers, else by the actor."""

    action: str
    target: Target


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order: its outcome, or the error, expected or not."""

    order: Order
    outcome: Outcome = field(default_factory=Outcome)
    error: Exception | None = None


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
