"""Looking at a queue file over a connection of its own, in short reads: a long reader keeps the WAL from shrinking."""

from __future__ import annotations

from random import Random
from typing import Any

from pqdesk.clock import Clock, to_datetime
from pqdesk.errors import NotFound
from pqdesk.messages.checks import decode_headers
from pqdesk.messages.payloads import PayloadKind, decode_payload
from pqdesk.messages.records import (
    DEFAULT_MAX_ATTEMPTS,
    AttemptRecord,
    Counts,
    MessageDetail,
    MessageRecord,
    QueueConfiguration,
    QueueRecord,
    RefusedPut,
)
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.contract import PageRequest
from pqdesk.storage.sqlite.connection import ReadTransaction, Translating, all_rows, connect, first_row, only_value
from pqdesk.storage.sqlite.files import Location, check_file, check_folder
from pqdesk.storage.sqlite.listing import select_ids
from pqdesk.storage.sqlite.migrations import check_schema, newest
from pqdesk.storage.sqlite.queue_rows import find_queue, read_configuration

_PREVIEW_CHARACTERS = 160
_SYMBOLS = {code: 0x2400 + code for code in range(32)} | {127: 0x2421}

_QUEUES = """
    SELECT id, name, is_paused, wake_us, scheduled, ready, running, retrying, completed, failed, cancelled
      FROM pqdesk_queue WHERE ?1 IS NULL OR name = ?1 ORDER BY name"""
_DUE = """
    SELECT state, count(*) FROM pqdesk_message INDEXED BY pqdesk_due
     WHERE queue_id = ? AND state IN (1, 4) AND due_us <= ? GROUP BY state"""
_ROW = f"""
    SELECT m.id, q.name, m.state, t.name, m.priority, m."group", m.key, m.attempt,
           m.forgiven + coalesce(m.max_attempts, q.max_attempts, {DEFAULT_MAX_ATTEMPTS}), m.enqueued_us, m.due_us,
           m.started_us, m.finished_us, substr(a.error, 1, 1000), substr(a.error, -1000), o.name, m.payload_kind,
           substr(coalesce(m.payload, p.payload), 1, {_PREVIEW_CHARACTERS * 4}), length(coalesce(m.payload, p.payload))
      FROM pqdesk_message m JOIN pqdesk_queue q ON q.id = m.queue_id
      LEFT JOIN pqdesk_type t ON t.id = m.type_id
      LEFT JOIN pqdesk_owner o ON o.id = m.owner_id
      LEFT JOIN pqdesk_attempt a ON a.message_id = m.id AND a.attempt = m.attempt
      LEFT JOIN pqdesk_payload p ON p.id = m.id
     WHERE m.id = ?"""
_WHOLE = """
    SELECT coalesce(m.payload, p.payload), m.headers, r.kind, r.result
      FROM pqdesk_message m LEFT JOIN pqdesk_payload p ON p.id = m.id LEFT JOIN pqdesk_result r ON r.id = m.id
     WHERE m.id = ?"""
_ATTEMPTS = """
    SELECT a.attempt, o.name, a.started_us, a.ended_us, a.outcome, a.error
      FROM pqdesk_attempt a LEFT JOIN pqdesk_owner o ON o.id = a.owner_id WHERE a.message_id = ? ORDER BY a.attempt"""
_RUNNING = """
    SELECT o.pid, o.name, m.id FROM pqdesk_message m INDEXED BY pqdesk_running JOIN pqdesk_owner o ON o.id = m.owner_id
     WHERE m.state = 3 LIMIT 10000"""
_REFUSED = """
    SELECT id, CAST(substr(queue, 1, 255) AS BLOB), CAST(substr(refused, 1, 1000) AS TEXT) FROM pqdesk_put
     WHERE refused IS NOT NULL AND octet_length(queue) < 1000000 ORDER BY id LIMIT ?"""
_PROGRESS = "SELECT cancel_requested FROM pqdesk_message WHERE id = ? AND state = 3 AND receipt = ?"


class SqliteInspection:
    """Answers questions; see `storage.contract.Inspection`. Belongs to the thread that opened it."""

    def __init__(self, location: Location, clock: Clock, rng: Random, *, vfs: str | None = None) -> None:
        check_folder(location.database.parent)
        check_file(location.database, is_ours=location.is_ours)
        self._path = location.database
        self._clock = clock
        self._db = connect(location.database, is_ours=location.is_ours, readonly=True, vfs=vfs, rng=rng)
        try:
            with Translating(self._path):
                self._is_empty = check_schema(self._db, location) < newest()
        except BaseException:
            self._db.close()
            raise

    def version(self) -> int:
        with Translating(self._path):
            return int(only_value(self._db, "PRAGMA data_version"))  # the method of APSW needs a read first

    def queues(self) -> tuple[QueueRecord, ...]:
        return self._queues(None)

    def counts(self, queue: str | None = None) -> Counts:
        return sum((one.counts for one in self._queues(queue)), Counts())

    def configuration(self, queue: str) -> QueueConfiguration:
        with Translating(self._path):
            return read_configuration(self._db, find_queue(self._db, queue))

    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        now_us = self._clock.wall_us()
        with ReadTransaction(self._db, self._path):
            ids = select_ids(
                self._db,
                request.selection,
                now_us=now_us,
                below=request.before,
                above=request.after,
                limit=request.limit,
            )
            rows = (first_row(self._db, _ROW, (message_id,)) for message_id in ids)
            records = [MessageRecord(**_fields(row, now_us)) for row in rows if row is not None]
        return tuple(sorted(records, key=lambda record: -record.id))

    def message(self, message_id: int) -> MessageDetail:
        now_us = self._clock.wall_us()
        with ReadTransaction(self._db, self._path):
            row = first_row(self._db, _ROW, (message_id,))
            if row is None:
                raise NotFound(f"there is no message {message_id} in {str(self._path)!r}")
            payload, headers, result_kind, result = all_rows(self._db, _WHOLE, (message_id,))[0]
            ended = all_rows(self._db, _ATTEMPTS, (message_id,))
        attempts = [_attempt(*one) for one in ended]
        fields = _fields(row, now_us)
        if fields["state"] in (State.RUNNING, State.COMPLETED) and not any(a.attempt == row[7] for a in attempts):
            attempts.append(_current_attempt(fields))
        return MessageDetail(
            **fields,
            payload=decode_payload(row[16], payload),
            headers=decode_headers(headers),
            result=None if result_kind is None else decode_payload(result_kind, result),
            attempts=tuple(attempts),
            error_text=attempts[-1].error if attempts else None,
        )

    def is_cancel_requested(self, message_id: int, receipt: int) -> bool:
        with Translating(self._path):
            row = first_row(self._db, _PROGRESS, (message_id, receipt))
        return row is not None and bool(row[0])

    def refused_puts(self, limit: int = 100) -> tuple[RefusedPut, ...]:
        with Translating(self._path):
            rows = () if self._is_empty else all_rows(self._db, _REFUSED, (limit,))
        return tuple(RefusedPut(row_id, bytes(queue).decode("utf-8", "replace"), why) for row_id, queue, why in rows)

    def running_by_worker(self) -> dict[int, tuple[str, tuple[int, ...]]]:
        found: dict[int, tuple[str, tuple[int, ...]]] = {}
        with Translating(self._path):
            rows = all_rows(self._db, _RUNNING)
        for pid, name, message_id in rows:
            found[pid] = (name, (*found.get(pid, (name, ()))[1], message_id))
        return found

    def interrupt(self) -> None:
        self._db.interrupt()

    def close(self) -> None:
        self._db.close()

    def _queues(self, name: str | None) -> tuple[QueueRecord, ...]:
        now_us = self._clock.wall_us()
        with ReadTransaction(self._db, self._path):
            rows = all_rows(self._db, _QUEUES, (name,))
            return tuple(QueueRecord(row[1], bool(row[2]), self._counts(row, now_us)) for row in rows)

    def _counts(self, row: tuple[Any, ...], now_us: int) -> Counts:
        """The counters, with what is due by now counted as ready though nobody has promoted it yet."""
        queue_id, _, _, wake_us, *by_state = row
        if wake_us is not None and wake_us <= now_us:
            for state, count in all_rows(self._db, _DUE, (queue_id, now_us)):
                by_state[state - 1] -= count
                by_state[State.READY - 1] += count
        return Counts(*by_state)


def _fields(row: tuple[Any, ...], now_us: int) -> dict[str, Any]:
    (message_id, queue, state, type_name, priority, group, key, attempt, max_attempts, enqueued_us, due_us,
     started_us, finished_us, error_head, error_tail, worker, kind, head, size) = row  # fmt: skip
    shown = State(abs(state))
    if shown in (State.SCHEDULED, State.RETRYING) and due_us <= now_us:
        shown = State.READY
    return {
        "id": message_id, "queue": queue, "state": shown, "type": type_name, "priority": priority, "group": group,
        "key": key, "attempt": attempt, "max_attempts": max_attempts,
        "enqueued_at": to_datetime(enqueued_us), "due_at": to_datetime(due_us),
        "started_at": to_datetime(started_us) if started_us else None,
        "finished_at": to_datetime(finished_us) if shown.is_final and finished_us else None,
        "error": _headline(error_head, error_tail) if error_head else None, "worker": worker,
        "payload_preview": _preview(kind, head or b""), "payload_size": size or 0, "is_trashed": state < 0,
    }  # fmt: skip


def _headline(head: str, tail: str) -> str:
    """The line that says why: of a traceback the last one that starts a line, else the first."""
    lines = [line for line in head.splitlines() if line.strip()] or [""]
    if any(line.startswith(("Traceback (most recent call last)", '  File "')) for line in lines):
        lines = [line for line in reversed(tail.splitlines()) if line.strip() and not line[0].isspace()] or lines
    return lines[0].strip()[:300].translate(_SYMBOLS)


def _preview(kind: int, head: bytes) -> str:
    if kind == PayloadKind.BYTES:
        return head[: _PREVIEW_CHARACTERS // 2].hex()
    return head.decode("utf-8", "ignore")[:_PREVIEW_CHARACTERS].translate(_SYMBOLS)


def _attempt(
    attempt: int, worker: str | None, started_us: int, ended_us: int, outcome: int, error: str | None
) -> AttemptRecord:
    started_at = to_datetime(started_us) if started_us else None
    return AttemptRecord(attempt, worker, started_at, to_datetime(ended_us), AttemptOutcome(outcome), error)


def _current_attempt(fields: dict[str, Any]) -> AttemptRecord:
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
