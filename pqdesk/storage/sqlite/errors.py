"""Errors by kind: a row per queue and fingerprint, written in the transaction that ends the attempt.

A row goes when no message names it any more and it is old; SQLite uses its number again only after that.
"""

from __future__ import annotations

import apsw

from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.sqlite.connection import all_rows, first_row

_LOOKED_AT = 1000
_FORGOTTEN_AFTER_US = 30 * 86_400_000_000

_NOTE = """
    INSERT INTO pqdesk_error (queue_id, fingerprint, type, message, first_us, last_us, count)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1)
    ON CONFLICT (queue_id, fingerprint) DO UPDATE SET last_us = max(last_us, excluded.last_us), count = count + 1
    RETURNING id"""
_NAME = "UPDATE pqdesk_message SET error_id = ?2 WHERE id = ?1 AND error_id IS NOT ?2"
_SOME = "SELECT id, last_us FROM pqdesk_error WHERE id > ? ORDER BY id LIMIT ?"
_IS_NAMED = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_error_of WHERE error_id = ? AND error_id IS NOT NULL LIMIT 1"""
_FORGET = "DELETE FROM pqdesk_error WHERE id = ?"


def note_error(
    db: apsw.Connection, queue_id: int, message_id: int, outcome: AttemptOutcome, text: str | None, now_us: int
) -> None:
    """Count the error of an attempt that failed, and let its message name it. In a write transaction."""
    from pqdesk.messages.fingerprints import fingerprint  # its patterns take long to make; chores.py loads them, too

    otherwise = "" if outcome in (AttemptOutcome.NACKED, AttemptOutcome.FAILED) else outcome.word
    kind = fingerprint(text or "", otherwise)
    row = db.execute(_NOTE, (queue_id, kind.number, kind.type, kind.message, now_us)).fetchall()[0]
    db.execute(_NAME, (message_id, row[0]))


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
