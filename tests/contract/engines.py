"""What tests do to the engine behind a store, where its contract tells nothing: the one place that names engines.

Each function takes a queue, a workspace or the store under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from pqdesk import AsyncQueue, Queue, Workspace
from pqdesk.storage.contract import Store
from pqdesk.storage.sqlite import engine, explaining, listing, operating, pages, sorting
from pqdesk.storage.sqlite.background import BackgroundThread
from pqdesk.storage.sqlite.puts import Putting

At = AsyncQueue | Queue | Workspace | Store


def _store(at: At) -> Any:
    if isinstance(at, AsyncQueue):
        at = blocking(at)
    return at.store if isinstance(at, Queue | Workspace) else at


def blocking(queue: AsyncQueue) -> Queue:
    """The queue that an open one calls in threads."""
    assert queue._queue is not None
    return queue._queue


# --- what it does by itself, here and now --------------------------------------------------------------


def run_chores(at: At) -> None:
    """What its thread does about once a second."""
    _store(at).background.run_chores()


def prune(at: At) -> bool:
    """One batch of what is past its retention goes, which its thread may have done already; whether there is more."""
    store = _store(at)
    with store._engine.lock:
        return bool(store.background.chores.prune())


def run_schedules(at: At) -> float:
    """Put what is due; seconds until the next look."""
    store = _store(at)
    with store._engine.lock:
        pause_s: float = store._schedules.run_due()
    return pause_s


def write_metrics(at: At) -> None:
    """What was counted up to here."""
    store = _store(at)
    with store._engine.lock:
        store._engine.write_metrics(is_forced=True)


def before_a_put_ends(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Call it once, in the midst of the transaction of the next put."""
    finish = Putting.finish

    def finish_interrupted(self: Putting, *args: Any, **options: Any) -> list[str]:
        monkeypatch.undo()
        do()
        return finish(self, *args, **options)

    monkeypatch.setattr(Putting, "finish", finish_interrupted)


def rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that are opened from here on do nothing by themselves."""

    def sleep(thread: BackgroundThread) -> None:
        while not thread._is_ending:
            thread._sleep(1)
        thread._watch.close()
        thread._poked.close()

    monkeypatch.setattr(BackgroundThread, "_run", sleep)


# --- what is in it -------------------------------------------------------------------------------------


def sql(at: At, text: str, *values: Any) -> list[Any]:
    """Run it over the store's own connection; its rows. What it changes, no store has checked."""
    found = _store(at)._engine
    with found.lock:
        return list(found.db.execute(text, values))


@contextmanager
def held(at: At) -> Iterator[None]:
    """Its own thread does nothing during the block."""
    with _store(at)._engine.lock:
        yield


def database(at: At) -> Path:
    path: Path = _store(at)._engine.path
    return path


def changes(at: At) -> int:
    """How many rows its connection has changed so far."""
    return int(_store(at)._engine.db.total_changes())


def shrink(at: At) -> None:
    """Give the file the space that is not needed."""
    _store(at)._engine.checkpointer.run()


def has_in_hand(at: At) -> bool:
    """Whether it remembers any claim."""
    return bool(_store(at)._engine.held)


def extended(at: At) -> list[int]:
    """Ids of the messages whose leases it extends."""
    return [claim.id for claim in _store(at)._engine.held._extended.values()]


def forget_processes(at: At) -> None:
    """As after a restart of the machine: what it was, is gone, but for its rows."""
    store = _store(at)
    store._engine.owner_id = 0
    store._likely.clear()


def set_clock(at: At, clock: Any) -> None:
    store = _store(at)
    store._clock = store._engine.clock = clock


def listen_to_bells(at: At) -> list[str]:
    """The names of the queues for which waiting clients were woken, from here on."""
    rung: list[str] = []
    found = _store(at)._engine
    ring = found.bells.ring
    found.bells.ring = lambda name, *settled: (rung.append(name), ring(name, *settled))
    return rung


def listen_to_flushes(at: At) -> list[bool]:
    """One entry for each flush, from here on."""
    flushed: list[bool] = []
    flusher = _store(at)._engine.flusher
    flush = flusher.flush
    flusher.flush = lambda: (flushed.append(True), flush())
    return flushed


# --- its limits ----------------------------------------------------------------------------------------


def count_as_few(
    monkeypatch: pytest.MonkeyPatch, few: int, *, first_ids: int = 20_000, slice_ids: int = 100_000
) -> None:
    """How many messages are sorted or listed whole, ids that are walked first, and ids in a slice."""
    monkeypatch.setattr(listing, "FEW", few)
    monkeypatch.setattr(sorting, "FEW", few)
    monkeypatch.setattr(listing, "_FIRST_IDS", first_ids)
    monkeypatch.setattr(pages, "SLICE_IDS", slice_ids)


def trash_at_most(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """A larger purge is for good."""
    monkeypatch.setattr(operating, "TRASH_LIMIT", limit)


def wait_for_others(monkeypatch: pytest.MonkeyPatch, seconds: float) -> float:
    """How long a call waits for another program; what it is otherwise."""
    usual = engine.BUSY_DEADLINE_S
    monkeypatch.setattr(engine, "BUSY_DEADLINE_S", seconds)
    return usual


def count_before(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """How many that are before a message are counted."""
    monkeypatch.setattr(explaining, "_MOST_BEFORE", most)


# --- what it costs -------------------------------------------------------------------------------------


@contextmanager
def traced(at: At, note: Callable[[dict[str, Any]], object], mask: int = apsw.SQLITE_TRACE_PROFILE) -> Iterator[None]:
    """Call `note` for each statement of the store's own connection, which its thread uses, too: hence the lock."""
    found = _store(at)._engine
    with found.lock:
        found.db.trace_v2(mask, note)
    try:
        yield
    finally:
        with found.lock:
            found.db.trace_v2(0, None)


@contextmanager
def counted_steps(at: At, counted: dict[str, int]) -> Iterator[None]:
    """The VM steps of the dearest run of every statement in the block, by its SQL."""

    def note(event: dict[str, Any]) -> None:
        if "pqdesk_metric" not in event["sql"]:  # written once a second, whatever is done
            counted[event["sql"]] = max(counted.get(event["sql"], 0), steps_of(event))

    with traced(at, note):
        yield


def steps_of(event: dict[str, Any]) -> int:
    return int(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])


def statements(at: At, do: Callable[[], object]) -> list[str]:
    """What it asks its database during a call."""
    asked: list[str] = []
    with traced(at, lambda event: asked.append(event["sql"]), apsw.SQLITE_TRACE_STMT):
        do()
    return asked
