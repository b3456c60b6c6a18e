"""Frozen records that cross threads, layers and the public API. Instants are aware UTC datetimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from pqdesk.messages.aliases import Duration, OnConflict
from pqdesk.messages.states import AttemptOutcome, State


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of a queue, or of all, are in each state by now. Trashed ones are in none."""

    scheduled: int = 0
    ready: int = 0
    running: int = 0
    retrying: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    def of(self, state: State) -> int:
        """Those in `state`."""
        count: int = getattr(self, state.word)
        return count

    @property
    def total(self) -> int:
        """In any state."""
        return sum(getattr(self, one.name) for one in fields(self))

    @property
    def unfinished(self) -> int:
        """Scheduled, ready, running or retrying: what max_size bounds and what keeps a key in use."""
        return self.scheduled + self.ready + self.running + self.retrying

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to put, with its options; for put_many, `ack(put=…)` and producers.

    `queue=None` is the queue it is put through. The options are those of `Queue.put`, which checks them.

        queue.put_many([Outgoing({"page": 1}, priority=9), Outgoing({"page": 2}, queue="later", delay=60)])
    """

    payload: Any = field(kw_only=False)
    queue: str | None = None
    type: str | None = None
    priority: int = 0
    delay: Duration | None = None
    at: datetime | None = None
    key: str | None = None
    on_conflict: OnConflict = "raise"
    unique_for: Duration | None = None
    group: str | None = None
    expires: Duration | None = None
    max_attempts: int | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """One queue as the lists show it."""

    name: str
    is_paused: bool
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecord:
    """One message as the lists show it.

    `payload_preview` is one line of at most 160 characters; `error` the first line of the newest error;
    `expires_at` when it is cancelled unless it is started before, None without `expires`;
    `worker` the name (or `pid N`) of the process that has or had it; `ran_s` seconds of the last attempt.
    """

    id: int
    queue: str
    state: State
    type: str | None
    priority: int
    group: str | None
    key: str | None
    attempt: int
    max_attempts: int
    enqueued_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    worker: str | None
    payload_preview: str
    payload_size: int
    is_trashed: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One delivery of a message. `outcome` and `ended_at` are None while it runs."""

    attempt: int
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDetail(MessageRecord):
    """One message whole: payload and result as they were given, every attempt (oldest first), the full error.

    Attributes:
        version: Of the payload: 1 is the one it was put with; `versions` has those before this one.
        copy_of: The message that it was duplicated from.
        own_max_attempts: What it was put with; None: `max_attempts` is what its queue says.
        key_until: Until when its key stays in use, whatever becomes of it (`unique_for`).
        progress, progress_note: What `Message.progress` told last in the newest attempt; None and "" when it did not.
    """

    payload: Any
    headers: Mapping[str, str]
    result: Any
    attempts: tuple[AttemptRecord, ...]
    error_text: str | None
    version: int = 1
    copy_of: int | None = None
    own_max_attempts: int | None = None
    key_until: datetime | None = None
    progress: float | None = None
    progress_note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operator action did: messages changed, messages passed over, errors.

    Two are equal when their first three fields are.

    Attributes:
        skipped: Those whose state, key or queue did not allow it, or changed meanwhile; `reasons` tells.
        errors: One line each: ids that do not exist or are in another queue, damaged messages.
        reasons: Why messages were skipped, in a word or two ("running", "key in use"), and how many.
        skipped_ids: The first 1,000 of them.
        new_ids: Of the copies that `duplicate` made, in order of the originals.
        activity_id: What `undo` takes; None when nothing was written down (a dry run, nothing to act on).
        note: What else there is to know, such as that a purge could not use the trash.
        is_stopped: Whether `on_progress` stopped it; the rest, if there is one, is as it was.
    """

    done: int = 0
    skipped: int = 0
    errors: tuple[str, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict, compare=False)
    skipped_ids: tuple[int, ...] = field(default=(), compare=False)
    new_ids: tuple[int, ...] = field(default=(), compare=False)
    activity_id: int | None = field(default=None, compare=False)
    note: str = field(default="", compare=False)
    is_stopped: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """A schedule that is stored in the workspace: what it puts, and when.

    Attributes:
        every: Seconds between runs; None with `cron`.
        timezone: Of the cron expression; None for an interval (and of older schedules: the machine's).
        missed: "once", "skip" or "all": what becomes of the runs that nobody was there to make.
        next_at: None while it is disabled, or when its expression cannot be used on this machine.
        last_at: The due time of the last run.
        skipped: Due times passed over since it was made: missed ones, and those whose key was still in use.
    """

    name: str
    queue: str
    payload: Any
    type: str | None
    priority: int
    key: str | None
    group: str | None
    headers: Mapping[str, str]
    max_attempts: int | None
    every: float | None
    cron: str | None
    timezone: str | None
    missed: str
    is_enabled: bool
    created_at: datetime
    next_at: datetime | None
    last_at: datetime | None
    last_message_id: int | None
    skipped: int


@dataclass(frozen=True, slots=True)
class RefusedPut:
    """A row of pqdesk_put, by plain SQL, that cannot become a message: its id there, and why."""

    id: int
    queue: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueConfiguration:
    """What `Queue.configure` stores; None means the default. Times in seconds.

    Attributes:
        max_attempts: Deliveries before a message is failed; 5.
        lease: Of a delivery, in awake time; 60.
        backoff: "exponential"; also "fixed:30", "linear:10:600", "exponential:BASE:CAP" in seconds.
        timeout: How long a handler may run; for ever.
        max_deaths: Deaths of its process before a message is failed; 3.
        keep_completed, keep_failed: How long final messages are kept; 7 days, for ever.
        concurrency: How many run at once, in all processes together; no limit.
        group_concurrency: How many of one group run at once; 1, which is strict order.
        rate: (n, seconds): at most n deliveries begin within any so many seconds; no limit.
        max_size: How many unfinished messages there may be; then put waits. No limit.
        failed_to: The queue to which messages go that failed, ready to be worked on there; None: they stay.
    """

    max_attempts: int | None = None
    lease: float | None = None
    backoff: str | None = None
    timeout: float | None = None
    max_deaths: int | None = None
    keep_completed: float | None = None
    keep_failed: float | None = None
    concurrency: int | None = None
    group_concurrency: int | None = None
    rate: tuple[int, float] | None = None
    max_size: int | None = None
    failed_to: str | None = None
