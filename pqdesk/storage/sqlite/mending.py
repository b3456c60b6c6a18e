"""Damaged messages: values that can be worked with for what is unsound in them, and failed when one comes to them."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite import damage
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.errors import note_error
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.transitions import finish, record_attempt

_HEADS = 10_000
# What an unsound column becomes: NULL where it may be, the bytes of a payload, 0 else.
_PLAIN = {"state": str(State.FAILED.number), "payload": "CAST(payload AS BLOB)"} | dict.fromkeys(
    (
        "group", "key", "open_key", "headers", "progress", "progress_note", "max_attempts", "type_id", "expires_us",
        "trashed_us", "error_id", "copy_of",
    ),
    "NULL",
)  # fmt: skip
_IN_WORK = """
    SELECT id FROM (SELECT id FROM pqdesk_message INDEXED BY pqdesk_running WHERE state = 3 LIMIT ?2)
    UNION
    SELECT id FROM (SELECT m.id FROM pqdesk_queue q CROSS JOIN pqdesk_message m INDEXED BY pqdesk_claimable
      ON m.queue_id = q.id AND m.state = 2 AND m.line < 2 ORDER BY m.queue_id, m.priority DESC, m.id LIMIT ?2)
    UNION
    SELECT id FROM (SELECT m.id FROM pqdesk_queue q CROSS JOIN pqdesk_message m INDEXED BY pqdesk_due
      ON m.queue_id = q.id AND m.state IN (1, 4) AND m.due_us <= ?1 LIMIT ?2)
    UNION
    SELECT id FROM (SELECT m.id FROM pqdesk_queue q CROSS JOIN pqdesk_message m INDEXED BY pqdesk_expiring
      ON m.queue_id = q.id AND m.expires_us IS NOT NULL AND m.state IN (1, 2, 4) AND m.expires_us <= ?1 LIMIT ?2)"""
_STANDING = 'SELECT queue_id, state, attempt, owner_id, started_us, "group", line FROM pqdesk_message WHERE id = ?'


def mend(db: apsw.Connection, ids: Iterable[int]) -> dict[int, list[str]]:
    """Give the unsound columns of these messages values that can be worked with; which they were, by id.

    In a write transaction. What a message says of its work, its payload, is left as it is: the checksum judges it.
    """
    mended = {}
    for message_id in ids:
        columns = damage.unsound_columns(db, message_id)
        if columns:
            values = ", ".join([f'"{column}" = {_PLAIN.get(column, "0")}' for column in columns])
            db.execute(f"UPDATE pqdesk_message SET {values} WHERE id = ?", (message_id,))
            mended[message_id] = columns
    return mended


def fail_heads(db: apsw.Connection, now_us: int) -> int:
    """Fail every damaged message that somebody would come to next; how many. In a write transaction."""
    count = 0
    for message_id, columns in mend(db, [row[0] for row in all_rows(db, _IN_WORK, (now_us, _HEADS))]).items():
        count += _fail(db, message_id, damage.what(columns), now_us)
    return count


def _fail(db: apsw.Connection, message_id: int, error: str, now_us: int) -> bool:
    row = first_row(db, _STANDING, (message_id,))
    if row is None or not 0 < row[1] < State.COMPLETED.number:
        return False
    queue_id, number, attempt, owner_id, started_us, group, line = row
    state = State.from_number(number)
    change = QueueChange(queue_id)
    change.leaves(state)
    change.enters(State.READY)  # from where, as the table of transitions has it, it may become failed
    if line >= 2 and state != State.READY:
        change.blocked += 1
    finish(db, change, message_id, State.READY, State.FAILED, group=group, line=line, now_us=now_us)
    change.write(db)
    record_attempt(
        db, message_id, attempt, AttemptOutcome.FAILED,
        owner_id=owner_id, started_us=started_us, ended_us=now_us, error=error,
    )  # fmt: skip
    note_error(db, queue_id, message_id, AttemptOutcome.FAILED, error, now_us)
    return True
