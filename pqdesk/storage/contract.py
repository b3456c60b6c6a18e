"""What an engine has to do, and the plain values that travel to and from it.

Nothing here assumes SQLite, or that there is one file. An engine is opened by `storage.open_store` (all
operations) and `storage.open_inspection` (looking only, never writes, for one thread). tests/contract holds
every engine to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pqdesk.messages.records import (
    Counts,
    Durability,
    MessageDetail,
    MessageRecord,
    OnConflict,
    Outcome,
    QueueConfiguration,
    QueueRecord,
)
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import AttemptOutcome


@dataclass(frozen=True, slots=True)
class EncodedPayload:
    """A payload as stored: `kind` says how to read `data` (messages/payloads.py)."""

    kind: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A checked message on its way in. Times in microseconds; None where nothing was given."""

    queue: str
    payload: EncodedPayload
    type: str | None = None
    priority: int = 0
    delay_us: int | None = None
    at_us: int | None = None
    key: str | None = None
    on_conflict: OnConflict = "raise"
    group: str | None = None
    expires_us: int | None = None
    max_attempts: int | None = None
    headers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One message under a lease. `receipt` proves the lease; `lease_ends_ms` is awake time.

    `payload=None`: it is large and still to be read, with `Store.load_payload`.
    """

    id: int
    queue: str
    queue_id: int
    receipt: int
    lease_ends_ms: int
    lease_us: int
    attempt: int
    max_attempts: int
    type: str | None
    priority: int
    group: str | None
    key: str | None
    headers: str | None
    enqueued_us: int
    due_us: int
    checksum: int
    payload_kind: int
    payload: EncodedPayload | None


@dataclass(frozen=True, slots=True)
class HandlerDefaults:
    """What a handler asks for where neither put() nor configure() says anything; of one process."""

    max_attempts: int | None = None
    lease_us: int | None = None
    backoff: str | None = None


NO_DEFAULTS = HandlerDefaults()


@dataclass(frozen=True, slots=True)
class Look:
    """What a claim found. When it is nothing, `wake_us` (wall time) tells when to look again, if ever.

    `more` is the number of messages that are still ready: whoever was woken wakes another one.
    """

    claims: tuple[Claim, ...]
    wake_us: int | None = None
    more: int = 0
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a delivery ends. `error` for nack and fail; `delay_us` overrides the backoff of a nack.

    `is_other_boot`: the machine went down with the process, which says nothing against the message.
    """

    outcome: AttemptOutcome
    result: EncodedPayload | None = None
    error: str | None = None
    delay_us: int | None = None
    is_other_boot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """One page of messages by id, newest first: those below `before` or above `after`, at most `limit`."""

    selection: Selection = field(default_factory=Selection)
    before: int | None = None
    after: int | None = None
    limit: int = 100


class Inspection(Protocol):
    """Looks at a workspace over a connection of its own; belongs to the thread that opened it."""

    def version(self) -> int:
        """Changes whenever somebody else changed anything. Costs microseconds."""
        ...

    def queues(self) -> tuple[QueueRecord, ...]:
        """All queues by name, with their counts."""
        ...

    def counts(self, queue: str | None = None) -> Counts:
        """Counts of one queue or of all; an unknown queue has none."""
        ...

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        """Newest first. An unknown queue has none."""
        ...

    def message(self, message_id: int) -> MessageDetail:
        """Raises NotFound."""
        ...

    def running_by_worker(self) -> dict[int, tuple[str, tuple[int, ...]]]:
        """For each live process: pid → (name, ids of the messages it has in hand)."""
        ...

    def interrupt(self) -> None:
        """Ends the question under way with Busy. The only call allowed from another thread."""
        ...

    def close(self) -> None: ...


class Store(Protocol):
    """Everything that changes a workspace. Thread-safe. Durable calls return after the flush."""

    def put(self, messages: Sequence[NewMessage]) -> list[int]:
        """Put all or none, in one transaction; ids in order. Raises DuplicateKey, DiskFull, Busy."""
        ...

    def put_unmarked(self, marked: Sequence[tuple[str, NewMessage]]) -> int:
        """Put those whose mark was never put before, and remember the marks in the same transaction."""
        ...

    def claim(
        self,
        queue: str,
        *,
        limit: int,
        lease_us: int | None,
        is_detached: bool,
        defaults: HandlerDefaults = NO_DEFAULTS,
    ) -> Look:
        """Lease up to `limit` messages; `lease_us=None` is the queue's own."""
        ...

    def wait(self, queue: str, *, until_us: int | None, timeout_s: float | None) -> bool:
        """Sleep in the kernel until a message may be there, `until_us` (wall) or `timeout_s` has passed.

        True when it was woken by a put: there may be older wake-ups then, see `silence`.
        """
        ...

    def silence(self, queue: str) -> None:
        """Forget what rang before; whoever calls it looks once more before it waits."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep, unless waits are interrupted."""
        ...

    def interrupt_waits(self) -> None:
        """Every wait, now and from now on, returns at once. Safe in a signal handler."""
        ...

    @property
    def is_interrupted(self) -> bool: ...

    def settle(
        self,
        claim: Claim,
        settlement: Settlement,
        *,
        put: Sequence[NewMessage] = (),
        claim_next: bool = False,
        defaults: HandlerDefaults = NO_DEFAULTS,
    ) -> Look | None:
        """End a delivery; in the same transaction put messages, and lease the queue's next one. Raises LeaseLost."""
        ...

    def settle_receipt(self, message_id: int, receipt: int, settlement: Settlement) -> None:
        """The same for a receipt that travelled outside this process. Raises LeaseLost."""
        ...

    def keep_extending(self, claim: Claim) -> None:
        """Extend the lease in the background until the delivery ends."""
        ...

    def stop_extending(self, claim: Claim) -> None:
        """Let the lease run out by itself."""
        ...

    def extend(self, claim: Claim, lease_us: int) -> int:
        """Lease anew from now; returns the new `lease_ends_ms`. Raises LeaseLost."""
        ...

    def report_progress(self, claim: Claim, fraction: float, note: str) -> None:
        """Raises LeaseLost."""
        ...

    def is_cancel_requested(self, claim: Claim) -> bool: ...

    def lease_remaining_ms(self, claim: Claim) -> int:
        """Awake milliseconds until the lease ends, as far as this process extended it; not below zero."""
        ...

    def pause(self, queue: str, is_paused: bool) -> None: ...

    def configure(self, queue: str, values: dict[str, Any]) -> None:
        """Store settings of `QueueConfiguration` by name. Raises InvalidInput."""
        ...

    def configuration(self, queue: str) -> QueueConfiguration: ...

    def act(self, action: str, selection: Selection, *, is_dry_run: bool = False) -> Outcome:
        """`retry`, `run_now`, `cancel`, `delete` or `restore` what is selected, in batches, skipping what may not."""
        ...

    def counts(self, queue: str | None = None) -> Counts: ...

    def queues(self) -> tuple[QueueRecord, ...]: ...

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]: ...

    def message(self, message_id: int) -> MessageDetail: ...

    def close(self) -> None:
        """Give back what is in hand and end. Waits of other threads return."""
        ...


__all__ = [
    "NO_DEFAULTS",
    "Claim",
    "Durability",
    "EncodedPayload",
    "HandlerDefaults",
    "Inspection",
    "Look",
    "NewMessage",
    "PageRequest",
    "Selection",
    "Settlement",
    "Store",
]
