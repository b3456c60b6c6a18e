"""Deleting messages for good, with all that belongs to them. In a write transaction."""

from __future__ import annotations

import apsw

from pqdesk.storage.sqlite.connection import only_value

_HIGHEST = "SELECT coalesce(max(id), 0) FROM pqdesk_message"
_OF_MESSAGE = (
    "DELETE FROM pqdesk_payload WHERE id = ?",
    "DELETE FROM pqdesk_result WHERE id = ?",
    "DELETE FROM pqdesk_attempt WHERE message_id = ?",
    "DELETE FROM pqdesk_version WHERE message_id = ?",
)
_FORGET = "DELETE FROM pqdesk_message WHERE id = ?"
# What stays of the message with the highest id, so that no id is ever used twice: no listing, count or action sees
# state 0, and emptying the trash takes the row away once a higher id is there.
_EMPTY = """
    UPDATE pqdesk_message SET state = 0, line = 0, trashed_us = 0, expires_us = NULL, owner_id = 0, type_id = NULL,
           error_id = NULL, copy_of = NULL, progress_note = NULL, "group" = NULL, key = NULL, open_key = NULL,
           headers = NULL, payload = x''
     WHERE id = ?"""


def highest_id(db: apsw.Connection) -> int:
    return int(only_value(db, _HIGHEST))


def erase(db: apsw.Connection, message_id: int, highest: int) -> None:
    """Delete one message for good. `highest`: the highest id there is."""
    for statement in _OF_MESSAGE:
        db.execute(statement, (message_id,))
    db.execute(_EMPTY if message_id == highest else _FORGET, (message_id,))
