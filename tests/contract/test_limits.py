"""Limits of a queue: at once, of a group at once, within a time, and how many may wait."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqdesk import Empty, Full, InvalidInput, LeaseLost, Message, Outgoing, Queue
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.queues.handling import Handling
from pqdesk.storage.values import Settlement
from tests.contract import engines
from tests.contract.clocks import MovableClock


def _take_all(queue: Queue) -> list[Message]:
    return [*_taking(queue)]


def _taking(queue: Queue) -> deque[Message]:
    taken: deque[Message] = deque()
    while True:
        try:
            taken.append(queue.get(block=False))
        except Empty:
            return taken


# --- concurrency --------------------------------------------------------------------------------------


def test_no_more_run_at_once_than_the_concurrency_of_the_queue_allows_over_all_clients(
    queue: Queue, other: Queue
) -> None:
    queue.configure(concurrency=3)
    queue.put_many(range(10))

    taken = [*queue.get_many(2), *_take_all(other)]

    assert len(taken) == 3
    assert queue.counts().ready == 7


def test_an_ended_message_makes_room_for_one_more(queue: Queue, other: Queue) -> None:
    queue.configure(concurrency=1)
    first_id, second_id = queue.put_many([*"ab"])
    first = queue.get(block=False)

    first.release()
    queue.get(block=False).ack()
    other.get(block=False).nack()

    assert queue.message(first_id).state == State.COMPLETED
    assert other.message(second_id).state == State.RETRYING


def test_a_batch_takes_what_the_concurrency_leaves(queue: Queue) -> None:
    queue.configure(concurrency=4)
    queue.put_many(range(10))
    held = queue.get(block=False)

    taken = queue.get_many(10)

    assert len(taken) == 3
    held.ack()
    assert len(queue.get_many(10)) == 1


def test_a_waiting_consumer_is_woken_when_a_slot_is_free(queue: Queue, other: Queue) -> None:
    queue.configure(concurrency=1)
    queue.put_many([*"ab"])
    held = queue.get(block=False)
    found: list[Message] = []
    waiter = threading.Thread(target=lambda: found.append(other.get(timeout=10)))
    waiter.start()

    held.ack()

    waiter.join(10)
    assert [message.payload for message in found] == ["b"]


def test_lifting_the_limit_lets_all_go(queue: Queue) -> None:
    queue.configure(concurrency=1)
    queue.put_many(range(3))
    queue.get(block=False)

    queue.configure(concurrency=None)

    assert len(_take_all(queue)) == 2


def test_the_ack_of_a_loop_keeps_to_the_concurrency(queue: Queue, other: Queue) -> None:
    queue.configure(concurrency=1)
    queue.put_many(range(5))
    seen = []

    for message in queue:
        with pytest.raises(Empty):
            other.get(block=False)
        seen.append(message.payload)
        message.ack()
        if len(seen) == 5:
            break

    assert seen == [0, 1, 2, 3, 4]


# --- groups -------------------------------------------------------------------------------------------


def test_as_many_of_a_group_run_as_its_concurrency_allows(queue: Queue) -> None:
    queue.configure(group_concurrency=2)
    queue.put_many([Outgoing(number, group="a") for number in range(4)])
    queue.put("alone", group="b")

    first, second, alone = _take_all(queue)

    assert [first.payload, second.payload, alone.payload] == [0, 1, "alone"]
    second.ack()
    assert [message.payload for message in _take_all(queue)] == [2]


def test_widening_lets_waiting_messages_of_every_group_go(queue: Queue) -> None:
    for group in "ab":
        queue.put_many([Outgoing(f"{group}{number}", group=group) for number in range(3)])

    queue.configure(group_concurrency=2)

    assert [message.payload for message in _take_all(queue)] == ["a0", "a1", "b0", "b1"]


def test_narrowing_holds_back_what_does_not_run_yet(queue: Queue) -> None:
    queue.configure(group_concurrency=3)
    queue.put_many([Outgoing(number, group="a") for number in range(5)])
    running = queue.get(block=False)

    queue.configure(group_concurrency=None)

    assert _take_all(queue) == []
    running.ack()
    assert [message.payload for message in _take_all(queue)] == [1]


def test_the_counter_of_what_waits_behind_a_group_is_right_after_widening_and_narrowing(queue: Queue) -> None:
    queue.put_many([Outgoing(number, group="a") for number in range(6)])
    for width in (3, 1, 5, 2, None):
        queue.configure(group_concurrency=width)

    done = 0
    while queue.counts().ready:
        queue.get(timeout=0).ack()  # raises Empty should a counter say that nothing is claimable
        done += 1

    assert done == 6


# --- rate ---------------------------------------------------------------------------------------------


def test_no_more_are_claimed_within_any_window_than_the_rate_allows(
    queue: Queue, other: Queue, clock: MovableClock
) -> None:
    queue.configure(rate=(3, 60))
    queue.put_many(range(10))

    assert len(_take_all(queue)) == 3
    clock.advance(59)
    assert _take_all(other) == []
    clock.advance(1.001)
    assert len([*_take_all(other), *_take_all(queue)]) == 3


def test_the_window_slides(queue: Queue, clock: MovableClock) -> None:
    queue.configure(rate=(2, 10))
    queue.put_many(range(4))
    queue.get(block=False)
    clock.advance(6)
    queue.get(block=False)

    clock.advance(4.001)  # the first is out of the window, the second is not

    assert len(_take_all(queue)) == 1


def test_a_release_gives_no_claim_back(queue: Queue) -> None:
    queue.configure(rate=(1, 60))
    queue.put("x")

    queue.get(block=False).release()

    assert _take_all(queue) == []


def test_setting_the_clock_back_holds_a_queue_back_for_one_window_at_most(queue: Queue, clock: MovableClock) -> None:
    queue.configure(rate=(1, 60))
    queue.put_many([*"ab"])
    queue.get(block=False)

    clock.set_wall(-86_400)
    assert _take_all(queue) == []
    clock.advance(60.001)

    assert len(_take_all(queue)) == 1


def test_changing_the_rate_allows_no_burst(queue: Queue, clock: MovableClock) -> None:
    queue.configure(rate=(4, 60))
    queue.put_many(range(10))
    assert len(_take_all(queue)) == 4

    queue.configure(rate=(5, 60))
    assert len(_take_all(queue)) == 1
    queue.configure(rate=(2, 60))
    assert _take_all(queue) == []
    clock.advance(60.001)

    assert len(_take_all(queue)) == 2


def test_a_waiting_consumer_sleeps_until_the_rate_lets_the_next_one_go(queue: Queue, clock: MovableClock) -> None:
    queue.configure(rate=(1, 0.3))
    queue.put_many([*"ab"])

    taken = [queue.get(timeout=5).payload, queue.get(timeout=5).payload]

    assert taken == ["a", "b"]


def test_a_loop_takes_nothing_ahead_of_a_queue_with_a_rate(queue: Queue, other: Queue) -> None:
    queue.configure(rate=(6, 60))
    queue.put_many(range(20))

    for count, message in enumerate(queue, start=1):
        message.ack()
        if count == 4:  # quick enough to take several ahead
            assert queue.counts().running == 0
            assert len(_take_all(other)) == 2
            break

    assert queue.counts().ready == 14


def test_deliveries_of_a_loop_count_for_the_rate_from_when_they_begin(
    queue: Queue, other: Queue, clock: MovableClock
) -> None:
    queue.configure(rate=(2, 60))
    queue.put_many(range(9))
    loop = iter(queue)
    next(loop).ack()
    clock.advance(50)
    next(loop).ack()

    clock.advance(11)  # the first is out of the window, the second is not

    assert len(_take_all(other)) == 1
    loop.close()  # type: ignore[attr-defined]


def test_a_worker_takes_what_a_rate_lets_through_when_it_begins_it(queue: Queue) -> None:
    queue.configure(rate=(5, 60))
    queue.put_many(range(9))
    handling = Handling(queue)

    begun = []
    while messages := handling.take(100):
        assert len(messages) == 1
        assert handling.begin(messages[0])
        begun.append(messages[0].payload)
        assert handling.settle([(messages[0], Settlement(AttemptOutcome.COMPLETED))], claim_next=100) == ([], [])

    assert begun == [0, 1, 2, 3, 4]
    assert queue.counts().running == 0


@settings(max_examples=40, deadline=None)
@given(
    rate=st.tuples(st.integers(1, 5), st.integers(1, 20)),
    steps=st.lists(st.tuples(st.floats(0, 15), st.integers(1, 4)), min_size=1, max_size=12),
)
def test_the_rate_is_that_of_a_plain_list_of_times(
    rate: tuple[int, int], steps: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = _StillClock()
    with Queue("work", workspace=tmp_path_factory.mktemp("rate")) as queue:
        engines.set_clock(queue, clock)
        queue.configure(rate=rate)
        queue.put_many(range(100))
        claimed: list[int] = []
        for seconds, wanted in steps:
            clock.now_us += round(seconds * 1e6)
            try:
                taken = len(queue.get_many(wanted, block=False))
            except Empty:
                taken = 0
            room = rate[0] - sum(1 for at in claimed if at + rate[1] * 1_000_000 > clock.now_us)
            assert taken == min(wanted, room)
            claimed += [clock.now_us] * taken


class _StillClock(MovableClock):
    """A clock that only moves when told."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = super().wall_us()

    def wall_us(self) -> int:
        return self.now_us


# --- size ---------------------------------------------------------------------------------------------


def test_a_full_queue_takes_nothing_and_says_so(queue: Queue) -> None:
    queue.configure(max_size=2)
    queue.put_many([*"ab"])

    with pytest.raises(Full, match="'work' has as many unfinished messages as its max_size, 2"):
        queue.put("c", block=False)
    with pytest.raises(Full):
        queue.put("c", timeout=0.01)

    assert queue.counts().unfinished == 2


def test_a_batch_fits_whole_or_not_at_all(queue: Queue) -> None:
    queue.configure(max_size=3)
    queue.put("a")

    with pytest.raises(Full):
        queue.put_many([*"bcd"], block=False)
    with pytest.raises(Full):
        queue.put_many([*"abcdef"])  # it would wait for ever

    assert queue.counts().ready == 1
    assert len(queue.put_many([*"bc"], block=False)) == 2


def test_a_put_waits_until_there_is_room(queue: Queue, other: Queue) -> None:
    queue.configure(max_size=1)
    queue.put("a")
    done = threading.Event()
    putter = threading.Thread(target=lambda: (other.put("b"), done.set()))
    putter.start()

    assert not done.wait(0.05)
    queue.get(block=False).ack()

    assert done.wait(10)
    putter.join()


def test_a_running_message_still_counts_and_a_replaced_one_does_not(queue: Queue) -> None:
    queue.configure(max_size=1)
    queue.put("a", key="k")

    queue.put("b", key="k", on_conflict="replace", block=False)
    queue.get(block=False)

    with pytest.raises(Full):
        queue.put("c", block=False)


def test_a_limit_that_comes_while_a_client_knows_the_queue_holds_at_once(queue: Queue, other: Queue) -> None:
    other.put_many([*"abc"])
    other.put("d")  # it knows by now that there is no max_size

    queue.configure(max_size=4)

    with pytest.raises(Full):
        other.put("e", block=False)
    assert other.counts().ready == 4


def test_a_full_queue_can_be_put_to_in_a_transaction_no_more_than_else(queue: Queue) -> None:
    queue.configure(max_size=1)

    with pytest.raises(Full), queue.transaction() as tx:
        queue.put_many(["a", "b"], tx=tx)

    assert queue.counts().total == 0


# --- bad values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("concurrency", 0), ("concurrency", -1), ("concurrency", 1.5), ("concurrency", True), ("concurrency", "2"),
        ("group_concurrency", 0), ("max_size", 0), ("rate", 5), ("rate", (0, 1)), ("rate", (1, 0)), ("rate", (1, -1)),
        ("rate", (1, float("nan"))), ("rate", (1, 2, 3)), ("rate", ("a", 1)), ("rate", (1_000_000, 1)),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused(queue: Queue, setting: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=setting):
        queue.configure(**{setting: value})

    assert getattr(queue.configuration, setting) is None


# --- time limits --------------------------------------------------------------------------------------


def test_a_message_that_runs_past_its_time_limit_is_nacked_and_its_receipt_void(
    queue: Queue, clock: MovableClock
) -> None:
    queue.configure(timeout=10, backoff="fixed:5")
    message_id = queue.put("x")
    message = queue.get(block=False, lease=3600)
    assert message.timeout == 10

    clock.advance(12)
    engines.run_chores(queue)  # what its background thread does once a second

    found = queue.message(message_id)
    assert (found.state, found.attempts[0].outcome.word) == (State.RETRYING, "timed out")
    assert "time limit of 10" in (found.error or "")
    with pytest.raises(LeaseLost):
        message.ack()


def test_a_message_within_its_time_limit_is_left_alone(queue: Queue, clock: MovableClock) -> None:
    queue.configure(timeout=100)
    queue.put("x")
    with queue.get(block=False, lease=30) as message:
        for _ in range(9):
            clock.advance(10)
            engines.run_chores(queue)

        message.ack()


def test_a_rate_that_was_lower_for_a_while_allows_no_burst(queue: Queue) -> None:
    queue.configure(rate=(5, 3600))
    queue.put_many(range(20))
    queue.get_many(5, timeout=0)

    queue.configure(rate=(1, 3600))
    queue.configure(rate=None)
    queue.configure(rate=(6, 3600))

    assert len(queue.get_many(10, timeout=0)) == 1
