"""The moves of one message that every change of state is made of. All run inside a write transaction.

A group is a line: its head (line 1) may be claimed, the others (line 2) wait, and when the head is final the
lowest waiting id moves up. A retrying or scheduled head keeps its place: strict order.
"""

from __future__ import annotations

import apsw

from pqdesk.messages.payloads import cut_text
from pqdesk.messages.states import TRANSITIONS, AttemptOutcome, State
from pqdesk.storage.sqlite.queue_rows import QueueChange

_FINISH = """
    UPDATE pqdesk_message SET state = ?2, line = 0, open_key = NULL, finished_us = ?3, receipt = 0, cancel_requested = 0
     WHERE id = ?1"""
_HAS_HEAD = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_group_head WHERE queue_id = ? AND "group" = ? AND line = 1"""
_NEXT_HEAD = """
    SELECT id, state FROM pqdesk_message INDEXED BY pqdesk_group_wait
     WHERE queue_id = ? AND "group" = ? AND line = 2 ORDER BY id LIMIT 1"""
_MOVE_UP = "UPDATE pqdesk_message SET line = 1 WHERE id = ?"
_RECORD = """
    INSERT INTO pqdesk_attempt (message_id, attempt, owner_id, started_us, ended_us, outcome, error)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (message_id, attempt) DO UPDATE
       SET outcome = excluded.outcome, ended_us = excluded.ended_us,
           error = coalesce(excluded.error || '; before: ', '') || coalesce(error, '')"""


def place_in_line(db: apsw.Connection, queue_id: int, group: str | None) -> int:
    """The `line` of a message that joins `group` now."""
    if group is None:
        return 0
    return 2 if db.execute(_HAS_HEAD, (queue_id, group)).fetchone() else 1


def leave_line(db: apsw.Connection, change: QueueChange, state: State, group: str | None, line: int) -> None:
    """The message of this state and line is out of its group (its row says so already): the next moves up."""
    if line == 2 and state == State.READY:
        change.blocked -= 1
    if line != 1:
        return
    row = db.execute(_NEXT_HEAD, (change.queue_id, group)).fetchone()
    if row is not None:
        db.execute(_MOVE_UP, (row[0],))
        if row[1] == State.READY:
            change.blocked -= 1


def finish(
    db: apsw.Connection,
    change: QueueChange,
    message_id: int,
    before: State,
    after: State,
    *,
    group: str | None,
    line: int,
    now_us: int,
) -> None:
    """Make a message final: its key is free, its group goes on."""
    assert after in TRANSITIONS[before], (before, after)
    db.execute(_FINISH, (message_id, after, now_us))
    change.leaves(before)
    change.enters(after)
    leave_line(db, change, before, group, line)


def record_attempt(
    db: apsw.Connection,
    message_id: int,
    attempt: int,
    outcome: AttemptOutcome,
    *,
    owner_id: int,
    started_us: int,
    ended_us: int,
    error: str | None,
) -> None:
    """Keep how an attempt ended; of a long error, the end."""
    text = None if error is None else cut_text(error)
    db.execute(_RECORD, (message_id, attempt, owner_id, started_us, ended_us, outcome, text))
