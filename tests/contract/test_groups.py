from __future__ import annotations

from functools import partial

import pytest

from pqdesk import Counts, Empty, Queue
from pqdesk.clock import SystemClock
from pqdesk.queues.acting import undo
from pqdesk.storage.contract import Store
from tests.contract.clocks import MovableClock


def test_a_group_runs_one_at_a_time_in_order_whatever_the_priority(queue: Queue) -> None:
    queue.put(1, group="g")
    queue.put(2, group="g", priority=9)
    queue.put("free")

    first, free = queue.get_many(9)

    assert [first.payload, free.payload] == [1, "free"]
    assert queue.counts().ready == 1
    with pytest.raises(Empty):
        queue.get(timeout=0)
    first.ack()
    assert queue.get(timeout=0).payload == 2


def test_groups_run_in_parallel(queue: Queue) -> None:
    for group in "ab":
        for number in range(2):
            queue.put(f"{group}{number}", group=group)

    assert [message.payload for message in queue.get_many(9)] == ["a0", "b0"]


def test_a_retrying_message_holds_its_group_and_a_failed_one_lets_it_go_on(queue: Queue, clock: MovableClock) -> None:
    queue.put(1, group="g")
    queue.put(2, group="g")
    queue.get().nack(delay=10)
    with pytest.raises(Empty):
        queue.get(timeout=0)

    clock.advance(11)
    again = queue.get(timeout=0)
    assert again.payload == 1
    again.fail("no")

    assert queue.get(timeout=0).payload == 2


def test_a_scheduled_head_holds_its_group(queue: Queue, clock: MovableClock) -> None:
    queue.put(1, group="g", delay=10)
    queue.put(2, group="g")

    with pytest.raises(Empty):
        queue.get(timeout=0)
    clock.advance(11)
    queue.get(timeout=0).ack()
    assert queue.get(timeout=0).payload == 2


@pytest.mark.parametrize("action", ["cancel", "delete"])
@pytest.mark.parametrize("which", [0, 1])
def test_taking_one_out_of_a_group_lets_the_others_go_on(queue: Queue, action: str, which: int) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]

    assert getattr(queue, action)(ids[which]).done == 1

    seen = []
    for _ in range(2):
        message = queue.get(timeout=0)
        seen.append(message.payload)
        message.ack()
    assert seen == [number for number in range(3) if number != which]


def test_a_restored_or_retried_message_joins_its_group_again(queue: Queue) -> None:
    ids = [queue.put(number, group="g") for number in range(2)]
    queue.get().fail("x")
    running = queue.get()
    assert queue.retry(ids[0]).done == 1
    with pytest.raises(Empty):
        queue.get(timeout=0)
    running.ack()
    assert queue.delete(ids[0]).done == 1
    with pytest.raises(Empty):
        queue.get(timeout=0)

    assert queue.restore(ids[0]).done == 1

    assert queue.get(timeout=0).payload == 0


def test_a_released_head_stays_the_head(queue: Queue) -> None:
    queue.put(1, group="g")
    queue.put(2, group="g")
    queue.get().release()

    assert queue.get(timeout=0).payload == 1


def _order(queue: Queue) -> list[object]:
    """The payloads in the order in which one worker gets them."""
    order = []
    while queue.qsize():
        message = queue.get(timeout=0)
        order.append(message.payload)
        message.ack()
    return order


@pytest.mark.parametrize("out", ["cancel", "delete", "move"])
@pytest.mark.parametrize("picks", [[0], [1], [2], [0, 1], [1, 0], [2, 0], [3, 1, 0]])
def test_what_comes_back_to_its_group_has_its_place_by_id(
    queue: Queue, store: Store, out: str, picks: list[int]
) -> None:
    ids = [queue.put(number, group="g") for number in range(4)]
    chosen = [ids[pick] for pick in picks]
    back = {
        "cancel": queue.retry,
        "delete": queue.restore,
        "move": partial(Queue.over(store, "other", SystemClock()).move, to="work"),
    }
    getattr(queue, out)(chosen, **({"to": "other"} if out == "move" else {}))

    for one in chosen:  # each by itself, in this order
        assert back[out](one).done == 1

    assert _order(queue) == [0, 1, 2, 3]


@pytest.mark.parametrize("out", ["cancel", "delete", "move"])
def test_undo_gives_a_message_its_place_in_the_group_back(queue: Queue, store: Store, out: str) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]
    outcome = getattr(queue, out)(ids[:2], **({"to": "other"} if out == "move" else {}))

    assert undo(store, outcome.activity_id or 0, None).done == 2

    assert _order(queue) == [0, 1, 2]


def test_a_message_that_runs_is_not_overtaken_in_its_group_until_it_stops(queue: Queue, clock: MovableClock) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]
    queue.cancel(ids[0])
    second = queue.get(timeout=0)

    queue.retry(ids[0])

    with pytest.raises(Empty):
        queue.get(timeout=0)
    second.nack(delay=5)
    assert queue.get(timeout=0).payload == 0


@pytest.mark.parametrize("end", ["ack", "release", "nack", "lease"])
def test_after_a_message_with_a_higher_id_ran_the_lower_goes_next(queue: Queue, clock: MovableClock, end: str) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]
    queue.delete(ids[0])
    running = queue.get(timeout=0, lease=1)
    queue.restore(ids[0])

    if end == "lease":
        clock.advance(2)
    else:
        getattr(running, end)()
    clock.advance(10)

    assert _order(queue) == ([0, 2] if end == "ack" else [0, 1, 2])


def test_a_retrying_message_waits_behind_one_of_its_group_that_was_restored(queue: Queue, clock: MovableClock) -> None:
    ids = [queue.put(number, group="g") for number in range(3)]
    queue.delete(ids[0])
    queue.get(timeout=0).nack(delay=5)

    queue.restore(ids[0])

    assert queue.get(timeout=0).payload == 0
    assert queue.counts().retrying == 1


def test_a_group_of_two_at_once_has_the_lowest_ids_at_its_head(queue: Queue) -> None:
    queue.configure(group_concurrency=2)
    ids = [queue.put(number, group="g") for number in range(4)]
    queue.cancel(ids[:2])
    running = queue.get(timeout=0)

    queue.retry(ids[:2])

    assert [message.payload for message in queue.get_many(9)] == [0]
    running.ack()
    assert [message.payload for message in queue.get_many(9)] == [1]


def test_a_group_that_may_run_fewer_at_once_keeps_to_that_when_one_is_given_back(queue: Queue) -> None:
    queue.configure(group_concurrency=2)
    for number in range(3):
        queue.put(number, group="g")
    first, second = queue.get_many(2)
    queue.configure(group_concurrency=1)

    second.release()

    with pytest.raises(Empty):
        queue.get(timeout=0)
    first.ack()
    assert _order(queue) == [1, 2]


def test_a_group_goes_on_when_several_of_it_expire_at_once(queue: Queue, clock: MovableClock) -> None:
    for number in range(3):
        queue.put(number, group="g", expires=5)
    queue.put("last", group="g")
    clock.advance(6)

    assert queue.get(timeout=0).payload == "last"
    assert queue.counts() == Counts(running=1, cancelled=3)
