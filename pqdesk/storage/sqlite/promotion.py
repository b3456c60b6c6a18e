"""Moving what is due to ready, and cancelling what expired while it waited, for its start or for another attempt.

The queue's `wake_us` is the earliest moment at which there is something to do here; a claim looks no further
before it. Each call is bounded, so a claim never pays for a large batch that became due at once.
"""

from __future__ import annotations

import apsw

from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite.connection import all_rows, only_value
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.transitions import finish, record_attempt

_DUE = """
    SELECT id, state, line FROM pqdesk_message INDEXED BY pqdesk_due
     WHERE queue_id = ?1 AND state IN (1, 4) AND due_us <= ?2 ORDER BY due_us LIMIT ?3"""
_EXPIRED = """
    SELECT id, state, "group", attempt FROM pqdesk_message INDEXED BY pqdesk_expiring
     WHERE queue_id = ?1 AND expires_us IS NOT NULL AND state IN (1, 2, 4) AND expires_us <= ?2 LIMIT ?3"""
_LINE = "SELECT line FROM pqdesk_message WHERE id = ?"
_PROMOTE = "UPDATE pqdesk_message SET state = 2 WHERE id = ?"
_WAKE = """
    UPDATE pqdesk_queue SET wake_us = (SELECT min(at) FROM (
        SELECT min(due_us) AS at FROM pqdesk_message INDEXED BY pqdesk_due WHERE queue_id = ?1 AND state IN (1, 4)
        UNION ALL
        SELECT min(expires_us) FROM pqdesk_message INDEXED BY pqdesk_expiring
         WHERE queue_id = ?1 AND expires_us IS NOT NULL AND state IN (1, 2, 4)))
     WHERE id = ?1"""
_OVERDUE = "SELECT id, name FROM pqdesk_queue WHERE wake_us <= ?"

_READY = State.READY.number  # an enum member costs more at each use


def promote(db: apsw.Connection, change: QueueChange, now_us: int, *, limit: int) -> int:
    """Promote and expire at most `limit` messages each, in a write transaction; returns how many became ready."""
    queue_id = change.queue_id
    for message_id, state, group, attempt in all_rows(db, _EXPIRED, (queue_id, now_us, limit)):
        line = only_value(db, _LINE, (message_id,))  # the one before it may have moved it up
        expire(db, change, message_id, State.from_number(state), group=group, line=line, attempt=attempt, now_us=now_us)
    due = all_rows(db, _DUE, (queue_id, now_us, limit))
    for message_id, state, line in due:
        db.execute(_PROMOTE, (message_id,))
        change.by_state[state] -= 1
        change.by_state[_READY] += 1
        if line >= 2:
            change.blocked += 1
    plan_wake(db, queue_id)
    return len(due)


def plan_wake(db: apsw.Connection, queue_id: int) -> None:
    """Write when there is something to promote or to expire next."""
    db.execute(_WAKE, (queue_id,))


def expire(
    db: apsw.Connection,
    change: QueueChange,
    message_id: int,
    state: State,
    *,
    group: str | None,
    line: int,
    attempt: int,
    now_us: int,
) -> None:
    """Cancel one message that was not started in time."""
    finish(db, change, message_id, state, State.CANCELLED, group=group, line=line, now_us=now_us)
    record_attempt(
        db, message_id, attempt, AttemptOutcome.CANCELLED, owner_id=0, started_us=0, ended_us=now_us, error="expired"
    )


def overdue_queues(db: apsw.Connection, now_us: int) -> list[tuple[int, str]]:
    """(id, name) of the queues with something to promote or expire by now."""
    return all_rows(db, _OVERDUE, (now_us,))
