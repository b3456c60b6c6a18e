"""A queue file whose tables take any value: what a disk or somebody hostile may leave in one, SQLite itself refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

BAD_TEXT = "CAST(x'fffe00c3' AS TEXT)"  # no UTF-8


@contextlib.contextmanager
def opened(path: Path) -> Iterator[apsw.Connection]:
    """A connection of SQLite's own kind; nothing else may have the file open. What it did is in the file afterwards."""
    db = apsw.Connection(str(path))
    try:
        yield db
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        db.close()


@contextlib.contextmanager
def opened_loosely(path: Path) -> Iterator[apsw.Connection]:
    """The same, with tables that are not STRICT while it is open, and where NULL may be anywhere."""
    with opened(path) as db:
        strict = db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%'"
        ).fetchall()
        _set_schema(db, {name: _loosened(sql) for name, sql in strict})
        yield db
        _set_schema(db, dict(strict))


def _loosened(sql: str) -> str:
    return sql.replace("STRICT,", "").replace(") STRICT", ")").replace("NOT NULL", "")


def _set_schema(db: apsw.Connection, tables: dict[str, str]) -> None:
    version = db.execute("PRAGMA schema_version").fetchone()[0]
    db.execute("PRAGMA writable_schema = ON")
    db.executemany("UPDATE sqlite_schema SET sql = ? WHERE name = ?", [(sql, name) for name, sql in tables.items()])
    db.execute(f"PRAGMA schema_version = {version + 1}; PRAGMA writable_schema = OFF")
