"""What a review found: each of these failed once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from pqdesk import Counts, Empty, InvalidInput, LeaseLost, Queue, WorkspaceError
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.contract import Settlement
from pqdesk.storage.sqlite import owners
from pqdesk.storage.sqlite.connection import WriteTransaction
from pqdesk.storage.sqlite.owners import Owner
from pqdesk.storage.sqlite.waiting import DeathWatch
from tests.contract.clocks import MovableClock


def test_a_group_goes_on_when_several_of_it_expire_at_once(queue: Queue, clock: MovableClock) -> None:
    for number in range(3):
        queue.put(number, group="g", expires=5)
    queue.put("last", group="g")
    clock.advance(6)

    assert queue.get(timeout=0).payload == "last"
    assert queue.counts() == Counts(running=1, cancelled=3)


def test_an_ack_after_its_loop_was_left_takes_nothing_more(queue: Queue) -> None:
    queue.put_many([1, 2])
    for message in queue:  # noqa: B007
        break
    message.ack()

    assert queue.counts() == Counts(ready=1, completed=1)


def test_what_a_loop_took_ahead_is_kept_while_its_body_goes_on(queue: Queue, other: Queue, clock: MovableClock) -> None:
    queue.put_many([1, 2])
    loop = iter(queue)
    next(loop).ack()
    clock.advance(40)  # of 60
    queue.store.tending.tend()  # type: ignore[attr-defined]
    clock.advance(40)
    other.store.tending.tend()  # type: ignore[attr-defined]

    next(loop).ack()
    assert queue.counts().completed == 2


def test_a_state_named_twice_lists_a_message_once(queue: Queue) -> None:
    queue.put(1)

    assert len(queue.messages(state=["ready", "ready"])) == 1


def test_text_that_cannot_be_searched_is_refused(queue: Queue) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        queue.messages(search="\ud800")
    with pytest.raises(InvalidInput, match="surrogate"):
        queue.retry(where="\ud800")


def test_a_backoff_that_is_none_is_refused_where_it_is_given(queue: Queue) -> None:
    with pytest.raises(InvalidInput):
        queue.use_defaults(backoff="bogus")


def test_a_message_to_be_cancelled_is_not_retried_when_its_handler_times_out(queue: Queue) -> None:
    message_id = queue.put(1)
    message = queue.get()
    queue.cancel(message_id)

    queue.settle(message, Settlement(AttemptOutcome.TIMED_OUT, error="too long"))

    assert queue.counts() == Counts(cancelled=1)


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


class _InterruptedConnection:
    """Begins a transaction, and is interrupted before it returns."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def execute(self, sql: str) -> None:
        self._db.execute(sql)
        if sql.startswith("BEGIN"):
            raise KeyboardInterrupt

    def get_autocommit(self) -> bool:
        return self._db.get_autocommit()


def test_an_interrupt_right_after_begin_leaves_no_transaction_open(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "file.db"))
    interrupted: apsw.Connection = _InterruptedConnection(db)  # type: ignore[assignment]

    with pytest.raises(KeyboardInterrupt), WriteTransaction(interrupted, tmp_path):
        raise AssertionError

    assert db.get_autocommit()


def test_a_transaction_that_an_interrupt_left_open_stops_no_later_one(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "file.db"))
    WriteTransaction(db, tmp_path).__enter__()

    with WriteTransaction(db, tmp_path):
        db.execute("CREATE TABLE later (one)")

    assert db.get_autocommit()


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


def test_the_alarm_may_be_set_by_a_signal_that_comes_while_it_is_waited_for() -> None:
    script = (
        "import signal, time; from pqdesk.storage.sqlite.waiting import Alarm\n"
        "alarm = Alarm(); signal.signal(signal.SIGALRM, lambda *_: alarm.set())\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001); end = time.monotonic() + 2\n"
        "while time.monotonic() < end: alarm.wait(0.0001)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_closing_gives_back_more_than_a_batch(queue: Queue, other: Queue) -> None:
    other.put_many(range(2500))
    other.get_many(2500)

    other.store.close()

    assert queue.counts().ready == 2500


@pytest.mark.parametrize("action", ["cancel", "delete", "retry"])
def test_a_queue_acts_on_no_message_of_another(queue: Queue, action: str) -> None:
    theirs = Queue.over(queue.store, "theirs", queue._clock).put("x")

    outcome = getattr(queue, action)([theirs])

    assert (outcome.done, outcome.errors) == (0, (f"message {theirs} is in another queue",))
    assert queue.store.looking.counts("theirs").ready == 1


def test_threads_that_close_and_call_at_once_get_an_error_of_ours_or_none(tmp_path: Path) -> None:
    for number in range(15):
        queue = Queue("q", workspace=tmp_path / str(number))
        queue.put("x")
        odd: list[BaseException] = []

        def call(use: Callable[[], object], odd: list[BaseException] = odd) -> None:
            try:
                for _ in range(50):
                    use()
            except (WorkspaceError, Empty):
                pass
            except BaseException as exc:  # noqa: BLE001
                odd.append(exc)

        uses = (lambda q=queue: q.put(1), lambda q=queue: q.get(timeout=1), queue.counts, queue.messages)
        callers = [threading.Thread(target=call, args=(use,)) for use in uses]
        closers = [threading.Thread(target=queue.close) for _ in range(2)]
        for thread in (*callers, *closers):
            thread.start()
        for thread in (*callers, *closers):
            thread.join(60)

        assert odd == []


def test_a_lost_claim_is_forgotten(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(lease=1)
    clock.advance(2)
    queue.get(timeout=0).ack()

    with pytest.raises(LeaseLost):
        message.ack()

    assert not queue.store._engine.hand  # type: ignore[attr-defined]


def test_an_unsettled_message_of_a_loop_is_extended_no_more_when_the_loop_goes_on(queue: Queue) -> None:
    queue.put_many(range(2))
    loop = iter(queue)
    next(loop)
    message = next(loop)

    extended = queue.store._engine.hand._extended  # type: ignore[attr-defined]
    assert [claim.id for claim in extended.values()] == [message.id]


def test_a_put_into_a_removed_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    queue = Queue("q", workspace=tmp_path / "w")
    queue.put("x")
    shutil.rmtree(tmp_path / "w")
    queue.store._space._looked_ms = -1000  # type: ignore[attr-defined]

    with pytest.raises(WorkspaceError):
        queue.put("y")

    queue.close()


def test_closing_in_a_signal_handler_inside_a_call_is_an_error_and_no_hang(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pqdesk import Queue, WorkspaceError\n"
        "queue = Queue('q', workspace=sys.argv[1]); seen = []\n"
        "def handle(*_):\n"
        "    try: queue.close()\n"
        "    except WorkspaceError as error: seen.append('inside another call' in str(error))\n"
        "signal.signal(signal.SIGALRM, handle); signal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        "try: queue.get(timeout=5)\n"
        "except Exception: pass\n"
        "queue.close(); print(seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "w")], timeout=60, check=False, capture_output=True, text=True
    )
    assert done.stdout == "[True]\n", done.stderr
