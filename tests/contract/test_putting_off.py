"""A release that puts a message off: it costs no attempt, and is due again later."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from pqdesk import Empty, InvalidInput, LeaseLost, Queue, Workspace
from pqdesk.messages.states import State
from tests.contract.clocks import MovableClock


@pytest.mark.parametrize("delay", [30, 30.0, timedelta(seconds=30)])
def test_a_message_that_is_put_off_is_scheduled_and_its_attempt_not_counted(
    queue: Queue, clock: MovableClock, delay: float | timedelta
) -> None:
    message_id = queue.put("x", max_attempts=1)
    for _ in range(3):
        message = queue.get(timeout=0)
        assert message.attempt == 1

        message.release(delay=delay)

        assert queue.message(message_id).state is State.SCHEDULED
        assert queue.message(message_id).attempts == ()
        clock.advance(29)
        with pytest.raises(Empty):
            queue.get(timeout=0)
        clock.advance(1.001)
    queue.get(timeout=0).ack()


def test_earlier_attempts_go_on_counting(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", max_attempts=2)
    queue.get().nack("no", delay=0)
    queue.get(timeout=0).release(delay=5)
    clock.advance(6)

    queue.get(timeout=0).nack("no")

    assert queue.message(message_id).state is State.FAILED
    assert [one.attempt for one in queue.message(message_id).attempts] == [1, 2]


def test_without_a_delay_it_is_ready_at_once(queue: Queue) -> None:
    queue.put("x")
    queue.get().release(delay=0)

    assert queue.get(timeout=0).attempt == 1


def test_what_was_put_off_can_be_run_now_cancelled_and_expires(queue: Queue, clock: MovableClock) -> None:
    ids = [queue.put(number, expires=100) for number in range(3)]
    for message in queue.get_many(3):
        message.release(delay=1000)

    assert queue.run_now(ids[0]).done == 1
    queue.get(timeout=0).ack()
    assert queue.cancel(ids[1]).done == 1
    clock.advance(101)
    with pytest.raises(Empty):
        queue.get(timeout=0)
    assert queue.counts().cancelled == 2


def test_a_message_whose_cancelling_was_asked_for_is_cancelled_instead(queue: Queue) -> None:
    message_id = queue.put("x")
    message = queue.get()
    queue.cancel(message_id)

    message.release(delay=60)

    assert queue.message(message_id).state is State.CANCELLED


def test_its_group_waits_for_it(queue: Queue, clock: MovableClock) -> None:
    queue.put(1, group="g")
    queue.put(2, group="g")
    queue.get().release(delay=10)

    with pytest.raises(Empty):
        queue.get(timeout=0)
    clock.advance(11)
    assert queue.get(timeout=0).payload == 1


def test_in_a_transaction_that_is_rolled_back_it_is_still_in_hand(queue: Queue) -> None:
    queue.put("x")
    message = queue.get()
    with contextlib.suppress(RuntimeError), queue.transaction() as tx:
        message.release(delay=5, tx=tx)
        raise RuntimeError

    message.ack()


@pytest.mark.parametrize("delay", [-1, "soon", float("nan"), 200 * 366 * 86_400])
def test_a_delay_that_cannot_be_is_refused_and_the_message_still_in_hand(queue: Queue, delay: float) -> None:
    queue.put("x")
    message = queue.get()

    with pytest.raises(InvalidInput):
        message.release(delay=delay)

    message.ack()


def test_by_its_receipt_a_message_is_put_off_failed_and_extended(queue: Queue, clock: MovableClock) -> None:
    assert queue.paths is not None
    ids = queue.put_many(range(3))
    taken = [queue.get(detached=True, lease=10) for _ in ids]

    with Workspace(queue.paths.root) as workspace:
        workspace.release(taken[0].receipt, delay=60)
        workspace.fail(taken[1].receipt, "no such address")
        workspace.extend(taken[2].receipt, 100)
        clock.advance(50)

        assert queue.message(ids[0]).state is State.SCHEDULED
        assert queue.message(ids[1]).error == "no such address"
        with pytest.raises(Empty):
            queue.get(timeout=0)
        for call in (workspace.release, workspace.extend, lambda receipt: workspace.fail(receipt, "x")):
            with pytest.raises(LeaseLost):
                call(taken[0].receipt)
            with pytest.raises(InvalidInput):
                call("12")


def test_extended_by_its_receipt_alone_it_has_the_lease_of_its_queue(queue: Queue, clock: MovableClock) -> None:
    assert queue.paths is not None
    queue.configure(lease=200)
    queue.put("x")
    receipt = queue.get(detached=True, lease=1).receipt

    with Workspace(queue.paths.root) as workspace:
        workspace.extend(receipt)

    clock.advance(190)
    with pytest.raises(Empty):
        queue.get(timeout=0)
    clock.advance(11)
    assert queue.get(timeout=0).attempt == 2
