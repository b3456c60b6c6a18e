"""Messages moved to another queue, edited, duplicated."""

from __future__ import annotations

import pytest

from pqdesk import Empty, InvalidInput, NotFound, Outcome, Queue
from pqdesk.messages.records import Counts
from tests.contract.clocks import MovableClock
from tests.contract.test_actions import one_of_each


@pytest.fixture
def second(queue: Queue, clock: MovableClock) -> Queue:
    """Another queue of the same workspace."""
    return Queue.over(queue.store, "second", clock, queue.paths)


def test_a_move_takes_everything_along_but_what_runs(queue: Queue, second: Queue) -> None:
    ids = one_of_each(queue)
    before = {word: queue.message(message_id) for word, message_id in ids.items()}

    outcome = queue.move(ids.values(), to="second")

    assert (outcome.done, outcome.skipped, outcome.reasons) == (6, 1, {"running": 1})
    assert outcome.skipped_ids == (ids["running"],)
    assert queue.counts() == Counts(running=1)
    assert second.counts() == Counts(1, 1, 0, 1, 1, 1, 1)
    for word, message_id in ids.items():
        moved = queue.store.looking.message(message_id)
        assert moved.queue == ("work" if word == "running" else "second")
        assert (moved.state, moved.attempt, moved.payload, moved.enqueued_at) == (
            before[word].state,
            before[word].attempt,
            before[word].payload,
            before[word].enqueued_at,
        )


def test_moved_messages_are_worked_on_in_their_new_queue_in_the_order_of_their_ids(queue: Queue, second: Queue) -> None:
    ids = queue.put_many(range(3))
    later = second.put("later")

    queue.move(state="ready", to="second")

    assert [second.get(timeout=0).id for _ in range(4)] == [*ids, later]


def test_a_group_keeps_its_order_in_the_new_queue(queue: Queue, second: Queue) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]

    queue.move(state="ready", to="second")

    order = []
    for _ in ids:
        with second.get(timeout=0) as message:
            with pytest.raises(Empty):
                second.get(block=False)
            order.append(message.id)
    assert order == ids


def test_a_group_goes_on_behind_a_moved_head(queue: Queue, second: Queue) -> None:
    head, behind = queue.put(1, group="g"), queue.put(2, group="g")

    queue.move(head, to="second")

    assert queue.get(timeout=0).id == behind
    assert second.get(timeout=0).id == head


def test_a_move_is_skipped_where_the_key_is_in_use(queue: Queue, second: Queue) -> None:
    moved, other = queue.put(1, key="k"), second.put(2, key="k")

    assert queue.move(moved, to="second").reasons == {"key in use": 1}

    assert (queue.counts().ready, second.counts().ready) == (1, 1)
    second.get(timeout=0).ack()
    assert queue.move(moved, to="second") == Outcome(1, 0)
    assert second.put(3, key="k", on_conflict="keep") == moved
    assert second.message(other).state.word == "completed"


def test_a_scheduled_message_becomes_due_in_its_new_queue(queue: Queue, second: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=10)
    queue.move(message_id, to="second")

    clock.advance(11)

    assert second.get(timeout=0).id == message_id


def test_a_move_makes_the_queue_and_to_its_own_queue_it_does_nothing(queue: Queue) -> None:
    message_id = queue.put("x")

    assert queue.move(message_id, to="work").reasons == {"there already": 1}
    assert [one.name for one in queue.store.looking.queues()] == ["work"]
    queue.move(message_id, to="new")

    assert [one.name for one in queue.store.looking.queues()] == ["new", "work"]


@pytest.mark.parametrize("to", ["", "a\nb", 7, None, "x" * 256])
def test_a_move_to_no_name_is_refused(queue: Queue, to: object) -> None:
    message_id = queue.put("x")

    with pytest.raises(InvalidInput, match=r"to must|to '"):
        queue.move(message_id, to=to)  # type: ignore[arg-type]

    assert queue.counts().ready == 1


# --- editing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [({"n": 1}, {"n": 2}), ("small", "x" * 50_000), ("x" * 50_000, "small"), (b"\0\xff", [1, 2]), ("a", b"a")],
    ids=["json", "to large", "to small", "bytes to json", "text to bytes"],
)
def test_an_edited_message_is_delivered_with_its_new_payload_and_the_old_one_is_kept(
    queue: Queue, old: object, new: object
) -> None:
    message_id = queue.put(old, key="k", headers={"A": "b"})

    assert queue.edit(message_id, new) == Outcome(1, 0)

    message = queue.get(timeout=0)
    assert (message.id, message.payload, message.key, message.headers) == (message_id, new, "k", {"A": "b"})
    assert [(one.version, one.payload) for one in queue.versions(message_id)] == [(1, old)]


def test_versions_tell_when_and_by_which_activity(queue: Queue) -> None:
    message_id = queue.put("one")
    first = queue.edit(message_id, "two")
    second = queue.edit(message_id, "three")

    versions = queue.versions(message_id)

    assert [one.payload for one in versions] == ["one", "two"]
    assert [one.activity_id for one in versions] == [first.activity_id, second.activity_id]
    assert versions[0].replaced_at <= versions[1].replaced_at


def test_a_running_message_is_not_edited(queue: Queue) -> None:
    message_id = queue.put("x")
    message = queue.get(timeout=0)

    assert queue.edit(message_id, "y").reasons == {"running": 1}

    message.ack()
    assert queue.message(message_id).payload == "x"
    assert queue.versions(message_id) == ()


def test_an_edit_that_changes_nothing_is_skipped(queue: Queue) -> None:
    message_id = queue.put({"a": 1})

    assert queue.edit(message_id, {"a": 1}).reasons == {"same payload": 1}

    assert queue.versions(message_id) == ()


@pytest.mark.parametrize("payload", [float("nan"), {1: 2}, object(), "\ud800", {"a": {1, 2}}])
def test_an_edit_to_what_is_no_payload_is_refused(queue: Queue, payload: object) -> None:
    message_id = queue.put("x")

    with pytest.raises(InvalidInput):
        queue.edit(message_id, payload)

    assert queue.message(message_id).payload == "x"


def test_the_versions_of_no_message_are_not_found(queue: Queue) -> None:
    with pytest.raises(NotFound):
        queue.versions(1)


# --- duplicating ------------------------------------------------------------------------------------


def test_a_duplicate_is_ready_and_like_the_first_but_for_its_key(queue: Queue) -> None:
    message_id = queue.put(
        "x" * 5000, type="t", priority=3, key="k", group="g", headers={"A": "b"}, max_attempts=2, expires=60
    )
    queue.get(timeout=0).fail("broken")

    outcome = queue.duplicate(message_id)

    assert outcome == Outcome(1, 0)
    copy = queue.get(timeout=0)
    assert (copy.id,) == outcome.new_ids
    assert (copy.payload, copy.type, copy.priority, copy.key, copy.group, copy.headers, copy.attempt) == (
        "x" * 5000, "t", 3, None, "g", {"A": "b"}, 1,
    )  # fmt: skip
    assert copy.max_attempts == 2
    assert queue.message(message_id).state.word == "failed"


@pytest.mark.parametrize("payload", [None, {"to": "ada"}, "x" * 5000, b"\xff"])
def test_a_duplicate_may_have_another_payload(queue: Queue, payload: object) -> None:
    message_id = queue.put({"to": "adda"}, type="t", headers={"A": "b"})
    queue.get(timeout=0).fail("typo")

    outcome = queue.duplicate(message_id, payload=payload)

    copy = queue.get(timeout=0)
    assert (copy.id, copy.payload, copy.type, copy.headers) == (outcome.new_ids[0], payload, "t", {"A": "b"})
    assert queue.message(copy.id).copy_of == message_id
    assert (queue.message(message_id).payload, queue.message(message_id).version) == ({"to": "adda"}, 1)


def test_duplicates_come_in_the_order_of_their_originals(queue: Queue) -> None:
    queue.put_many(["a", "b", "c"])

    outcome = queue.duplicate(state="ready")

    assert [queue.message(one).payload for one in outcome.new_ids] == ["a", "b", "c"]
    assert queue.counts().ready == 6


def test_a_duplicate_waits_behind_its_group(queue: Queue) -> None:
    first = queue.put("x", group="g")
    queue.duplicate(first)

    queue.get(timeout=0)

    assert queue.counts().ready == 1
    assert queue.messages(state="ready")[0].group == "g"
    with pytest.raises(Empty):
        queue.get(timeout=0)


def test_a_full_queue_takes_no_duplicates(queue: Queue) -> None:
    queue.configure(max_size=3)
    ids = queue.put_many(range(2))

    assert queue.duplicate(ids).reasons == {"queue full": 1}

    assert queue.counts().ready == 3


def test_edit_and_replay_of_a_dead_letter(queue: Queue) -> None:
    message_id = queue.put({"to": "typo"}, max_attempts=1)
    queue.get(timeout=0).nack("no such address")

    queue.edit(message_id, {"to": "ada@example.com"})
    queue.retry(message_id)

    with queue.get(timeout=0) as message:
        assert (message.payload, message.attempt) == ({"to": "ada@example.com"}, 2)
