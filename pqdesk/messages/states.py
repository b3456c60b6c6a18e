"""The states of a message and the moves between them: the one table of both.

    put ──────────────► ready ──claim──► running ──ack──► completed
     │                  ▲  ▲               │ │ │
     │ delay, at        │  │  release,     │ │ └─fail, out of attempts──► failed
     └──► scheduled ────┘  │  its process  │ │
          (promote,        │  died         │ └─cancel──► cancelled
           run now)        ├───────────────┘
                           │               │ nack with attempts left
                           └── promote ── retrying

An operator leaves the final states (completed, failed, cancelled) by retry, to ready; undoing what an operator did
puts a message back to the state it had, if it was left alone since. Each move is a
compare-and-set on the state, and for what leaves running on the receipt too. All moves there are, as a test
compares them with TRANSITIONS:

    scheduled → ready, cancelled
    ready → running, failed, cancelled
    running → ready, retrying, completed, failed, cancelled
    retrying → ready, cancelled
    completed → ready
    failed → ready
    cancelled → ready
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a message stands; the numbers are stored."""

    SCHEDULED = 1
    READY = 2
    RUNNING = 3
    RETRYING = 4
    COMPLETED = 5
    FAILED = 6
    CANCELLED = 7

    @property
    def word(self) -> str:
        """The name shown everywhere: `ready`, `running`, …"""
        return self.name.lower()

    @property
    def is_final(self) -> bool:
        return self >= State.COMPLETED

    @classmethod
    def from_word(cls, word: str) -> State:
        """The state called `word`, in any case. Raises KeyError when there is none."""
        return cls[word.upper()]


class AttemptOutcome(IntEnum):
    """How one delivery ended; the numbers are stored."""

    COMPLETED = 1
    NACKED = 2
    FAILED = 3
    RELEASED = 4
    DIED = 5
    LEASE_ENDED = 6
    TIMED_OUT = 7
    CANCELLED = 8

    @property
    def word(self) -> str:
        return self.name.lower().replace("_", " ")


FINAL = (State.COMPLETED, State.FAILED, State.CANCELLED)
UNFINISHED = (State.SCHEDULED, State.READY, State.RUNNING, State.RETRYING)

# From each state, the states it may move to. The store asks nothing else; a test checks the docs against it.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.READY, State.CANCELLED}),
    State.READY: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset({State.READY, State.RETRYING, State.COMPLETED, State.FAILED, State.CANCELLED}),
    State.RETRYING: frozenset({State.READY, State.CANCELLED}),
    State.COMPLETED: frozenset({State.READY}),
    State.FAILED: frozenset({State.READY}),
    State.CANCELLED: frozenset({State.READY}),
}
