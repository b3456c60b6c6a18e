"""Other queues on SQLite, each by the calls that its documentation shows. Imported where they are made."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders.contender import Contender, Handler, level_name


class LocalQueue(Contender):
    """SimpleQueue and Worker; Rust inside."""

    def __init__(self, folder: Path, *, is_durable: bool, lease_s: float = 60.0) -> None:
        from localqueue import SimpleQueue
        from localqueue.policies import DeliveryPolicy, DurabilityMode

        mode = DurabilityMode.DURABLE if is_durable else DurabilityMode.RELAXED
        policy = DeliveryPolicy(lease_seconds=lease_s)
        self._queue: Any = SimpleQueue(str(folder), "work", durability=mode, delivery=policy)

    def put(self, payload: Any) -> None:
        self._queue.put(payload)

    def put_many(self, payloads: list[Any]) -> None:
        self._queue.put_many(payloads)

    def take(self) -> tuple[Any, Any] | None:
        from localqueue.exceptions import Empty

        try:
            job = self._queue.get(timeout=0)
        except Empty:
            return None
        return job.data, job

    def finish(self, token: Any) -> None:
        self._queue.ack(token)

    def consume(self, handler: Handler, stop: threading.Event) -> None:
        from localqueue.worker import Worker

        def handle(job: Any) -> None:
            handler(job.data)
            if stop.is_set():
                worker.stop()

        worker: Any = Worker(self._queue, handle)
        worker.run()

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        self.consume(handler, stop)

    def synchronous(self) -> str:
        return level_name(self._queue.diagnostics().synchronous)

    def close(self) -> None:
        self._queue.close()


class LiteQueue(Contender):
    """Has no blocking get."""

    def __init__(self, folder: Path) -> None:
        import litequeue

        folder.mkdir(parents=True, exist_ok=True)
        self._queue: Any = litequeue.LiteQueue(folder / "lite.db", timeout=30)
        self._queue.conn.execute("PRAGMA synchronous = FULL")

    def put(self, payload: Any) -> None:
        self._queue.put(json.dumps(payload))

    def take(self) -> tuple[Any, Any] | None:
        message = self._queue.pop()
        return None if message is None else (json.loads(message.data), message.message_id)

    def finish(self, token: Any) -> None:
        self._queue.done(token)

    def synchronous(self) -> str:
        return level_name(self._queue.conn.execute("PRAGMA synchronous").fetchone()[0])


class PersistQueue(Contender):
    """Waits 10 s at a time for puts of other processes."""

    def __init__(self, folder: Path) -> None:
        import persistqueue
        from persistqueue.serializers import json as serializer

        self._queue: Any = persistqueue.SQLiteAckQueue(
            str(folder), multithreading=True, timeout=30, serializer=serializer
        )

    def put(self, payload: Any) -> None:
        self._queue.put(payload)

    def take(self) -> tuple[Any, Any] | None:
        from persistqueue.exceptions import Empty

        try:
            taken = self._queue.get(block=False, raw=True)
        except Empty:
            return None
        return taken["data"], taken["pqid"]

    def finish(self, token: Any) -> None:
        self._queue.ack(id=token)

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        while not stop.is_set():
            taken = self._queue.get(raw=True)
            handler(taken["data"])
            self.finish(taken["pqid"])

    def synchronous(self) -> str:
        return level_name(self._queue._putter.execute("PRAGMA synchronous").fetchone()[0])

    def close(self) -> None:
        self._queue.close()


class Huey(Contender):
    """A call of a task is a put; dequeue is a get that deletes."""

    has_ack = False

    def __init__(self, folder: Path) -> None:
        import huey

        folder.mkdir(parents=True, exist_ok=True)
        self._huey: Any = huey.SqliteHuey("work", filename=str(folder / "huey.db"), results=False, timeout=30)
        self._handler: Handler = _nothing
        self._task = self._huey.task(name="work")(lambda payload: self._handler(payload))

    def put(self, payload: Any) -> None:
        self._task(payload)

    def take(self) -> tuple[Any, None] | None:
        task = self._huey.dequeue()
        return None if task is None else (task.args[0], None)

    def consume(self, handler: Handler, stop: threading.Event) -> None:
        self._handler = handler
        while not stop.is_set():
            task = self._huey.dequeue()
            if task is not None:
                self._huey.execute(task)

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        self._handler = handler
        consumer = self._huey.create_consumer(workers=1)
        consumer.start()
        stop.wait()
        consumer.stop(graceful=True)

    def synchronous(self) -> str:
        return level_name(self._huey.storage.conn.execute("PRAGMA synchronous").fetchone()[0])

    def close(self) -> None:
        self._huey.storage.close()


class SimpleBroker(Contender):
    """read_one deletes; QueueWatcher polls data_version."""

    has_ack = False

    def __init__(self, folder: Path) -> None:
        from simplebroker import Queue

        folder.mkdir(parents=True, exist_ok=True)
        self._queue: Any = Queue("work", db_path=str(folder / "broker.db"), persistent=True)

    def put(self, payload: Any) -> None:
        self._queue.write(json.dumps(payload))

    def take(self) -> tuple[Any, None] | None:
        body = self._queue.read_one()
        return None if body is None else (json.loads(body), None)

    def iterate(self) -> Iterator[tuple[Any, None]]:
        while True:
            for body in self._queue.read_generator():
                yield json.loads(body), None

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        from simplebroker.watcher import QueueWatcher

        with QueueWatcher(self._queue, lambda body, _: handler(json.loads(body))):
            stop.wait()

    def synchronous(self) -> str:
        with self._queue.get_connection() as connection:
            return level_name(int(connection._runner.run("PRAGMA synchronous", fetch=True)[0][0]))

    def close(self) -> None:
        self._queue.close()


def _nothing(_payload: Any) -> None:
    """What a task does before it was told."""
