from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pqdesk import Empty, LeaseLost, Message, Queue
from pqdesk.messages.states import AttemptOutcome, State
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.support import wait_until


def test_an_expired_lease_goes_to_the_next_worker(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("hello")
    first = queue.get(lease=1)

    clock.advance(seconds=1.001)
    second = queue.get(timeout=0)

    assert (second.id, second.attempt) == (message_id, 2)
    for settle in (
        first.ack,
        first.nack,
        first.release,
        first.extend,
        lambda: first.fail("x"),
        lambda: first.progress(1),
    ):
        with pytest.raises(LeaseLost, match=f"message {message_id}"):
            settle()
    second.ack()
    assert queue.message(message_id).attempts[0].outcome == AttemptOutcome.LEASE_ENDED


def test_a_lease_that_ends_on_the_last_attempt_fails(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", max_attempts=1)
    queue.get(lease=1)

    clock.advance(2)

    with pytest.raises(Empty):
        queue.get(timeout=0)
    assert queue.message(message_id).state == State.FAILED


def test_extend_leases_anew(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(lease=10)
    clock.advance(9)

    message.extend(10)
    clock.advance(9)

    with pytest.raises(Empty):
        queue.get(timeout=0)
    assert 0 < message.lease_remaining <= 1
    message.ack()


def test_suspend_and_clock_changes_end_no_lease(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(lease=10)

    for change in (
        lambda: clock.suspend(3600),
        lambda: clock.set_wall(-7200),
        lambda: clock.set_wall(10 * 365 * 86_400),
    ):
        change()
        with pytest.raises(Empty):
            queue.get(timeout=0)

    message.ack()


def test_a_clock_set_back_keeps_no_dead_lease(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    queue.get(lease=10)
    clock.set_wall(-3600)

    clock.advance(11)

    assert queue.get(timeout=0).attempt == 2


def test_a_reboot_gives_everything_back_and_blames_no_message(queue: Queue, other: Queue, clock: MovableClock) -> None:
    queue.put_many(["a", "b"])
    queue.get(lease=3600)
    detached = queue.get(lease=3600, detached=True)

    clock.reboot()

    again = other.get_many(2, timeout=0)
    assert [message.attempt for message in again] == [2, 2]
    with pytest.raises(LeaseLost):
        detached.ack()


def test_a_detached_lease_outlives_its_client(queue: Queue, other: Queue, clock: MovableClock) -> None:
    other.put("x")
    other.get(detached=True, lease=30)
    other.store.close()

    with pytest.raises(Empty):
        queue.get(timeout=0)
    clock.advance(31)
    assert queue.get(timeout=0).attempt == 2


def test_in_with_a_thread_extends_the_lease(queue: Queue, other: Queue) -> None:
    queue.put("x")

    with queue.get(lease=0.2) as message:
        before = message.receipt
        wait_until(lambda: message.lease_remaining < 0.15, reason="time to pass")
        wait_until(lambda: message.lease_remaining > 0.15, reason="the lease to be extended")
        with pytest.raises(Empty):
            other.get(timeout=0.5)
        assert message.receipt == before

    assert queue.counts().completed == 1


def test_a_waiting_get_is_woken_by_a_put_of_another_client(queue: Queue, other: Queue) -> None:
    got: list[object] = []
    waiter = threading.Thread(target=lambda: got.append(other.get(timeout=30).payload))
    waiter.start()

    queue.put("wake")

    waiter.join(30)
    assert got == ["wake"]


def test_one_put_for_each_of_many_waiters(queue: Queue, other: Queue) -> None:
    got: list[object] = []
    waiters = [
        threading.Thread(target=lambda client=client: got.append(client.get(timeout=30).payload))
        for client in (queue, other) * 4
    ]
    for waiter in waiters:
        waiter.start()

    queue.put_many(range(8))

    for waiter in waiters:
        waiter.join(30)
    assert sorted(got, key=str) == list(range(8))


def test_a_waiting_get_wakes_for_what_becomes_due(queue: Queue, other: Queue) -> None:
    queue.put("soon", delay=0.2)

    assert other.get(timeout=30).payload == "soon"


def test_interrupted_waits_end_with_empty(queue: Queue) -> None:
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(Empty):
            queue.get(timeout=60)
        ended.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    queue.interrupt_waits()

    waiter.join(30)
    assert ended.is_set()
    assert list(queue) == []


def test_threads_share_a_queue(queue: Queue) -> None:
    queue.put_many(range(200))
    taken: list[object] = []

    def work() -> None:
        while True:
            try:
                with queue.get(timeout=0) as message:
                    taken.append(message.payload)
            except Empty:
                return

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sorted(taken, key=int) == list(range(200))  # type: ignore[arg-type]
    assert queue.counts().completed == 200


SETTLE: dict[str, Callable[[Message], None]] = {
    "ack": Message.ack,
    "nack": Message.nack,
    "fail": lambda message: message.fail("x"),
    "release": Message.release,
    "extend": Message.extend,
    "progress": lambda message: message.progress(1),
}


@pytest.mark.parametrize("how", SETTLE)
def test_a_lease_that_is_over_is_its_holders_until_another_gets_the_message(
    queue: Queue, other: Queue, clock: MovableClock, how: str
) -> None:
    message_id = queue.put("x")
    first = queue.get(lease=10, detached=True)  # without a background thread, which would take it back within a second
    assert not first.is_lease_over

    clock.advance(10.001)

    assert first.is_lease_over
    SETTLE[how](first)
    detail = other.message(message_id)
    assert (detail.attempts[0].outcome if detail.attempts else None) != AttemptOutcome.LEASE_ENDED
    if how in ("extend", "progress"):
        assert first.is_lease_over is (how == "progress")
        first.ack()
        with pytest.raises(Empty):
            other.get(timeout=0, detached=True)


@pytest.mark.parametrize("how", SETTLE)
@pytest.mark.parametrize("end", [None, "ack", "release"])
def test_a_lease_is_lost_from_the_moment_another_has_got_the_message(
    queue: Queue, other: Queue, clock: MovableClock, how: str, end: str | None
) -> None:
    message_id = queue.put("x")
    first = queue.get(lease=10, detached=True)
    clock.advance(10.001)
    second = other.get(timeout=0, detached=True)
    if end is not None:
        SETTLE[end](second)
    before = other.message(message_id)

    with pytest.raises(LeaseLost, match=f"message {message_id} is not in hand any more"):
        SETTLE[how](first)

    assert first.is_lease_over
    assert other.message(message_id) == before


def test_an_extended_lease_is_not_over(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(lease=10, detached=True)
    clock.advance(9)
    message.extend(10)

    clock.advance(9)

    assert not message.is_lease_over
    clock.advance(2)
    assert message.is_lease_over


def test_a_lost_claim_is_forgotten(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(lease=1)
    clock.advance(2)
    queue.get(timeout=0).ack()

    with pytest.raises(LeaseLost):
        message.ack()

    assert not engines.has_in_hand(queue)


def test_an_unsettled_message_of_a_loop_is_extended_no_more_when_the_loop_goes_on(queue: Queue) -> None:
    queue.put_many(range(2))
    loop = iter(queue)
    next(loop)
    message = next(loop)

    assert engines.extended(queue) == [message.id]


def test_a_living_worker_is_never_rescued(queue: Queue, other: Queue, clock: MovableClock) -> None:
    """As in hexpm 1825."""
    queue.put("x")
    with queue.get(block=False, lease=60) as message:
        for _ in range(100):
            clock.advance(29)
            engines.run_chores(queue)  # its own thread extends the lease
            with pytest.raises(Empty):
                other.get(block=False)
        message.ack()


def test_who_takes_back_what_hangs_overwrites_nothing_finished(queue: Queue, other: Queue, clock: MovableClock) -> None:
    """As in river 1302."""
    message_id = queue.put("x")
    late = queue.get(block=False, lease=1)
    clock.advance(2)
    other.get(block=False).ack("by the second")

    for settle in (late.ack, late.nack, late.release):
        with pytest.raises(LeaseLost):
            settle()
    engines.run_chores(other)

    assert queue.message(message_id).state == State.COMPLETED
    assert queue.result(message_id) == "by the second"


def test_a_message_finished_before_its_lease_ends_stays_so(queue: Queue, other: Queue, clock: MovableClock) -> None:
    """riverqueue/river 1302: whoever takes back what hangs finds it finished meanwhile, and leaves it."""
    message_id = queue.put("x")
    message = queue.get(lease=10)
    clock.advance(9)
    message.ack("done")
    clock.advance(9)

    engines.run_chores(other)

    assert other.message(message_id).state.word == "completed"
    assert other.result(message_id) == "done"


def test_a_handler_that_never_waits_is_extended_all_the_same(queue: Queue, other: Queue) -> None:
    """As in bullmq 3183."""
    queue.put("x")
    with queue.get(block=False, lease=0.2) as message:
        ends_at = threading.Event()
        threading.Timer(0.6, ends_at.set).start()
        while not ends_at.is_set():
            sum(range(1000))  # a handler that never waits

        with pytest.raises(Empty):
            other.get(block=False)
        message.ack()


def test_a_machine_that_sleeps_ends_no_lease(queue: Queue, other: Queue, clock: MovableClock) -> None:
    """As in mecatl 1333."""
    queue.put("x")
    message = queue.get(block=False, lease=30)

    clock.suspend(8 * 3600)

    with pytest.raises(Empty):
        other.get(block=False)
    message.ack()
