"""What keeps a file small: old final messages deleted, the trash emptied, free pages given back, in small steps."""

from __future__ import annotations

from collections.abc import Callable

from pqdesk.messages.defaults import DEFAULT_KEEP_COMPLETED_S, DEFAULT_KEEP_TRASH_S
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.connection import Row, WriteTransaction, all_rows
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.erasing import erase, highest_id, overwriting
from pqdesk.storage.sqlite.queue_rows import QueueChange

_BATCH = 500
_PAGES_GIVEN_BACK = 200
_KEEP_FOR_EVER_US = 1 << 62

_KEEP_OWNERS_US = 400 * 86_400 * 1_000_000
# The oldest are the first by id; those of living processes among them stay.
_FIRST_OWNERS = "id <= (SELECT min(id) + 500 FROM pqdesk_owner) AND ended_us < ?"
_OLD_OWNERS = f"SELECT 1 FROM pqdesk_owner WHERE {_FIRST_OWNERS} LIMIT 1"
_FORGET_OWNERS = f"DELETE FROM pqdesk_owner WHERE {_FIRST_OWNERS}"
_OLD_KEYS = "SELECT queue_id, key FROM pqdesk_unique INDEXED BY pqdesk_unique_until WHERE until_us <= ? LIMIT ?"
_FORGET_KEY = "DELETE FROM pqdesk_unique WHERE queue_id = ? AND key = ?"
_KEEP_UNDO_US, _KEEP_ACTIVITY_US = 30 * 86_400_000_000, 400 * 86_400_000_000
_OLD_UNDO = """
    SELECT activity_id, message_id FROM pqdesk_undo
     WHERE activity_id = (SELECT id FROM pqdesk_activity
                           WHERE id = (SELECT min(activity_id) FROM pqdesk_undo) AND at_us < ?)
     ORDER BY message_id LIMIT ?"""
_FORGET_UNDO = "DELETE FROM pqdesk_undo WHERE activity_id = ? AND message_id = ?"
_OLD_ACTIVITY = """
    SELECT id FROM (SELECT id, at_us FROM pqdesk_activity ORDER BY id LIMIT ?2)
     WHERE at_us < ?1 AND id < (SELECT max(id) FROM pqdesk_activity)"""
_FORGET_ACTIVITY = "DELETE FROM pqdesk_activity WHERE id = ?"
_RETENTION = "SELECT id, keep_completed_us, keep_failed_us FROM pqdesk_queue"
# The highest id stays, so that no id is ever used twice.
_OLD = """
    SELECT id FROM pqdesk_message INDEXED BY pqdesk_final
     WHERE state >= 5 AND queue_id = ? AND state = ? AND finished_us < ?
       AND id < (SELECT max(id) FROM pqdesk_message) LIMIT ?"""
_OLD_TRASH = """
    SELECT id FROM pqdesk_message INDEXED BY pqdesk_trash
     WHERE trashed_us IS NOT NULL AND trashed_us < ? AND id < (SELECT max(id) FROM pqdesk_message) LIMIT ?"""


class Pruner:
    """Deletes what is past its retention. Whoever calls it holds the connection's lock."""

    def __init__(self, engine: Engine) -> None:
        self._db, self._path, self._clock = engine.db, engine.path, engine.clock

    def prune(self) -> int:
        """Delete one batch of each kind and give back free pages; returns how many rows went."""
        now_us = self._clock.wall_us()
        count = 0
        for queue_id, keep_completed_us, keep_failed_us in all_rows(self._db, _RETENTION):
            completed_us = round(DEFAULT_KEEP_COMPLETED_S * 1e6) if keep_completed_us is None else keep_completed_us
            failed_us = _KEEP_FOR_EVER_US if keep_failed_us is None else keep_failed_us
            for state, keep_us in (
                (State.COMPLETED, completed_us),
                (State.CANCELLED, completed_us),
                (State.FAILED, failed_us),
            ):
                count += self._forget_final(queue_id, state, now_us - keep_us)
        count += self._forget(_OLD_TRASH, now_us - round(DEFAULT_KEEP_TRASH_S * 1e6), forget=self._erase)
        count += self._forget_owners(now_us - _KEEP_OWNERS_US)
        count += self._forget(_OLD_KEYS, now_us, forget=_FORGET_KEY)
        count += self._forget(_OLD_UNDO, now_us - _KEEP_UNDO_US, forget=_FORGET_UNDO)
        count += self._forget(_OLD_ACTIVITY, now_us - _KEEP_ACTIVITY_US, forget=_FORGET_ACTIVITY)
        self._db.execute(f"PRAGMA incremental_vacuum({_PAGES_GIVEN_BACK})").fetchall()
        return count

    def _forget_final(self, queue_id: int, state: State, before_us: int) -> int:
        def forget(rows: list[Row]) -> None:
            self._erase(rows)
            change = QueueChange(queue_id)
            change.leaves(state, len(rows))
            change.write(self._db)

        return self._forget(_OLD, queue_id, state.number, before_us, forget=forget)

    def _forget_owners(self, before_us: int) -> int:
        """Processes that ended long ago: what they did is shown without their name from then on."""
        if not all_rows(self._db, _OLD_OWNERS, (before_us,)):
            return 0
        with WriteTransaction(self._db, self._path):
            self._db.execute(_FORGET_OWNERS, (before_us,))
            return self._db.changes()

    def _forget(self, sql: str, *values: int, forget: str | Callable[[list[Row]], None]) -> int:
        """Forget a batch of the rows that `sql`, whose last value is a limit, finds; returns how many."""
        if not all_rows(self._db, sql, (*values, 1)):
            return 0
        with WriteTransaction(self._db, self._path):
            rows = all_rows(self._db, sql, (*values, _BATCH))
            if isinstance(forget, str):
                self._db.executemany(forget, rows)
            else:
                forget(rows)
        return len(rows)

    def _erase(self, rows: list[Row]) -> None:
        highest = highest_id(self._db)
        with overwriting(self._db):
            for (message_id,) in rows:
                erase(self._db, message_id, highest)
