"""The states of a message and the moves between them: the one table of both.

    put ──────────────► ready ──claim──► running ──ack──► completed
     │                  ▲  ▲               │ │ │
     │ delay, at        │  │  release,     │ │ └─fail, out of attempts──► failed
     └──► scheduled ────┘  │  its process  │ │
          (promote,        │  died         │ └─cancel──► cancelled
           run now)        ├───────────────┘
                           │               │ nack with attempts left
                           └── promote ── retrying

A release with a delay puts off what runs, and an operator what is ready: both are scheduled then.
An operator leaves the final states (completed, failed, cancelled) by retry, to ready; undoing what an operator did
puts a message back to the state it had, if it was left alone since. Each move is a
compare-and-set on the state, and for what leaves running on the receipt too. All moves there are, as a test
compares them with TRANSITIONS:

    scheduled → ready, cancelled
    ready → scheduled, running, failed, cancelled
    running → scheduled, ready, retrying, completed, failed, cancelled
    retrying → ready, cancelled
    completed → ready
    failed → ready
    cancelled → ready
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, Self


class _Numbered(StrEnum):
    """A word for people, programs and JSON; the file holds its `number`, which int() and an index take, too."""

    number: int

    def __new__(cls, word: Any, number: int = 0) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.number = number
        return member

    def __index__(self) -> int:
        return self.number

    @property
    def word(self) -> str:
        """The name shown everywhere: `ready`, `running`, …"""
        return self.value

    @classmethod
    @cache
    def from_number(cls, number: int) -> Self:
        """The one that is stored as `number`. Raises ValueError when there is none."""
        return cls(number)

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((member for member in cls if member.number == value), None)


class State(_Numbered):
    """Where a message stands: a str, its word. `State.READY == "ready"`."""

    SCHEDULED = "scheduled", 1
    READY = "ready", 2
    RUNNING = "running", 3
    RETRYING = "retrying", 4
    COMPLETED = "completed", 5
    FAILED = "failed", 6
    CANCELLED = "cancelled", 7

    @property
    def is_final(self) -> bool:
        return self.number >= State.COMPLETED.number

    @classmethod
    def from_word(cls, word: str) -> State:
        """The state called `word`, in any case. Raises KeyError when there is none."""
        return cls[word.upper()]


class AttemptOutcome(_Numbered):
    """How one delivery ended: a str, its words. `AttemptOutcome.TIMED_OUT == "timed out"`."""

    COMPLETED = "completed", 1
    NACKED = "nacked", 2
    FAILED = "failed", 3
    RELEASED = "released", 4
    DIED = "died", 5
    LEASE_ENDED = "lease ended", 6
    TIMED_OUT = "timed out", 7
    CANCELLED = "cancelled", 8


FINAL = (State.COMPLETED, State.FAILED, State.CANCELLED)
UNFINISHED = (State.SCHEDULED, State.READY, State.RUNNING, State.RETRYING)

# From each state, the states it may move to. The store asks nothing else; a test checks the docs against it.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.READY, State.CANCELLED}),
    State.READY: frozenset({State.SCHEDULED, State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset(set(State) - {State.RUNNING}),
    State.RETRYING: frozenset({State.READY, State.CANCELLED}),
    State.COMPLETED: frozenset({State.READY}),
    State.FAILED: frozenset({State.READY}),
    State.CANCELLED: frozenset({State.READY}),
}


class QueueWord(StrEnum):
    """How a queue is, in the word that is shown.

    Working: a living process has a message of it in hand, or something came to an end just now. Idle: nothing waits.
    Paused. Stalled: messages wait, and those who should take them do not. No worker: messages wait for nobody.
    """

    WORKING = "Working"
    IDLE = "Idle"
    PAUSED = "Paused"
    STALLED = "Stalled"
    NO_WORKER = "No worker"
