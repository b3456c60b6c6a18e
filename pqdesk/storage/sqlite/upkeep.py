"""What keeps a file small: old final messages deleted, the trash emptied, free pages given back, in small steps."""

from __future__ import annotations

from pqdesk.messages.defaults import DEFAULT_KEEP_COMPLETED_S, DEFAULT_KEEP_TRASH_S
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.activity import ActivityPruner
from pqdesk.storage.sqlite.connection import WriteTransaction, all_rows
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
                count += self._prune_state(queue_id, state, now_us - keep_us)
        count += self._empty_trash(now_us - round(DEFAULT_KEEP_TRASH_S * 1e6))
        count += self._forget_owners(now_us - _KEEP_OWNERS_US)
        count += self._forget_keys(now_us)
        count += ActivityPruner(self._db, self._path, self._clock).prune()
        self._db.execute(f"PRAGMA incremental_vacuum({_PAGES_GIVEN_BACK})").fetchall()
        return count

    def _prune_state(self, queue_id: int, state: State, before_us: int) -> int:
        values = (queue_id, state.number, before_us, _BATCH)
        if not all_rows(self._db, _OLD, values):
            return 0
        with WriteTransaction(self._db, self._path):
            ids = [row[0] for row in all_rows(self._db, _OLD, values)]
            self._forget(ids)
            change = QueueChange(queue_id)
            change.leaves(state, len(ids))
            change.write(self._db)
        return len(ids)

    def _forget_keys(self, now_us: int) -> int:
        """Those that were to stay taken for a while, which is over."""
        if not all_rows(self._db, _OLD_KEYS, (now_us, 1)):
            return 0
        with WriteTransaction(self._db, self._path):
            rows = all_rows(self._db, _OLD_KEYS, (now_us, _BATCH))
            self._db.executemany(_FORGET_KEY, rows)
        return len(rows)

    def _empty_trash(self, before_us: int) -> int:
        if not all_rows(self._db, _OLD_TRASH, (before_us, _BATCH)):
            return 0
        with WriteTransaction(self._db, self._path):
            ids = [row[0] for row in all_rows(self._db, _OLD_TRASH, (before_us, _BATCH))]
            self._forget(ids)
        return len(ids)

    def _forget_owners(self, before_us: int) -> int:
        """Processes that ended long ago: what they did is shown without their name from then on."""
        if not all_rows(self._db, _OLD_OWNERS, (before_us,)):
            return 0
        with WriteTransaction(self._db, self._path):
            self._db.execute(_FORGET_OWNERS, (before_us,))
            return self._db.changes()

    def _forget(self, ids: list[int]) -> None:
        highest = highest_id(self._db)
        with overwriting(self._db):
            for message_id in ids:
                erase(self._db, message_id, highest)
