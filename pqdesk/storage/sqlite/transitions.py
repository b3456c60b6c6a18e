"""The moves of one message that every change of state is made of. All run inside a write transaction.

A group is a line in order of id: its head (line 1) may be claimed, the others (line 2) wait, and when the head is
final the lowest waiting id moves up. A retrying or scheduled head keeps its place: strict order. What joins again with
a lower id (retried, restored, moved) takes the place of a head that does not run. With a group_concurrency above 1 a
group has so many heads.
"""

from __future__ import annotations

import apsw

from pqdesk.messages.payloads import cut_text
from pqdesk.messages.states import TRANSITIONS, AttemptOutcome, State
from pqdesk.storage.sqlite.connection import all_rows, first_row, only_value
from pqdesk.storage.sqlite.queue_rows import QueueChange

MOST_HEADS = 2**31 - 1
AFTER_KEY = 3  # the line of a message that waits for the end of the one with its key

_FINISH = """
    UPDATE pqdesk_message SET state = ?2, line = 0, open_key = NULL, finished_us = ?3, receipt = 0, cancel_requested = 0
     WHERE id = ?1"""
_HEADS = """
    SELECT count(*) FROM (SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_group_head
     WHERE queue_id = ? AND "group" = ? AND line = 1 LIMIT ?)"""
_NEXT_HEAD = """
    SELECT id, state FROM pqdesk_message INDEXED BY pqdesk_group_wait
     WHERE queue_id = ? AND "group" = ? AND line = 2 ORDER BY id LIMIT 1"""
_WAITING_GROUPS = """
    SELECT DISTINCT "group" FROM pqdesk_message INDEXED BY pqdesk_group_wait WHERE queue_id = ? AND line = 2"""
_GROUPS = """
    SELECT DISTINCT "group" FROM pqdesk_message INDEXED BY pqdesk_group_head WHERE queue_id = ? AND line = 1"""
_LAST_HEADS = """
    SELECT id, state FROM pqdesk_message INDEXED BY pqdesk_group_head
     WHERE queue_id = ? AND "group" = ? AND line = 1 AND state <> 3 AND id > ? ORDER BY id DESC LIMIT ?"""
_MOVE_BACK = "UPDATE pqdesk_message SET line = 2 WHERE id = ?"
_MOVE_UP = "UPDATE pqdesk_message SET line = 1 WHERE id = ?"
_FOLLOWER = """
    SELECT id, state, "group" FROM pqdesk_message INDEXED BY pqdesk_after WHERE queue_id = ? AND key = ? AND line = 3"""
_FOLLOW = "UPDATE pqdesk_message SET line = ?2, open_key = key WHERE id = ?1"
_KEY = "SELECT key FROM pqdesk_message WHERE id = ?"
_RECORD = """
    INSERT INTO pqdesk_attempt (message_id, attempt, owner_id, started_us, ended_us, outcome, error)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (message_id, attempt) DO UPDATE
       SET outcome = excluded.outcome, ended_us = excluded.ended_us,
           error = coalesce(excluded.error || '; before: ', '') || coalesce(error, '')"""


def place_in_line(db: apsw.Connection, change: QueueChange, group: str | None, message_id: int | None = None) -> int:
    """The `line` of a message that joins `group` now: a new one, or `message_id` of old."""
    if group is None:
        return 0
    if _heads(db, change, group, change.group_width(db)) < change.group_width(db):
        return 1
    return 1 if message_id is not None and _move_back(db, change, group, 1, above=message_id) else 2


def return_to_line(db: apsw.Connection, change: QueueChange, message_id: int, state: State, group: str) -> None:
    """A head that ran goes on waiting, in `state`, as its row says already: who joined with a lower id goes first."""
    db.execute(_MOVE_BACK, (message_id,))
    change.blocked += state == State.READY
    _fill(db, change, group)


def leave_line(
    db: apsw.Connection, change: QueueChange, state: State, group: str | None, line: int, key: str | None
) -> None:
    """The message of this state and line is out of its group (its row says so already): the next moves up.

    So does the one that waits for it since it has the same key.
    """
    if line >= 2 and state == State.READY:
        change.blocked -= 1
    if line == 1 and group is not None:
        _fill(db, change, group)
    if key is not None and line != AFTER_KEY:
        _let_follow(db, change, key)


def _let_follow(db: apsw.Connection, change: QueueChange, key: str) -> None:
    row = first_row(db, _FOLLOWER, (change.queue_id, key))
    if row is None:
        return
    message_id, state, group = row
    line = place_in_line(db, change, group, message_id)
    db.execute(_FOLLOW, (message_id, line))
    if line < 2 and state == State.READY.number:
        change.blocked -= 1


def widen_or_narrow(db: apsw.Connection, change: QueueChange) -> None:
    """Bring all groups of a queue to its new group_concurrency; what runs already goes on."""
    width = change.group_width(db)
    for (group,) in all_rows(db, _WAITING_GROUPS, (change.queue_id,)):
        _fill(db, change, group)
    for (group,) in all_rows(db, _GROUPS, (change.queue_id,)):
        surplus = _heads(db, change, group, MOST_HEADS) - width
        if surplus > 0:
            _move_back(db, change, group, surplus)


def _move_back(db: apsw.Connection, change: QueueChange, group: str, most: int, *, above: int = 0) -> int:
    """Let the last heads that do not run wait, of those with an id above `above`; returns how many."""
    rows = all_rows(db, _LAST_HEADS, (change.queue_id, group, above, most))
    for message_id, state in rows:
        db.execute(_MOVE_BACK, (message_id,))
        change.blocked += state == State.READY.number
    return len(rows)


def _fill(db: apsw.Connection, change: QueueChange, group: str) -> None:
    """Move waiting messages of the group up while there is room at its head."""
    width = change.group_width(db)
    for _ in range(width - _heads(db, change, group, width)):
        row = db.execute(_NEXT_HEAD, (change.queue_id, group)).fetchone()
        if row is None:
            return
        db.execute(_MOVE_UP, (row[0],))
        if row[1] == State.READY.number:
            change.blocked -= 1


def _heads(db: apsw.Connection, change: QueueChange, group: str, most: int) -> int:
    return int(only_value(db, _HEADS, (change.queue_id, group, most)))


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
    db.execute(_FINISH, (message_id, after.number, now_us))
    change.leaves(before)
    change.enters(after)
    leave_line(db, change, before, group, line, only_value(db, _KEY, (message_id,)))


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
    db.execute(_RECORD, (message_id, attempt, owner_id, started_us, ended_us, outcome.number, text))
