"""One message that is ready at once, put with a single call of SQLite: most puts are of this kind.

What it does is what `puts.Putting` does for such a message. Apart because a put is a flush and a little Python, whose
caches are cold after the flush: with statements of its own and the objects around them a put takes 60 µs longer.
"""

from __future__ import annotations

import apsw

from pqdesk.messages.payloads import checksum
from pqdesk.storage.contract import NewMessage
from pqdesk.storage.sqlite.connection import translated
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ledger import Ledger
from pqdesk.storage.sqlite.puts import Putting, is_plain

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
    """Knows the ids of queues and types that were put to before; those never change."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine, self._ledger = engine, ledger
        self._queues: dict[str, int] = {}
        self._types: dict[str | None, int | None] = {None: None}

    def learn(self, putting: Putting) -> None:
        """Remember the ids that a committed transaction has used."""
        self._queues.update(putting.unlimited_queues())
        self._types.update(putting.types)

    def put(self, message: NewMessage) -> int | None:
        """The message's id, not yet flushed; None, and nothing is done, when it takes more than this.

        Raises:
            WorkspaceError, Busy, DiskFull: As every write does.
        """
        queue_id = self._queues.get(message.queue)
        if queue_id is None or message.type not in self._types or not is_plain(message):
            return None
        kind, data = message.payload.kind, message.payload.data
        engine, sum_ = self._engine, checksum(kind, None, data)
        with engine.locked() as db:
            now_us = engine.clock.wall_us()
            if engine.metrics.is_time or not db.get_autocommit():
                return None
            try:
                db.execute(
                    _PUT_OF_WORKER if self._ledger.origin.is_worker else _PUT_OF_PERSON,
                    (
                        queue_id, message.priority, message.max_attempts, self._types[message.type], now_us, now_us,
                        message.headers, kind, sum_, data, queue_id,
                    ),
                )  # fmt: skip
            except BaseException as exc:
                if not db.get_autocommit():
                    db.execute("ROLLBACK")
                if isinstance(exc, apsw.ConstraintError):
                    del self._queues[message.queue]
                    return None
                if isinstance(exc, apsw.Error):
                    raise translated(exc, engine.path) from exc
                raise
            message_id = db.last_insert_rowid()
            engine.metrics.put(queue_id, message.type, now_us)
            engine.flusher.committed()
            return message_id
