from __future__ import annotations

import pytest

from pqdesk import Empty, Queue
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
