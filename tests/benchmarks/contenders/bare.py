"""What SQLite itself takes: no queue on it, with a flush per put of its own, can be faster."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from tests.benchmarks.contenders.contender import Contender, Handler, level_name

_INSERT = "INSERT INTO message (payload) VALUES (?)"
_TAKE = """
    UPDATE message SET state = 1
     WHERE id = (SELECT id FROM message INDEXED BY ready WHERE state IS NULL ORDER BY id LIMIT 1)
    RETURNING id, payload"""
_END = "UPDATE message SET state = 2 WHERE id = ?"


class Bare(Contender):
    """Bytes that are ready, a table of two columns, one connection."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = apsw.Connection(str(folder / "bare.db"))
        self._db.execute("PRAGMA journal_mode = WAL").fetchall()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, payload BLOB NOT NULL)")

    def prepare(self, payload: Any) -> bytes:
        return json.dumps(payload).encode()

    def put(self, payload: bytes) -> None:
        self._db.execute(_INSERT, (payload,))

    def put_many(self, payloads: list[bytes]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(_INSERT, [(payload,) for payload in payloads])
        self._db.execute("COMMIT")

    def synchronous(self) -> str:
        return level_name(int(self._db.pragma("synchronous")))

    def close(self) -> None:
        self._db.close()


class BareQueue(Contender):
    """The least that a queue on SQLite does from put to handler: insert, write to a pipe; wake up, take, call.

    It promises nothing: no flush, no lease, no retry, no order but the id, one queue, one waiter.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = apsw.Connection(str(folder / "bare.db"))
        self._db.set_busy_timeout(10_000)
        self._db.execute("PRAGMA journal_mode = WAL").fetchall()
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, payload BLOB NOT NULL, state INT)"
        )
        self._db.execute("CREATE INDEX IF NOT EXISTS ready ON message (id) WHERE state IS NULL")
        with suppress(FileExistsError):
            os.mkfifo(folder / "bell")
        self._bell = os.open(folder / "bell", os.O_RDWR | os.O_CLOEXEC)

    def prepare(self, payload: Any) -> bytes:
        return json.dumps(payload).encode()

    def put(self, payload: bytes) -> None:
        self._db.execute(_INSERT, (payload,))
        os.write(self._bell, b"!")

    def wait_and_handle(self, handler: Handler, stop: threading.Event) -> None:
        while not stop.is_set():
            os.read(self._bell, 1)
            for message_id, payload in self._db.execute(_TAKE).fetchall():
                handler(json.loads(payload))
                self._db.execute(_END, (message_id,))

    def synchronous(self) -> str:
        return level_name(int(self._db.pragma("synchronous")))

    def close(self) -> None:
        os.close(self._bell)
        self._db.close()
