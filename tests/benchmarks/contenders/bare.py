"""What SQLite itself takes for a durable insert: no queue can be faster on it with a flush per put of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw

from tests.benchmarks.contenders.contender import Contender, level_name

_INSERT = "INSERT INTO message (payload) VALUES (?)"


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
