"""Errors by kind: a row per queue and fingerprint, written in the transaction that ends the attempt.

A row goes when no message names it any more and it is old; SQLite uses its number again only after that.
"""

from __future__ import annotations

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.fingerprints import fingerprint
from pqdesk.messages.looking import ErrorRecord
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.sqlite.connection import all_rows, first_row

_MOST_LISTED = 1000
_LOOKED_AT = 1000
_FORGOTTEN_AFTER_US = 30 * 86_400_000_000

_NOTE = """
    INSERT INTO pqdesk_error (queue_id, fingerprint, type, message, first_us, last_us, count)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1)
    ON CONFLICT (queue_id, fingerprint) DO UPDATE SET last_us = max(last_us, excluded.last_us), count = count + 1
    RETURNING id"""
_NAME = "UPDATE pqdesk_message SET error_id = ?2 WHERE id = ?1 AND error_id IS NOT ?2"
_LIST = """
    SELECT e.id, q.name, e.type, e.message, e.first_us, e.last_us, e.count,
           (SELECT max(m.id) FROM pqdesk_message m INDEXED BY pqdesk_error_of
             WHERE m.error_id = e.id AND m.error_id IS NOT NULL)
      FROM pqdesk_error e JOIN pqdesk_queue q ON q.id = e.queue_id
     WHERE ?1 IS NULL OR q.name = ?1 ORDER BY e.last_us DESC, e.id DESC LIMIT ?2"""
_SOME = "SELECT id, last_us FROM pqdesk_error WHERE id > ? ORDER BY id LIMIT ?"
_IS_NAMED = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_error_of WHERE error_id = ? AND error_id IS NOT NULL LIMIT 1"""
_FORGET = "DELETE FROM pqdesk_error WHERE id = ?"


def note_error(
    db: apsw.Connection, queue_id: int, message_id: int, outcome: AttemptOutcome, text: str | None, now_us: int
) -> None:
    """Count the error of an attempt that failed, and let its message name it. In a write transaction."""
    otherwise = "" if outcome in (AttemptOutcome.NACKED, AttemptOutcome.FAILED) else outcome.word
    kind = fingerprint(text or "", otherwise)
    row = db.execute(_NOTE, (queue_id, kind.number, kind.type, kind.message, now_us)).fetchall()[0]
    db.execute(_NAME, (message_id, row[0]))


def read_errors(db: apsw.Connection, queue: str | None) -> tuple[ErrorRecord, ...]:
    """See `Looking.errors`."""
    return tuple(
        ErrorRecord(
            id=error_id, queue=name, type=type_name, message=message, first_at=to_datetime(first_us),
            last_at=to_datetime(last_us), count=count, example_id=example_id,
        )
        for error_id, name, type_name, message, first_us, last_us, count, example_id in all_rows(
            db, _LIST, (queue, _MOST_LISTED)
        )
    )  # fmt: skip


def old_errors(db: apsw.Connection, now_us: int, after_id: int) -> tuple[list[int], int]:
    """Among the next kinds after `after_id`, those a month old that no message has any more; where to go on."""
    some = all_rows(db, _SOME, (after_id, _LOOKED_AT))
    old = [one for one, last_us in some if last_us < now_us - _FORGOTTEN_AFTER_US and not _is_named(db, one)]
    return old, some[-1][0] if len(some) == _LOOKED_AT else 0


def forget_old_errors(db: apsw.Connection, ids: list[int]) -> None:
    """Delete those of `old_errors` that still are. In a write transaction."""
    for error_id in ids:
        if not _is_named(db, error_id):
            db.execute(_FORGET, (error_id,))


def _is_named(db: apsw.Connection, error_id: int) -> bool:
    return first_row(db, _IS_NAMED, (error_id,)) is not None
