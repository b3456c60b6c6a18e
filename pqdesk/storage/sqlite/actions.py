"""What a person does to messages: retry, run now, cancel, delete to the trash, restore.

Each row is a compare-and-set on its state within a write transaction; a row in another state is skipped, never an
error. Callers go in batches, so that workers can claim in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import apsw

from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.transitions import finish, leave_line, place_in_line, record_attempt

BATCH = 1000

_ROW = """
    SELECT id, queue_id, state, line, attempt, owner_id, started_us, finished_us, due_us, expires_us, "group", key
      FROM pqdesk_message WHERE id = ?"""
_KEY_IN_USE = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_open_key
     WHERE queue_id = ? AND open_key = ? AND open_key IS NOT NULL"""
_RETRY = """
    UPDATE pqdesk_message SET state = 2, line = ?2, due_us = ?3, open_key = key, forgiven = attempt, deaths = 0,
           finished_us = 0, expires_us = CASE WHEN expires_us > ?3 THEN expires_us END
     WHERE id = ?1"""
_RUN_NOW = "UPDATE pqdesk_message SET state = 2, due_us = ?2 WHERE id = ?1"
_ASK_TO_CANCEL = "UPDATE pqdesk_message SET cancel_requested = 1 WHERE id = ?"
_TRASH = "UPDATE pqdesk_message SET state = -state, line = 0, open_key = NULL, trashed_us = ?2 WHERE id = ?1"
_RESTORE = "UPDATE pqdesk_message SET state = -state, line = ?2, open_key = ?3, trashed_us = NULL WHERE id = ?1"


@dataclass(frozen=True, slots=True)
class _Row:
    """A message as an action needs it; `state` is negative in the trash."""

    id: int
    queue_id: int
    state: int
    line: int
    attempt: int
    owner_id: int
    started_us: int
    finished_us: int
    due_us: int
    expires_us: int | None
    group: str | None
    key: str | None


class Acting:
    """One transaction's worth of one action. Make it inside a write transaction.

    With `only_queue`, a message of another queue is an error, not acted on.
    """

    def __init__(self, db: apsw.Connection, now_us: int, only_queue: int | None) -> None:
        self._db = db
        self._now_us = now_us
        self._only_queue = only_queue
        self._changes: dict[int, QueueChange] = {}

    def apply(self, action: str, ids: Iterable[int]) -> tuple[int, int, list[str]]:
        """Act on each; returns how many were done and skipped, and an error per id that does not exist."""
        move: Callable[[_Row, QueueChange], bool] = getattr(self, f"_{action}")
        done, skipped, errors = 0, 0, []
        for message_id in ids:
            values = first_row(self._db, _ROW, (message_id,))
            if values is None:
                errors.append(f"there is no message {message_id}")
                continue
            row = _Row(*values)
            if self._only_queue not in (None, row.queue_id):
                errors.append(f"message {message_id} is in another queue")
                continue
            is_done = move(row, self._changes.setdefault(row.queue_id, QueueChange(row.queue_id)))
            done, skipped = done + is_done, skipped + (not is_done)
        for change in self._changes.values():
            change.write(self._db)
        return done, skipped, errors

    def queue_ids(self) -> list[int]:
        """The queues touched, for their bells."""
        return list(self._changes)

    def _retry(self, row: _Row, change: QueueChange) -> bool:
        if row.state not in (State.RETRYING, State.FAILED, State.CANCELLED, State.COMPLETED):
            return False
        line = row.line
        if row.state != State.RETRYING:
            if self._is_key_taken(row):
                return False
            line = place_in_line(self._db, change, row.group)
        if row.state == State.COMPLETED:  # its own row told of this attempt; the next one overwrites it
            record_attempt(
                self._db, row.id, row.attempt, AttemptOutcome.COMPLETED,
                owner_id=row.owner_id, started_us=row.started_us, ended_us=row.finished_us, error=None,
            )  # fmt: skip
        self._db.execute(_RETRY, (row.id, line, self._now_us))
        change.leaves(row.state)
        self._becomes_ready(row, line, change)
        return True

    def _run_now(self, row: _Row, change: QueueChange) -> bool:
        if row.state != State.SCHEDULED:
            return False
        self._db.execute(_RUN_NOW, (row.id, self._now_us))
        change.leaves(State.SCHEDULED)
        self._becomes_ready(row, row.line, change)
        return True

    def _cancel(self, row: _Row, change: QueueChange) -> bool:
        if row.state == State.RUNNING:
            self._db.execute(_ASK_TO_CANCEL, (row.id,))
            return True
        if row.state not in (State.SCHEDULED, State.READY, State.RETRYING):
            return False
        finish(
            self._db,
            change,
            row.id,
            State(row.state),
            State.CANCELLED,
            group=row.group,
            line=row.line,
            now_us=self._now_us,
        )
        return True

    def _delete(self, row: _Row, change: QueueChange) -> bool:
        if row.state == State.RUNNING or row.state < 0:
            return False
        self._db.execute(_TRASH, (row.id, self._now_us))
        change.leaves(row.state)
        leave_line(self._db, change, State(row.state), row.group, row.line)
        return True

    def _restore(self, row: _Row, change: QueueChange) -> bool:
        if row.state >= 0:
            return False
        state = State(-row.state)
        line, open_key = 0, None
        if not state.is_final:
            if self._is_key_taken(row):
                return False
            line, open_key = place_in_line(self._db, change, row.group), row.key
        self._db.execute(_RESTORE, (row.id, line, open_key))
        change.enters(state)
        if state in (State.SCHEDULED, State.RETRYING):
            change.wake_at(row.due_us)
        if state == State.READY and line == 2:
            change.blocked += 1
        if row.expires_us is not None and not state.is_final:
            change.wake_at(row.expires_us)
        return True

    def _becomes_ready(self, row: _Row, line: int, change: QueueChange) -> None:
        change.enters(State.READY)
        if line == 2:
            change.blocked += 1
        if row.expires_us is not None and row.expires_us > self._now_us:
            change.wake_at(row.expires_us)

    def _is_key_taken(self, row: _Row) -> bool:
        return row.key is not None and self._db.execute(_KEY_IN_USE, (row.queue_id, row.key)).fetchone() is not None


ACTIONS = ("retry", "run_now", "cancel", "delete", "restore")

# Where a filter names no state, the action looks only at these; completed messages are retried only when asked for.
DEFAULT_STATES: dict[str, tuple[State, ...]] = {
    "retry": (State.RETRYING, State.FAILED, State.CANCELLED),
    "run_now": (State.SCHEDULED,),
    "cancel": (State.SCHEDULED, State.READY, State.RUNNING, State.RETRYING),
    "delete": (State.SCHEDULED, State.READY, State.RETRYING, State.COMPLETED, State.FAILED, State.CANCELLED),
    "restore": (),
}
