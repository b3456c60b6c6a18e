"""What people did: a row each, written in the transactions that do it, and per message what undoes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.json_text import load_json
from pqdesk.storage.sqlite.connection import Row, all_rows, first_row

if TYPE_CHECKING:
    from pqdesk.messages.activities import ActivityRecord, Undoable, WorkerDeed

UNDO, REDO = "undo", "redo"  # the actions of undoing, and of undoing that
_COMMAND_CHARACTERS = 2000
_LARGEST_ID = 2**63 - 1

_ADD = """
    INSERT INTO pqdesk_activity (at_us, actor, action, command, queue, done, before) VALUES (?, ?, ?, ?, ?, ?, ?)"""
_COUNT = "UPDATE pqdesk_activity SET done = done + ?2, skipped = skipped + ?3 WHERE id = ?1"
_TELL = "UPDATE pqdesk_activity SET before = ?2 WHERE id = ?1"
_TAKE_BACK = "DELETE FROM pqdesk_activity WHERE id = ?"
_ADD_UNDO = "INSERT INTO pqdesk_undo (activity_id, message_id, before) VALUES (?, ?, ?)"
_COLUMNS = """
    id, at_us, actor, action, command, queue, done, skipped, before, undone_by,
    EXISTS (SELECT 1 FROM pqdesk_undo WHERE activity_id = pqdesk_activity.id)"""
_LIST = f"SELECT {_COLUMNS} FROM pqdesk_activity WHERE id < ? ORDER BY id DESC LIMIT ?"
_LIST_ABOUT = f"""
    SELECT {_COLUMNS} FROM pqdesk_activity
     WHERE id < ?1 AND id IN (SELECT activity_id FROM pqdesk_undo INDEXED BY pqdesk_undo_message WHERE message_id = ?3)
     ORDER BY id DESC LIMIT ?2"""
# Of a person, whatever program was used: an actor begins with the user. What a worker does is not a person's doing.
_OF_USER = "done > 0 AND substr(actor, 1, length(?1) + 2) = ?1 || ', ' AND NOT instr(actor, ' worker ')"
_NEWEST_DONE = f"""
    SELECT {_COLUMNS} FROM pqdesk_activity
     WHERE undone_by IS NULL AND action <> '{UNDO}' AND {_OF_USER} ORDER BY id DESC LIMIT 1"""
_NEWEST_UNDO = f"""
    SELECT {_COLUMNS} FROM pqdesk_activity
     WHERE undone_by IS NULL AND action = '{UNDO}' AND {_OF_USER}
       AND id > coalesce((SELECT max(id) FROM pqdesk_activity
                           WHERE action NOT IN ('{UNDO}', '{REDO}') AND {_OF_USER}), 0)
     ORDER BY id DESC LIMIT 1"""
_ONE = f"SELECT {_COLUMNS} FROM pqdesk_activity WHERE id = ?"


def add_activity(
    db: apsw.Connection,
    now_us: int,
    actor: str,
    action: str,
    command: str,
    *,
    queue: str | None = None,
    done: int = 0,
    before: Mapping[str, Any] | None = None,
    why_not: str | None = None,
) -> int:
    """Write one down; its id. In a write transaction.

    Args:
        done: How many things it changed; what is done to messages is counted by `count`.
        before: What undoes it, where it is not about single messages: see undoing.py.
        why_not: Why it cannot be undone.
    """
    told = {"why_not": why_not} if why_not is not None else before
    text = None if told is None else json.dumps(told)
    db.execute(_ADD, (now_us, actor, action, command[:_COMMAND_CHARACTERS], queue, done, text))
    return db.last_insert_rowid()


def count(db: apsw.Connection, activity_id: int, done: int, skipped: int) -> None:
    db.execute(_COUNT, (activity_id, done, skipped))


def tell_before(db: apsw.Connection, activity_id: int, before: Mapping[str, Any]) -> None:
    """What undoes it, where it is not about single messages."""
    db.execute(_TELL, (activity_id, json.dumps(before)))


def take_back(db: apsw.Connection, activity_id: int) -> None:
    """It came to nothing; in the transaction that wrote it down."""
    db.execute(_TAKE_BACK, (activity_id,))


def keep_undo(db: apsw.Connection, activity_id: int, undo: Iterable[tuple[int, str]]) -> None:
    """Keep (message id, JSON text) of each message changed."""
    db.executemany(_ADD_UNDO, [(activity_id, message_id, text) for message_id, text in undo])


def read_activities(
    db: apsw.Connection, *, below: int | None, limit: int, about: int | None = None
) -> tuple[ActivityRecord, ...]:
    """Newest first; `about`: those that changed this message and have not been undone."""
    values = (_LARGEST_ID if below is None else below, limit)
    rows = all_rows(db, _LIST, values) if about is None else all_rows(db, _LIST_ABOUT, (*values, about))
    return tuple(_record(row) for row in rows)


def newest_of(db: apsw.Connection, user: str, which: Undoable) -> ActivityRecord | None:
    """The newest activity of a person that has its effect still, or the newest undo with nothing else done since."""
    row = first_row(db, _NEWEST_DONE if which == "done" else _NEWEST_UNDO, (user,))
    return None if row is None else _record(row)


def read_activity(db: apsw.Connection, activity_id: int) -> tuple[ActivityRecord, dict[str, Any], bool] | None:
    """The activity, what undoes it where that is not about single messages, and whether messages are left to undo."""
    row = first_row(db, _ONE, (activity_id,))
    return None if row is None else (_record(row), _told(row[8]) or {}, bool(row[10]))


def _told(text: str | None) -> dict[str, Any] | None:
    """What is kept with an activity; None where that is nothing that was kept here."""
    if text is None:
        return {}
    try:
        told = load_json(text)
    except (ValueError, TypeError):
        return None
    return told if isinstance(told, dict) else None


def _deeds(told: dict[str, Any]) -> tuple[WorkerDeed, ...] | None:
    try:
        return tuple((str(verb), tuple(map(str, names)), value) for verb, names, value in told["workers"]["back"])
    except (LookupError, TypeError, ValueError):
        return None


def _record(row: Row) -> ActivityRecord:
    from pqdesk.messages.activities import ActivityRecord  # every process that works comes by here, and reads none

    activity_id, at_us, actor, action, command, queue, done, skipped, before, undone_by, has_undo = row
    told = _told(before)
    if has_undo:
        why_not = None  # also of one whose undoing was stopped
    elif told is None:
        why_not = "what is kept to undo it is damaged"
    elif undone_by is not None:
        why_not = f"activity {undone_by} has undone it"
    elif "why_not" in told:
        why_not = str(told["why_not"])
    elif told:
        why_not = None
    elif not done:
        why_not = "it changed nothing"
    else:
        why_not = "what undoes it is kept for 30 days only"
    return ActivityRecord(
        id=activity_id, at=to_datetime(at_us), actor=actor, action=action, command=command, queue=queue,
        done=done, skipped=skipped, undone_by=undone_by, why_not=why_not,
        workers=None if told is None else _deeds(told),
    )  # fmt: skip
