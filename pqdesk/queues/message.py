"""A message in hand: what it says, and how its delivery ends."""

from __future__ import annotations

import contextlib
import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from pqdesk.clock import to_datetime
from pqdesk.errors import InvalidInput, LeaseLost, WorkspaceError
from pqdesk.later import Later
from pqdesk.messages.aliases import Duration
from pqdesk.messages.checks import decode_headers, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.payloads import ERROR_LIMIT_BYTES, RESULT_LIMIT_BYTES, cut_text, decode_whole, encode_payload
from pqdesk.messages.states import AttemptOutcome
from pqdesk.queues.outgoing import checked_all
from pqdesk.staying import Staying
from pqdesk.storage.contract import Store, Transaction
from pqdesk.storage.values import Claim, EncodedPayload, NewMessage, Settlement

if TYPE_CHECKING:
    import traceback
else:
    traceback = Later("traceback")  # most programs never nack

_RECEIPT = re.compile(r"([0-9]{1,19})-([0-9a-f]{16})")
_LARGEST = 2**63 - 1
_MOST_AHEAD = 16
_QUICK_MS = 20


class Ahead:
    """What a loop over a queue took ahead with its acks; a loop that was left takes no more.

    A loop that is quick takes as many as it works on within 20 ms, at most 16; a slow one takes one.
    """

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.is_left = False
        self._count = 1
        self._taken_ms = 0

    def wanted(self, now_ms: int) -> int:
        """How many to take with an ack at `now_ms`."""
        if self.is_left or self.messages:
            return 0
        took_ms, self._taken_ms = now_ms - self._taken_ms, now_ms
        self._count = min(2 * self._count, _MOST_AHEAD) if took_ms < _QUICK_MS else 1
        return self._count


class Source(Protocol):
    """The queue of a message, as far as the message knows it."""

    store: Store

    def settle(
        self,
        message: Message,
        settlement: Settlement,
        *,
        put: Sequence[NewMessage] = (),
        tx: Transaction | None = None,
    ) -> None: ...


class Message(Staying):
    """One delivery of a message, under a lease. Made by `Queue.get`; keeps its queue open.

    In a `with` block its lease is extended in the background. Leaving the block acks it; an Exception nacks it
    with the traceback and goes on, any other BaseException releases it. Settled inside, nothing happens on leaving.
    When its lease is over, it is yours until somebody else gets it or it is taken back, which happens within a second
    if any process of the workspace waits or works: settling and extending it succeed before, and raise LeaseLost after.

        with queue.get() as message:
            message.progress(0.5, "half of it")
            message.ack({"pages": 3}, put=[Outgoing("bind", queue="binder")])

    Attributes:
        id, queue, type, payload, headers, priority, group, key: As they were put.
        attempt, max_attempts: This delivery's number, from 1, and how many there may be.
        enqueued_at, due_at: Aware UTC datetimes.
        receipt: Text that proves the lease, good in any process of the workspace.
    """

    def __init__(self, source: Source, claim: Claim) -> None:
        assert claim.payload is not None
        self._source = source
        self._claim = claim
        self._is_settled = False
        self._ahead: Ahead | None = None  # in a loop: where its ack puts the next message
        self.payload: Any = decode_whole(claim.payload.kind, claim.payload.data)
        self.headers: Mapping[str, str] = decode_headers(claim.headers)

    def _what_stays(self) -> str:
        return f"message {self.id}, whose lease belongs to the process that took it,"

    def _instead(self) -> str:
        return "take it with get(detached=True), and hand over its payload, and its receipt for Workspace.ack() there"

    @property
    def id(self) -> int:
        return self._claim.id

    @property
    def queue(self) -> str:
        return self._claim.queue

    @property
    def type(self) -> str | None:
        return self._claim.type

    @property
    def priority(self) -> int:
        return self._claim.priority

    @property
    def group(self) -> str | None:
        return self._claim.group

    @property
    def key(self) -> str | None:
        return self._claim.key

    @property
    def attempt(self) -> int:
        return self._claim.attempt

    @property
    def max_attempts(self) -> int:
        return self._claim.max_attempts

    @property
    def enqueued_at(self) -> datetime:
        return to_datetime(self._claim.enqueued_us)

    @property
    def due_at(self) -> datetime:
        return to_datetime(self._claim.due_us)

    @property
    def receipt(self) -> str:
        return format_receipt(self._claim.id, self._claim.receipt)

    @property
    def lease_remaining(self) -> float:
        """Seconds of awake time until the lease ends, as far as this process knows; not below zero."""
        return self._source.store.lease_remaining_ms(self._claim) / 1000

    @property
    def is_lease_over(self) -> bool:
        """Whether the lease has run out, as far as this process knows: from then on others may get the message."""
        return self._source.store.lease_remaining_ms(self._claim) <= 0

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked to cancel this message; a handler that sees it should stop by raising."""
        return self._source.store.is_cancel_requested(self._claim)

    @property
    def is_settled(self) -> bool:
        """Whether ack, nack, fail or release was called here and succeeded."""
        return self._is_settled

    @property
    def timeout(self) -> float | None:
        """Seconds that its handler may run, by the setting of queue or handler; then it is nacked. None: no limit."""
        return None if self._claim.timeout_us is None else self._claim.timeout_us / 1_000_000

    def ack(self, result: Any = None, *, put: Iterable[Any] = (), tx: Transaction | None = None) -> None:
        """It is done; never delivered again once this returned.

            message.ack({"size": 512}, put=["and then this"])

        Args:
            result: JSON value, str or bytes of at most 1 MiB, kept with the message.
            put: Follow-up payloads or Outgoing; they are put with the ack or not at all.
            tx: The value of `with queue.transaction()`: done when that is committed. After a rollback the message is
                still in hand.

        Raises:
            LeaseLost: It is not in hand any more; nothing was changed.
            InvalidInput: The result or a follow-up cannot be stored; the message is still in hand.
        """
        is_nothing = isinstance(put, tuple) and not put
        following = () if is_nothing else checked_all(put, self.queue, {}, "put=")
        self._source.settle(self, completed(result), put=following, tx=tx)

    def nack(self, error: object = None, *, delay: Duration | None = None, tx: Transaction | None = None) -> None:
        """This attempt failed: it will be retried after `delay` or the backoff, or is failed when out of attempts.

        Args:
            error: An exception (its traceback is kept), text or a JSON value; at most 64 KiB are kept.
            delay: Seconds or timedelta until the next attempt.
            tx: As of `ack`.

        Raises:
            LeaseLost: It is not in hand any more; nothing was changed.
            InvalidInput: The delay cannot be used; the message is still in hand.
        """
        delay_us = None if delay is None else duration_us(delay, "delay")
        self._source.settle(self, Settlement(AttemptOutcome.NACKED, error=error_text(error), delay_us=delay_us), tx=tx)

    def fail(self, reason: object, *, tx: Transaction | None = None) -> None:
        """Give up: failed at once, whatever attempts are left; `reason` as the error of `nack`. Raises LeaseLost."""
        self._source.settle(self, Settlement(AttemptOutcome.FAILED, error=error_text(reason)), tx=tx)

    def release(self, *, delay: Duration | None = None, tx: Transaction | None = None) -> None:
        """Give it back, this attempt not counted: ready again at once, or put off for `delay` (seconds, timedelta).

        Raises LeaseLost; InvalidInput when the delay cannot be used, and the message is still in hand.
        """
        self._source.settle(self, released(delay), tx=tx)

    def extend(self, seconds: Duration | None = None) -> None:
        """Lease anew for `seconds` from now, or for as long as the lease was. Raises LeaseLost, InvalidInput."""
        lease_us = self._claim.lease_us if seconds is None else duration_us(seconds, "seconds", least_us=1)
        self._refuse_settled()
        self._source.store.extend(self._claim, lease_us)

    def progress(self, fraction: float, note: str = "") -> None:
        """Tell how far it is, 0 to 1, with a note of at most 255 characters. Raises LeaseLost, InvalidInput."""
        if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction <= 1:
            raise InvalidInput(f"fraction must be a number from 0 to 1, got {quoted(fraction)}")
        self._refuse_settled()
        if not isinstance(note, str):
            raise InvalidInput(f"note must be str, got {type(note).__name__}")
        self._source.store.report_progress(self._claim, float(fraction), cut_text(note, 255))

    @property
    def store(self) -> Store:
        """The engine of its queue."""
        return self._source.store

    def stop_extending(self) -> None:
        """Let the lease run out by itself, for who leaves its message in hand."""
        self._source.store.stop_extending(self._claim)

    def __enter__(self) -> Message:
        if not self._is_settled:
            self._source.store.keep_extending(self._claim)
        return self

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._is_settled:
            return
        try:
            self._end_block(exc)
        finally:
            if not self._is_settled:  # it could not be: the lease must end, for somebody else to get the message
                with contextlib.suppress(WorkspaceError):  # in a fork's copy
                    self.stop_extending()

    def _end_block(self, exc: BaseException | None) -> None:
        if exc is None:
            self.ack()
            return
        try:
            if isinstance(exc, Exception):
                self.nack(exc)
            else:
                self.release()
        except LeaseLost as lost:  # the reason why the block was left matters more
            exc.add_note(str(lost))

    def __repr__(self) -> str:
        return f"<Message {self.id} of {self.queue!r}, attempt {self.attempt} of {self.max_attempts}>"

    def _unsettle(self, is_committed: bool) -> None:
        """Its transaction has ended; rolled back, the message is in hand as before."""
        self._is_settled = is_committed

    def _refuse_settled(self) -> None:
        if self._is_settled:
            raise LeaseLost(f"message {self.id} was settled already; nothing was changed", message_id=self.id)


_COMPLETED = Settlement(AttemptOutcome.COMPLETED)
_RELEASED = Settlement(AttemptOutcome.RELEASED)


def completed(result: Any) -> Settlement:
    """An ack with its result. Raises InvalidInput."""
    if result is None:
        return _COMPLETED
    kind, data = encode_payload(result, what="result", limit_bytes=RESULT_LIMIT_BYTES)
    return Settlement(AttemptOutcome.COMPLETED, result=EncodedPayload(kind, data))


def released(delay: Duration | None) -> Settlement:
    """A release that puts the message off for `delay`. Raises InvalidInput."""
    return _RELEASED if delay is None else _RELEASED._replace(delay_us=duration_us(delay, "delay"))


def error_text(error: object) -> str | None:
    """What is kept of an error: an exception's traceback, else its text; at most 64 KiB."""
    if error is None:
        return None
    if isinstance(error, BaseException):
        return cut_text("".join(traceback.format_exception(error)), ERROR_LIMIT_BYTES)
    if isinstance(error, str):
        return cut_text(error, ERROR_LIMIT_BYTES)
    try:
        text = json.dumps(error, default=str)
    except Exception:  # noqa: BLE001 - whatever it is, the attempt has failed, and that is what is to be told
        text = quoted(error)
    return cut_text(text, ERROR_LIMIT_BYTES)


def format_receipt(message_id: int, receipt: int) -> str:
    return f"{message_id}-{receipt:016x}"


def parse_receipt(text: object) -> tuple[int, int]:
    """(id, receipt) of what `format_receipt` made. Raises InvalidInput."""
    match = _RECEIPT.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is not None:
        numbers = int(match[1]), int(match[2], 16)
        if max(numbers) <= _LARGEST:
            return numbers
    raise InvalidInput(f"{quoted(text)} is no receipt; a receipt looks like 12-0123456789abcdef and comes with get")
