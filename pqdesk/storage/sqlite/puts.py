"""Putting messages: any number in one transaction, all or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import apsw

from pqdesk.errors import DuplicateKey, Full
from pqdesk.messages.payloads import checksum
from pqdesk.messages.states import UNFINISHED, AttemptOutcome, State
from pqdesk.storage.contract import NewMessage
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.promotion import expire
from pqdesk.storage.sqlite.queue_rows import QueueChange, add_queue
from pqdesk.storage.sqlite.transitions import finish, place_in_line, record_attempt

# Up to here a payload lies in the message's row, above in a table of its own: measured on 100 kB, a claim is
# twice as fast with it apart; below 1 kB the second table only costs.
INLINE_BYTES = 1000

_INSERT = """
    INSERT INTO pqdesk_message (queue_id, state, line, priority, max_attempts, type_id, enqueued_us, due_us, expires_us,
                                "group", key, open_key, headers, payload_kind, checksum, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_QUEUE = "SELECT id, max_size - scheduled - ready - running - retrying, max_size FROM pqdesk_queue WHERE name = ?"
_INSERT_PAYLOAD = "INSERT OR REPLACE INTO pqdesk_payload (id, payload) VALUES (?, ?)"
_HOLDER = """
    SELECT id, state, "group", line, attempt, expires_us FROM pqdesk_message INDEXED BY pqdesk_open_key
     WHERE queue_id = ? AND open_key = ? AND open_key IS NOT NULL"""
_TYPE = "SELECT id FROM pqdesk_type WHERE name = ?"
_ADD_TYPE = "INSERT INTO pqdesk_type (name) VALUES (?)"
_ADD_MARK = "INSERT INTO pqdesk_mark (mark, message_id, put_us) VALUES (?, ?, ?) ON CONFLICT (mark) DO NOTHING"
_HAS_MARK = "SELECT 1 FROM pqdesk_mark WHERE mark = ?"


class Putting:
    """One transaction's worth of puts. Make one inside a write transaction, `add`, then `finish`.

    `change` and `queue`: what the caller changed in a queue before; what is put there is added to it.
    """

    def __init__(
        self, db: apsw.Connection, now_us: int, change: QueueChange | None = None, queue: str | None = None
    ) -> None:
        self._db = db
        self._now_us = now_us
        self._own_change, self._own_queue = change, queue
        self._queues: dict[str, QueueChange] = {}
        self._types: dict[str, int] = {}
        self._room: dict[int, tuple[int, int]] = {}  # of queues with a max_size: how many more they take, and that
        self._wanted: Counter[str] = Counter()
        self._put: dict[tuple[str, str | None], int] = {}

    def add_all(self, messages: Sequence[NewMessage]) -> list[int]:
        if len(messages) > 1:
            self._wanted.update(message.queue for message in messages)
        return [self.add(message) for message in messages]

    def add_unmarked(self, marked: Iterable[tuple[str, NewMessage]]) -> int:
        """Put those whose mark was never put, and remember the mark with them; returns how many."""
        count = 0
        for mark, message in marked:
            if not self._db.execute(_HAS_MARK, (mark,)).fetchone():
                self._db.execute(_ADD_MARK, (mark, self.add(message), self._now_us))
                count += 1
        return count

    def add(self, message: NewMessage) -> int:
        """The id of the message put, or with on_conflict="keep" of the one that has its key."""
        change = self._change(message.queue)
        if message.key is not None:
            holder = self._make_way(change, message)
            if holder is not None:
                return holder
        if change.queue_id in self._room:
            self._take_room(change, message.queue)
        due_us = message.at_us if message.at_us is not None else self._now_us + (message.delay_us or 0)
        state = State.SCHEDULED if due_us > self._now_us else State.READY
        line = place_in_line(self._db, change, message.group)
        message_id = self._insert(change.queue_id, message, state, line, max(due_us, self._now_us))
        change.enters(state)
        self._put[message.queue, message.type] = self._put.get((message.queue, message.type), 0) + 1
        if state == State.SCHEDULED:
            change.wake_at(due_us)
        elif line == 2:
            change.blocked += 1
        if message.expires_us is not None:
            change.wake_at(self._now_us + message.expires_us)
        return message_id

    def finish(self, metrics: Metrics, *, but: str | None = None) -> list[str]:
        """Write the counters, but those of the queue `but`; returns the queues that were put to, for the bells."""
        for queue, change in self._queues.items():
            if queue != but:
                change.write(self._db)
        for (queue, type_name), count in self._put.items():
            metrics.put(self._queues[queue].queue_id, type_name, self._now_us, count)
        return list(self._queues)

    def _change(self, queue: str) -> QueueChange:
        change = self._queues.get(queue)
        if change is None:
            row = first_row(self._db, _QUEUE, (queue,)) or (add_queue(self._db, queue), None, None)
            own = self._own_change if queue == self._own_queue else None
            change = self._queues[queue] = own or QueueChange(row[0])
            if row[1] is not None:
                self._room[row[0]] = (row[1], row[2])
        return change

    def _take_room(self, change: QueueChange, queue: str) -> None:
        room, size = self._room[change.queue_id]
        if sum(change.by_state[state] for state in UNFINISHED) >= room:
            text = f"queue {queue!r} has as many unfinished messages as its max_size, {size:,}; nothing was put"
            raise Full(text, queue=queue, size=size, wanted=max(self._wanted[queue], 1))

    def _make_way(self, change: QueueChange, message: NewMessage) -> int | None:
        """Apply the conflict rule; the holder's id when nothing is to be put."""
        row = first_row(self._db, _HOLDER, (change.queue_id, message.key))
        if row is None:
            return None
        holder, state, group, line, attempt, expires_us = row
        if expires_us is not None and expires_us <= self._now_us and state != State.RUNNING:
            expire(self._db, change, holder, State(state), group=group, line=line, attempt=attempt, now_us=self._now_us)
            return None
        if message.on_conflict == "keep":
            return int(holder)
        if message.on_conflict == "replace" and state != State.RUNNING:
            finish(self._db, change, holder, State(state), State.CANCELLED, group=group, line=line, now_us=self._now_us)
            record_attempt(
                self._db, holder, attempt, AttemptOutcome.CANCELLED,
                owner_id=0, started_us=0, ended_us=self._now_us, error="replaced by a newer message with its key",
            )  # fmt: skip
            return None
        is_running = " and is running" if state == State.RUNNING else ""
        raise DuplicateKey(
            f"message {holder} of queue {message.queue!r} has the key {message.key!r} and is not finished{is_running}; "
            'nothing was put (on_conflict="keep" returns its id)',
            message_id=holder,
        )

    def _insert(self, queue_id: int, message: NewMessage, state: State, line: int, due_us: int) -> int:
        kind, data = message.payload.kind, message.payload.data
        is_inline = len(data) <= INLINE_BYTES
        expires_us = None if message.expires_us is None else self._now_us + message.expires_us
        self._db.execute(
            _INSERT,
            (
                queue_id, state, line, message.priority, message.max_attempts, self._type_id(message.type),
                self._now_us, due_us, expires_us, message.group, message.key, message.key, message.headers, kind,
                checksum(kind, message.key, data), data if is_inline else None,
            ),
        )  # fmt: skip
        message_id = self._db.last_insert_rowid()
        if not is_inline:
            self._db.execute(_INSERT_PAYLOAD, (message_id, data))
        return message_id

    def _type_id(self, name: str | None) -> int | None:
        if name is None:
            return None
        found = self._types.get(name)
        if found is None:
            row = first_row(self._db, _TYPE, (name,))
            if row is None:
                self._db.execute(_ADD_TYPE, (name,))
                found = self._db.last_insert_rowid()
            else:
                found = int(row[0])
            self._types[name] = found
        return found
