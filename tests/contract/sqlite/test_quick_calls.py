"""Puts, claims and acks that are one call of SQLite do what the long way does, and leave to it what they cannot."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from pqdesk import DiskFull, Full, LeaseLost, LookOnly, Queue, Workspace, WorkspaceError
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.sqlite import durability, quick_work, space
from pqdesk.storage.sqlite.connection import WriteTransaction
from pqdesk.storage.values import Settlement
from tests.programs import run_python
from tests.support import wait_until


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue("q", workspace=tmp_path / "w") as opened:
        opened.put("known from now on")
        opened.get().ack()
        yield opened


@pytest.fixture
def other(tmp_path: Path, queue: Queue) -> Iterator[Queue]:
    """The same queue, in another connection."""
    with Queue("q", workspace=tmp_path / "w") as opened:
        yield opened


def _engine(queue: Queue) -> Any:
    return queue.store._engine  # type: ignore[attr-defined]


def test_a_limit_that_another_process_sets_holds_for_the_next_put(queue: Queue, other: Queue) -> None:
    queue.put("first")

    other.configure(max_size=1)

    with pytest.raises(Full, match="max_size"):
        queue.put("second", block=False)
    other.configure(max_size=None)
    queue.put("third")
    assert queue.counts().ready == 2


def test_two_threads_that_meet_a_new_limit_at_once_both_go_the_long_way(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        queue.store._quick_put._queues.clear()  # type: ignore[attr-defined]  # the other thread was quicker
        raise apsw.ConstraintError

    monkeypatch.setattr(WriteTransaction, "run", refuse)
    queue.put("x")

    assert queue.counts().ready == 1


def test_a_workspace_that_another_process_sets_to_look_only_takes_nothing_more(queue: Queue, tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        workspace.look_only = True

        with pytest.raises(LookOnly):
            queue.put("x")
        workspace.look_only = False
        queue.put("y")

    assert [one.payload for one in queue.get_many(9)] == ["y"]


def test_a_put_with_a_type_keeps_it_and_is_counted_under_it(queue: Queue) -> None:
    for _ in range(3):  # the first one is put the long way, since the type is new
        queue.put("x", type="mail", priority=2, headers={"a": "b"}, max_attempts=7)

    taken = queue.get_many(3)

    assert {(one.type, one.priority, one.headers["a"], one.max_attempts) for one in taken} == {("mail", 2, "b", 7)}


def test_an_ack_of_a_lost_lease_changes_nothing(queue: Queue, other: Queue) -> None:
    queue.put("x")
    message = queue.get()
    queue.store.settle_receipt(message._claim.id, message._claim.receipt, Settlement(AttemptOutcome.RELEASED))

    with pytest.raises(LeaseLost, match=f"message {message.id}"):
        message.ack()

    assert (other.counts().ready, other.counts().running, other.counts().completed) == (1, 0, 1)


def test_a_claim_leaves_no_transaction_open_when_there_is_nothing(queue: Queue, other: Queue) -> None:
    engine = _engine(queue)

    look = quick_work.claim(engine, "q", 1, lease_us=None, is_ahead=False, defaults=queue.defaults, types={})

    assert look is None
    assert engine.db.get_autocommit()
    other.put("others may write")


@pytest.mark.parametrize("at", ["BEGIN", "lease"])
def test_a_claim_that_is_interrupted_leaves_no_transaction_open(
    queue: Queue, other: Queue, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    queue.put("x")
    engine = _engine(queue)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(quick_work, "light" if at == "BEGIN" else "made", interrupt)
    queue.put("y")
    with pytest.raises(KeyboardInterrupt):
        quick_work.claim(engine, "q", 2, lease_us=None, is_ahead=True, defaults=queue.defaults, types={})

    assert engine.db.get_autocommit()
    other.put("others may write")
    assert other.counts().ready == 3


def test_a_put_in_a_full_file_is_undone_and_told(queue: Queue) -> None:
    engine = _engine(queue)
    pages = engine.db.execute("PRAGMA page_count").fetchone()[0]
    engine.db.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    with pytest.raises(DiskFull):
        deque((queue.put("x" * 900) for _ in range(1000)), maxlen=0)

    assert engine.db.get_autocommit()
    count = queue.counts().ready
    engine.db.execute("PRAGMA max_page_count = 1000000").fetchall()
    queue.put("y")
    assert queue.counts().ready == count + 1


@pytest.mark.parametrize("options", [{}, {"key": "k"}])
def test_who_comes_to_wait_is_woken_though_the_putter_knew_of_nobody(
    queue: Queue, other: Queue, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    """The time of the folder tells the putter that nobody new waits; whoever comes to wait changes it."""
    monkeypatch.setattr(durability, "_SETTLED_NS", 0)
    flusher = _engine(queue).flusher
    queue.put("nobody waits")
    queue.put("and that is known")
    assert flusher.settled_ns
    wait_until(lambda: time.time_ns() > flusher.settled_ns + 50_000_000, reason="files have a later time by now")

    other.store.silence("q")
    queue.put("somebody waits", **options)

    assert other.store.wait("q", until_us=None, timeout_s=5)


def test_a_checkpoint_that_a_reader_holds_up_is_not_tried_after_each_put(queue: Queue, other: Queue) -> None:
    engine, tried = _engine(queue), []
    checkpoint = engine.checkpointer.do_by_the_way
    engine.checkpointer.do_by_the_way = lambda db: (tried.append(db), checkpoint(db))
    engine.checkpointer._every_pages = 30
    reader = _engine(other).db
    reader.execute("BEGIN; SELECT count(*) FROM pqdesk_message").fetchall()

    for number in range(40):  # of three pages each
        queue.put(number)
    reader.execute("COMMIT")

    assert 3 <= len(tried) <= 6


def test_a_new_file_has_small_pages_and_one_of_an_application_keeps_its_own(tmp_path: Path) -> None:
    with Queue("q", workspace=tmp_path / "w") as ours, Queue("q", database=tmp_path / "app.db") as app:
        sizes = [_engine(one).db.execute("PRAGMA page_size").fetchone()[0] for one in (ours, app)]

    assert sizes == [2048, 4096]


def test_a_moved_folder_is_noticed_after_the_commit(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durability, "_SETTLED_NS", 0)
    monkeypatch.setattr(space, "_LOOK_EVERY_MS", 10**9)  # whose look at the disk would notice before
    queue.put("x")
    queue.put("settled")

    os.rename(tmp_path / "w", tmp_path / "moved")

    with pytest.raises(WorkspaceError, match="replaced or removed"):
        queue.put("y")
    os.rename(tmp_path / "moved", tmp_path / "w")


def test_what_was_put_quickly_is_seen_by_another_process(queue: Queue, tmp_path: Path) -> None:
    for number in range(3):
        queue.put({"number": number})

    seen = run_python(
        "import sys; from pqdesk import Queue\n"
        "print(sorted(m.payload['number'] for m in Queue('q', workspace=sys.argv[1]).get_many(9)))",
        str(tmp_path / "w"),
    )

    assert "[0, 1, 2]" in seen
    assert queue.counts().unfinished == 3  # in one look: what the process had in hand comes back at any moment
