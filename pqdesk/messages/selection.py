"""Which messages a listing or an action is about. Plain values that cross threads and layers.

A Selection is what the filter grammar (filters.py) is parsed into. The plain cases have fields of their own, which
callers may set and replace; everything else is a Term.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pqdesk.messages.states import State


class Field(Enum):
    """What a term of the grammar looks at; the value is its name there."""

    ID = "id"
    STATE = "state"
    QUEUE = "queue"
    TYPE = "type"
    WORKER = "worker"
    ERROR = "error"
    ATTEMPTS = "attempts"
    PRIORITY = "priority"
    GROUP = "group"
    KEY = "key"
    AGE = "age"  # microseconds since it was put
    RAN = "ran"  # microseconds of its newest attempt
    ENQUEUED = "enqueued"  # wall time
    FINISHED = "finished"
    PAYLOAD = "payload"
    VALUE = "payload.PATH"  # one value inside a JSON payload
    TEXT = "text"  # payload, type, key or error


@dataclass(frozen=True, slots=True)
class Is:
    """Exactly this. States are their numbers, an error's group is its number."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Has:
    """Contains this text; the letters A–Z count the same in either case."""

    text: str


@dataclass(frozen=True, slots=True)
class Between:
    """From `least` to `most`, both included; None is no bound. Durations and instants in microseconds."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Ago:
    """An instant from `least_us` to `most_us` before now, both included."""

    least_us: int | None = None
    most_us: int | None = None


Test = Is | Has | Between | Ago


@dataclass(frozen=True, slots=True)
class Term:
    """True of a message for which one of the tests is; with `is_negated` of all others.

    `path`: of Field.VALUE, the keys that lead to the value; one of digits is a place in a list, too.
    """

    field: Field
    tests: tuple[Test, ...]
    is_negated: bool = False
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which messages a listing or an action is about: ids, or all that match every field that is set.

    Attributes:
        search: Text that payload, type, key or an error contains, as Field.TEXT.
        terms: Each one has to be true, too.
    """

    ids: tuple[int, ...] | None = None
    queue: str | None = None
    states: tuple[State, ...] = ()
    type: str | None = None
    search: str | None = None
    is_trashed: bool = False
    terms: tuple[Term, ...] = ()
