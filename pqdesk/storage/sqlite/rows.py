"""Rows of messages and attempts as records."""

from __future__ import annotations

import json
from typing import Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.defaults import DEFAULT_MAX_ATTEMPTS
from pqdesk.messages.fingerprints import headline
from pqdesk.messages.payloads import CUT_MARK, PayloadKind
from pqdesk.messages.records import AttemptRecord, MessageRecord
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.sqlite.connection import Row, all_rows, first_row

_PREVIEW_CHARACTERS = 160
_SYMBOLS = {code: 0x2400 + code for code in range(32)} | {127: 0x2421}


def error_ends(column: str) -> str:
    """SQL of the beginning and the end of an error, of which one has the line that says what happened."""
    ends = f"substr({column}, 1, 4000) || '\n{CUT_MARK}\n' || substr({column}, -4000)"
    return f"iif(length({column}) <= 8000, {column}, {ends})"


# Of all ids at once: running a statement that opens six tables costs 28 µs, a row of it 1.
_ROWS = f"""
    SELECT m.id, q.name, m.state, t.name, m.priority, m."group", m.key, m.attempt,
           m.forgiven + coalesce(m.max_attempts, q.max_attempts, {DEFAULT_MAX_ATTEMPTS}), m.enqueued_us, m.due_us,
           m.started_us, m.finished_us, {error_ends("a.error")}, o.name, m.payload_kind,
           substr(coalesce(m.payload, p.payload), 1, {_PREVIEW_CHARACTERS * 4}), length(coalesce(m.payload, p.payload)),
           m.expires_us, m.max_attempts
      FROM pqdesk_message m JOIN pqdesk_queue q ON q.id = m.queue_id
      LEFT JOIN pqdesk_type t ON t.id = m.type_id
      LEFT JOIN pqdesk_owner o ON o.id = m.owner_id
      LEFT JOIN pqdesk_attempt a ON a.message_id = m.id AND a.attempt = m.attempt
      LEFT JOIN pqdesk_payload p ON p.id = m.id
     WHERE m.id IN (SELECT value FROM json_each(?)) AND m.state <> 0"""
PAYLOAD_KIND, OWN_MAX_ATTEMPTS = 15, 19  # the places of these columns in a row


def message_row(db: apsw.Connection, message_id: int) -> Row | None:
    return first_row(db, _ROWS, (json.dumps([message_id]),))


def message_records(db: apsw.Connection, ids: list[int], now_us: int) -> list[MessageRecord]:
    """The messages of these ids that are still there, in the order of the ids."""
    rows = {row[0]: row for row in all_rows(db, _ROWS, (json.dumps(ids),))}
    return [MessageRecord(**message_fields(rows[one], now_us)) for one in ids if one in rows]


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
    attempt: int, worker: str | None, started_us: int, ended_us: int, outcome: int, error: str | None
) -> AttemptRecord:
    started_at = to_datetime(started_us) if started_us else None
    return AttemptRecord(attempt, worker, started_at, to_datetime(ended_us), AttemptOutcome.from_number(outcome), error)


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
