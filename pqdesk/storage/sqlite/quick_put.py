"""Putting one message of the plainest kind, as most are, with a single call of SQLite.

It does what `puts.Putting` does for such a message. Apart because a durable call is a flush and a little Python, and
after the flush no cache is warm: each statement, object and call that is spared here takes a microsecond and more.
"""

from __future__ import annotations

from zlib import crc32

import apsw

from pqdesk.messages.payloads import KEYLESS
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ledger import Ledger
from pqdesk.storage.sqlite.puts import INLINE_BYTES, Putting, is_plain
from pqdesk.storage.sqlite.space import SpaceReserve
from pqdesk.storage.values import NewMessage

# Where a queue has a max_size, or the workspace is set to look only, the count would be NULL, which its column refuses.
_PUT = """
    BEGIN IMMEDIATE;
    INSERT INTO pqdesk_message (queue_id, state, priority, max_attempts, type_id, enqueued_us, due_us, headers,
                                payload_kind, checksum, payload)
    VALUES (?, 2, ?, ?, ?, ?, ?, ?, ?, ?, ?);
    UPDATE pqdesk_queue SET ready = iif({may}, ready + 1, NULL) WHERE id = ?;
    COMMIT"""
_PUT_OF_WORKER = _PUT.format(may="max_size IS NULL")
_PUT_OF_PERSON = _PUT.format(may="max_size IS NULL AND NOT EXISTS (SELECT 1 FROM pqdesk_meta WHERE name = 'look_only')")


class QuickPut:
    """Knows the ids of queues and types that were put to before; those never change.

    Its puts return the message's id; None, having done nothing, when it takes more than this. They wake one who waits
    for the queue and flush nothing; and raise WorkspaceError, Busy and DiskFull, as every write does.
    """

    def __init__(self, engine: Engine, ledger: Ledger, space: SpaceReserve) -> None:
        self._engine, self._ledger, self._space = engine, ledger, space
        self._queues: dict[str, int] = {}
        self._types: dict[str | None, int | None] = {None: None}

    def learn(self, putting: Putting) -> None:
        """Remember the ids that a committed transaction has used."""
        self._queues.update(putting.unlimited_queues())
        self._types.update(putting.types)

    def put(self, message: NewMessage) -> int | None:
        if message.type not in self._types or not is_plain(message):
            return None
        kind, data = message.payload.kind, message.payload.data
        return self.put_payload(
            message.queue, kind, data,
            priority=message.priority, max_attempts=message.max_attempts, type_name=message.type,
            headers=message.headers,
        )  # fmt: skip

    def put_payload(
        self,
        queue: str,
        kind: int,
        data: bytes,
        *,
        priority: int = 0,
        max_attempts: int | None = None,
        type_name: str | None = None,
        headers: str | None = None,
    ) -> int | None:
        engine, queue_id = self._engine, self._queues.get(queue)
        if queue_id is None or len(data) > INLINE_BYTES:
            return None
        now_ms = engine.clock.awake_ms()
        self._space.check(len(data), now_ms=now_ms)
        sum_ = crc32(data, KEYLESS[kind])
        db = engine.take_lock()
        try:
            if now_ms >= engine.metrics.write_at_ms or not db.get_autocommit():
                return None
            now_us = engine.clock.wall_us()
            values = (
                queue_id, priority, max_attempts, self._types[type_name], now_us, now_us,
                headers, kind, sum_, data, queue_id,
            )  # fmt: skip
            sql = _PUT_OF_WORKER if self._ledger.origin.is_worker else _PUT_OF_PERSON
            try:
                engine.write_transaction.run(sql, values)
            except apsw.ConstraintError:
                self._queues.pop(queue, None)  # another thread may have met the same limit just now
                return None
            has_rung = engine.bells.ring_open(queue)  # at once: waking takes longer than all that is left to do
            message_id = db.last_insert_rowid()
            engine.metrics.put(queue_id, type_name, now_us)
            engine.flusher.committed()
            if not has_rung:
                engine.bells.ring(queue, engine.flusher.settled_ns)
            return message_id
        finally:
            engine.let_go_of_lock()
