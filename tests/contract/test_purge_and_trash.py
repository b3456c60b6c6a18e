"""A queue emptied, and the trash."""

from __future__ import annotations

import pytest

from pqdesk import InvalidInput, NotFound, Outcome, Queue, Workspace
from pqdesk.messages.records import Counts
from pqdesk.messages.selection import Selection
from pqdesk.queues import acting
from pqdesk.storage import operating as limits
from pqdesk.storage.looking import PageRequest
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.contract.test_actions import one_of_each


def _trashed(queue: Queue) -> list[int]:
    page = queue.store.looking.page(PageRequest(selection=Selection(is_trashed=True), limit=10_000))
    return [one.id for one in page]


def test_a_purge_takes_all_but_what_runs_to_the_trash(queue: Queue, clock: MovableClock) -> None:
    ids = one_of_each(queue)
    Queue.over(queue.store, "second", clock).put("y")

    assert queue.purge() == Outcome(6, 0)

    assert queue.counts() == Counts(running=1)
    assert queue.store.looking.counts("second").ready == 1
    assert sorted(_trashed(queue)) == sorted(set(ids.values()) - {ids["running"]})


def test_a_purge_of_one_state_leaves_the_others(queue: Queue) -> None:
    one_of_each(queue)

    assert queue.purge(state=["completed", "failed"]).done == 2

    assert queue.counts().total == 5


def test_a_large_purge_is_for_good_and_says_so(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    engines.trash_at_most(monkeypatch, 5)
    assert limits.TRASH_LIMIT == 100_000
    ids = queue.put_many(range(7))
    queue.get(timeout=0)

    assert "deleted for good" in queue.purge(dry_run=True).note
    outcome = queue.purge()

    assert (outcome.done, queue.counts()) == (6, Counts(running=1))
    assert _trashed(queue) == []
    with pytest.raises(NotFound):
        queue.message(ids[1])
    with pytest.raises(InvalidInput, match="deleted for good"):
        acting.undo(queue.store, outcome.activity_id or 0, None)


def test_a_purge_frees_keys_and_groups(queue: Queue) -> None:
    queue.put("x", key="k", group="g")
    queue.put("y", group="g")
    queue.purge()

    message_id = queue.put("z", key="k", group="g")

    assert queue.get(timeout=0).id == message_id


def test_a_workspace_purges_the_queue_that_is_named(queue: Queue) -> None:
    queue.put("x")
    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        with pytest.raises(InvalidInput, match="purge which queue"):
            workspace.purge()
        assert workspace.purge(queue="work").done == 1


def test_the_trash_is_emptied_for_good_and_ids_are_never_used_again(queue: Queue) -> None:
    ids = queue.put_many(["x" * 3000] * 3)
    queue.edit(ids[0], "edited")
    queue.delete(ids)

    assert queue.empty_trash().done == 3

    assert _trashed(queue) == []
    for message_id in ids:
        with pytest.raises(NotFound):
            queue.message(message_id)
        assert queue.restore(message_id).errors == (f"there is no message {message_id}",)
    assert queue.put("y") > ids[-1]
    engines.prune(queue)
    for table, count in (("message", 1), ("payload", 0), ("version", 0)):
        assert engines.sql(queue, f"SELECT count(*) FROM pqdesk_{table}") == [(count,)]


def test_only_what_is_in_the_trash_is_deleted_for_good(queue: Queue) -> None:
    message_id = queue.put("x")

    assert queue.empty_trash(message_id).reasons == {"not in the trash": 1}

    assert queue.counts().ready == 1


def test_part_of_the_trash_comes_back_by_a_filter(queue: Queue) -> None:
    for number in range(6):
        queue.put(number, type="even" if number % 2 == 0 else "odd")
    queue.purge()

    assert queue.restore(type="even").done == 3

    assert sorted(one.type or "" for one in queue.messages()) == ["even"] * 3


def test_room_is_made_by_a_delete(queue: Queue) -> None:
    queue.configure(max_size=1)
    message_id = queue.put("x")

    queue.delete(message_id)

    assert queue.put("y", block=False) > message_id
