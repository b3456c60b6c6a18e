"""What no PQDesk has written: looked for when a call stumbles over a value, told as damage, mended where that is safe.

SQLite's own checks would cost every opening a look at the whole file, and a damaged row is met late. So nothing is
looked for until something does not fit. Then a message whose row is damaged is failed, with what is wrong with it as
its error, and everybody goes on with the others; elsewhere the call raises Corrupt.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import apsw

from pqdesk.errors import Corrupt, PQDeskError
from pqdesk.messages.checks import decode_headers
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite.connection import all_rows, first_row, translated
from pqdesk.storage.sqlite.errors import note_error
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.transitions import finish, record_attempt

_LOOKED_FOR_S = 2.0
_STEPS = 10_000  # of SQLite's machine between two looks at the time
_HEADS = 10_000
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
# What an unsound column becomes: NULL where it may be, the bytes of a payload, 0 else.
_PLAIN = {"state": str(State.FAILED.number), "payload": "CAST(payload AS BLOB)"} | dict.fromkeys(
    (
        "group", "key", "open_key", "headers", "progress", "progress_note", "max_attempts", "type_id", "expires_us",
        "trashed_us", "error_id", "copy_of",
    ),
    "NULL",
)  # fmt: skip
_IN_WORK = """
    SELECT id FROM (SELECT id FROM pqdesk_message INDEXED BY pqdesk_running WHERE state = 3 LIMIT ?2)
    UNION
    SELECT id FROM (SELECT m.id FROM pqdesk_queue q CROSS JOIN pqdesk_message m INDEXED BY pqdesk_claimable
      ON m.queue_id = q.id AND m.state = 2 AND m.line < 2 ORDER BY m.queue_id, m.priority DESC, m.id LIMIT ?2)
    UNION
    SELECT id FROM (SELECT m.id FROM pqdesk_queue q CROSS JOIN pqdesk_message m INDEXED BY pqdesk_due
      ON m.queue_id = q.id AND m.state IN (1, 4) AND m.due_us <= ?1 LIMIT ?2)
    UNION
    SELECT id FROM (SELECT m.id FROM pqdesk_queue q CROSS JOIN pqdesk_message m INDEXED BY pqdesk_expiring
      ON m.queue_id = q.id AND m.expires_us IS NOT NULL AND m.state IN (1, 2, 4) AND m.expires_us <= ?1 LIMIT ?2)"""
_STANDING = 'SELECT queue_id, state, attempt, owner_id, started_us, "group", line FROM pqdesk_message WHERE id = ?'
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'pqdesk^_%' ESCAPE '^'"
_STUMBLES = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, RecursionError,
    apsw.ConstraintError, apsw.MismatchError, apsw.SQLError,
)  # fmt: skip

_known_columns: dict[str, list[tuple[str, str, str]]] = {}  # a file whose schema is another one is refused
_NOT_OURS = ("pqdesk_put",)  # whatever a program writes there is judged when it is taken in


def told(db: apsw.Connection, path: Path) -> Corrupt | None:
    """What is damaged in the file, looked for during two seconds at most; None when nothing was found."""
    from pqdesk.storage.sqlite.logger import logger

    ends_s = time.monotonic() + _LOOKED_FOR_S
    db.set_progress_handler(lambda: time.monotonic() > ends_s, _STEPS)
    try:
        for (table,) in all_rows(db, _TABLES):
            place = None if table in _NOT_OURS else _first_unsound(db, table)
            if place is not None:
                logger(__name__).warning("%r is damaged: %s", str(path), place)
                text = f"queue file {str(path)!r} is damaged: {place}; stop its workers and restore a backup"
                return Corrupt(text, path=path)
    except apsw.InterruptError:
        return None
    except apsw.Error as exc:
        error = translated(exc, path)
        return error if isinstance(error, Corrupt) else None
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


def mend(db: apsw.Connection, ids: Iterable[int]) -> dict[int, list[str]]:
    """Give the unsound columns of these messages values that can be worked with; which they were, by id.

    In a write transaction. What a message says of its work, its payload, is left as it is: the checksum judges it.
    """
    mended = {}
    for message_id in ids:
        columns = unsound_columns(db, message_id)
        if columns:
            values = ", ".join([f'"{column}" = {_PLAIN.get(column, "0")}' for column in columns])
            db.execute(f"UPDATE pqdesk_message SET {values} WHERE id = ?", (message_id,))
            mended[message_id] = columns
    return mended


def fail_heads(db: apsw.Connection, now_us: int) -> int:
    """Fail every damaged message that somebody would come to next; how many. In a write transaction."""
    count = 0
    for message_id, columns in mend(db, [row[0] for row in all_rows(db, _IN_WORK, (now_us, _HEADS))]).items():
        count += _fail(db, message_id, what(columns), now_us)
    return count


def _fail(db: apsw.Connection, message_id: int, error: str, now_us: int) -> bool:
    row = first_row(db, _STANDING, (message_id,))
    if row is None or not 0 < row[1] < State.COMPLETED.number:
        return False
    queue_id, number, attempt, owner_id, started_us, group, line = row
    state = State.from_number(number)
    change = QueueChange(queue_id)
    change.leaves(state)
    change.enters(State.READY)  # from where, as the table of transitions has it, it may become failed
    if line >= 2 and state != State.READY:
        change.blocked += 1
    finish(db, change, message_id, State.READY, State.FAILED, group=group, line=line, now_us=now_us)
    change.write(db)
    record_attempt(
        db, message_id, attempt, AttemptOutcome.FAILED,
        owner_id=owner_id, started_us=started_us, ended_us=now_us, error=error,
    )  # fmt: skip
    note_error(db, queue_id, message_id, AttemptOutcome.FAILED, error, now_us)
    return True


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
        _known_columns[table] = [
            (name, _test(table.removeprefix("pqdesk_"), name, kind, bool(is_set or in_key)), _data(name, kind))
            for _, name, kind, is_set, _, in_key in all_rows(db, f"PRAGMA table_info({table})")
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
