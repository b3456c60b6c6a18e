"""What users of other queues complain about, a test for each: named after the project and its issue.

Complaints that have their tests elsewhere, beside the rest of their subject:

    procrastinate 1599      a delayed job blocks its group silently          test_why.py
    good_job 1484, 1600     runs missed across a restart, or a flood of them test_schedules.py
    oban 50, sidekiq 2800   clocks that differ or are set                    test_schedules.py, test_leases.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from pqdesk import DuplicateKey, Empty, LeaseLost, Outgoing, Queue, Workspace
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import PageRequest
from tests.contract.clocks import MovableClock
from tests.contract.tracing import steps_of, traced
from tests.support import wait_until

Start = Callable[..., "subprocess.Popen[str]"]

_CLAIM = """
import sys, time
from pqdesk import Queue
message = Queue("work", workspace=sys.argv[1]).get(timeout=20)
print(message.id, flush=True)
time.sleep(60)
"""
_WORK = """
import sys
from pqdesk import Empty, Queue
queue = Queue("work", workspace=sys.argv[1], durability="relaxed")
for number in range(60):
    queue.put(number)
    message = queue.get(timeout=20)
    message.ack()
    print(message.id, flush=True)
queue.close()
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Python program on the workspace; killed at the end if need be."""
    started: list[subprocess.Popen[str]] = []

    def start_one(code: str, **environment: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(child)
        return child

    yield start_one
    for child in started:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def _said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def _kill(child: subprocess.Popen[str]) -> None:
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


def test_huey_445_no_worker_ever_sees_database_is_locked(tmp_path: Path, start: Start) -> None:
    Workspace(tmp_path).close()

    children = [start(_WORK) for _ in range(4)]
    printed = [child.communicate(timeout=60)[0].split() for child in children]

    assert [child.returncode for child in children] == [0] * 4
    assert sum(len(ids) for ids in printed) == 240


def test_persist_queue_132_no_two_processes_get_the_same_message(tmp_path: Path, start: Start) -> None:
    Workspace(tmp_path).close()

    printed = [child.communicate(timeout=60)[0].split() for child in [start(_WORK) for _ in range(3)]]

    ids = [one for each in printed for one in each]
    assert len(ids) == len(set(ids))


def test_solid_queue_309_an_idle_worker_writes_nothing(queue: Queue) -> None:
    queue.put("x")
    queue.get(block=False)
    engine = queue.store._engine  # type: ignore[attr-defined]
    queue.store.tending.tend()  # type: ignore[attr-defined]
    before = engine.db.total_changes()

    for _ in range(20):
        queue.store.tending.tend()  # type: ignore[attr-defined]  # what its keeper does once a second

    assert engine.db.total_changes() == before


def test_mydia_283_a_completion_waits_for_a_busy_file_and_is_not_lost(queue: Queue) -> None:
    message_id = queue.put("x")
    message = queue.get(block=False)
    holder = apsw.Connection(str(queue.store._engine.path))  # type: ignore[attr-defined]
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: holder.execute("COMMIT")).start()

    message.ack()

    assert queue.message(message_id).state == State.COMPLETED
    holder.close()


def test_murmur_122_putting_again_after_an_unknown_outcome_makes_no_second_message(queue: Queue) -> None:
    first = queue.put("x", key="order-7")

    assert queue.put("x", key="order-7", on_conflict="keep") == first
    with pytest.raises(DuplicateKey) as caught:
        queue.put("x", key="order-7")

    assert caught.value.message_id == first
    assert queue.counts().total == 1


def test_huey_844_a_message_does_not_vanish_when_its_consumer_is_killed(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        message_id = queue.put("x")
        child = start(_CLAIM)
        assert _said(child) == str(message_id)

        _kill(child)

        with queue.get(timeout=10) as message:
            assert (message.id, message.attempt) == (message_id, 2)


def test_solid_queue_422_a_killed_worker_uses_up_no_retries(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        message_id = queue.put("x", max_attempts=1)
        child = start(_CLAIM)
        _said(child)

        _kill(child)
        message = queue.get(timeout=10)

        assert queue.message(message_id).attempts[0].outcome == AttemptOutcome.DIED
        message.nack("an ordinary failure, the first one")
        assert queue.message(message_id).state == State.FAILED


def test_oban_364_recovery_needs_no_timer(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        message_id = queue.put("x")
        child = start(_CLAIM.replace("timeout=20", "timeout=20, lease=86400"))
        _said(child)

        _kill(child)

        assert queue.get(block=False).id == message_id


def test_river_1258_nothing_stays_running_without_a_living_owner(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        queue.put("x")
    child = start(_CLAIM)
    _said(child)
    _kill(child)

    with Queue("work", workspace=tmp_path) as queue:
        queue.get(block=False).release()

    with Workspace(tmp_path) as workspace:
        assert workspace.counts().running == 0


def test_hexpm_1825_a_living_worker_is_never_rescued(queue: Queue, other: Queue, clock: MovableClock) -> None:
    queue.put("x")
    with queue.get(block=False, lease=60) as message:
        for _ in range(100):
            clock.advance(29)
            queue.store.tending.tend()  # type: ignore[attr-defined]  # its own thread extends the lease
            with pytest.raises(Empty):
                other.get(block=False)
        message.ack()


def test_river_1302_a_rescuer_overwrites_no_finished_message(queue: Queue, other: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    late = queue.get(block=False, lease=1)
    clock.advance(2)
    other.get(block=False).ack("by the second")

    for settle in (late.ack, late.nack, late.release):
        with pytest.raises(LeaseLost):
            settle()
    other.store.tending.tend()  # type: ignore[attr-defined]

    assert queue.message(message_id).state == State.COMPLETED
    assert queue.result(message_id) == "by the second"


def test_oban_862_two_workers_of_one_name_are_two(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        queue.put_many(["a", "b"])
        dead, living = (start(_CLAIM, SUPERVISOR_PROCESS_NAME="consumer") for _ in range(2))
        dead_id, _ = _said(dead), _said(living)

        _kill(dead)

        assert str(queue.get(timeout=10).id) == dead_id
        with pytest.raises(Empty):
            queue.get(block=False)


def test_oban_424_a_message_that_is_given_up_keeps_its_key_no_longer(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        queue.configure(max_deaths=1)
        first = queue.put("x", key="k")
        child = start(_CLAIM)
        _said(child)

        _kill(child)
        wait_until(lambda: queue.message(first).state == State.FAILED or _look(queue), reason="its death is noticed")

        assert queue.put("y", key="k") > first


def _look(queue: Queue) -> bool:
    with pytest.raises(Empty):
        queue.get(block=False)
    return False


def test_procrastinate_1408_recovery_is_nobodys_task_of_its_own(tmp_path: Path, start: Start) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        queue.put("x")
        child = start(_CLAIM)
        _said(child)
        _kill(child)

        assert queue.get(block=False).attempt == 2  # a claim looks for the dead first: no thread had to run


def test_river_1145_a_limit_costs_the_same_with_a_backlog(queue: Queue) -> None:
    queue.configure(concurrency=1000, rate=(1000, 1))
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(10)])
    few = _steps_of_a_claim(queue)
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(20_000)])

    many = _steps_of_a_claim(queue)

    assert many <= few * 1.05


def _steps_of_a_claim(queue: Queue) -> int:
    steps: list[int] = []
    queue.get(block=False)
    with traced(queue.store, lambda event: steps.append(steps_of(event))):
        queue.get(block=False)
    return sum(steps)


def test_good_job_1366_counts_are_read_not_counted(queue: Queue) -> None:
    for state in ("a", "b"):
        queue.put_many([state] * 500)
    queue.get_many(100)

    counts = queue.counts()

    assert (counts.ready, counts.running, counts.total) == (900, 100, 1000)


def test_huey_577_what_is_queued_can_be_seen(queue: Queue) -> None:
    message_id = queue.put({"to": "ada@example.com"}, type="mail", headers={"tenant": "7"})

    (record,) = queue.messages(search="ada@")

    assert (record.id, record.payload_preview) == (message_id, '{"to":"ada@example.com"}')
    assert queue.message(message_id).headers == {"tenant": "7"}


def test_openviking_3009_a_file_gives_space_back(queue: Queue, clock: MovableClock) -> None:
    queue.configure(keep_completed=0)
    engine = queue.store._engine  # type: ignore[attr-defined]
    queue.put_many([b"x" * 20_000 for _ in range(300)])
    for message in queue.get_many(300):
        message.ack()
    engine.checkpointer.run()
    before = engine.path.stat().st_size

    clock.advance(1)
    for _ in range(60):
        queue.store.tending.chores.prune()  # type: ignore[attr-defined]
    engine.checkpointer.run()

    assert engine.path.stat().st_size < before / 3


def test_bullmq_3183_a_busy_handler_is_extended_from_another_thread(queue: Queue, other: Queue) -> None:
    queue.put("x")
    with queue.get(block=False, lease=0.2) as message:
        ends_at = threading.Event()
        threading.Timer(0.6, ends_at.set).start()
        while not ends_at.is_set():
            sum(range(1000))  # a handler that never waits

        with pytest.raises(Empty):
            other.get(block=False)
        message.ack()


def test_mecatl_1333_sleeping_ends_no_lease(queue: Queue, other: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(block=False, lease=30)

    clock.suspend(8 * 3600)

    with pytest.raises(Empty):
        other.get(block=False)
    message.ack()


def test_pgmq_274_what_is_out_of_attempts_is_set_aside_and_can_be_replayed(queue: Queue) -> None:
    message_id = queue.put("x", max_attempts=2)
    for _ in range(2):
        queue.get(block=False).nack("broken", delay=0)

    assert queue.message(message_id).state == State.FAILED
    assert queue.retry(message_id).done == 1
    assert queue.get(block=False).attempt == 3


def test_levara_118_waiting_is_a_sleep_in_the_kernel(queue: Queue) -> None:
    statements: list[str] = []
    queue.put("warm")
    queue.get(block=False).ack()

    with (
        traced(queue.store, lambda event: statements.append(event["sql"]), apsw.SQLITE_TRACE_STMT),
        pytest.raises(Empty),
    ):
        queue.get(timeout=1.2)

    assert len(statements) < 60  # a poll each 5 ms would be some hundreds


def test_good_job_720_claiming_costs_the_same_behind_a_large_backlog(queue: Queue) -> None:
    queue.put("later", priority=9, delay=9999)
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(10)])
    few = _steps_of_a_claim(queue)
    queue.put_many([Outgoing(number, priority=number % 3) for number in range(20_000)])
    queue.put_many([Outgoing(number, priority=9, delay=9999) for number in range(5_000)])

    assert _steps_of_a_claim(queue) <= few * 1.05


def test_gotosocial_2808_the_wal_stays_short_while_somebody_looks(tmp_path: Path) -> None:
    with Workspace(tmp_path, durability="relaxed") as workspace:
        inspection = workspace.inspection()
        queue = workspace.queue("work")
        for number in range(3000):
            queue.put("x" * 900)
            if number % 20 == 0:
                inspection.page(PageRequest(limit=200))
        inspection.close()

        assert (tmp_path / "queue.db-wal").stat().st_size < 24 * 1024 * 1024


_TRY_TO_WRITE = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
try:
    db.execute("BEGIN IMMEDIATE")
    print("written")
except apsw.BusyError:
    print("busy")
"""


def test_honker_80_nothing_that_is_opened_and_closed_drops_the_locks(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        queue = workspace.queue("work")
        queue.put("x")
        database = str(tmp_path / "queue.db")
        with queue.transaction() as tx:
            queue.put("y", tx=tx)

            open_inspection(workspace.paths).close()
            opener = threading.Thread(target=lambda: Queue("other", workspace=tmp_path).close())
            opener.start()
            opener.join()
            assert Workspace.exists(tmp_path)
            queue.store._space.check(1)  # type: ignore[attr-defined]

            answer = subprocess.run(
                [sys.executable, "-c", _TRY_TO_WRITE, database], capture_output=True, text=True, check=True
            )
            assert answer.stdout.strip() == "busy"
