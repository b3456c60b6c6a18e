"""Undoing what people did: each message goes back only if nobody has touched it since. In write transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import apsw

from pqdesk.errors import Corrupt, InvalidInput
from pqdesk.messages.states import State
from pqdesk.storage.sqlite import damage, schedule_rows
from pqdesk.storage.sqlite.actions import BATCH, Tally
from pqdesk.storage.sqlite.activity import REDO, UNDO
from pqdesk.storage.sqlite.configuration import (
    put_back_configuration,
    put_back_pause,
    put_back_removed,
    put_back_returned,
)
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.editing import payload_before, replace_payload
from pqdesk.storage.sqlite.status import (
    Changes,
    MessageRow,
    MessageStatus,
    mark_of,
    parse_undo,
    read_message,
    relocate,
    set_priority,
    undo_text,
)

# What undoes an activity that is not about single messages, by the one name in its `before`: each returns what undoes
# that again, None where the thing is not as the activity left it, and raises ValueError, TypeError or LookupError for
# what no activity leaves.
_PUT_BACK: dict[str, Callable[[apsw.Connection, Any], dict[str, Any] | None]] = {
    "paused": put_back_pause,
    "configured": put_back_configuration,
    "queue_removed": put_back_removed,
    "queue_returned": put_back_returned,
    "schedule_added": schedule_rows.put_back_added,
    "schedule_removed": schedule_rows.put_back_removed,
    "schedule_switched": schedule_rows.put_back_switched,
    "workers": lambda _db, deeds: {
        "workers": {"back": deeds["again"], "again": deeds["back"]}
    },  # done by Workspace.undo
}


CHANGED_SINCE, GONE, NO_PAYLOAD = "changed since", "gone", "the old payload is not kept any more"
DAMAGED = "damaged"

_SOME = "SELECT message_id, before FROM pqdesk_undo WHERE activity_id = ? ORDER BY message_id LIMIT ?"
_IS_QUEUE = "SELECT 1 FROM pqdesk_queue WHERE id = ?"
_DROP = "DELETE FROM pqdesk_undo WHERE activity_id = ? AND message_id = ?"
_MARK = "UPDATE pqdesk_activity SET undone_by = coalesce(undone_by, ?2) WHERE id = ?1"


class Undoing:
    """One transaction's worth of undoing one activity. `apply`, then `changes.write()`."""

    def __init__(self, db: apsw.Connection, activity_id: int, by_activity_id: int, now_us: int) -> None:
        self.changes = Changes(db)
        self.tally = Tally()
        self._db, self._activity_id, self._by_id, self._now_us = db, activity_id, by_activity_id, now_us

    def apply(self, action: str) -> bool:
        """Bring a batch back; False when none was left. What was come to is not come to again."""
        rows = all_rows(self._db, _SOME, (self._activity_id, BATCH))
        for message_id, text in rows:
            try:
                reason = self._bring_back(action, message_id, *parse_undo(text))
            except Corrupt:
                reason = DAMAGED
            if reason:
                self.tally.skip(message_id, reason)
            else:
                self.tally.done += 1
        self._db.executemany(_DROP, [(self._activity_id, message_id) for message_id, _ in rows])
        self._db.execute(_MARK, (self._activity_id, self._by_id))
        return bool(rows)

    def put_back(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Undo what is not about single messages, unless it was changed since; returns what undoes that again.

        Raises InvalidInput, Corrupt.
        """
        again: dict[str, Any] = {}
        for name, value in before.items():
            if name not in _PUT_BACK:
                raise InvalidInput("this activity was written by a newer PQDesk, which can undo it")
            try:
                back = _PUT_BACK[name](self._db, value)
            except (ValueError, TypeError, LookupError) as exc:  # each looks at its value before it changes anything
                text = f"what undoes activity {self._activity_id} is damaged; nothing was changed, do it by hand"
                raise Corrupt(text) from exc
            if back is not None:
                again |= back
                self.tally.done += 1
            else:
                self.tally.reasons[CHANGED_SINCE] += 1
        return again

    def _bring_back(
        self,
        action: str,
        message_id: int,
        before: MessageStatus | None,
        marks: tuple[str, ...],
        priority: tuple[int, int] | None,
    ) -> str:
        if damage.unsound_columns(self._db, message_id):
            return DAMAGED
        row = read_message(self._db, self.changes, message_id, self._now_us)
        if row is None:
            return GONE
        if row.mark not in marks:
            return (
                State.from_number(row.status.state).word if row.status.state == State.RUNNING.number else CHANGED_SINCE
            )
        if before is None:  # it was made: to the trash with it
            return self._relocate(row, replace(row.status, state=-row.status.state, trashed_us=self._now_us))
        if action == "edit" or (action in (UNDO, REDO) and priority is None and before == row.status):
            return self._bring_payload_back(row)  # nothing else leaves a message where it stands
        if first_row(self._db, _IS_QUEUE, (before.queue_id,)) is None:
            return DAMAGED
        if priority is None:
            return self._relocate(row, before)
        if row.priority != priority[1]:
            return CHANGED_SINCE
        reason = self._relocate(row, before, (priority[1], priority[0]))
        if not reason:
            set_priority(self._db, row.id, priority[0])
        return reason

    def _relocate(self, row: MessageRow, after: MessageStatus, priority: tuple[int, int] | None = None) -> str:
        reason = relocate(self._db, self.changes, row, after)
        if not reason:
            mark = mark_of(after, row.attempt, row.payload_kind, row.checksum)
            self.tally.undo.append((row.id, undo_text(row.status, mark, priority)))
        return reason

    def _bring_payload_back(self, row: MessageRow) -> str:
        payload = payload_before(self._db, row.id, self._activity_id)
        if payload is None:
            return NO_PAYLOAD
        number = replace_payload(self._db, row, payload, self._now_us, self._by_id)
        mark = mark_of(row.status, row.attempt, payload.kind, number)
        self.tally.undo.append((row.id, undo_text(row.status, mark)))
        return ""
