"""What comes back from looking, beside the messages themselves. Frozen records; instants are aware UTC datetimes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal, get_args

from pqdesk.clock import from_datetime
from pqdesk.messages.records import Counts, MessageRecord
from pqdesk.messages.states import State

# `id` and `enqueued` are one order. `due` is cheap for scheduled and retrying messages, `finished` for final ones,
# `priority` for the ready ones of one queue; the others need a filter that leaves at most 10,000.
SortName = Literal[
    "id", "enqueued", "due", "finished", "priority",
    "state", "queue", "type", "attempts", "group", "key", "worker", "size", "ran",
]  # fmt: skip
SORTS: tuple[SortName, ...] = get_args(SortName)
# Attributes of a record by which it can be sorted, where they have other names.
_SORTED_BY = {"attempts": "attempt", "size": "payload_size"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in an ordered list: the value that it is ordered by there, and the id."""

    value: int | str | None
    id: int


def cursor_of(record: MessageRecord, sort: SortName) -> Cursor:
    """The place of `record` in the order `sort`, which is any but `ran`: no record tells that exactly."""
    at = {"due": record.due_at, "finished": record.finished_at}.get(sort)
    if at is not None:
        return Cursor(from_datetime(at), record.id)
    value = None if sort in ("id", "enqueued", "due", "finished") else getattr(record, _SORTED_BY.get(sort, sort))
    return Cursor(int(value) if isinstance(value, State) else value, record.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSlice:
    """What a search found in one slice of ids.

    Attributes:
        records: Newest first.
        next_id: Where the next slice begins; None when there is none.
        scanned: Ids passed by this slice.
        back_to: When the oldest message that was looked at was put; None when none was.
    """

    records: tuple[MessageRecord, ...]
    next_id: int | None
    scanned: int
    back_to: datetime | None = None

    @property
    def is_done(self) -> bool:
        return self.next_id is None


@dataclass(frozen=True, slots=True)
class CappedCount:
    """A count that stopped somewhere: with `is_more`, there are at least so many."""

    count: int
    is_more: bool = False

    def __str__(self) -> str:
        return f"{self.count:,}{'+' if self.is_more else ''}"


@dataclass(frozen=True, slots=True)
class CappedCounts:
    """How many match in each state, up to id `up_to`, the highest there was; with `is_more`, at least so many."""

    counts: Counts = field(default_factory=Counts)
    up_to: int = 0
    is_more: bool = False

    def count(self, states: Collection[State] = tuple(State)) -> CappedCount:
        """How many of them are in one of `states`."""
        return CappedCount(sum(map(self.counts.of, states)), self.is_more)


@dataclass(frozen=True, slots=True)
class Names:
    """What a filter can name. `payload_paths`: `to`, `address.city`, … of the newest payloads, frequent ones first."""

    queues: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    payload_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """One kind of error in one queue: the same but for numbers, ids, paths and quoted text.

    Attributes:
        id: Its number; `error:#ID` in a filter selects its messages.
        type: `ConnectionError`; empty where the text names none.
        count: Attempts that ended so.
        example_id: The newest message that has it; None when all are gone.
    """

    id: int
    queue: str
    type: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int
    example_id: int | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long things took: `counts[n]` took 2ⁿ⁻¹ ms to 2ⁿ ms, `counts[0]` less than 1 ms."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def quantile_s(self, share: float) -> float | None:
        """Seconds within which `share` (0.5, 0.95) of them were done, within a factor of 2; None without any."""
        wanted, passed = share * self.total, 0
        for bucket in sorted(self.counts):
            before, passed = passed, passed + self.counts[bucket]
            if passed >= wanted and passed:
                low_s = 0.0 if bucket == 0 else math.ldexp(0.001, bucket - 1)
                high_s = math.ldexp(0.001, bucket)
                part = (wanted - before) / (passed - before)
                return low_s + (high_s - low_s) * min(max(part, 0.0), 1.0)
        return None

    @property
    def p50_s(self) -> float | None:
        return self.quantile_s(0.50)

    @property
    def p95_s(self) -> float | None:
        return self.quantile_s(0.95)

    @property
    def p99_s(self) -> float | None:
        return self.quantile_s(0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRecord:
    """What happened in one step of time: in a queue, or in all of them when `queue` is None.

    Attributes:
        put: Messages put.
        completed, failed: Messages that ended so.
        retried: Attempts that ended otherwise, their message to be tried again.
        waited, ran: Of the completed ones: from due to started, from started to completed.
    """

    at: datetime
    span_s: int
    queue: str | None = None
    put: int = 0
    completed: int = 0
    failed: int = 0
    retried: int = 0
    waited: Histogram = field(default_factory=Histogram)
    ran: Histogram = field(default_factory=Histogram)


class ReasonKind(Enum):
    """Why a message is not running now; the words for it are in reasons.py."""

    TRASHED = "trashed"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DAMAGED = "damaged"
    SCHEDULED = "scheduled"
    RETRYING = "retrying"
    PAUSED = "paused"
    GROUP_HELD = "group held"
    AFTER = "after"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    NO_WORKER = "no worker"
    BEHIND = "behind"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with its facts: `facts` holds what reasons.py says for that kind."""

    kind: ReasonKind
    message_id: int
    queue: str
    facts: Mapping[str, Any] = field(default_factory=dict)
