"""Putting messages: any number in one transaction, all or none."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from zlib import crc32

import apsw

from pqdesk.errors import DuplicateKey, Full, LookOnly
from pqdesk.messages.durations import format_duration
from pqdesk.messages.payloads import KEYLESS, checksum
from pqdesk.messages.states import UNFINISHED, AttemptOutcome, State
from pqdesk.storage.sqlite.clock_steps import AFTER_A_TIME
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.promotion import expire
from pqdesk.storage.sqlite.queue_rows import QueueChange, add_queue
from pqdesk.storage.sqlite.transitions import AFTER_KEY, finish, place_in_line, record_attempt
from pqdesk.storage.values import Alike, NewMessage

# Up to here a payload lies in the message's row, above in a table of its own: measured on 100 kB, a claim is
# twice as fast with it apart; below 1 kB the second table only costs.
INLINE_BYTES = 1000

_INSERT = """
    INSERT INTO pqdesk_message (queue_id, state, line, priority, max_attempts, type_id, enqueued_us, due_us, expires_us,
                                "group", key, open_key, headers, payload_kind, checksum, payload,
                                lease_ends_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_QUEUE = """
    SELECT id, max_size - scheduled - ready - running - retrying, max_size,
           EXISTS (SELECT 1 FROM pqdesk_meta WHERE name = 'look_only')
      FROM pqdesk_queue WHERE name = ?"""
# The same with nothing but what a message has that is ready at once: half of the values to bind.
_INSERT_PLAIN = """
    INSERT INTO pqdesk_message (queue_id, state, priority, max_attempts, type_id, enqueued_us, due_us, headers,
                                payload_kind, checksum, payload)
    VALUES (?1, 2, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)"""
# Many that differ in their payloads only, half a thousand in one statement: SQLite opens twelve b-trees for each
# statement that inserts, which takes longer than the row itself; and no row needs Python's lock. One integer tells of
# each where its payload begins in ?8, its length, its kind and its checksum (sqlite.org/carray.html has one column).
_INSERT_ALIKE = """
    INSERT INTO pqdesk_message (queue_id, state, priority, max_attempts, type_id, enqueued_us, due_us, headers,
                                payload_kind, checksum, payload)
    SELECT ?1, 2, ?2, ?3, ?4, ?5, ?5, ?6, value >> 32 & 3, value & 4294967295,
           substr(?8, (value >> 44) + 1, value >> 34 & 1023)
      FROM carray(?7)"""
_PACKED = 500  # with 19 bits for where the last payload begins
_INSERT_PAYLOAD = "INSERT OR REPLACE INTO pqdesk_payload (id, payload) VALUES (?, ?)"
# Who has the key: an unfinished message; else, as state 0 with what is left of the time, who had it with unique_for.
_HOLDER = """
    SELECT id, state, "group", line, attempt, expires_us FROM pqdesk_message INDEXED BY pqdesk_open_key
     WHERE queue_id = ?1 AND open_key = ?2 AND open_key IS NOT NULL
    UNION ALL
    SELECT message_id, 0, NULL, 0, 0, until_us - ?3 FROM pqdesk_unique
     WHERE queue_id = ?1 AND key = ?2 AND until_us > ?3
    LIMIT 1"""
_FOLLOWER = """
    SELECT id FROM pqdesk_message INDEXED BY pqdesk_after WHERE queue_id = ? AND key = ? AND line = 3"""
_AFTER = 0  # no message has that id
_TAKE = "INSERT OR REPLACE INTO pqdesk_unique (queue_id, key, until_us, message_id) VALUES (?, ?, ?, ?)"
_TYPE = "SELECT id FROM pqdesk_type WHERE name = ?"
_ADD_TYPE = "INSERT INTO pqdesk_type (name) VALUES (?)"
ADD_MARK = "INSERT INTO pqdesk_mark (mark, message_id, put_us) VALUES (?, ?, ?) ON CONFLICT (mark) DO NOTHING"
FORGET_MARK = "DELETE FROM pqdesk_mark WHERE mark = ?"
MARKS = "SELECT mark FROM pqdesk_mark WHERE mark >= :prefix AND mark < :prefix || char(1114111) ORDER BY mark"
_HAS_MARK = "SELECT 1 FROM pqdesk_mark WHERE mark = ?"


# An enum member costs more at each use.
_SCHEDULED, _READY, _RUNNING = State.SCHEDULED.number, State.READY.number, State.RUNNING.number


class _Into:
    """A queue that is put into: what changes in it, and how much room it has where it has a max_size."""

    __slots__ = ("change", "put", "room", "size")

    def __init__(self, change: QueueChange, room: int | None, size: int) -> None:
        self.change, self.room, self.size = change, room, size
        self.put: dict[str | None, int] = {}  # by type

    def take_room(self, queue: str, count: int = 1) -> None:
        """Raise Full when `count` messages more are too many. Called where there is a max_size."""
        assert self.room is not None
        if sum([self.change.by_state[state.number] for state in UNFINISHED]) + count > self.room:
            text = f"queue {queue!r} has as many unfinished messages as its max_size, {self.size:,}; nothing was put"
            raise Full(text, queue=queue, size=self.size, wanted=sum(self.put.values()) + count)


class Putting:
    """One transaction's worth of puts. Make one inside a write transaction, `add`, then `finish`.

    `change` and `queue`: what the caller changed in a queue before; what is put there is added to it.
    `is_bound`: whether it is refused, as a person's slip may be, in a workspace that is set to look only.

    Attributes:
        types: The ids of the types that it met.
    """

    __slots__ = ("_db", "_is_bound", "_now_us", "_own", "_queues", "types")

    def __init__(
        self,
        db: apsw.Connection,
        now_us: int,
        change: QueueChange | None = None,
        queue: str | None = None,
        *,
        is_bound: bool = False,
    ) -> None:
        self._db = db
        self._is_bound = is_bound
        self._now_us = now_us
        self._own = (queue, change)
        self._queues: dict[str, _Into] = {}
        self.types: dict[str | None, int | None] = {}

    def add_all(self, messages: Sequence[NewMessage]) -> list[int]:
        if len(messages) == 1:
            return [self.add(messages[0])]
        if isinstance(messages, Alike) and is_plain(messages.model) and _are_inline(messages.payloads):
            return list(self._add_alike(messages.model, messages.payloads))
        ids: list[int] = []
        for queue, run in groupby(messages, _plain_queue):
            if queue is None:
                ids += [self.add(message) for message in run]
            else:
                ids += self._add_plain(queue, list(run))
        return ids

    def add_unmarked(self, marked: Iterable[tuple[str, NewMessage]]) -> list[int]:
        """Put those whose mark was never put, and remember the mark with them; returns their ids."""
        fresh: dict[str, NewMessage] = {}
        for mark, message in marked:
            if mark not in fresh and not self._db.execute(_HAS_MARK, (mark,)).fetchone():
                fresh[mark] = message
        ids = self.add_all(list(fresh.values()))
        for mark, message_id in zip(fresh, ids, strict=True):
            self._db.execute(ADD_MARK, (mark, message_id, self._now_us))
        return ids

    def add(self, message: NewMessage) -> int:
        """The id of the message put, or with on_conflict="keep" of the one that has its key."""
        into = self._queues.get(message.queue) or self._open(message.queue)
        change, now_us = into.change, self._now_us
        is_after = False
        if message.key is not None:
            holder = self._make_way(change, message)
            if holder == _AFTER:
                is_after = True
            elif holder is not None:
                return holder
        if into.room is not None:
            into.take_room(message.queue)
        due_us = message.at_us if message.at_us is not None else now_us + (message.delay_us or 0)
        state = _SCHEDULED if due_us > now_us else _READY
        line = 0 if message.group is None else place_in_line(self._db, change, message.group)
        line = AFTER_KEY if is_after else line
        message_id = self._insert(change.queue_id, message, state, line, max(due_us, now_us))
        if message.unique_us is not None:
            self._db.execute(_TAKE, (change.queue_id, message.key, now_us + message.unique_us, message_id))
        change.by_state[state] += 1
        into.put[message.type] = into.put.get(message.type, 0) + 1
        if state == _SCHEDULED:
            change.wake_at(due_us)
        elif line >= 2:
            change.blocked += 1
        if message.expires_us is not None:
            change.wake_at(now_us + message.expires_us)
        return message_id

    def finish(self, metrics: Metrics, *, but: str | None = None) -> list[str]:
        """Write the counters, but those of the queue `but`; returns the queues that were put to, for the bells."""
        for queue, into in self._queues.items():
            if queue != but:
                into.change.write(self._db)
        for into in self._queues.values():  # only now that nothing here can fail any more
            for type_name, count in into.put.items():
                metrics.put(into.change.queue_id, type_name, self._now_us, count)
        return list(self._queues)

    def unlimited_queues(self) -> dict[str, int]:
        """The ids of the queues without a max_size that were put to."""
        return {queue: into.change.queue_id for queue, into in self._queues.items() if into.room is None}

    def _open(self, queue: str) -> _Into:
        row = first_row(self._db, _QUEUE, (queue,))
        if row is None:
            add_queue(self._db, queue)
            return self._open(queue)
        if row[3] and self._is_bound:
            raise LookOnly("the workspace is set to look only, so nothing was put; 'pqdesk look-only off' lifts that")
        own_queue, own_change = self._own
        change = own_change if own_change is not None and queue == own_queue else QueueChange(row[0])
        into = self._queues[queue] = _Into(change, row[1], row[2])
        return into

    def _add_plain(self, queue: str, messages: list[NewMessage]) -> range:
        """Insert messages that are ready at once, in a row: their ids follow each other."""
        into, now_us = self._into(queue, Counter([message.type for message in messages])), self._now_us
        queue_id, types = into.change.queue_id, {name: self._type_id(name) for name in {one.type for one in messages}}
        self._db.executemany(
            _INSERT_PLAIN,
            [
                (
                    queue_id, one.priority, one.max_attempts, types[one.type], now_us, one.headers,
                    (payload := one.payload).kind, checksum(payload.kind, None, payload.data), payload.data,
                )
                for one in messages
            ],
        )  # fmt: skip
        last = self._db.last_insert_rowid()
        return range(last - len(messages) + 1, last + 1)

    def _add_alike(self, model: NewMessage, payloads: list[tuple[int, bytes]]) -> range:
        common = (model.priority, model.max_attempts, self._type_id(model.type), self._now_us, model.headers)
        into, last = self._into(model.queue, {model.type: len(payloads)}), 0
        for start in range(0, len(payloads), _PACKED):
            packed = _packed(payloads[start : start + _PACKED])
            self._db.execute(_INSERT_ALIKE, (into.change.queue_id, *common, *packed))
            last = self._db.last_insert_rowid()
        return range(last - len(payloads) + 1, last + 1)

    def _into(self, queue: str, counts: Mapping[str | None, int]) -> _Into:
        """The queue, into which so many messages, by type, are put that are ready at once."""
        into, count = self._queues.get(queue) or self._open(queue), sum(counts.values())
        if into.room is not None:
            into.take_room(queue, count)
        into.change.by_state[_READY] += count
        for type_name, number in counts.items():
            into.put[type_name] = into.put.get(type_name, 0) + number
        return into

    def _make_way(self, change: QueueChange, message: NewMessage) -> int | None:
        """Apply the conflict rule; the holder's id when nothing is to be put, _AFTER to put it behind the holder."""
        row = first_row(self._db, _HOLDER, (change.queue_id, message.key, self._now_us))
        if row is None:
            return None
        holder, state, group, line, attempt, expires_us = row
        if state == 0:
            return self._taken(message, holder, expires_us)
        if expires_us is not None and expires_us <= self._now_us and state != _RUNNING:
            expire(
                self._db,
                change,
                holder,
                State.from_number(state),
                group=group,
                line=line,
                attempt=attempt,
                now_us=self._now_us,
            )
            return self._make_way(change, message)  # who waited for its end has the key now, if anybody did
        if message.on_conflict == "after" and state == State.RUNNING.number:
            follower = first_row(self._db, _FOLLOWER, (change.queue_id, message.key))
            return _AFTER if follower is None else int(follower[0])
        if message.on_conflict in ("keep", "after"):
            return int(holder)
        if message.on_conflict == "replace" and state != _RUNNING:
            finish(
                self._db,
                change,
                holder,
                State.from_number(state),
                State.CANCELLED,
                group=group,
                line=line,
                now_us=self._now_us,
            )
            record_attempt(
                self._db, holder, attempt, AttemptOutcome.CANCELLED,
                owner_id=0, started_us=0, ended_us=self._now_us, error="replaced by a newer message with its key",
            )  # fmt: skip
            return self._make_way(change, message)
        is_running = " and is running" if state == _RUNNING else ""
        raise DuplicateKey(
            f"message {holder} of queue {message.queue!r} has the key {message.key!r} and is not finished{is_running}; "
            'nothing was put (on_conflict="keep" returns its id)',
            message_id=holder,
        )

    def _taken(self, message: NewMessage, holder: int, left_us: int) -> int | None:
        """The same for a key that was put to stay taken for a while, and whose message is final."""
        if message.on_conflict == "replace":
            return None
        if message.on_conflict in ("keep", "after"):
            return holder
        raise DuplicateKey(
            f"the key {message.key!r} of queue {message.queue!r} stays in use for {format_duration(left_us / 1e6)}, as "
            f'message {holder} was put with unique_for; nothing was put (on_conflict="keep" returns its id)',
            message_id=holder,
        )

    def _insert(self, queue_id: int, message: NewMessage, state: int, line: int, due_us: int) -> int:
        kind, data, key = message.payload.kind, message.payload.data, message.key
        is_inline = len(data) <= INLINE_BYTES
        expires_us = None if message.expires_us is None else self._now_us + message.expires_us
        type_id = None if message.type is None else self._type_id(message.type)
        self._db.execute(
            _INSERT,
            (
                queue_id, state, line, message.priority, message.max_attempts, type_id, self._now_us, due_us,
                expires_us, message.group, key, None if line == AFTER_KEY else key, message.headers, kind,
                checksum(kind, key, data), data if is_inline else None,
                0 if message.delay_us is None else AFTER_A_TIME,
            ),
        )  # fmt: skip
        message_id = self._db.last_insert_rowid()
        if not is_inline:
            self._db.execute(_INSERT_PAYLOAD, (message_id, data))
        return message_id

    def _type_id(self, name: str | None) -> int | None:
        if name is None:
            return None
        found = self.types.get(name)
        if found is None:
            row = first_row(self._db, _TYPE, (name,))
            if row is None:
                self._db.execute(_ADD_TYPE, (name,))
                found = self._db.last_insert_rowid()
            else:
                found = int(row[0])
            self.types[name] = found
        return found


def _packed(payloads: list[tuple[int, bytes]]) -> tuple[apsw.CArrayBinding, bytes]:
    """?7 and ?8 of _INSERT_ALIKE."""
    starts = accumulate([len(data) for _, data in payloads], initial=0)
    told = [
        start << 44 | len(data) << 34 | kind << 32 | crc32(data, KEYLESS[kind])
        for start, (kind, data) in zip(starts, payloads, strict=False)  # there is one more: the end
    ]
    # never empty, since SQLite makes NULL of a part of that
    return apsw.carray(array("q", told)), b"".join([data for _, data in payloads]) or b" "


def _are_inline(payloads: list[tuple[int, bytes]]) -> bool:
    return max([len(data) for _, data in payloads], default=0) <= INLINE_BYTES


def is_plain(message: NewMessage) -> bool:
    """Whether a message is nothing but a row that is ready at once."""
    return (
        message.key is None
        and message.delay_us is None
        and message.at_us is None
        and message.group is None
        and message.expires_us is None
        and len(message.payload.data) <= INLINE_BYTES
    )


def _plain_queue(message: NewMessage) -> str | None:
    return message.queue if is_plain(message) else None
