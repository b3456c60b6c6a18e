"""What a second review of the engine found, each with the sentence that holds since."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import apsw
import pytest

from pqdesk import AsyncQueue
from pqdesk.clock import to_datetime
from pqdesk.errors import Busy, Full, InvalidInput, LeaseLost, WorkspaceError
from pqdesk.messages.records import Outgoing
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.storage.contract import Store
from pqdesk.storage.sqlite import durability, owners
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.puts import Putting
from tests.contract.clocks import MovableClock
from tests.support import wait_until


def engine_of(queue: Queue) -> Engine:
    engine: Engine = queue.store._engine  # type: ignore[attr-defined]
    return engine


# --- leases that are extended ---------------------------------------------------------------------------


def test_a_message_that_a_loop_left_unsettled_is_ready_again_when_its_lease_ends(
    queue: Queue, other: Queue, clock: MovableClock
) -> None:
    queue.configure(lease=10)
    queue.put("one")

    for _ in queue:
        break
    clock.advance(seconds=6)
    queue.store.tending.tend()  # type: ignore[attr-defined]
    clock.advance(seconds=6)

    assert other.get(timeout=0).attempt == 2


def test_a_message_whose_block_could_not_ack_it_is_ready_again_when_its_lease_ends(
    queue: Queue, other: Queue, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.configure(lease=10)
    queue.put("one")

    def refuse(*_: object, **__: object) -> None:
        raise Busy("held by another program")

    with pytest.raises(Busy), queue.get():
        monkeypatch.setattr(queue.store, "settle", refuse)
    clock.advance(seconds=6)
    queue.store.tending.tend()  # type: ignore[attr-defined]
    clock.advance(seconds=6)

    assert other.get(timeout=0).attempt == 2


def test_a_message_that_an_asyncio_loop_left_unsettled_is_extended_no_more(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async def leave() -> None:
        async with AsyncQueue("work", workspace=tmp_path_factory.mktemp("w") / "w") as queue:
            await queue.put("one")
            async for _ in queue:
                break
            assert queue._queue is not None
            hand = engine_of(queue._queue).hand
            wait_until(lambda: not hand._extended, reason="the loop's last message is extended")

    asyncio.run(leave())


def test_a_detached_lease_is_extended_no_more_once_its_message_is_settled(queue: Queue) -> None:
    queue.put("one")

    with queue.get(detached=True):
        pass

    assert not engine_of(queue).hand._extended


# --- calls inside calls: signal handlers ------------------------------------------------------------------


@pytest.fixture
def in_a_signal_handler() -> Iterator[Callable[[Callable[[], object]], list[object]]]:
    """Arms a signal whose handler calls the function; the answers, or its errors, come into the list."""
    before = signal.getsignal(signal.SIGUSR1)

    def arm(do: Callable[[], object]) -> list[object]:
        answers: list[object] = []

        def handle(*_: object) -> None:
            try:
                answers.append(do())
            except WorkspaceError as exc:
                answers.append(exc)

        signal.signal(signal.SIGUSR1, handle)
        return answers

    yield arm
    signal.signal(signal.SIGUSR1, before)


def test_a_put_in_a_signal_handler_inside_another_puts_transaction_is_refused_and_harms_nothing(
    queue: Queue,
    in_a_signal_handler: Callable[[Callable[[], object]], list[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = Putting.finish

    def finish_interrupted(self: Putting, *args: Any, **options: Any) -> list[str]:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGUSR1)
        return finish(self, *args, **options)

    answers = in_a_signal_handler(lambda: queue.put("from the handler"))
    monkeypatch.setattr(Putting, "finish", finish_interrupted)
    queue.put("from the program")

    assert [type(answer) for answer in answers] == [WorkspaceError]
    assert [one.payload for one in map(queue.message, range(1, 2))] == ["from the program"]
    assert (queue.qsize(), len(queue.messages())) == (1, 1)


def test_a_put_in_a_signal_handler_while_another_one_is_flushed_is_refused(
    queue: Queue,
    in_a_signal_handler: Callable[[Callable[[], object]], list[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flush = os.fdatasync

    def flush_interrupted(descriptor: int) -> None:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGUSR1)
        flush(descriptor)

    answers = in_a_signal_handler(lambda: queue.put("from the handler"))
    queue.put("before")
    monkeypatch.setattr(os, "fdatasync", flush_interrupted)
    queue.put("from the program")

    assert [type(answer) for answer in answers] == [WorkspaceError]
    assert queue.qsize() == 2


# --- what is told and what is refused -------------------------------------------------------------------


def test_what_a_full_queue_refused_is_in_no_metric(queue: Queue, store: Store, clock: MovableClock) -> None:
    full = Queue.over(store, "full", clock)
    full.configure(max_size=1)
    queue.put("known")
    full.put("known")

    with pytest.raises(Full):
        queue.put_many(["one", Outgoing("two", queue="full")], block=False)
    engine_of(queue).write_metrics(is_forced=True)

    assert sum(row.put for row in queue.metrics(to_datetime(clock.wall_us() - 3_600_000_000))) == 1


def test_a_closed_queue_joins_no_transaction(
    queue: Queue, open_another: Callable[[], Store], clock: MovableClock
) -> None:
    closed = Queue.over(open_another(), "work", clock)
    closed.store.close()

    with queue.transaction() as tx, pytest.raises(WorkspaceError, match="closed"):
        closed.put("one", tx=tx)


def test_a_file_that_was_replaced_is_noticed_though_the_times_of_its_folder_were_set_back(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "_SETTLED_NS", 0)
    queue = Queue("work", workspace=paths.root)
    for number in range(3):
        queue.put(number)
    before = os.stat(paths.root)

    copy = paths.root.with_name("copy.db")
    shutil.copy(paths.database, copy)
    os.rename(copy, paths.database)
    os.utime(paths.root, ns=(before.st_atime_ns, before.st_mtime_ns))  # as rsync -a does

    with pytest.raises(WorkspaceError, match="replaced"):
        queue.put("into nowhere")
    queue.close()


# --- bad input -------------------------------------------------------------------------------------------

_HUGE = 10**5000  # more digits than str() writes
_WEST = datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))  # in UTC, a moment of the year 10000
_LOOP: list[Any] = []
_LOOP.append(_LOOP)

_REFUSED: dict[str, Callable[[Queue], object]] = {
    "a moment past the year 9999": lambda queue: queue.put(1, at=_WEST),
    "a priority that is False": lambda queue: queue.put(1, priority=False),
    "a priority that is no int": lambda queue: queue.put(1, priority=0.0),  # type: ignore[arg-type]
    "a priority of 5,000 digits": lambda queue: queue.put(1, priority=_HUGE),
    "a delay of 5,000 digits": lambda queue: queue.put(1, delay=_HUGE),
    "a conflict rule of 5,000 digits": lambda queue: queue.put(1, on_conflict=_HUGE),  # type: ignore[arg-type]
    "a key of 5,000 digits in a payload": lambda queue: queue.put({_HUGE: 1}),
    "a timeout that is text, with room": lambda queue: queue.put(1, timeout="soon"),  # type: ignore[arg-type]
    "a negative timeout, not waiting": lambda queue: queue.get(block=False, timeout=-1),
    "no items": lambda queue: queue.put_many(None),  # type: ignore[arg-type]
    "a number of items": lambda queue: queue.put_many(3),  # type: ignore[arg-type]
    "no marks": lambda queue: queue.put_once(None),  # type: ignore[arg-type]
    "items without marks": lambda queue: queue.put_once(["ab"]),  # type: ignore[list-item]
    "no follow-ups": lambda queue: queue.get(timeout=0).ack(put=None),  # type: ignore[arg-type]
    "a follow-up alone": lambda queue: queue.get(timeout=0).ack(put="x"),
    "a fraction of 5,000 digits": lambda queue: queue.get(timeout=0).progress(_HUGE),
    "a note that is no text": lambda queue: queue.get(timeout=0).progress(0.5, 7),  # type: ignore[arg-type]
    "why of an id that is text": lambda queue: queue.why("1"),  # type: ignore[arg-type]
    "why of an id above 64 bits": lambda queue: queue.why(2**64),
    "metrics since None": lambda queue: queue.metrics(None),  # type: ignore[arg-type]
    "ids of 5,000 digits": lambda queue: queue.retry(_HUGE),
    "a workspace that is a number": lambda _: Queue("work", workspace=7),  # type: ignore[arg-type]
    "a workspace without a name": lambda _: Queue("work", workspace=""),
    "a workspace with a null": lambda _: Queue("work", workspace="a\0b"),
    "a workspace with a lone surrogate": lambda _: Queue("work", workspace="a\ud800"),
    "a database that is a number": lambda _: Queue("work", database=7),  # type: ignore[arg-type]
    "a database with a null": lambda _: Queue("work", database="a\0b"),
    "a database with a name too long": lambda _: Queue("work", database="x" * 300),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_what_nobody_can_use_is_refused_in_one_line_and_changes_nothing(queue: Queue, what: str) -> None:
    queue.put("there")

    with pytest.raises((InvalidInput, LeaseLost, WorkspaceError)) as refused:
        _REFUSED[what](queue)

    assert "\n" not in str(refused.value)
    assert len(queue.messages()) == 1


def test_an_error_that_cannot_be_written_down_still_fails_its_attempt(queue: Queue) -> None:
    queue.put("one")
    message = queue.get(timeout=0)

    message.fail(_LOOP)

    assert queue.message(message.id).attempts[0].error == "[[...]]"


# --- who is alive -----------------------------------------------------------------------------------------


@pytest.fixture
def look_from_outside(other: Queue, paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What the upkeep of another process does."""

    def look() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(owners, "_own_locks", {})  # else it knows that these live in here
            other.store.tending.tend()  # type: ignore[attr-defined]

    return look


def test_a_process_that_was_taken_for_dead_keeps_what_it_has_from_then_on(
    queue: Queue, other: Queue, paths: WorkspacePaths, look_from_outside: Callable[[], None]
) -> None:
    queue.put_many(["lost", "kept"])
    lost = queue.get(timeout=0)
    for lock in (paths.run / "owners").iterdir():  # as a program that tidies up does
        lock.unlink()
    look_from_outside()
    kept = queue.get_many(2, timeout=0)

    queue.store.tending.tend()  # type: ignore[attr-defined]
    other.store.tending.tend()  # type: ignore[attr-defined]

    for message in kept:
        message.ack()
    with pytest.raises(LeaseLost):
        lost.ack()
    assert len(list((paths.run / "owners").iterdir())) == 1


def test_what_a_process_claimed_after_it_was_taken_for_dead_is_not_in_hand_for_ever(
    queue: Queue, paths: WorkspacePaths, look_from_outside: Callable[[], None]
) -> None:
    queue.put("one")
    queue.get(timeout=0).release()
    for lock in (paths.run / "owners").iterdir():
        lock.unlink()
    look_from_outside()
    queue.get(timeout=0)  # and then it really dies, before its upkeep

    look_from_outside()

    assert queue.counts().ready == 1


# --- results, rates, files ----------------------------------------------------------------------------------


def test_a_message_that_is_done_again_without_a_result_has_none(queue: Queue) -> None:
    queue.put("one")
    message = queue.get(timeout=0)
    message.ack("of the first time")
    queue.retry(message.id)

    queue.get(timeout=0).ack()

    assert queue.result(message.id) is None


def test_a_rate_that_was_lower_for_a_while_allows_no_burst(queue: Queue) -> None:
    queue.configure(rate=(5, 3600))
    queue.put_many(range(20))
    queue.get_many(5, timeout=0)

    queue.configure(rate=(1, 3600))
    queue.configure(rate=None)
    queue.configure(rate=(6, 3600))

    assert len(queue.get_many(10, timeout=0)) == 1


def test_a_database_in_utf_16_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA encoding = 'UTF-16'")
        db.execute("CREATE TABLE own (one)")
    before = path.read_bytes()

    with pytest.raises(WorkspaceError, match="UTF-16le"):
        Queue("work", database=path)

    assert path.read_bytes() == before


def test_an_action_with_a_progress_that_cannot_be_called_changes_nothing(queue: Queue) -> None:
    queue.put("one")

    with pytest.raises(InvalidInput, match="on_progress"):
        queue.delete([1], on_progress=7)  # type: ignore[arg-type]

    assert queue.qsize() == 1
