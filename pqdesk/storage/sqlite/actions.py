"""What a person does to messages: retry, run now, change, cancel, delete, restore, move, edit, duplicate, erase.

Each message is compared and set within a write transaction; one whose state does not allow the action is skipped,
never an error. Callers go in batches, so that workers can claim in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import apsw

from pqdesk.messages.payloads import checksum
from pqdesk.messages.states import TRANSITIONS, UNFINISHED, AttemptOutcome, State
from pqdesk.storage.operating import Order
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.editing import copy_message, read_payload, replace_payload
from pqdesk.storage.sqlite.erasing import erase, highest_id
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.queue_rows import add_queue
from pqdesk.storage.sqlite.status import (
    Changes,
    MessageRow,
    MessageStatus,
    mark_of,
    read_message,
    relocate,
    set_priority,
    undo_text,
)
from pqdesk.storage.sqlite.transitions import leave_line, place_in_line, record_attempt
from pqdesk.storage.values import EncodedPayload

BATCH = 1000
BATCH_BYTES = 16 * 1024 * 1024  # of payloads written: a batch of huge ones ends sooner
_ASK_TO_CANCEL = "UPDATE pqdesk_message SET cancel_requested = 1 WHERE id = ?"
_ROOM = "SELECT max_size - scheduled - ready - running - retrying FROM pqdesk_queue WHERE id = ?"
_TYPE = "SELECT name FROM pqdesk_type WHERE id = (SELECT type_id FROM pqdesk_message WHERE id = ?)"
IN_TRASH, THERE_ALREADY, SAME_PAYLOAD, QUEUE_FULL = "in the trash", "there already", "same payload", "queue full"
NOT_IN_TRASH, SO_ALREADY = "not in the trash", "so already"

_STATES = frozenset(state.number for state in State)
_RUNNING = State.RUNNING.number
_WAITING = frozenset(one.number for one in (State.SCHEDULED, State.READY, State.RETRYING))
_RETRIED = frozenset(one.number for one in (State.RETRYING, State.FAILED, State.CANCELLED, State.COMPLETED))
_ALL_BUT_RUNNING = tuple(state for state in State if state != State.RUNNING)

# Where a filter names no state, the action looks only at these; completed messages are retried only when asked for.
DEFAULT_STATES: dict[str, tuple[State, ...]] = {
    "retry": (State.RETRYING, State.FAILED, State.CANCELLED),
    "run_now": (State.SCHEDULED,),
    "change": (State.SCHEDULED, State.READY, State.RETRYING),
    "cancel": UNFINISHED,
    "delete": _ALL_BUT_RUNNING,
    "restore": (),
    "move": _ALL_BUT_RUNNING,
    "edit": _ALL_BUT_RUNNING,
    "duplicate": (),
    "purge": _ALL_BUT_RUNNING,
    "erase": (),
}
OF_TRASH = ("restore", "erase")  # these are about what is there


@dataclass(slots=True)
class Tally:
    """What became of the messages that were acted on, and what undoes it: (message id, JSON text)."""

    done: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    skipped_ids: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    new_ids: list[int] = field(default_factory=list)
    undo: list[tuple[int, str]] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        return self.reasons.total()

    def skip(self, message_id: int, reason: str) -> None:
        self.reasons[reason] += 1
        self.skipped_ids.append(message_id)


class Acting:
    """One transaction's worth of one action. Make it inside a write transaction, `apply`, then `changes.write()`.

    Args:
        only_queue: A message of another queue is an error, not acted on.
        activity_id: What the versions of an edit name; None for a dry run.
        order: What is to be done, and how.
    """

    def __init__(
        self,
        db: apsw.Connection,
        now_us: int,
        metrics: Metrics,
        *,
        only_queue: int | None,
        activity_id: int | None,
        order: Order,
    ) -> None:
        self.changes = Changes(db)
        self.tally = Tally()
        self._db, self._now_us, self._metrics = db, now_us, metrics
        self._only_queue, self._activity_id = only_queue, activity_id
        self._order, self._to, self._payload, self._seen = order, order.to, order.payload, order.seen
        self._to_id: int | None = None
        self._highest = 0
        self._written_bytes = 0

    def apply(self, action: str, ids: Sequence[int]) -> int:
        """Act on these; returns how many of them were come to: fewer than all when much was written."""
        act: Callable[[MessageRow], str] = getattr(self, f"_{action}")
        for count, message_id in enumerate(ids):
            if self._written_bytes > BATCH_BYTES:
                return count
            try:
                row = self._read(message_id)
                is_as_seen = self._seen is None or abs(row.status.state) == self._seen[message_id].number
                reason = act(row) if is_as_seen else _name(row.status)
            except _CannotAct as exc:
                self.tally.errors.append(str(exc))
                continue
            if reason:
                self.tally.skip(message_id, reason)
            else:
                self.tally.done += 1
        return len(ids)

    def _read(self, message_id: int) -> MessageRow:
        row = read_message(self._db, self.changes, message_id, self._now_us)
        if row is None:
            raise _CannotAct(f"there is no message {message_id}")
        if self._only_queue not in (None, row.status.queue_id):
            raise _CannotAct(f"message {message_id} is in another queue")
        if abs(row.status.state) not in _STATES:
            raise _CannotAct(f"message {message_id} is damaged: its state is none there is")
        return row

    def _relocate(self, row: MessageRow, after: MessageStatus, priority: int | None = None) -> str:
        """Bring it there, and note what undoes that."""
        assert _is_allowed(row.status, after), (row.status, after)
        reason = relocate(self._db, self.changes, row, after)
        if not reason:
            changed = None if priority in (None, row.priority) else (row.priority, priority)
            if changed is not None:
                set_priority(self._db, row.id, changed[1])
            mark = mark_of(after, row.attempt, row.payload_kind, row.checksum)
            self._note_undo(row.id, row.status, mark, changed)
        return reason

    def _note_undo(
        self, message_id: int, before: MessageStatus | None, mark: str, priority: tuple[int, int] | None = None
    ) -> None:
        self.tally.undo.append((message_id, undo_text(before, mark, priority)))

    # --- the actions: each returns why not, empty when done -------------------------------------------

    def _retry(self, row: MessageRow) -> str:
        now_us, before = self._now_us, row.status
        if before.state not in _RETRIED:
            return _name(before)
        expires_us = before.expires_us if before.expires_us is not None and before.expires_us > now_us else None
        after = replace(
            before, state=State.READY.number, due_us=now_us, forgiven=row.attempt, deaths=0, finished_us=0,
            expires_us=expires_us,
        )  # fmt: skip
        reason = self._relocate(row, after)
        if (
            not reason and before.state == State.COMPLETED.number
        ):  # its own row told of this attempt; the next overwrites it
            record_attempt(
                self._db, row.id, row.attempt, AttemptOutcome.COMPLETED,
                owner_id=row.owner_id, started_us=row.started_us, ended_us=before.finished_us, error=None,
            )  # fmt: skip
        return reason

    def _run_now(self, row: MessageRow) -> str:
        if row.status.state != State.SCHEDULED.number:
            return _name(row.status)
        return self._relocate(row, replace(row.status, state=State.READY.number, due_us=self._now_us))

    def _change(self, row: MessageRow) -> str:
        before, order = row.status, self._order
        if before.state not in _WAITING:
            return _name(before)
        after, priority = before, row.priority if order.priority is None else order.priority
        due_us = order.at_us if order.delay_us is None else self._now_us + order.delay_us
        if due_us is not None and due_us > self._now_us:
            later = State.RETRYING if before.state == State.RETRYING.number else State.SCHEDULED
            after = replace(before, state=later.number, due_us=due_us)
        elif due_us is not None and before.state != State.READY.number:
            after = replace(before, state=State.READY.number, due_us=self._now_us)
        if after == before and priority == row.priority:
            return SO_ALREADY
        return self._relocate(row, after, priority)

    def _cancel(self, row: MessageRow) -> str:
        if row.status.state == _RUNNING:
            self._db.execute(_ASK_TO_CANCEL, (row.id,))  # not undone: its handler may have seen it
            return ""
        if not row.status.is_open:
            return _name(row.status)
        return self._relocate(row, replace(row.status, state=State.CANCELLED.number, finished_us=self._now_us))

    def _delete(self, row: MessageRow) -> str:
        if row.status.state == _RUNNING or row.status.is_trashed:
            return _name(row.status)
        return self._relocate(row, replace(row.status, state=-row.status.state, trashed_us=self._now_us))

    def _restore(self, row: MessageRow) -> str:
        if not row.status.is_trashed:
            return NOT_IN_TRASH
        return self._relocate(row, replace(row.status, state=-row.status.state, trashed_us=None))

    def _move(self, row: MessageRow) -> str:
        if row.status.state == _RUNNING or row.status.is_trashed:
            return _name(row.status)
        if self._to_id is None:
            assert self._to is not None
            self._to_id = add_queue(self._db, self._to)
        if self._to_id == row.status.queue_id:
            return THERE_ALREADY
        return self._relocate(row, replace(row.status, queue_id=self._to_id))

    def _edit(self, row: MessageRow) -> str:
        payload = self._payload
        assert payload is not None
        if row.status.state == _RUNNING or row.status.is_trashed:
            return _name(row.status)
        is_alike = row.payload_kind == payload.kind and row.checksum == checksum(payload.kind, row.key, payload.data)
        if is_alike and read_payload(self._db, row.id) == payload.data:
            return SAME_PAYLOAD
        number = replace_payload(self._db, row, payload, self._now_us, self._activity_id)
        self._written_bytes += len(payload.data)
        self._note_undo(row.id, row.status, mark_of(row.status, row.attempt, payload.kind, number))
        return ""

    def _duplicate(self, row: MessageRow) -> str:
        payload = self._payload or self._own_payload(row)
        queue_id = row.status.queue_id
        change = self.changes.of(queue_id)
        room = first_row(self._db, _ROOM, (queue_id,))
        if (
            room is not None
            and room[0] is not None
            and room[0] <= sum(change.by_state[one.number] for one in UNFINISHED)
        ):
            return QUEUE_FULL
        line = place_in_line(self._db, change, row.group)
        copy = copy_message(self._db, row, payload, line, self._now_us)
        change.enters(State.READY)
        change.blocked += line == 2
        type_row = first_row(self._db, _TYPE, (row.id,))
        self._metrics.put(queue_id, None if type_row is None else type_row[0], self._now_us)
        self._written_bytes += len(payload.data)
        self.tally.new_ids.append(copy.id)
        status = MessageStatus(queue_id, State.READY.number, self._now_us, 0, 0, 0, None, None)
        self._note_undo(copy.id, None, mark_of(status, 0, payload.kind, copy.checksum))
        return ""

    def _own_payload(self, row: MessageRow) -> EncodedPayload:
        data = read_payload(self._db, row.id)
        if checksum(row.payload_kind, row.key, data) != row.checksum:
            raise _CannotAct(f"message {row.id} is damaged, so it is not copied; restore it from a backup")
        return EncodedPayload(row.payload_kind, data)

    def _erase(self, row: MessageRow) -> str:
        """Out of the trash, for good."""
        if not row.status.is_trashed:
            return NOT_IN_TRASH
        return self._erase_wherever(row)

    def _erase_wherever(self, row: MessageRow) -> str:
        """For good, without a stay in the trash."""
        before = row.status
        if before.state == _RUNNING:
            return _name(before)
        self._highest = self._highest or highest_id(self._db)
        erase(self._db, row.id, self._highest)
        if not before.is_trashed:
            change = self.changes.of(before.queue_id)
            change.leaves(State.from_number(before.state))
            if before.is_open:
                leave_line(self._db, change, State.from_number(before.state), row.group, row.line, row.key)
        return ""


def _is_allowed(before: MessageStatus, after: MessageStatus) -> bool:
    """Whether the table of transitions has it; the trash is beside it."""
    if before.is_trashed or after.is_trashed or before.state == after.state:
        return True
    return State.from_number(after.state) in TRANSITIONS[State.from_number(before.state)]


def _name(status: MessageStatus) -> str:
    """Why a message of this state is left alone, in a word or two."""
    return IN_TRASH if status.is_trashed else State.from_number(status.state).word


class _CannotAct(Exception):
    """It is no message to act on: an error, and the others go on."""
