"""An interrupt at any moment of a write transaction leaves none open."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from pqdesk.storage.sqlite.connection import WriteTransaction


class _InterruptedConnection:
    """Begins a transaction, and is interrupted before it returns."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def execute(self, sql: str) -> None:
        self._db.execute(sql)
        if sql.startswith("BEGIN"):
            raise KeyboardInterrupt

    def get_autocommit(self) -> bool:
        return self._db.get_autocommit()


def test_an_interrupt_right_after_begin_leaves_no_transaction_open(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "file.db"))
    interrupted: apsw.Connection = _InterruptedConnection(db)  # type: ignore[assignment]

    with pytest.raises(KeyboardInterrupt), WriteTransaction(interrupted, tmp_path):
        raise AssertionError

    assert db.get_autocommit()


def test_a_transaction_that_an_interrupt_left_open_stops_no_later_one(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "file.db"))
    WriteTransaction(db, tmp_path).__enter__()

    with WriteTransaction(db, tmp_path):
        db.execute("CREATE TABLE later (one)")

    assert db.get_autocommit()
