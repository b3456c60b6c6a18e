"""The cost of a call does not grow with the backlog: the same plans, the same number of SQLite VM steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import pytest

from pqdesk import Empty, Queue
from pqdesk.messages.states import State

_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
    INSERT INTO pqdesk_message (queue_id, state, line, priority, enqueued_us, due_us, expires_us, owner_id, lease_ends_ms,
                                finished_us, "group", key, open_key, payload_kind, checksum, payload)
    SELECT ?2, ?3, CASE WHEN ?4 IS NULL THEN 0 WHEN i = 1 THEN 1 ELSE 2 END, ?5, 1, ?6, NULL, ?7, 1 << 60, ?8, ?4,
           CASE WHEN ?9 THEN 'old' || i END, CASE WHEN ?9 AND ?3 < 5 THEN 'old' || i END, 1, 0, x'61' FROM n"""
_FAR_US = 1 << 60


def _fill(queue: Queue, count: int, state: State, *, group: str | None = None, priority: int = -1, keyed: bool) -> None:
    """`count` messages in one state, as a long life would have left them."""
    db: apsw.Connection = queue.store._db  # type: ignore[attr-defined]
    queue_id = db.execute("SELECT id FROM pqdesk_queue WHERE name = ?", (queue.name,)).fetchone()[0]
    due_us = _FAR_US if state in (State.SCHEDULED, State.RETRYING) else 1
    owner = db.execute("SELECT coalesce(min(id), 0) FROM pqdesk_owner").fetchone()[0]
    values = (count, queue_id, int(state), group, priority, due_us, owner, 1 if state.is_final else 0, keyed)
    db.execute("BEGIN")
    db.execute(_FILL, values)
    db.execute(
        f"UPDATE pqdesk_queue SET {state.word} = {state.word} + ?, wake_us = ? WHERE id = ?", (count, _FAR_US, queue_id)
    )
    if group:
        db.execute("UPDATE pqdesk_queue SET blocked = blocked + ? WHERE id = ?", (count - 1, queue_id))
    db.execute("COMMIT")


@contextmanager
def _steps(queue: Queue, counted: dict[str, int]) -> Iterator[None]:
    """Count the VM steps of every statement in the block, per statement."""
    db: apsw.Connection = queue.store._db  # type: ignore[attr-defined]
    statements: dict[str, int] = {}

    def note(event: dict[str, Any]) -> None:
        sql = event["sql"]
        statements[sql] = statements.get(sql, 0) + event["counters"]["SQLITE_STMTSTATUS_VM_STEP"]

    db.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
    try:
        yield
    finally:
        db.trace_v2(0, None)
    counted.update(statements)


def _cost(queue: Queue) -> dict[str, int]:
    """VM steps per statement of one put, get and ack, one empty look, and a nack."""
    counted: dict[str, int] = {}
    queue.put("warm", priority=5)
    queue.get().ack()
    with _steps(queue, counted):
        queue.put("x", priority=5)
        queue.put("y", priority=5, key="fresh", group="fresh")
        queue.get().ack()
        queue.get().nack(delay=10_000)
    return counted


_MIXES: list[tuple[State, dict[str, Any]]] = [
    (State.READY, {}),
    (State.READY, {"group": "g"}),
    (State.SCHEDULED, {"priority": 9}),
    (State.RUNNING, {}),
    (State.RETRYING, {"priority": 9}),
    (State.COMPLETED, {}),
    (State.FAILED, {}),
]


@pytest.mark.parametrize(("state", "options"), _MIXES, ids=lambda value: value.word if isinstance(value, State) else "")
def test_put_get_ack_and_nack_cost_the_same_at_10_and_at_100_000_messages(
    queue: Queue, other: Queue, state: State, options: dict[str, Any]
) -> None:
    queue.put("x")
    queue.get().ack()
    _fill(queue, 10, state, keyed=True, **options)
    few = _cost(queue)
    queue.configure(lease=None)
    db: apsw.Connection = queue.store._db  # type: ignore[attr-defined]
    db.execute(
        "UPDATE pqdesk_message SET open_key = NULL, key = NULL, line = 0, \"group\" = NULL WHERE open_key LIKE 'old%'"
    )
    db.execute("UPDATE pqdesk_queue SET blocked = 0")

    _fill(queue, 100_000, state, keyed=True, **options)
    many = _cost(queue)

    grown = {sql: (few.get(sql, 0), steps) for sql, steps in many.items() if steps > few.get(sql, 0) * 1.2 + 30}
    assert not grown


def test_an_empty_look_costs_the_same_behind_100_000_messages(queue: Queue) -> None:
    queue.put("x")
    queue.get().ack()
    _fill(queue, 100_000, State.COMPLETED, keyed=False)
    _fill(queue, 100_000, State.SCHEDULED, keyed=False)
    counted: dict[str, int] = {}

    with _steps(queue, counted), pytest.raises(Empty):
        queue.get(block=False)

    assert 0 < sum(counted.values()) < 300
