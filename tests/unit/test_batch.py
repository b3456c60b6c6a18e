"""How much a thread of a consumer claims ahead, and that nobody waits for it."""

from __future__ import annotations

import io

import pytest

from pqdesk.clock import SystemClock
from pqdesk.errors import WorkspaceError
from pqdesk.messages.states import AttemptOutcome
from pqdesk.workers.batch import LONGEST_MS, MOST, Batch, BatchWatch
from pqdesk.workers.report import Report
from pqdesk.workers.settling import Settler
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Completed


class MovedClock(SystemClock):
    def __init__(self):
        self.ms = 0

    def awake_ms(self):
        return self.ms


class SomeMessage:
    def __init__(self, message_id):
        self.id, self.queue, self.attempt, self.max_attempts, self.timeout = message_id, "mail", 1, 5, None
        self.is_settled = self.cancel_requested = False


class FullQueue:
    """As many messages as anybody wants. `settled`: a list of (id, outcome) per transaction."""

    def __init__(self, *, is_limited=False, lease_ms=60_000, error=None):
        self.settled = []
        self.extended = []
        self.last_id = 0
        self.limited, self.lease, self.error = is_limited, lease_ms, error

    def take(self, limit):
        self.last_id += limit
        return [SomeMessage(one) for one in range(self.last_id - limit + 1, self.last_id + 1)]

    def settle(self, settled, claim_next=0):
        if self.error is not None:
            raise self.error
        self.settled.append([(message.id, settlement.outcome) for message, settlement in settled])
        return [], self.take(claim_next)

    def end(self, message):
        message.is_settled = True

    def keep_extending(self, message):
        self.extended.append(message.id)

    def is_limited(self, message):
        return self.limited

    def lease_ms(self, message):
        return self.lease


class Loop:
    """A thread's part, step by step."""

    def __init__(self, handling):
        self.clock = MovedClock()
        self.out = io.StringIO()
        self.given_back = []
        self.handling = handling
        self.settler = Settler(Report(self.out, io.StringIO()), self.clock)
        self.batch = Batch(handling, self.settler, self.clock, self.given_back.append)

    def work(self, ms_each):
        """Refill and work on all of it; how many there were."""
        count = self.batch.refill(self.batch.wanted())
        while (message := self.batch.next()) is not None:
            self.clock.ms += ms_each
            self.end(message)
        return count

    def end(self, message):
        delivery = Delivery(message, self.handling, self.clock.ms)
        self.batch.add(self.settler.conclude(delivery, Completed(None)))


def test_quick_handlers_are_given_more_and_more():
    loop = Loop(FullQueue())

    counts = [loop.work(ms_each=0) for _ in range(6)]

    assert counts[0] == 1
    assert counts == sorted(counts)
    assert counts[-1] == MOST
    assert [len(one) for one in loop.handling.settled] == counts[:-1]


@pytest.mark.parametrize("ms_each", [1, 3, 7, 19, 50])
def test_what_is_claimed_ahead_is_work_for_a_moment(ms_each):
    loop = Loop(FullQueue())

    counts = [loop.work(ms_each) for _ in range(6)]

    assert max(counts) <= max(1, LONGEST_MS // ms_each)


def test_handler_that_became_slow_is_given_less():
    loop = Loop(FullQueue())
    for _ in range(6):
        loop.work(ms_each=0)

    counts = [loop.work(ms_each=10) for _ in range(3)]

    assert counts[1:] == [2, 2]


def test_limited_queue_is_taken_from_one_by_one():
    loop = Loop(FullQueue(is_limited=True))

    assert [loop.work(ms_each=0) for _ in range(4)] == [1, 1, 1, 1]


def test_short_lease_is_not_waited_out():
    loop = Loop(FullQueue(lease_ms=50))

    assert max(loop.work(ms_each=1) for _ in range(5)) <= 5


def begin_one_of_many(loop):
    """A message is in hand, others are ahead, one has ended."""
    for _ in range(4):
        loop.work(ms_each=0)
    loop.batch.refill(loop.batch.wanted())
    loop.end(loop.batch.next())
    return loop.batch.next()


def test_nothing_waits_for_a_handler_that_takes_long():
    loop = Loop(FullQueue())
    in_hand = begin_one_of_many(loop)

    looks = [loop.batch.tend(loop.clock.ms + step) for step in (0, 5, 10)]

    assert looks == [True, True, False]
    outcomes = loop.handling.settled[-1]
    assert outcomes[0] == (in_hand.id - 1, AttemptOutcome.COMPLETED)
    assert {outcome for _, outcome in outcomes[1:]} == {AttemptOutcome.RELEASED}
    assert in_hand.id not in [one for one, _ in outcomes]
    assert loop.handling.extended == [in_hand.id]
    assert loop.given_back == [len(outcomes) - 1]
    assert loop.batch.next() is None
    loop.clock.ms += 25
    loop.end(in_hand)
    assert loop.batch.wanted() == 1


def test_handlers_that_go_on_are_left_alone():
    loop = Loop(FullQueue())
    message = begin_one_of_many(loop)
    transactions = len(loop.handling.settled)

    for _ in range(5):
        loop.clock.ms += 5
        assert loop.batch.tend(loop.clock.ms)
        loop.end(message)
        message = loop.batch.next()

    assert len(loop.handling.settled) == transactions


def test_giving_back_settles_what_has_ended():
    loop = Loop(FullQueue())
    begin_one_of_many(loop)

    loop.batch.give_back()
    loop.batch.give_back()

    outcomes = [outcome for _, outcome in loop.handling.settled[-1]]
    assert outcomes.count(AttemptOutcome.COMPLETED) == 1
    assert outcomes.count(AttemptOutcome.RELEASED) == len(outcomes) - 1 > 0


def test_watch_sleeps_until_it_is_needed_and_gives_everything_back_at_its_end():
    loop = Loop(FullQueue())
    watch = BatchWatch(loop.clock, lambda error: None)
    watch.add(loop.batch)
    watch.start()
    begin_one_of_many(loop)
    watch.look()

    watch.end()

    assert not loop.batch.is_shared
    assert AttemptOutcome.RELEASED in [outcome for _, outcome in loop.handling.settled[-1]]


def test_watch_tells_of_a_workspace_that_cannot_be_used():
    loop = Loop(FullQueue())
    failures = []
    watch = BatchWatch(loop.clock, failures.append)
    watch.add(loop.batch)
    watch.start()
    begin_one_of_many(loop)
    loop.handling.error = WorkspaceError("flush failed", needs_restart=True)

    watch.end()

    assert [str(error) for error in failures] == ["flush failed"]
