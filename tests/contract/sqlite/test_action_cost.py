"""What acting on ids costs does not grow with the backlog, nor with what is due, nor with the activity kept."""

from __future__ import annotations

import apsw
import pytest

from pqdesk import Queue
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.queues import acting
from pqdesk.storage.operating import Order
from pqdesk.storage.sqlite.bulk import batches
from tests.contract.engines import counted_steps

_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO pqdesk_message (queue_id, state, line, priority, enqueued_us, due_us, finished_us, "group", key,
                                open_key, trashed_us, payload_kind, checksum, payload)
    SELECT (SELECT id FROM pqdesk_queue WHERE name = 'work'), :state,
           CASE WHEN :group IS NULL THEN 0 WHEN i = 1 THEN 1 ELSE 2 END, -1, 1, 1, abs(:state) >= 5, :group, 'old' || i,
           CASE WHEN :state BETWEEN 1 AND 4 THEN 'old' || i END, CASE WHEN :state < 0 THEN 1 << 60 END, 1, 0, x'61'
      FROM n"""
_COUNT = "UPDATE pqdesk_queue SET {word} = {word} + ?, blocked = blocked + ?"
_OLD_UNDO = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO pqdesk_undo (activity_id, message_id, before) SELECT 1, -i, '{}' FROM n"""


def _fill(queue: Queue, count: int, state: int, group: str | None = None) -> None:
    db: apsw.Connection = queue.store._engine.db  # type: ignore[attr-defined]
    with queue.store._engine.lock:  # type: ignore[attr-defined]
        db.execute("BEGIN")
        db.execute(_FILL, {"count": count, "state": state, "group": group})
        db.execute(_OLD_UNDO, {"count": count})
        if state > 0:
            db.execute(_COUNT.format(word=State(state).word), (count, count - 1 if group else 0))
        db.execute("COMMIT")


def _cost(queue: Queue) -> dict[str, int]:
    """VM steps per statement of every action and its undoing, on messages of its own."""
    counted: dict[str, int] = {}
    ids = [queue.put("x", key="mine", group="mine", priority=9), queue.put("y", group="mine", priority=9)]
    later = queue.put("z", delay=1000)
    with counted_steps(queue.store, counted):
        for act in (
            lambda: queue.move(ids, to="second"),
            lambda: queue.edit(ids, "edited"),
            lambda: queue.duplicate(ids),
            lambda: queue.cancel(ids),
            lambda: queue.delete(ids),
            lambda: queue.run_now(later),
        ):
            outcome = act()
            assert outcome.done, outcome
            acting.undo(queue.store, outcome.activity_id or 0, None)
        queue.cancel(ids)
        queue.retry(ids)
        queue.delete([*ids, later])
        queue.restore(ids)
        queue.delete(ids)
        queue.empty_trash([*ids, later])
        acting.list_activity(queue.store, 10, None)
    return counted


@pytest.mark.parametrize(
    ("state", "group"),
    [(2, None), (2, "g"), (4, None), (5, None), (6, None), (-6, None)],
    ids=["ready", "one group", "due", "completed", "failed", "trashed"],
)
def test_acting_on_ids_costs_the_same_at_10_and_at_100_000_messages(
    queue: Queue, state: int, group: str | None
) -> None:
    _cost(queue)  # so that what was never there before is there
    _fill(queue, 10, state, group)
    few = _cost(queue)

    db: apsw.Connection = queue.store._engine.db  # type: ignore[attr-defined]
    with queue.store._engine.lock:  # type: ignore[attr-defined]
        db.execute("DELETE FROM pqdesk_message WHERE key LIKE 'old%'; DELETE FROM pqdesk_undo WHERE message_id < 0")
    _fill(queue, 100_000, state, group)
    many = _cost(queue)

    assert many
    grown = {sql: (few.get(sql, 0), steps) for sql, steps in many.items() if steps > few.get(sql, 0) + 40}
    assert not grown


def test_a_filter_is_answered_in_short_reads(queue: Queue) -> None:
    """However large the table: no single statement looks through more than a slice of it."""
    queue.put("first")
    _fill(queue, 200_000, State.COMPLETED.number)
    needle = queue.put("needle")
    counted: dict[str, int] = {}
    order = Order(action="delete", selection=Selection(search="needle"))

    with counted_steps(queue.store, counted):
        found = list(batches(queue.store._engine, order))  # type: ignore[attr-defined]

    assert [list(ids) for ids in found if ids] == [[needle]]
    assert max(counted.values()) < 50_000 * 60
