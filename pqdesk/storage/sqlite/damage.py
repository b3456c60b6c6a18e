"""What no PQDesk has written: looked for when a call stumbles over a value, and told as damage.

SQLite's own checks would cost every opening a look at the whole file, and a damaged row is met late. So nothing is
looked for until something does not fit. Then a message whose row is damaged is failed (mending.py), with what is wrong
with it as its error, and everybody goes on with the others; elsewhere the call raises Corrupt.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from pqdesk.errors import Corrupt, PQDeskError
from pqdesk.messages.checks import decode_headers

_LOOKED_FOR_S = 2.0
_STEPS = 10_000  # of SQLite's machine between two looks at the time
# Beyond the type of a column, which STRICT tables have: NULL passes where the column allows it.
_VALUES = {
    ("message", "state"): "state BETWEEN -7 AND 7",
    ("message", "line"): "line BETWEEN 0 AND 3",
    ("message", "attempt"): "attempt BETWEEN -1 AND 2147483647",
    ("message", "forgiven"): "forgiven BETWEEN 0 AND 2147483647",
    ("message", "deaths"): "deaths BETWEEN 0 AND 2147483647",
    ("message", "max_attempts"): "max_attempts BETWEEN 1 AND 2147483647",
    ("message", "payload_kind"): "payload_kind BETWEEN 0 AND 2",
    ("version", "payload_kind"): "payload_kind BETWEEN 0 AND 2",
    ("result", "kind"): "kind BETWEEN 0 AND 2",
    ("attempt", "outcome"): "outcome BETWEEN 1 AND 8",
    ("metric", "count"): "count BETWEEN 0 AND 4503599627370496",  # sums of more have no place
}
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'pqdesk^_%' ESCAPE '^'"
_STUMBLES = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, RecursionError,
    apsw.ConstraintError, apsw.MismatchError, apsw.SQLError,
)  # fmt: skip

_known_columns: dict[str, list[tuple[str, str, str]]] = {}  # a file whose schema is another one is refused
_NOT_OURS = ("pqdesk_put",)  # whatever a program writes there is judged when it is taken in


def told(db: apsw.Connection, path: Path) -> Corrupt | None:
    """What is damaged in the file, looked for during two seconds at most; None when nothing was found.

    Raises apsw.Error: SQLite stumbles as well.
    """
    from pqdesk.storage.sqlite.logger import logger

    ends_s = time.monotonic() + _LOOKED_FOR_S
    db.set_progress_handler(lambda: time.monotonic() > ends_s, _STEPS)
    try:
        tables: list[tuple[Any, ...]] = db.execute(_TABLES).fetchall()
        for (table,) in tables:
            place = None if table in _NOT_OURS else _first_unsound(db, table)
            if place is not None:
                logger(__name__).warning("%r is damaged: %s", str(path), place)
                text = f"queue file {str(path)!r} is damaged: {place}; stop its workers and restore a backup"
                return Corrupt(text, path=path)
    except apsw.InterruptError:
        return None
    finally:
        db.set_progress_handler(None)
    return None


def unsound_columns(db: apsw.Connection, message_id: int) -> list[str]:
    """The columns of a message that hold what no PQDesk writes; none when it is not there."""
    found = _looked_at(db, "pqdesk_message", "WHERE id = ?", (message_id,))
    return found[0][1] if found else []


def what(columns: Sequence[str]) -> str:
    """The error of a message in which these are unsound."""
    return f"damaged: its {' and '.join(columns)} in the file cannot be what was written; restore it from a backup"


def is_stumble(exc: BaseException | None) -> bool:
    """Whether a value in the file may be the reason of `exc`."""
    if isinstance(exc, PQDeskError):
        return isinstance(exc, Corrupt)
    return isinstance(exc, _STUMBLES)


def _first_unsound(db: apsw.Connection, table: str) -> str | None:
    for row_id, columns in _looked_at(db, table, "", ()):
        return f"{table} has in row {row_id} a {columns[0]} that PQDesk does not write"
    return None


def _looked_at(db: apsw.Connection, table: str, where: str, values: tuple[int, ...]) -> list[tuple[Any, list[str]]]:
    """(key, unsound columns) of the first row of a table that has some."""
    columns = _columns(db, table)
    looked = ", ".join(f"{test}, {data}" for _, test, data in columns)
    key = next((name for name, *_ in columns if name == "id"), columns[0][0])
    for row in db.execute(f'SELECT CAST("{key}" AS TEXT), {looked} FROM {table} {where}', values):
        unsound = [
            column
            for at, (column, *_) in enumerate(columns)
            if not row[1 + 2 * at] or not is_readable(column, row[2 + 2 * at])
        ]
        if unsound:
            return [(row[0], unsound)]
    return []


def _columns(db: apsw.Connection, table: str) -> list[tuple[str, str, str]]:
    """Of each column: its name, SQL that tells whether a value is sound, and SQL for the bytes of a text."""
    if table not in _known_columns:
        rows: list[tuple[Any, ...]] = db.execute(f"PRAGMA table_info({table})").fetchall()
        _known_columns[table] = [
            (name, _test(table.removeprefix("pqdesk_"), name, kind, bool(is_set or in_key)), _data(name, kind))
            for _, name, kind, is_set, _, in_key in rows
        ]
    return _known_columns[table]


def _test(table: str, column: str, kind: str, is_set: bool) -> str:
    value = f'"{column}"'
    if kind == "ANY":
        return "1"
    test = f"typeof({value}) = '{kind.lower()}'" if kind != "REAL" else f"typeof({value}) IN ('real', 'integer')"
    if (table, column) in _VALUES:
        test = f"({test} AND {_VALUES[table, column]})"
    return test if is_set else f"({value} IS NULL OR {test})"


def _data(column: str, kind: str) -> str:
    return f'CAST("{column}" AS BLOB)' if kind == "TEXT" else "NULL"


def is_readable(column: str, data: bytes | None) -> bool:
    if data is None:
        return True
    try:
        text = data.decode("utf-8")
        if column == "headers":
            decode_headers(text)
    except ValueError:
        return False
    return True
