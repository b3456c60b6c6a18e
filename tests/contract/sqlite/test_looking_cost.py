"""Looking costs the same behind many messages: VM steps of pages in every cheap order, jumps, counts, why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import pytest

from pqdesk import Queue
from pqdesk.clock import to_datetime
from pqdesk.messages.filters import parse_filter
from pqdesk.messages.looking import Cursor
from pqdesk.messages.selection import Selection
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import Inspection, PageRequest
from tests.contract.clocks import MovableClock

_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO pqdesk_message (queue_id, state, priority, attempt, enqueued_us, due_us, finished_us, started_us,
                                error_id, payload_kind, checksum, payload)
    SELECT 1, i % 7 + 1, i % 5, 1, :now + i, CASE WHEN i % 7 IN (0, 3) THEN :far + i / 10 ELSE :now + i END,
           CASE WHEN i % 7 > 3 THEN :now + i / 10 ELSE 0 END, 1, CASE WHEN i % 7 = 5 THEN 1 END, 1, 0,
           CAST('payload ' || i AS BLOB)
      FROM n"""
_COUNT = """
    UPDATE pqdesk_queue SET scheduled = :n, ready = :n, running = :n, retrying = :n, completed = :n, failed = :n,
           cancelled = :n, wake_us = :far"""
_NOW_US, _FAR_US = 1_780_000_000_000_000, 4_000_000_000_000_000


@pytest.fixture
def look(queue: Queue, clock: MovableClock) -> Iterator[Callable[[int], Inspection]]:
    """Leaves so many messages in the queue and opens an inspection of it."""
    opened: list[Inspection] = []
    assert queue.paths is not None
    paths = queue.paths
    queue.put("x")
    queue.get().fail("boom")

    def fill(count: int) -> Inspection:
        engine: Any = queue.store._engine  # type: ignore[attr-defined]
        with engine.lock:
            engine.db.execute("DELETE FROM pqdesk_message")
            engine.db.execute(_FILL, {"count": count, "now": _NOW_US, "far": _FAR_US})
            engine.db.execute(_COUNT, {"n": count // 7, "far": _FAR_US})
        opened.append(open_inspection(paths, clock=clock))
        return opened[-1]

    yield fill
    for one in opened:
        one.close()


@contextmanager
def _steps(inspection: Inspection, counted: list[int]) -> Iterator[None]:
    """The VM steps of all statements in the block."""
    db: apsw.Connection = inspection._db  # type: ignore[attr-defined]

    def note(event: dict[str, Any]) -> None:
        counted.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    db.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
    try:
        yield
    finally:
        db.trace_v2(0, None)


def _page(text: str = "", **options: Any) -> Callable[[Inspection], Any]:
    request = PageRequest(selection=parse_filter(text), limit=50, **options)
    return lambda one: one.page(request)


_QUESTIONS: dict[str, Callable[[Inspection], Any]] = {
    "the first page": _page(),
    "the next page": _page(before=600),
    "the page before": _page(after=600),
    "the oldest page": _page(descending=False),
    "a dense filter": _page("state:completed"),
    "one message": _page("id:500"),
    "an id that a filter names": _page("id:500 state:completed,failed,ready"),
    "due": _page("state:scheduled,retrying", sort="due", descending=False),
    "due, the next page": _page("state:retrying", sort="due", cursor=Cursor(_FAR_US + 40, 400)),
    "finished": _page("state:completed", sort="finished"),
    "finished, the next page": _page("state:failed,cancelled", sort="finished", cursor=Cursor(_NOW_US + 40, 400)),
    "finished, backwards": _page("state:failed", sort="finished", cursor=Cursor(_NOW_US + 40, 400), is_backward=True),
    "priority": _page("state:ready queue:work", sort="priority"),
    "priority, the next page": _page("state:ready queue:work", sort="priority", cursor=Cursor(2, 400)),
    "a jump to a time": lambda one: one.id_at(to_datetime(_NOW_US + 600)),
    "counts": lambda one: (one.counts(), one.queues()),
    "a count of states": lambda one: one.count(parse_filter("state:failed,retrying")),
    "a capped count": lambda one: one.count(parse_filter("attempts:1"), most_ids=500),
    "a search that finds": lambda one: one.search(PageRequest(selection=Selection(search="payload"), limit=20)),
    "since when it waits": lambda one: one.waiting_since(),
    "errors": lambda one: one.errors(),
    "why": lambda one: [one.explain(message_id) for message_id in range(501, 508)],
    "in hand": lambda one: one.version(),
}


@pytest.mark.parametrize("question", _QUESTIONS)
def test_good_job_1366_looking_costs_the_same_at_1_000_and_at_100_000_messages(
    look: Callable[[int], Inspection], question: str
) -> None:
    few: list[int] = []
    small = look(1_000)
    with _steps(small, few):
        _QUESTIONS[question](small)

    many: list[int] = []
    large = look(100_000)
    with _steps(large, many):
        _QUESTIONS[question](large)

    assert few
    assert sum(many) <= sum(few) * 1.3 + 300


def test_a_page_of_200_rows_is_a_bounded_number_of_steps(look: Callable[[int], Inspection]) -> None:
    counted: list[int] = []
    inspection = look(100_000)
    with _steps(inspection, counted):
        records = inspection.page(PageRequest(limit=200))

    assert len(records) == 200
    assert sum(counted) < 200 * 100
