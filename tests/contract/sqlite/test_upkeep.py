from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from pqdesk import Counts, NotFound, Queue, Workspace
from pqdesk.storage.looking import PageRequest
from pqdesk.storage.sqlite import owners
from pqdesk.storage.sqlite.owners import Owner
from pqdesk.storage.sqlite.waiting import DeathWatch
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.support import wait_until

_DAY_S = 86_400


def _prune(queue: Queue) -> None:
    """What the store's own thread does in its time, and may have done already."""
    engines.prune(queue)


def test_old_final_messages_go_and_the_counters_with_them(queue: Queue, clock: MovableClock) -> None:
    queue.put_many(range(20))
    for message in queue.get_many(20):
        message.ack("x" * 5000) if message.payload % 2 else message.fail("broken")
    clock.advance(8 * _DAY_S)

    _prune(queue)

    counts = queue.counts()
    assert (counts.completed, counts.failed) == (1, 10)  # the highest id stays, so that no id is used twice
    with pytest.raises(NotFound):
        queue.message(2)


def test_retention_is_configured_per_queue(queue: Queue, clock: MovableClock) -> None:
    queue.configure(keep_completed=60, keep_failed=120)
    queue.put_many(range(4))
    queue.get().ack()
    queue.get().fail("x")
    clock.advance(61)
    _prune(queue)
    assert queue.counts() == Counts(ready=2, failed=1)
    clock.advance(60)
    _prune(queue)
    assert queue.counts() == Counts(ready=2)


def test_the_trash_is_emptied_after_7_days(queue: Queue, clock: MovableClock) -> None:
    ids = queue.put_many(range(3))
    queue.delete(ids[:2])
    clock.advance(6 * _DAY_S)
    _prune(queue)
    assert queue.restore(ids[:1]).done == 1
    queue.delete(ids[:1])
    clock.advance(2 * _DAY_S)
    _prune(queue)

    assert queue.restore([ids[1]]).done == 0
    assert queue.restore(ids[:1]).done == 1
    assert queue.counts() == Counts(ready=2)


def test_an_id_is_never_used_twice(queue: Queue, clock: MovableClock) -> None:
    first = queue.put("x")
    queue.get().ack()
    clock.advance(30 * _DAY_S)
    _prune(queue)

    assert queue.put("y") > first


def test_a_pruned_file_gives_space_back(queue: Queue, clock: MovableClock, paths) -> None:
    queue.put_many(["x" * 10_000] * 500)
    for message in queue.get_many(500):
        message.ack()
    queue.store._engine.checkpointer.run()  # type: ignore[attr-defined]
    before = paths.database.stat().st_size
    clock.advance(8 * _DAY_S)
    for _ in range(20):
        _prune(queue)
    queue.store._engine.checkpointer.run()  # type: ignore[attr-defined]

    assert paths.database.stat().st_size < before / 4


def test_the_wal_stays_bounded_while_a_program_only_puts(tmp_path: Path) -> None:
    with Queue("q", workspace=tmp_path / "w", durability="relaxed") as queue:
        wal = tmp_path / "w" / "queue.db-wal"
        for _ in range(60):
            queue.put_many(["x" * 900] * 1000)

        wait_until(lambda: queue.store._engine.checkpointer.written_pages > 0)  # type: ignore[attr-defined]
        assert os.stat(wal).st_size < 64 * 1024 * 1024 + 8 * 1024 * 1024


def test_a_busy_queue_is_pruned_as_quickly_as_it_fills(queue: Queue, clock: MovableClock) -> None:
    queue.configure(keep_completed=0)
    queue.put_many(range(2500))
    for message in queue.get_many(2500):
        message.fail("x")
    queue.configure(keep_failed=0)
    clock.advance(60)

    engines.run_chores(queue)  # what its background thread does once a second

    assert queue.counts().failed <= 1500


def test_processes_that_ended_long_ago_are_forgotten(queue: Queue, other: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    other.get(block=False).ack()
    other.store.close()
    assert queue.message(message_id).worker is not None

    clock.advance(401 * _DAY_S)
    _prune(queue)

    assert queue.message(message_id).worker is None


def test_looking_whether_an_owner_lives_wakes_no_death_watch(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pqdesk.storage.sqlite.owners import OwnLock;"
        "print(OwnLock(Path(sys.argv[1])).token, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = Owner(1, process.stdout.readline().strip(), process.pid, "boot", "somebody")
        watch = DeathWatch(tmp_path)
        assert owners.is_alive(tmp_path, owner, "boot")
        assert watch.read() == []
        process.kill()
        process.wait()
        assert watch.read() == [owner.token]
        watch.close()
    assert not owners.is_alive(tmp_path, owner, "boot")


def test_a_long_reader_stops_no_writer_when_the_log_is_long(queue: Queue) -> None:
    queue.put(1)
    store = queue.store
    reader = apsw.Connection(str(store._engine.location.database), flags=apsw.SQLITE_OPEN_READONLY)  # type: ignore[attr-defined]
    reader.execute("BEGIN; SELECT * FROM pqdesk_message").fetchall()
    checkpointer = store._engine.checkpointer  # type: ignore[attr-defined]
    for _ in range(2):
        queue.put(b"x" * 1000)
    checkpointer.note(None, "main", checkpointer._restart_pages)
    assert checkpointer.is_due

    checkpointer.run()  # it was held up by the reader for 10 s, with the write lock

    assert not checkpointer.is_due
    reader.close()


def test_a_file_gives_space_back(queue: Queue, clock: MovableClock) -> None:
    """As in openviking 3009."""
    queue.configure(keep_completed=0)
    queue.put_many([b"x" * 20_000 for _ in range(300)])
    for message in queue.get_many(300):
        message.ack()
    engines.shrink(queue)
    before = engines.database(queue).stat().st_size

    clock.advance(1)
    for _ in range(60):
        engines.prune(queue)
    engines.shrink(queue)

    assert engines.database(queue).stat().st_size < before / 3


def test_the_wal_stays_short_while_somebody_looks(tmp_path: Path) -> None:
    """As in gotosocial 2808."""
    with Workspace(tmp_path, durability="relaxed") as workspace:
        inspection = workspace.inspection()
        queue = workspace.queue("work")
        for number in range(3000):
            queue.put("x" * 900)
            if number % 20 == 0:
                inspection.page(PageRequest(limit=200))
        inspection.close()

        assert (tmp_path / "queue.db-wal").stat().st_size < 24 * 1024 * 1024
