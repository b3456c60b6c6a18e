"""Actions on many messages: a frozen set, in batches, beside workers, whatever one of them is like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pqdesk import InvalidInput, Message, Outcome, Queue
from pqdesk.queues import acting
from tests.contract import engines


def _fail_all(queue: Queue, count: int, **options: object) -> list[int]:
    ids = queue.put_many(range(count), **options)  # type: ignore[arg-type]
    for message in queue.get_many(count):
        message.fail("no")
    return ids


def test_what_is_put_after_the_start_is_not_meant(queue: Queue) -> None:
    queue.put_many(range(1500))
    late: list[int] = []

    outcome = queue.delete(state="ready", on_progress=lambda done, skipped: late.append(queue.put("late")))

    assert outcome.done == 1500
    assert [one.id for one in queue.messages()] == sorted(late, reverse=True)


def test_a_set_that_was_frozen_earlier_stays_as_it_was(queue: Queue) -> None:
    seen = queue.put_many(range(3))[-1]
    queue.put_many(range(3))

    assert queue.cancel(state="ready", up_to=seen).done == 3

    assert queue.counts().ready == 3


@pytest.mark.parametrize("up_to", [-1, 2**63, "7", 1.5, True])
def test_up_to_is_an_id(queue: Queue, up_to: object) -> None:
    queue.put("x")

    with pytest.raises(InvalidInput, match="up_to"):
        queue.cancel(state="ready", up_to=up_to)  # type: ignore[typeddict-item]

    assert queue.counts().ready == 1


def test_progress_is_told_after_each_batch_and_can_stop_there(queue: Queue) -> None:
    queue.put_many(range(3500))
    told: list[tuple[int, int]] = []

    def tell(done: int, skipped: int) -> bool:
        told.append((done, skipped))
        return len(told) < 2

    outcome = queue.cancel(state="ready", on_progress=tell)

    assert told == [(1000, 0), (2000, 0)]
    assert (outcome.done, outcome.is_stopped) == (2000, True)
    assert (queue.counts().cancelled, queue.counts().ready) == (2000, 1500)
    assert queue.cancel(state="ready") == Outcome(1500, 0)


def test_workers_claim_between_the_batches(queue: Queue, other: Queue) -> None:
    ids = queue.put_many(range(2500))
    taken: list[Message] = []

    def work(done: int, skipped: int) -> None:
        if done < len(ids):
            taken.append(other.get(timeout=0))

    outcome = queue.cancel(ids, on_progress=work)

    assert [one.id for one in taken] == [1001, 2001]
    assert outcome == Outcome(2500, 0)
    assert all(one.cancel_requested for one in taken)
    assert (queue.counts().running, queue.counts().cancelled) == (2, 2498)


def test_one_that_started_meanwhile_is_skipped(queue: Queue, other: Queue) -> None:
    queue.put_many(range(1500))
    taken: list[int] = []

    outcome = queue.move(
        state="ready", to="second",
        on_progress=lambda done, skipped: taken or taken.extend(one.id for one in other.get_many(5)),
    )  # fmt: skip

    assert (outcome.done, outcome.reasons, outcome.skipped_ids) == (1495, {"running": 5}, tuple(taken))
    assert queue.counts().running == 5


def test_an_error_in_the_callback_leaves_what_is_done_done_and_written_down(queue: Queue) -> None:
    queue.put_many(range(1500))

    def stumble(done: int, skipped: int) -> None:
        raise RuntimeError("the window is gone")

    with pytest.raises(RuntimeError):
        queue.cancel(state="ready", on_progress=stumble)

    assert queue.counts().cancelled == 1000
    (record,) = acting.list_activity(queue.store, 10, None)
    assert (record.done, record.can_be_undone) == (1000, True)
    assert acting.undo(queue.store, record.id, None).done == 1000


def test_one_damaged_message_never_stops_the_rest(queue: Queue) -> None:
    ids = queue.put_many(["a", "b", "c"])
    engines.sql(queue, "UPDATE pqdesk_message SET payload = x'00' WHERE id = ?", ids[1])

    outcome = queue.duplicate([*ids, 99])

    assert outcome.done == 2
    assert [error.split(" is ")[0] for error in outcome.errors] == [f"message {ids[1]}", "there"]
    engines.sql(queue, "UPDATE pqdesk_message SET state = 42 WHERE id = ?", ids[1])
    assert queue.delete(ids).errors == (f"message {ids[1]} is damaged: its state is none there is",)


def test_an_overdue_message_counts_as_ready(queue: Queue, clock) -> None:
    scheduled = queue.put("x", delay=5)
    retrying = queue.put("y")
    queue.get(timeout=0).nack(delay=5)
    clock.advance(6)

    assert queue.run_now(scheduled).reasons == {"ready": 1}
    assert queue.retry(retrying).reasons == {"ready": 1}
    assert queue.cancel(state="ready").done == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda queue: queue.retry(state="failed"),
        lambda queue: queue.retry([3, 1, 2]),
        lambda queue: (queue.delete(state="failed"), queue.restore(state="failed"), queue.retry(state="failed")),
    ],
)
def test_a_group_is_retried_in_the_order_of_its_ids(queue: Queue, act: Callable[[Queue], object]) -> None:
    for number in range(3):
        queue.put(number, group="g")
        queue.get(timeout=0).fail("no")

    act(queue)

    assert [_done(queue) for _ in range(3)] == [1, 2, 3]


def test_a_dry_run_of_everything_changes_nothing(queue: Queue) -> None:
    ids = _fail_all(queue, 3)
    before = [queue.message(one) for one in ids]

    for outcome in (
        queue.retry(ids, dry_run=True),
        queue.delete(ids, dry_run=True),
        queue.move(ids, to="new", dry_run=True),
        queue.edit(ids, "new", dry_run=True),
        queue.duplicate(ids, dry_run=True),
        queue.purge(dry_run=True),
    ):
        assert (outcome.done, outcome.activity_id) == (3, None)

    assert [queue.message(one) for one in ids] == before
    assert [one.name for one in queue.store.looking.queues()] == ["work"]
    assert queue.put("x") == ids[-1] + 1


@pytest.mark.parametrize("ids", ["1", b"1", 1.5, [1, "2"], [None], object(), [-1], [2**63], True])
def test_ids_are_ids(queue: Queue, ids: object) -> None:
    queue.put("x")

    for act in (queue.cancel, queue.duplicate, lambda one: queue.edit(one, "y"), lambda one: queue.move(one, to="z")):
        with pytest.raises(InvalidInput):
            act(ids)  # type: ignore[arg-type]

    assert queue.counts().ready == 1


def test_no_ids_are_no_error(queue: Queue) -> None:
    assert queue.cancel([]) == Outcome()
    assert queue.cancel(iter(())) == Outcome()


def test_an_unknown_option_is_an_error_of_the_program(queue: Queue) -> None:
    with pytest.raises(TypeError):
        queue.cancel(state="ready", queue="another")
    with pytest.raises(TypeError):
        queue.cancel(colour="red")  # type: ignore[call-arg]


def test_what_a_retry_makes_ready_wakes_whoever_waits(queue: Queue, other: Queue) -> None:
    _fail_all(queue, 1)
    other.store.silence("work")

    queue.retry(state="failed")

    assert other.store.wait("work", until_us=None, timeout_s=5)


def _done(queue: Queue) -> int:
    with queue.get(timeout=0) as message:
        return message.id
