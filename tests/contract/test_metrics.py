"""Metrics: what happened per minute, which outlives the messages and adds up with the counters."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from pqdesk import InvalidInput, Queue
from pqdesk.clock import to_datetime
from pqdesk.errors import Full
from pqdesk.messages.looking import Histogram, MetricRecord
from pqdesk.messages.records import Outgoing
from pqdesk.storage.contract import Store
from tests.contract import engines
from tests.contract.clocks import MovableClock


def _since(clock: MovableClock, seconds: float = 3600) -> datetime:
    return to_datetime(clock.wall_us()) - timedelta(seconds=seconds)


def _total(records: list[MetricRecord], name: str) -> int:
    return sum(getattr(one, name) for one in records)


def _live(queue: Queue, clock: MovableClock) -> None:
    """Six completed, two failed, one retrying, one that died with its lease, three waiting."""
    for number in range(9):
        queue.put("x", type="even" if number % 2 == 0 else None)
        message = queue.get(lease=9999)
        clock.advance(0.1)
        if number < 6:
            message.ack()
        elif number < 8:
            message.fail("boom")
        else:
            message.nack("boom", delay=3600)
    queue.put("hung")
    queue.get(lease=1)
    clock.advance(2)
    engines.run_chores(queue)
    queue.put_many(["a", "b"])


def test_metrics_add_up_with_the_counters(queue: Queue, clock: MovableClock) -> None:
    _live(queue, clock)

    records = queue.metrics(_since(clock))

    counts = queue.counts()
    assert _total(records, "put") == counts.total == 12
    assert _total(records, "completed") == counts.completed == 6
    assert _total(records, "failed") == counts.failed == 2
    assert _total(records, "retried") == 2
    assert sum(one.ran.total for one in records) == sum(one.waited.total for one in records) == 6


def test_what_was_rolled_back_is_not_counted(queue: Queue, clock: MovableClock) -> None:
    with contextlib.suppress(ZeroDivisionError), queue.transaction() as tx:
        queue.put("x", tx=tx)
        raise ZeroDivisionError
    with queue.transaction() as tx:
        queue.put("y", tx=tx)

    assert _total(queue.metrics(_since(clock)), "put") == 1


def test_metrics_are_told_apart_by_minute_queue_and_type(queue: Queue, clock: MovableClock) -> None:
    queue.put_many(["x"] * 3, type="t")
    clock.advance(60)
    queue.put_many(["x"] * 2)
    Queue.over(queue.store, "other", clock).put("x")
    look = queue.store.looking
    since, until = _since(clock), to_datetime(clock.wall_us()) + timedelta(seconds=1)

    assert [one.put for one in queue.metrics(since)] == [3, 2]
    assert [one.put for one in look.metrics(since=since, until=until)] == [3, 3]
    assert [one.put for one in look.metrics(type="t", since=since, until=until)] == [3]
    by_queue = look.metrics(since=since, until=until, by_queue=True)
    assert [(one.queue, one.put) for one in by_queue] == [("work", 3), ("other", 1), ("work", 2)]
    assert queue.metrics(since, step=timedelta(hours=24))[0].put in (3, 5)


def test_waits_and_runs_have_percentiles(queue: Queue, clock: MovableClock) -> None:
    clock.set_wall(3600 - clock.wall_us() / 1e6 % 3600)  # all of it in one hour
    for seconds in (1, 1, 1, 60):
        queue.put("x")
        clock.advance(seconds)
        message = queue.get(lease=9999)
        clock.advance(seconds)
        message.ack()

    record = queue.metrics(_since(clock), step=3600)[-1]

    assert record.ran.p50_s is not None
    assert 0.5 <= record.ran.p50_s <= 4.1
    assert record.waited.p99_s is not None
    assert 32 <= record.waited.p99_s <= 66


def test_a_histogram_tells_quantiles_within_its_bucket() -> None:
    assert Histogram().p50_s is None
    assert Histogram({0: 10}).p95_s == pytest.approx(0.00095)
    assert Histogram({0: 50, 11: 50}).quantile_s(0.75) == pytest.approx(1.536)


def test_metrics_outlive_the_messages_and_become_hours_after_two_days(queue: Queue, clock: MovableClock) -> None:
    queue.configure(keep_completed=60, keep_failed=60)
    _live(queue, clock)
    clock.advance(60)
    queue.put("later")
    before = queue.metrics(_since(clock, 7200), step=3600)
    clock.advance(3 * 86_400)

    _prune(queue)

    rows = _rows(queue)
    assert queue.counts().completed == 0
    after = queue.metrics(_since(clock, 4 * 86_400), step=3600)
    assert [(one.at, one.put, one.completed, one.ran) for one in after] == [
        (one.at, one.put, one.completed, one.ran) for one in before
    ]
    assert {span_s for _, span_s in rows} == {3600}
    clock.advance(401 * 86_400)
    _prune(queue)
    assert _rows(queue) == []


def test_two_days_of_minutes_stay(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    clock.advance(86_400)
    queue.put("y")
    queue.metrics(_since(clock))

    _prune(queue)

    assert {span_s for _, span_s in _rows(queue)} == {60}


def test_a_killed_process_loses_at_most_its_last_second(queue: Queue, clock: MovableClock) -> None:
    assert queue.paths is not None
    code = f"""
        import time
        from pqdesk import Queue
        queue = Queue("work", workspace={str(queue.paths.root)!r})
        queue.put_many(range(500))
        queue.store.claim("work", limit=1, lease_us=None, is_detached=False)
        time.sleep(1.2)
        queue.put("after more than a second")
        print("put", flush=True)
        time.sleep(60)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    assert _total(queue.metrics(_since(clock)), "put") >= 500
    assert queue.counts().total == 501


_ENDS = {
    "at its last line": "",
    "by an exception": "raise RuntimeError",
    "by exit": "sys.exit(3)",
    "having dropped its queue": "queue = None; gc.collect()",
    "having taken some": "[queue.get() for _ in range(3)]",
    "with a queue that another thread waits on": (
        "threading.Thread(target=queue.get, daemon=True).start(); Queue('none').put(1)"
    ),
    "in a child of multiprocessing": "",
}


@pytest.mark.parametrize("end", _ENDS)
def test_what_a_program_did_that_ends_without_close_is_counted(queue: Queue, clock: MovableClock, end: str) -> None:
    assert queue.paths is not None
    code = f"""
        import gc, multiprocessing, sys, threading
        from pqdesk import Queue
        def work():
            queue = Queue("work", workspace={str(queue.paths.root)!r})
            for number in range(50):
                queue.put(number, type="a")
            queue.put_many(range(50))
            for number in range(7):
                queue.get().ack()
            queue.get().fail("no")
            {_ENDS[end]}
        if {end == "in a child of multiprocessing"}:
            child = multiprocessing.get_context("fork").Process(target=work)
            child.start()
            child.join()
        else:
            work()
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.DEVNULL, check=False, timeout=60,
        env=os.environ | {"PQDESK_WORKSPACE": str(queue.paths.root)},
    )  # fmt: skip

    records = queue.metrics(_since(clock))
    assert [_total(records, name) for name in ("put", "completed", "failed")] == [100, 7, 1]


def test_a_queue_that_is_forgotten_in_the_middle_of_a_transaction_on_its_file_waits_for_nothing(
    queue: Queue, clock: MovableClock
) -> None:
    assert queue.paths is not None
    forgotten = Queue("work", workspace=queue.paths.root)
    forgotten.put_many(range(5))
    forgotten.put(6)

    with queue.transaction() as tx:
        del forgotten
        gc.collect()
        queue.put(7, tx=tx)

    assert queue.counts().total == 7


def test_wrong_times_and_steps_are_refused(queue: Queue, clock: MovableClock) -> None:
    for since, step in ((datetime(2026, 1, 1), 60), (_since(clock), 90), (_since(clock), 0)):  # noqa: DTZ001
        with pytest.raises(InvalidInput):
            queue.metrics(since, step=step)
    with pytest.raises(InvalidInput, match="choose longer steps"):
        queue.metrics(datetime(1990, 1, 1, tzinfo=UTC))


def _prune(queue: Queue) -> None:
    """Upkeep for as long as there is something to do."""
    for _ in range(60):
        engines.prune(queue)


def _rows(queue: Queue) -> list[tuple[int, int]]:
    return engines.sql(queue, "SELECT start_s, span_s FROM pqdesk_metric")


def test_what_a_full_queue_refused_is_in_no_metric(queue: Queue, store: Store, clock: MovableClock) -> None:
    full = Queue.over(store, "full", clock)
    full.configure(max_size=1)
    queue.put("known")
    full.put("known")

    with pytest.raises(Full):
        queue.put_many(["one", Outgoing("two", queue="full")], block=False)
    engines.write_metrics(queue)

    assert sum(row.put for row in queue.metrics(to_datetime(clock.wall_us() - 3_600_000_000))) == 1
