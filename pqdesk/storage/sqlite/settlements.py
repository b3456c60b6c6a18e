"""How a delivery ends: ack, nack, fail, release, a death, a lease that ran out. Fenced by receipt.

The receipt of a delivery is compared in the same statement or transaction that changes the row, so whoever lost
the lease changes nothing.
"""

from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

import apsw

from pqdesk.errors import LeaseLost
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite.claims import DEFAULT_LEASE_US
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.errors import note_error
from pqdesk.storage.sqlite.queue_rows import QueueChange, add_queue, read_rules
from pqdesk.storage.sqlite.transitions import finish, leave_line, record_attempt, return_to_line
from pqdesk.storage.values import NO_DEFAULTS, EncodedPayload, HandlerDefaults, Settlement

_ACK = """
    UPDATE pqdesk_message SET state = 5, line = 0, open_key = NULL, finished_us = ?3, receipt = 0, cancel_requested = 0,
           started_us = max(started_us, ?4)
     WHERE id = ?1 AND state = 3 AND receipt = ?2"""
_HELD = """
    SELECT queue_id, attempt, forgiven, deaths, max_attempts, owner_id, started_us, "group", line, cancel_requested,
           due_us, (SELECT CAST(name AS BLOB) FROM pqdesk_type WHERE id = type_id), expires_us, key
      FROM pqdesk_message WHERE id = ? AND state = 3 AND receipt = ?"""
_OF_OWNER = """
    SELECT id, receipt, started_us FROM pqdesk_message INDEXED BY pqdesk_running
     WHERE state = 3 AND owner_id = ? LIMIT 1000"""
_LEASE_ENDED = """
    SELECT id, receipt, started_us FROM pqdesk_message INDEXED BY pqdesk_running
     WHERE state = 3 AND owner_id = ? AND lease_ends_ms <= ? LIMIT 1000"""
_RETRY_LATER = "UPDATE pqdesk_message SET state = 4, due_us = ?2, receipt = 0 WHERE id = ?1"
_PUT_OFF = """
    UPDATE pqdesk_message SET state = 1, attempt = ?2, deaths = ?3, due_us = ?4, receipt = 0 WHERE id = ?1"""
_GIVE_BACK = "UPDATE pqdesk_message SET state = 2, attempt = ?2, deaths = ?3, receipt = 0 WHERE id = ?1"
_RESULT = "INSERT OR REPLACE INTO pqdesk_result (id, kind, result) VALUES (?, ?, ?)"
_NO_RESULT = "DELETE FROM pqdesk_result WHERE id = ?"
_EXTEND = "UPDATE pqdesk_message SET lease_ends_ms = ?3 WHERE id = ?1 AND state = 3 AND receipt = ?2"
_QUEUE_LEASE = "SELECT lease_us FROM pqdesk_queue WHERE id = (SELECT queue_id FROM pqdesk_message WHERE id = ?)"
_BEGUN = "UPDATE pqdesk_message SET started_us = ?3 WHERE id = ?1 AND state = 3 AND receipt = ?2"
_PROGRESS = "UPDATE pqdesk_message SET progress = ?3, progress_note = ?4 WHERE id = ?1 AND state = 3 AND receipt = ?2"

_RUNNING, _COMPLETED = State.RUNNING.number, State.COMPLETED.number  # an enum member costs more at each use
_GIVEN_UP = (
    AttemptOutcome.NACKED,
    AttemptOutcome.TIMED_OUT,
    AttemptOutcome.RELEASED,
    AttemptOutcome.DIED,
    AttemptOutcome.LEASE_ENDED,
)


class _Held(NamedTuple):
    """A running message, as its settlement needs it."""

    queue_id: int
    attempt: int
    forgiven: int
    deaths: int
    max_attempts: int | None
    owner_id: int
    started_us: int
    group: str | None
    line: int
    cancel_requested: int
    due_us: int
    type: str | None
    expires_us: int | None
    key: str | None


class Ended(NamedTuple):
    """How a settlement left the message, for the bells and the metrics.

    `is_retried`: the attempt counts, and there will be another one.
    """

    queue_id: int
    type: str | None
    after: State
    is_retried: bool
    waited_us: int
    ran_us: int


def ack(
    db: apsw.Connection,
    change: QueueChange,
    message_id: int,
    receipt: int,
    result: EncodedPayload | None,
    *,
    attempt: int,
    group: str | None,
    key: str | None,
    now_us: int,
    started_us: int,
) -> None:
    """Complete a message. `group` and `key` are its claim's; without a group its line is 0. Raises LeaseLost."""
    line = 0 if group is None else _held(db, message_id, receipt).line
    db.execute(_ACK, (message_id, receipt, now_us, started_us))
    if not db.changes():
        raise lost(message_id)
    if result is not None:
        db.execute(_RESULT, (message_id, result.kind, result.data))
    elif attempt > 1:  # a person may have had it done again
        db.execute(_NO_RESULT, (message_id,))
    change.by_state[_RUNNING] -= 1
    change.by_state[_COMPLETED] += 1
    if group is not None or key is not None:
        leave_line(db, change, State.RUNNING, group, line, key)


def settle(
    db: apsw.Connection,
    message_id: int,
    receipt: int,
    settlement: Settlement,
    *,
    now_us: int,
    rng: Random,
    defaults: HandlerDefaults = NO_DEFAULTS,
    change: QueueChange | None = None,
    started_us: int = 0,
) -> Ended:
    """End the delivery that `receipt` proves. In a write transaction.

    Args:
        change: Where the counters go; None writes them here.
        started_us: When its handler began, for a message that was claimed ahead.

    Raises:
        LeaseLost: Nothing was changed.
    """
    held = _held(db, message_id, receipt)
    own = QueueChange(held.queue_id) if change is None else change
    started_us = held.started_us or started_us
    if settlement.outcome == AttemptOutcome.COMPLETED:
        ack(
            db, own, message_id, receipt, settlement.result,
            attempt=held.attempt, group=held.group, key=held.key, now_us=now_us, started_us=started_us,
        )  # fmt: skip
        after = State.COMPLETED
    else:
        after = _end_unfinished(
            db, own, message_id, held, settlement,
            now_us=now_us, started_us=started_us, rng=rng, defaults=defaults,
        )  # fmt: skip
    if change is None:
        own.write(db)
    waited_us, ran_us = started_us - held.due_us, now_us - started_us
    is_retried = not after.is_final and settlement.outcome != AttemptOutcome.RELEASED
    return Ended(held.queue_id, held.type, after, is_retried, max(waited_us, 0), max(ran_us, 0))


def lost(message_id: int) -> LeaseLost:
    return LeaseLost(
        f"message {message_id} is not in hand any more: it was settled, or its lease ran out and it was taken back; "
        "nothing was changed",
        message_id=message_id,
    )


def extend(db: apsw.Connection, held: Iterable[tuple[int, int, int]]) -> list[int]:
    """Set (id, receipt, lease_ends_ms) of each; returns the ids whose lease is lost."""
    missing = []
    for message_id, receipt, lease_ends_ms in held:
        db.execute(_EXTEND, (message_id, receipt, lease_ends_ms))
        if not db.changes():
            missing.append(message_id)
    return missing


def lease_us_of(db: apsw.Connection, message_id: int) -> int:
    """How long a delivery of this message is leased when nobody says otherwise."""
    row = first_row(db, _QUEUE_LEASE, (message_id,))
    return (row[0] if row else None) or DEFAULT_LEASE_US


def tell_begun(db: apsw.Connection, begun: Iterable[tuple[int, int, int]]) -> None:
    """Write (id, receipt, when its handler began) of messages that were claimed ahead."""
    for values in begun:
        db.execute(_BEGUN, values)


def report_progress(db: apsw.Connection, message_id: int, receipt: int, fraction: float, note: str) -> None:
    """Raises LeaseLost."""
    db.execute(_PROGRESS, (message_id, receipt, fraction, note))
    if not db.changes():
        raise lost(message_id)


def messages_of_owner(db: apsw.Connection, owner_id: int) -> list[tuple[int, int, int]]:
    """(id, receipt, started_us) of at most 1,000 messages in hand of this owner; 0: claimed ahead, not begun."""
    return all_rows(db, _OF_OWNER, (owner_id,))


def messages_past_lease(db: apsw.Connection, owner_id: int, awake_ms: int) -> list[tuple[int, int, int]]:
    """The same of those whose lease is over."""
    return all_rows(db, _LEASE_ENDED, (owner_id, awake_ms))


def _held(db: apsw.Connection, message_id: int, receipt: int) -> _Held:
    row = first_row(db, _HELD, (message_id, receipt))
    if row is None:
        raise lost(message_id)
    held = _Held(*row)
    type_name: Any = held.type  # as bytes, whatever they are: a damaged name stops nobody's work
    return held if type_name is None else held._replace(type=bytes(type_name).decode("utf-8", "replace"))


def _end_unfinished(
    db: apsw.Connection,
    change: QueueChange,
    message_id: int,
    held: _Held,
    settlement: Settlement,
    *,
    now_us: int,
    started_us: int,
    rng: Random,
    defaults: HandlerDefaults,
) -> State:
    outcome = settlement.outcome
    rules = read_rules(db, held.queue_id, defaults)
    allowed = held.forgiven + (held.max_attempts or rules.max_attempts)
    is_out = held.attempt >= allowed
    after, deaths = State.READY, held.deaths
    match outcome:
        case AttemptOutcome.NACKED | AttemptOutcome.TIMED_OUT:
            after = State.FAILED if is_out else State.RETRYING
        case AttemptOutcome.LEASE_ENDED:
            after = State.FAILED if is_out else State.READY
        case AttemptOutcome.FAILED:
            after = State.FAILED
        case AttemptOutcome.RELEASED if settlement.delay_us:
            after = State.SCHEDULED
        case AttemptOutcome.DIED:  # a death has a budget of its own, so that it never ends a message's retries
            deaths = 0 if settlement.is_other_boot else held.deaths + 1
            after = State.FAILED if deaths >= rules.max_deaths else State.READY
    if held.cancel_requested and outcome in _GIVEN_UP:
        after = State.CANCELLED
    if outcome != AttemptOutcome.RELEASED:
        record_attempt(
            db, message_id, held.attempt, outcome,
            owner_id=held.owner_id, started_us=started_us, ended_us=now_us, error=settlement.error,
        )  # fmt: skip
        if outcome != AttemptOutcome.CANCELLED:
            note_error(db, held.queue_id, message_id, outcome, settlement.error, now_us)
    if after.is_final:
        finish(db, change, message_id, State.RUNNING, after, group=held.group, line=held.line, now_us=now_us)
        if after == State.FAILED and rules.failed_to is not None:
            _pass_on(db, change, message_id, rules.failed_to, now_us)
        return after
    change.leaves(State.RUNNING)
    change.enters(after)
    if held.expires_us is not None:  # while it ran, nobody looked out for that
        change.wake_at(held.expires_us)
    if after == State.RETRYING:
        wait_us = settlement.delay_us
        if wait_us is None:
            wait_us = rules.backoff.delay_us(held.attempt - held.forgiven, rng)
        db.execute(_RETRY_LATER, (message_id, now_us + wait_us))
        change.wake_at(now_us + wait_us)
    else:
        attempt = held.attempt - 1 if outcome == AttemptOutcome.RELEASED else held.attempt
        if after == State.SCHEDULED:
            due_us = now_us + (settlement.delay_us or 0)
            db.execute(_PUT_OFF, (message_id, attempt, deaths, due_us))
            change.wake_at(due_us)
        else:
            db.execute(_GIVE_BACK, (message_id, attempt, deaths))
    if held.group is not None:
        return_to_line(db, change, message_id, after, held.group)
    return after


def _pass_on(db: apsw.Connection, change: QueueChange, message_id: int, failed_to: str, now_us: int) -> None:
    """Bring a message that has just failed to the queue for those, ready; where its key is in use there, it stays.

    Who waits for that queue finds it with the next look, within a second.
    """
    from dataclasses import replace  # here, as the next: few have such a queue, and a put and a get need neither

    from pqdesk.storage.sqlite.status import Changes, read_message, relocate

    changes = Changes(db, change)
    row = read_message(db, changes, message_id, now_us)
    assert row is not None, message_id
    to_id = add_queue(db, failed_to)
    ready = replace(
        row.status, queue_id=to_id, state=State.READY.number, due_us=now_us, forgiven=row.attempt, deaths=0,
        finished_us=0, expires_us=None,
    )  # fmt: skip
    relocate(db, changes, row, ready)
    changes.of(to_id).write(db)
