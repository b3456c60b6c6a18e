"""PQDesk itself, through its public names; only the flushes and the level are looked up inside."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pqdesk import Empty, Message, Queue
from pqdesk.messages.aliases import Durability
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.handlers import Handler as WorkerHandler
from tests.benchmarks.contenders.contender import Contender, Handler, level_name

_flush = os.fdatasync


class Ours(Contender):
    """Counts calls of os.fdatasync, which is how the engine makes commits durable."""

    def __init__(self, folder: Path, *, durability: Durability) -> None:
        self._count = 0
        os.fdatasync = self._counted_flush  # type: ignore[assignment]
        self._folder, self._durability = folder, durability
        self._queue = self._open()

    def put(self, payload: Any) -> None:
        self._queue.put(payload)

    def put_many(self, payloads: list[Any]) -> None:
        self._queue.put_many(payloads)

    def take(self) -> tuple[Any, Message] | None:
        try:
            message = self._queue.get(block=False)
        except Empty:
            return None
        return message.payload, message

    def finish(self, token: Message) -> None:
        token.ack()

    def iterate(self) -> Iterator[tuple[Any, Message]]:
        for message in self._queue:
            yield message.payload, message

    def consume(self, handler: Handler, stop: threading.Event) -> None:
        def handle(message: Message) -> None:
            handler(message.payload)
            if stop.is_set():
                os.kill(os.getpid(), signal.SIGTERM)  # as supervisord ends it: what is in hand is finished

        with self._open() as queue, open(os.devnull, "w") as nowhere:
            run_consumer(queue, WorkerHandler.of(handle), out=nowhere)

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        self.consume(handler, stop)

    def synchronous(self) -> str:
        db = self._queue.store._engine.db  # type: ignore[attr-defined]
        level = level_name(db.execute("PRAGMA synchronous").fetchone()[0])
        return f"{level} + own flush" if self._durability == "full" else level

    def flushes(self) -> int:
        return self._count

    def close(self) -> None:
        self._queue.close()

    def _open(self) -> Queue:
        return Queue("work", workspace=self._folder, durability=self._durability)

    def _counted_flush(self, descriptor: int) -> None:
        self._count += 1
        _flush(descriptor)
