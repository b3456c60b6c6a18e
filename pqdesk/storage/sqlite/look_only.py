"""The lock against slips: a workspace that is set to look only. Its words: Workspace.look_only."""

from __future__ import annotations

import apsw

from pqdesk.errors import LookOnly
from pqdesk.storage.sqlite.connection import first_row

_LOOK_ONLY = "SELECT 1 FROM pqdesk_meta WHERE name = 'look_only'"
_SET_LOOK_ONLY = "INSERT OR IGNORE INTO pqdesk_meta (name, value) VALUES ('look_only', 1)"
_END_LOOK_ONLY = "DELETE FROM pqdesk_meta WHERE name = 'look_only'"


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
