"""Deleting messages for good, with all that belongs to them. In a write transaction.

What SQLite deletes stays in the file until something else is written there. Within a page each connection of ours
overwrites it, which costs nothing (secure_delete = FAST); whole pages, those of large payloads, only where it matters:
when the trash is emptied by hand, and for all that is deleted where the workspace is set so (sqlite.org/pragma.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apsw

from pqdesk.storage.sqlite.connection import first_row, only_value

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


_IS_SECURE = "SELECT 1 FROM pqdesk_meta WHERE name = 'secure_delete'"
_SET_SECURE = "INSERT OR IGNORE INTO pqdesk_meta (name, value) VALUES ('secure_delete', 1)"
_END_SECURE = "DELETE FROM pqdesk_meta WHERE name = 'secure_delete'"


def is_secure(db: apsw.Connection) -> bool:
    """Whether all that is deleted for good shall be overwritten."""
    return first_row(db, _IS_SECURE) is not None


def set_secure(db: apsw.Connection, is_on: bool) -> bool:
    """Whether that changed anything."""
    db.execute(_SET_SECURE if is_on else _END_SECURE)
    return db.changes() > 0


@contextmanager
def overwriting(db: apsw.Connection, *, always: bool = False) -> Iterator[None]:
    """While inside, what is deleted is overwritten, where the workspace is set so or it is to be `always`."""
    if not (always or is_secure(db)):
        yield
        return
    db.execute("PRAGMA secure_delete = ON").fetchall()
    try:
        yield
    finally:
        db.execute("PRAGMA secure_delete = FAST").fetchall()


def forget_log(db: apsw.Connection) -> None:
    """Write the WAL back and cut it off: it may hold what was deleted. Outside a transaction.

    While others read in it, it stays; it is overwritten when it starts anew.
    """
    with suppress(apsw.BusyError, apsw.LockedError):
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def highest_id(db: apsw.Connection) -> int:
    return int(only_value(db, _HIGHEST))


def erase(db: apsw.Connection, message_id: int, highest: int) -> None:
    """Delete one message for good. `highest`: the highest id there is."""
    for statement in _OF_MESSAGE:
        db.execute(statement, (message_id,))
    db.execute(_EMPTY if message_id == highest else _FORGET, (message_id,))
