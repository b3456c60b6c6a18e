"""Where a message stands, and the one way in which a person moves it: counters, keys and groups go along.

Workers move messages in claims.py and settlements.py; what is due by now is promoted here first, so that people see
and move it as ready. All inside a write transaction.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, replace

import apsw

from pqdesk.errors import Corrupt
from pqdesk.messages.checks import PRIORITY_LIMIT, check_int
from pqdesk.messages.json_text import load_json
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.transitions import AFTER_KEY, leave_line, place_in_line

_ROW = """
    SELECT id, line, priority, attempt, owner_id, started_us, "group", key, payload_kind, checksum,
           queue_id, state, due_us, forgiven, deaths, finished_us, expires_us, trashed_us
      FROM pqdesk_message WHERE id = ? AND state IS NOT 0"""
_OWN_COLUMNS = 10  # of the row; the rest is its status
_ALWAYS_SET = 6  # the first columns of a status are never NULL
_PROMOTE = "UPDATE pqdesk_message SET state = 2 WHERE id = ?"
_SET_PRIORITY = "UPDATE pqdesk_message SET priority = ?2 WHERE id = ?1"
_KEY_IN_USE = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_open_key
     WHERE queue_id = ? AND open_key = ? AND open_key IS NOT NULL"""
_SET = """
    UPDATE pqdesk_message SET state = ?2, due_us = ?3, forgiven = ?4, deaths = ?5, finished_us = ?6, expires_us = ?7,
           trashed_us = ?8, line = ?9, open_key = iif(?10, key, NULL), receipt = 0, cancel_requested = 0
     WHERE id = ?1"""
# Apart, since naming queue_id means every index of the row is written anew. The old open_key must not meet a
# message of the new queue before _SET has judged it.
_TO_QUEUE = "UPDATE pqdesk_message SET queue_id = ?2, line = 0, open_key = NULL WHERE id = ?1"

KEY_IN_USE = "key in use"
_READY = State.READY.number
_STILL = frozenset({state.number for state in State if state != State.RUNNING})
_DUE_LATER = (State.SCHEDULED.number, State.RETRYING.number)


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What people's actions change of a message; `state` is negative in the trash."""

    queue_id: int
    state: int
    due_us: int
    forgiven: int
    deaths: int
    finished_us: int
    expires_us: int | None
    trashed_us: int | None

    @property
    def is_open(self) -> bool:
        """Whether it is unfinished, and not in the trash."""
        return 0 < self.state < State.COMPLETED.number

    @property
    def is_trashed(self) -> bool:
        return self.state < 0


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as actions need it."""

    id: int
    line: int
    priority: int
    attempt: int
    owner_id: int
    started_us: int
    group: str | None
    key: str | None
    payload_kind: int
    checksum: int
    status: MessageStatus

    @property
    def mark(self) -> str:
        """What is the same as long as nobody, worker or person, has touched it: JSON text."""
        return mark_of(self.status, self.attempt, self.payload_kind, self.checksum)


class Changes:
    """The net changes of the queues that one transaction touches; `own` is one that its caller writes."""

    def __init__(self, db: apsw.Connection, own: QueueChange | None = None) -> None:
        self._db = db
        self._by_queue: dict[int, QueueChange] = {} if own is None else {own.queue_id: own}

    def of(self, queue_id: int) -> QueueChange:
        return self._by_queue.setdefault(queue_id, QueueChange(queue_id))

    def write(self) -> None:
        for change in self._by_queue.values():
            change.write(self._db)

    @property
    def queue_ids(self) -> list[int]:
        return list(self._by_queue)


def read_message(db: apsw.Connection, changes: Changes, message_id: int, now_us: int) -> MessageRow | None:
    """The message, promoted if it is due by now; None when there is none."""
    values = first_row(db, _ROW, (message_id,))
    if values is None:
        return None
    row = MessageRow(*(*values[:_OWN_COLUMNS], MessageStatus(*values[_OWN_COLUMNS:])))
    if row.status.state in _DUE_LATER and row.status.due_us <= now_us:
        return _promoted(db, changes, row)
    return row


def mark_of(status: MessageStatus, attempt: int, payload_kind: int, checksum: int) -> str:
    return json.dumps([attempt, payload_kind, checksum, *astuple(status)])


def undo_text(before: MessageStatus | None, mark: str, priority: tuple[int, int] | None = None) -> str:
    """What is kept to undo an action on one message: where it stood (None: it was not there), its mark afterwards.

    `priority`: before and after, where that was changed.
    """
    kept = "" if priority is None else f', "priority": {json.dumps(priority)}'
    return f'{{"before": {json.dumps(None if before is None else astuple(before))}, "after": {mark}{kept}}}'


def parse_undo(text: str) -> tuple[MessageStatus | None, tuple[str, ...], tuple[int, int] | None]:
    """What `undo_text` was given; the marks are those of a message that is as it was left, or was promoted since.

    Raises Corrupt: no action leaves what the text says.
    """
    try:
        values = load_json(text)
        before = None if values["before"] is None else _status(values["before"])
        attempt, kind, number, *columns = values["after"]
        left = _status(columns)
        priority = None if values.get("priority") is None else _priorities(*values["priority"])
    except (ValueError, TypeError, LookupError, AttributeError) as exc:
        raise Corrupt("what is kept to undo this is damaged; the message was left as it is") from exc
    ready = replace(left, state=_READY)
    marks = (left, ready) if left.state in _DUE_LATER else (left,)
    return before, tuple(mark_of(one, attempt, kind, number) for one in marks), priority


def _priorities(before: int, after: int) -> tuple[int, int]:
    for one in (before, after):
        check_int(one, "priority", least=-PRIORITY_LIMIT, most=PRIORITY_LIMIT)
    return before, after


def set_priority(db: apsw.Connection, message_id: int, priority: int) -> None:
    db.execute(_SET_PRIORITY, (message_id, priority))


def _status(columns: list[object]) -> MessageStatus:
    """Where an action may have found or left a message. Raises ValueError, TypeError."""
    status = MessageStatus(*columns)  # type: ignore[arg-type]  # what it is given is judged here
    has_time = (status.trashed_us is not None) == (status.state < 0)
    if not all(type(one) is int for one in columns[:_ALWAYS_SET]) or not has_time or abs(status.state) not in _STILL:
        raise ValueError(columns)
    if not all(one is None or type(one) is int for one in columns):
        raise ValueError(columns)
    return status


def relocate(db: apsw.Connection, changes: Changes, row: MessageRow, after: MessageStatus) -> str:
    """Bring a message that is not running to `after`, which is not running either. Returns why not; empty when done."""
    before = row.status
    is_moving = before.queue_id != after.queue_id
    is_joining = after.is_open and (is_moving or not before.is_open)
    is_leaving = before.is_open and (is_moving or not after.is_open)
    out_of, into = changes.of(before.queue_id), changes.of(after.queue_id)
    if is_joining and row.key is not None and _is_key_taken(db, after.queue_id, row.key):
        return KEY_IN_USE
    if is_moving:
        db.execute(_TO_QUEUE, (row.id, after.queue_id))
    line = (place_in_line(db, into, row.group, row.id) if is_joining else row.line) if after.is_open else 0
    values = astuple(after)[1:]
    db.execute(_SET, (row.id, *values, line, after.is_open and line != AFTER_KEY))
    if not before.is_trashed:
        out_of.leaves(State.from_number(before.state))
    if not after.is_trashed:
        into.enters(State.from_number(after.state))
    if is_leaving:
        leave_line(db, out_of, State.from_number(before.state), row.group, row.line, row.key)
    elif before.state == _READY and row.line >= 2:
        out_of.blocked -= 1
    if after.state == _READY and line >= 2:
        into.blocked += 1
    _tell_when(into, after)
    return ""


def _tell_when(change: QueueChange, after: MessageStatus) -> None:
    """Whoever waits has to look when it is due, and when it expires."""
    if after.state in _DUE_LATER:
        change.wake_at(after.due_us)
    if after.is_open and after.expires_us is not None:
        change.wake_at(after.expires_us)


def _promoted(db: apsw.Connection, changes: Changes, row: MessageRow) -> MessageRow:
    db.execute(_PROMOTE, (row.id,))
    change = changes.of(row.status.queue_id)
    change.leaves(State.from_number(row.status.state))
    change.enters(State.READY)
    if row.line >= 2:
        change.blocked += 1
    return replace(row, status=replace(row.status, state=_READY))


def _is_key_taken(db: apsw.Connection, queue_id: int, key: str) -> bool:
    return first_row(db, _KEY_IN_USE, (queue_id, key)) is not None
