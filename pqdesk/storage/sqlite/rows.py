"""Rows of messages and attempts as records."""

from __future__ import annotations

import json
from typing import Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.checks import decode_headers
from pqdesk.messages.defaults import DEFAULT_MAX_ATTEMPTS
from pqdesk.messages.fingerprints import headline
from pqdesk.messages.payloads import CUT_MARK, PayloadKind, decode_payload
from pqdesk.messages.records import AttemptRecord, MessageRecord
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite.connection import Row, all_rows, first_row

_PREVIEW_CHARACTERS = 160
_SYMBOLS = {code: 0x2400 + code for code in range(32)} | {127: 0x2421}


def error_ends(column: str) -> str:
    """SQL of the beginning and the end of an error, of which one has the line that says what happened."""
    ends = f"substr({column}, 1, 4000) || '\n{CUT_MARK}\n' || substr({column}, -4000)"
    return f"iif(length({column}) <= 8000, {column}, {ends})"


_INT, _TEXT, _BLOB = "integer", "text", "blob"
# What is told of a message: each with its kind, and whether it may be NULL.
_COLUMNS: tuple[tuple[str, str, bool], ...] = (
    ("m.id", _INT, False),
    ("q.name", _TEXT, False),
    ("m.state", _INT, False),
    ("t.name", _TEXT, True),
    ("m.priority", _INT, False),
    ('m."group"', _TEXT, True),
    ("m.key", _TEXT, True),
    ("m.attempt", _INT, False),
    (f"m.forgiven + coalesce(m.max_attempts, q.max_attempts, {DEFAULT_MAX_ATTEMPTS})", _INT, False),
    ("m.enqueued_us", _INT, False),
    ("m.due_us", _INT, False),
    ("m.started_us", _INT, False),
    ("m.finished_us", _INT, False),
    (error_ends("a.error"), _TEXT, True),
    ("o.name", _TEXT, True),
    ("m.payload_kind", _INT, False),
    (f"substr(coalesce(m.payload, p.payload), 1, {_PREVIEW_CHARACTERS * 4})", _BLOB, True),
    ("length(coalesce(m.payload, p.payload))", _INT, True),
    ("m.expires_us", _INT, True),
    ("m.max_attempts", _INT, True),
)
PAYLOAD_KIND, OWN_MAX_ATTEMPTS = 15, 19  # the places of these columns in a row
# Of all ids at once: running a statement that opens six tables costs 28 µs, a row of it 1.
_FROM = """
      FROM pqdesk_message m JOIN pqdesk_queue q ON q.id = m.queue_id
      LEFT JOIN pqdesk_type t ON t.id = m.type_id
      LEFT JOIN pqdesk_owner o ON o.id = m.owner_id
      LEFT JOIN pqdesk_attempt a ON a.message_id = m.id AND a.attempt = m.attempt
      LEFT JOIN pqdesk_payload p ON p.id = m.id
     WHERE m.id IN (SELECT value FROM json_each(?)) AND m.state IS NOT 0"""
_ROWS = f"SELECT {', '.join(sql for sql, *_ in _COLUMNS)} {_FROM}"
_AS_BYTES = ", ".join(
    f"CAST({sql} AS BLOB)" if kind == _TEXT else f"iif(typeof({sql}) = '{kind}', {sql}, NULL)"
    for sql, kind, _ in _COLUMNS
)
_CAREFUL = f"SELECT {_AS_BYTES} {_FROM}"  # that reads nothing as what its column only says that it is
_TYPES: dict[str, type] = {_INT: int, _TEXT: str, _BLOB: bytes}
_SHAPE = tuple(frozenset({_TYPES[kind], type(None)} if is_free else {_TYPES[kind]}) for _, kind, is_free in _COLUMNS)
_STATES = frozenset({sign * state.number for state in State for sign in (1, -1)})
_OUTCOMES = frozenset({outcome.number for outcome in AttemptOutcome})
_shapes: set[tuple[type, ...]] = set()  # that have been found to be sound


def find_message(db: apsw.Connection, message_id: int, now_us: int) -> tuple[dict[str, Any], Row] | None:
    """What a record says of a message, and its row; None when there is none."""
    rows = _sound_rows(db, [message_id])
    if message_id in rows:
        return message_fields(rows[message_id], now_us), rows[message_id]
    return _damaged(db, message_id, now_us)


def message_records(db: apsw.Connection, ids: list[int], now_us: int) -> list[MessageRecord]:
    """The messages of these ids that are still there, in the order of the ids."""
    rows, records = _sound_rows(db, ids), []
    for one in ids:
        if one in rows:
            records.append(MessageRecord(**message_fields(rows[one], now_us)))
        elif (found := _damaged(db, one, now_us)) is not None:
            records.append(MessageRecord(**found[0]))
    return records


def shown_text(data: bytes | None) -> str | None:
    """A text that was read as bytes, whatever they are."""
    return None if data is None else bytes(data).decode("utf-8", "replace")


def shown_payload(kind: int, data: Any) -> Any:
    """The value that was put or given as a result; of what is damaged, the bytes that are there."""
    try:
        return decode_payload(kind, data)
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        return data if isinstance(data, bytes) else str(data).encode("utf-8", "replace")


def shown_headers(data: bytes | None) -> dict[str, str]:
    """The headers that were put; none where they are damaged."""
    try:
        return decode_headers(None if data is None else bytes(data).decode("utf-8"))
    except ValueError:
        return {}


def _sound_rows(db: apsw.Connection, ids: list[int]) -> dict[int, Row]:
    """By id, those that are as they were written."""
    try:
        return {row[0]: row for row in all_rows(db, _ROWS, (json.dumps(ids),)) if _is_sound(row)}
    except UnicodeDecodeError:  # somewhere in them; then each is looked at by itself
        return {} if len(ids) == 1 else {one: row for each in ids for one, row in _sound_rows(db, [each]).items()}


def _is_sound(row: Row) -> bool:
    shape = tuple(map(type, row))
    if shape not in _shapes:
        if not all(kind in allowed for kind, allowed in zip(shape, _SHAPE, strict=True)):
            return False
        _shapes.add(shape)
    return row[2] in _STATES and 0 <= row[PAYLOAD_KIND] <= PayloadKind.BYTES


def _damaged(db: apsw.Connection, message_id: int, now_us: int) -> tuple[dict[str, Any], Row] | None:
    """The same of one that is not: a failed message, as far as it is the message that is damaged, not its worker."""
    from pqdesk.storage.sqlite import damage

    row = first_row(db, _CAREFUL, (json.dumps([message_id]),))
    if row is None:
        return None
    values = [_plain(value, kind, is_free) for value, (_, kind, is_free) in zip(row, _COLUMNS, strict=True)]
    columns = damage.unsound_columns(db, message_id)
    if columns:
        is_trashed = values[2] in _STATES and values[2] < 0
        values[2] = -State.FAILED.number if is_trashed else State.FAILED.number
    fields = message_fields(tuple(values), now_us)
    if columns:
        fields["error"] = damage.what(columns)
    return fields, tuple(values)


def _plain(value: Any, kind: str, is_free: bool) -> Any:
    if kind == _TEXT:
        return shown_text(value) if value is not None or is_free else ""
    if isinstance(value, _TYPES[kind]):
        return value
    return None if is_free else 0


def message_fields(row: tuple[Any, ...], now_us: int) -> dict[str, Any]:
    (message_id, queue, state, type_name, priority, group, key, attempt, max_attempts, enqueued_us, due_us,
     started_us, finished_us, error, worker, kind, head, size, expires_us, _) = row  # fmt: skip
    shown = State.from_number(abs(state))
    if shown in (State.SCHEDULED, State.RETRYING) and due_us <= now_us:
        shown = State.READY
    return {
        "id": message_id, "queue": queue, "state": shown, "type": type_name, "priority": priority, "group": group,
        "key": key, "attempt": attempt, "max_attempts": max_attempts,
        "enqueued_at": to_datetime(enqueued_us), "due_at": to_datetime(due_us),
        "started_at": to_datetime(started_us) if started_us else None,
        "finished_at": to_datetime(finished_us) if shown.is_final and finished_us else None,
        "error": headline(error).translate(_SYMBOLS) if error else None, "worker": worker,
        "payload_preview": _preview(kind, head or b""), "payload_size": size or 0, "is_trashed": state < 0,
        "expires_at": None if expires_us is None else to_datetime(expires_us),
    }  # fmt: skip


def _preview(kind: int, head: bytes) -> str:
    if kind == PayloadKind.BYTES:
        return head[: _PREVIEW_CHARACTERS // 2].hex()
    return head.decode("utf-8", "ignore")[:_PREVIEW_CHARACTERS].translate(_SYMBOLS)


def attempt_record(
    attempt: int, worker: bytes | None, started_us: int, ended_us: int | None, outcome: int, error: bytes | None
) -> AttemptRecord:
    """`worker` and `error` as bytes: a damaged attempt is shown as one that failed."""
    how = AttemptOutcome.from_number(outcome) if outcome in _OUTCOMES else AttemptOutcome.FAILED
    started_at = to_datetime(started_us) if started_us else None
    ended_at = None if ended_us is None else to_datetime(ended_us)
    return AttemptRecord(attempt, shown_text(worker), started_at, ended_at, how, shown_text(error))


def current_attempt(fields: dict[str, Any]) -> AttemptRecord:
    """The attempt that the message's own row tells of: the running or the completed one."""
    is_done = fields["state"] == State.COMPLETED
    outcome = AttemptOutcome.COMPLETED if is_done else None
    return AttemptRecord(
        fields["attempt"],
        fields["worker"],
        fields["started_at"],
        fields["finished_at"] if is_done else None,
        outcome,
        None,
    )
