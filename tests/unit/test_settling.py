"""Settling and putting while the workspace is in trouble, and who may end a delivery."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pqdesk.clock import SystemClock
from pqdesk.errors import Busy, Corrupt, DiskFull, DuplicateKey, Full, InvalidInput, WorkspaceError
from pqdesk.messages.records import Outgoing
from pqdesk.messages.states import AttemptOutcome
from pqdesk.workers import patience
from pqdesk.workers.lifecycle import StopSignals
from pqdesk.workers.patience import Patience, exit_code_for
from pqdesk.workers.putting import Putter
from pqdesk.workers.report import Report
from pqdesk.workers.settling import Settler
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Completed, GivenUp, Nacked, Unworkable


class SomeMessage:
    """As a handler has it."""

    def __init__(self, message_id=7, attempt=1, max_attempts=5, timeout=None):
        self.id, self.queue, self.attempt, self.max_attempts = message_id, "mail", attempt, max_attempts
        self.timeout = timeout
        self.is_settled = self.cancel_requested = False


class TroubledHandling:
    """Settling raises `troubles` one after the other, then succeeds; the lease of the ids in `lost` is over."""

    def __init__(self, *troubles, lost=()):
        self.settled = []
        self._troubles = list(troubles)
        self._lost = lost

    def end(self, message):
        message.is_settled = True

    def settle(self, settled, claim_next=0):
        if self._troubles:
            raise self._troubles.pop(0)
        self.settled += [(message.id, settlement) for message, settlement in settled]
        return [message for message, _ in settled if message.id in self._lost], []


class TroubledQueue:
    """Putting raises `troubles` one after the other, then succeeds."""

    name = "mail"

    def __init__(self, *troubles, size=1000):
        self._troubles = list(troubles)
        self.size = size
        self.put = []

    def put_many(self, items):
        if self._troubles:
            raise self._troubles.pop(0)
        if len(items) > self.size:
            raise Full("queue is too small", queue="mail", size=self.size, wanted=len(items))
        self.put.extend(items)
        return list(range(1, len(items) + 1))


class MovedClock(SystemClock):
    def __init__(self):
        self.ms = 0

    def awake_ms(self):
        return self.ms


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(patience, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "_LONGEST_PAUSE_S", 0.001)


@pytest.fixture
def told():
    """What a Report said: `out` and `err`."""
    return SimpleNamespace(out=io.StringIO(), err=io.StringIO())


@pytest.fixture
def settler(told):
    return Settler(Report(told.out, told.err), SystemClock())


@pytest.fixture
def stop():
    signals = StopSignals()
    yield signals
    signals.close()


def deliver(handling, message=None):
    return Delivery(message or SomeMessage(), handling, SystemClock().awake_ms())


def test_settling_is_tried_until_the_disk_has_room_and_told_once(settler, told):
    handling = TroubledHandling(DiskFull("disk full"), Busy("busy"), DiskFull("disk full"))

    settler.settle(deliver(handling), Completed(None))

    assert [(one, settlement.outcome) for one, settlement in handling.settled] == [(7, AttemptOutcome.COMPLETED)]
    assert told.err.getvalue() == "disk full; trying again, messages in hand are kept\n"
    assert told.out.getvalue().startswith("completed id=7 queue=mail attempt=1 ")


def test_trouble_that_comes_again_is_told_again(settler, told):
    for _ in range(2):
        settler.settle(deliver(TroubledHandling(DiskFull("disk full"))), Completed(None))

    assert told.err.getvalue().count("disk full") == 2


def test_message_whose_lease_was_lost_is_told_and_the_others_are_settled(settler, told):
    handling = TroubledHandling(DiskFull("disk full"), lost=(8,))
    ended = [settler.conclude(deliver(handling, SomeMessage(one)), Completed(None)) for one in (7, 8, 9)]

    settler.settle_all(handling, ended)

    assert [line.split()[1] for line in told.out.getvalue().splitlines()] == ["id=7", "id=9"]
    assert "id=8 queue=mail attempt=1: its lease was lost" in told.err.getvalue()


def test_hurried_settling_is_tried_once(settler):
    handling = TroubledHandling(DiskFull("disk full"), DiskFull("disk full"))
    settler.hurry()

    settler.settle(deliver(handling), Completed("result"))

    assert handling.settled == []


def test_trouble_that_no_waiting_mends_is_raised(settler):
    for trouble in (Corrupt("damaged"), WorkspaceError("flush failed", needs_restart=True)):
        with pytest.raises(WorkspaceError, match=str(trouble)):
            settler.settle(deliver(TroubledHandling(trouble)), Completed(None))


def test_other_trouble_of_the_workspace_is_borne_for_a_minute():
    clock = MovedClock()
    bearing = Patience(lambda seconds: False, clock)
    trouble = WorkspaceError("input/output error")

    assert bearing.bear(trouble)
    clock.ms = 61_000
    assert bearing.bear(Busy("busy"))
    with pytest.raises(WorkspaceError, match="input/output error"):
        bearing.bear(trouble)


def test_new_start_is_asked_for_where_it_may_help():
    assert exit_code_for(WorkspaceError("flush failed", needs_restart=True)) == 70
    assert exit_code_for(WorkspaceError("input/output error")) == 70
    assert exit_code_for(Corrupt("damaged")) == 1


def test_result_that_cannot_be_stored_is_left_out(settler, told):
    handling = TroubledHandling()

    settler.settle(deliver(handling), Completed({1}))

    assert handling.settled[0][1].result is None
    assert "id=7 queue=mail attempt=1: completed without its result: result contains a set" in told.err.getvalue()


@pytest.mark.parametrize(
    ("ending", "attempt", "word", "outcome"),
    [
        (Nacked("no"), 4, "retrying", AttemptOutcome.NACKED),
        (Nacked("no"), 5, "failed", AttemptOutcome.NACKED),
        (Nacked("late", is_timeout=True), 1, "retrying", AttemptOutcome.TIMED_OUT),
        (GivenUp("no"), 1, "failed", AttemptOutcome.FAILED),
        (Unworkable("no"), 1, "released", AttemptOutcome.RELEASED),
    ],
)
def test_line_tells_what_becomes_of_the_message(settler, told, ending, attempt, word, outcome):
    handling = TroubledHandling()

    settler.settle(deliver(handling, SomeMessage(attempt=attempt)), ending)

    assert told.out.getvalue().startswith(f"{word} id=7 queue=mail attempt={attempt} ")
    assert handling.settled[0][1].outcome == outcome


def test_failed_attempt_of_a_message_that_somebody_cancels_is_told_so(settler, told):
    message = SomeMessage()
    message.cancel_requested = True

    settler.settle(deliver(TroubledHandling(), message), Nacked("stopped"))

    assert told.out.getvalue().startswith("cancelled id=7 ")


def test_delivery_is_ended_by_the_first_only(settler):
    handling = TroubledHandling()
    delivery = deliver(handling)

    settler.settle(delivery, Completed(None))
    settler.settle(delivery, Nacked("late"))

    assert len(handling.settled) == 1


def test_putting_waits_for_room_and_tells_once(told, stop):
    queue = TroubledQueue(Full("queue full", queue="mail", size=2, wanted=2), DiskFull("disk full"))

    Putter(queue, Report(told.out, told.err), stop, SystemClock()).put(["a", Outgoing("b", queue="other place")])

    assert queue.put == ["a", Outgoing("b", queue="other place")]
    assert told.err.getvalue() == "queue full; waiting to put 2 messages\n"
    assert told.out.getvalue() == "put id=1 queue=mail\nput id=2 queue='other place'\n"


def test_stop_while_waiting_for_room_says_what_was_not_put(told, stop):
    queue = TroubledQueue(*[Full("queue full", queue="mail", size=1, wanted=1)] * 3)
    stop.request()

    Putter(queue, Report(told.out, told.err), stop, SystemClock()).put(["a"])

    assert queue.put == []
    assert told.err.getvalue() == "queue full; waiting to put 1 message\nstopped before 1 message could be put\n"


def test_more_than_a_queue_may_hold_is_put_in_parts_where_that_is_allowed(told, stop):
    queue = TroubledQueue(size=2)
    putter = Putter(queue, Report(told.out, told.err), stop, SystemClock())

    putter.put(list("abcde"), is_divisible=True)
    putter.put(list("xyz"))

    assert queue.put == list("abcde")
    assert told.err.getvalue() == "3 messages not put: queue is too small\n"


@pytest.mark.parametrize("trouble", [InvalidInput("payload is a set"), DuplicateKey("key in use", message_id=3)])
def test_item_that_cannot_be_put_is_told(told, stop, trouble):
    Putter(TroubledQueue(trouble), Report(told.out, told.err), stop, SystemClock()).put(["a"])

    assert told.err.getvalue() == f"1 message not put: {trouble}\n"
