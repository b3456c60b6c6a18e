"""What people switch, with what switches it back: pause, configuration, look only. In write transactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw

from pqdesk.errors import LookOnly
from pqdesk.storage.sqlite import transitions
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.queue_rows import QueueChange, add_queue, find_queue, write_configuration

_PAUSE = "UPDATE pqdesk_queue SET is_paused = ? WHERE id = ? AND is_paused <> ?"
_LOOK_ONLY = "SELECT 1 FROM pqdesk_meta WHERE name = 'look_only'"
_SET_LOOK_ONLY = "INSERT OR IGNORE INTO pqdesk_meta (name, value) VALUES ('look_only', 1)"
_END_LOOK_ONLY = "DELETE FROM pqdesk_meta WHERE name = 'look_only'"


def pause(db: apsw.Connection, queue: str, is_paused: bool) -> dict[str, Any] | None:
    """Pause or resume, and what undoes it; None when it was so already."""
    value = int(is_paused)
    db.execute(_PAUSE, (value, add_queue(db, queue), value))
    return {"paused": {"queue": queue, "is_paused": is_paused}} if db.changes() else None


def put_back_pause(db: apsw.Connection, value: Mapping[str, Any]) -> bool:
    queue_id = find_queue(db, value["queue"])
    db.execute(_PAUSE, (int(not value["is_paused"]), queue_id, int(not value["is_paused"])))
    return db.changes() > 0


def configure(db: apsw.Connection, queue: str, columns: Mapping[str, Any]) -> dict[str, Any] | None:
    """Store columns of `queue_rows.checked_configuration`, and what undoes it; None when nothing changed."""
    queue_id = add_queue(db, queue)
    before = _read(db, queue_id, columns)
    if before == dict(columns):
        return None
    _write(db, queue_id, columns)
    return {"configured": {"queue": queue, "before": before, "after": dict(columns)}}


def put_back_configuration(db: apsw.Connection, value: Mapping[str, Any]) -> bool:
    queue_id = find_queue(db, value["queue"])
    if queue_id is None or _read(db, queue_id, value["after"]) != value["after"]:
        return False
    _write(db, queue_id, value["before"])
    return True


def is_look_only(db: apsw.Connection) -> bool:
    return first_row(db, _LOOK_ONLY) is not None


def set_look_only(db: apsw.Connection, is_look_only: bool) -> bool:
    """Whether that changed anything."""
    db.execute(_SET_LOOK_ONLY if is_look_only else _END_LOOK_ONLY)
    return db.changes() > 0


def refuse_look_only(db: apsw.Connection, where: str, what: str) -> None:
    """Raise LookOnly when the workspace is set to look only; `what` was not done."""
    if is_look_only(db):
        raise LookOnly(f"{where} is set to look only, so nothing was {what}; 'pqdesk look-only off' lifts that")


def _read(db: apsw.Connection, queue_id: int, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored in the columns of these names, which are ours."""
    row = first_row(db, f"SELECT {', '.join(columns)} FROM pqdesk_queue WHERE id = ?", (queue_id,)) if columns else ()
    return dict(zip(columns, row or (), strict=True))


def _write(db: apsw.Connection, queue_id: int, columns: Mapping[str, Any]) -> None:
    write_configuration(db, queue_id, columns)
    if "group_concurrency" in columns:
        change = QueueChange(queue_id)
        transitions.widen_or_narrow(db, change)
        change.write(db)
