"""Settling and putting while the workspace is in trouble, and who may end a delivery."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pqdesk.clock import SystemClock
from pqdesk.errors import Busy, DiskFull, DuplicateKey, Full, InvalidInput, LeaseLost
from pqdesk.messages.records import Outgoing
from pqdesk.workers import putting, settling
from pqdesk.workers.lifecycle import StopSignals
from pqdesk.workers.putting import Putter
from pqdesk.workers.report import Report
from pqdesk.workers.settling import Delivery, Settler
from pqdesk.workers.work import Completed, GivenUp, Nacked


class TroubledMessage:
    """Settling it raises `troubles` one after the other, then succeeds."""

    def __init__(self, *troubles, attempt=1, max_attempts=5):
        self.id, self.queue, self.attempt, self.max_attempts = 7, "mail", attempt, max_attempts
        self.is_settled = False
        self.calls = []
        self._troubles = list(troubles)

    def _settle(self, *call):
        if self._troubles:
            raise self._troubles.pop(0)
        self.calls.append(call)
        self.is_settled = True

    def ack(self, result=None):
        self._settle("ack", result)

    def nack(self, error, *, delay=None):
        self._settle("nack", error, delay)

    def fail(self, reason):
        self._settle("fail", reason)


class TroubledQueue:
    """Putting raises `troubles` one after the other, then succeeds."""

    name = "mail"

    def __init__(self, *troubles):
        self._troubles = list(troubles)
        self.put = []

    def put_many(self, items):
        if self._troubles:
            raise self._troubles.pop(0)
        self.put.extend(items)
        return list(range(1, len(items) + 1))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    for module in (settling, putting):
        monkeypatch.setattr(module, "_FIRST_PAUSE_S", 0.001)
        monkeypatch.setattr(module, "_LONGEST_PAUSE_S", 0.001)


@pytest.fixture
def told():
    """What a Report said: `out` and `err`."""
    return SimpleNamespace(out=io.StringIO(), err=io.StringIO())


@pytest.fixture
def settler(told):
    return Settler(Report(told.out, told.err))


@pytest.fixture
def stop():
    signals = StopSignals()
    yield signals
    signals.close()


def deliver(message):
    return Delivery(message, SystemClock(), None)


def test_settling_is_tried_until_the_disk_has_room_and_told_once(settler, told):
    message = TroubledMessage(DiskFull("disk full"), Busy("busy"), DiskFull("disk full"))

    settler.settle(deliver(message), Completed("result"))

    assert message.calls == [("ack", "result")]
    assert told.err.getvalue() == "disk full; trying again, messages in hand are kept\n"
    assert told.out.getvalue().startswith("completed id=7 queue=mail attempt=1 ")


def test_trouble_that_comes_again_is_told_again(settler, told):
    for _ in range(2):
        settler.settle(deliver(TroubledMessage(DiskFull("disk full"))), Completed(None))

    assert told.err.getvalue().count("disk full") == 2


def test_settling_ends_with_the_lease(settler, told):
    message = TroubledMessage(DiskFull("disk full"), LeaseLost("message 7: lease lost", message_id=7))

    settler.settle(deliver(message), Completed("result"))

    assert message.calls == []
    assert told.out.getvalue() == ""
    assert "message 7 (queue mail, attempt 1): its lease was lost" in told.err.getvalue()


def test_hurried_settling_is_tried_once(settler):
    message = TroubledMessage(DiskFull("disk full"), DiskFull("disk full"))
    settler.hurry()

    settler.settle(deliver(message), Completed("result"))

    assert message.calls == []


def test_result_that_cannot_be_stored_is_left_out(settler, told):
    message = TroubledMessage(InvalidInput("result contains a set"))

    settler.settle(deliver(message), Completed({1}))

    assert message.calls == [("ack", None)]
    assert "completed without its result: result contains a set" in told.err.getvalue()


@pytest.mark.parametrize(
    ("ending", "attempt", "word"),
    [(Nacked("no"), 4, "retrying"), (Nacked("no"), 5, "failed"), (GivenUp("no"), 1, "failed")],
)
def test_line_tells_what_becomes_of_the_message(settler, told, ending, attempt, word):
    settler.settle(deliver(TroubledMessage(attempt=attempt)), ending)

    assert told.out.getvalue().startswith(f"{word} id=7 queue=mail attempt={attempt} ")


def test_delivery_is_ended_by_the_first_only():
    delivery = deliver(TroubledMessage())

    assert [delivery.take_end(), delivery.take_end()] == [True, False]


def test_putting_waits_for_room_and_tells_once(told, stop):
    queue = TroubledQueue(Full("queue full"), Full("queue full"), DiskFull("disk full"))

    Putter(queue, Report(told.out, told.err), stop).put(["a", Outgoing("b", queue="other place")])

    assert queue.put == ["a", Outgoing("b", queue="other place")]
    assert told.err.getvalue() == "queue full; waiting to put 2 messages\n"
    assert told.out.getvalue() == "put id=1 queue=mail\nput id=2 queue='other place'\n"


def test_stop_while_waiting_for_room_says_what_was_not_put(told, stop):
    queue = TroubledQueue(*[Full("queue full")] * 3)
    stop.request()

    Putter(queue, Report(told.out, told.err), stop).put(["a"])

    assert queue.put == []
    assert told.err.getvalue() == "queue full; waiting to put 1 message\nstopped before 1 message could be put\n"


@pytest.mark.parametrize("trouble", [InvalidInput("payload is a set"), DuplicateKey("key in use", message_id=3)])
def test_item_that_cannot_be_put_is_told(told, stop, trouble):
    Putter(TroubledQueue(trouble), Report(told.out, told.err), stop).put(["a"])

    assert told.err.getvalue() == f"1 message not put: {trouble}\n"
