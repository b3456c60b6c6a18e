"""The cost of a call does not grow with the backlog: each statement takes the same number of SQLite VM steps."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from pqdesk import Empty, Outgoing, Queue
from pqdesk.messages.states import State
from tests.contract import engines
from tests.contract.engines import counted_steps, steps_of, traced

_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO pqdesk_message (queue_id, state, line, priority, enqueued_us, due_us, owner_id, lease_ends_ms,
                                finished_us, "group", key, open_key, payload_kind, checksum, payload)
    SELECT :queue_id, :state, CASE WHEN :group IS NULL THEN 0 WHEN i = 1 THEN 1 ELSE 2 END, :priority, 1, :due_us,
           (SELECT coalesce(min(id), 0) FROM pqdesk_owner), 1 << 60, :finished_us, :group, 'old' || i,
           CASE WHEN :state < 5 THEN 'old' || i END, 1, 0, x'61' FROM n"""
_FAR_US = 1 << 60


def _fill(queue: Queue, count: int, state: State, *, group: str | None = None, priority: int = -1) -> None:
    """Leave `count` messages in one state, as a long life would have left them; those of the last call go."""
    store: Any = queue.store
    db: apsw.Connection = store._engine.db
    with store._engine.lock:  # the background thread uses this connection too
        db.execute("BEGIN")
        queue_id = db.execute("SELECT id FROM pqdesk_queue WHERE name = ?", (queue.name,)).fetchone()[0]
        db.execute("DELETE FROM pqdesk_message WHERE key LIKE 'old%'")
        values = {
            "count": count,
            "queue_id": queue_id,
            "state": int(state),
            "group": group,
            "priority": priority,
            "due_us": _FAR_US if state in (State.SCHEDULED, State.RETRYING) else 1,
            "finished_us": int(state.is_final),
        }
        db.execute(_FILL, values)
        blocked = count - 1 if group else 0
        sql = f"UPDATE pqdesk_queue SET {state.word} = ?, wake_us = ?, blocked = ? WHERE id = ?"
        db.execute(sql, (count, _FAR_US, blocked, queue_id))
        db.execute("COMMIT")


def _cost(queue: Queue) -> dict[str, int]:
    """VM steps per statement of puts, gets, an ack and a nack of messages that go before the backlog."""
    counted: dict[str, int] = {}
    queue.put("warm", priority=5)
    queue.get().ack()
    with counted_steps(queue.store, counted):
        queue.put("x", priority=5)
        queue.put("y", priority=5, key="fresh", group="fresh")
        queue.get().ack()
        held = queue.get()
        held.nack(delay=10_000)
    queue.cancel(held.id)
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
    queue: Queue, state: State, options: dict[str, Any]
) -> None:
    _compare(queue, 100_000, state, **options)


def test_they_cost_the_same_at_10_and_at_1_000_000_messages_of_a_queue_with_all_limits(queue: Queue) -> None:
    queue.configure(concurrency=2_000_000, group_concurrency=3, rate=(1000, 1), max_size=10_000_000)

    _compare(queue, 1_000_000, State.READY)


def _compare(queue: Queue, count: int, state: State, **options: Any) -> None:
    queue.put("x")
    queue.get().ack()
    _fill(queue, 10, state, **options)
    few = _cost(queue)

    _fill(queue, count, state, **options)
    many = _cost(queue)

    assert many
    grown = {sql: (few.get(sql, 0), steps) for sql, steps in many.items() if steps > few.get(sql, 0) + 40}
    assert not grown


def test_an_empty_look_costs_the_same_behind_100_000_messages(queue: Queue) -> None:
    queue.put("x")
    queue.get().ack()
    _fill(queue, 100_000, State.SCHEDULED)
    counted: dict[str, int] = {}

    with counted_steps(queue.store, counted), pytest.raises(Empty):
        queue.get(block=False)

    assert 0 < sum(counted.values()) < 300


def test_a_limit_costs_the_same_with_a_backlog(queue: Queue) -> None:
    """As in river 1145."""
    queue.configure(concurrency=1000, rate=(1000, 1))
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(10)])
    few = _steps_of_a_claim(queue)
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(20_000)])

    many = _steps_of_a_claim(queue)

    assert many <= few * 1.05


def test_claiming_costs_the_same_behind_a_large_backlog(queue: Queue) -> None:
    """As in good_job 720."""
    queue.put("later", priority=9, delay=9999)
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(10)])
    few = _steps_of_a_claim(queue)
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(20_000)])
    queue.put_many([Outgoing(number, priority=9, delay=9999) for number in range(5_000)])

    assert _steps_of_a_claim(queue) <= few * 1.05


def _steps_of_a_claim(queue: Queue) -> int:
    steps: list[int] = []
    queue.get(block=False)
    with traced(queue.store, lambda event: steps.append(steps_of(event))):
        queue.get(block=False)
    return sum(steps)


def test_an_idle_worker_writes_nothing(queue: Queue) -> None:
    """As in solid_queue 309."""
    queue.put("x")
    queue.get(block=False)
    engines.run_chores(queue)
    before = engines.changes(queue)

    for _ in range(20):
        engines.run_chores(queue)  # what its background thread does once a second

    assert engines.changes(queue) == before


def test_waiting_is_a_sleep_in_the_kernel(queue: Queue) -> None:
    """As in levara 118."""
    statements: list[str] = []
    queue.put("warm")
    queue.get(block=False).ack()

    with (
        traced(queue.store, lambda event: statements.append(event["sql"]), apsw.SQLITE_TRACE_STMT),
        pytest.raises(Empty),
    ):
        queue.get(timeout=1.2)

    assert len(statements) < 60  # a poll each 5 ms would be some hundreds
