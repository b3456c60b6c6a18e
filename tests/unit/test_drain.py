"""When draining is done: all idle, and nothing finished since they looked."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace

import pytest

from pqdesk.clock import SystemClock
from pqdesk.workers.drain import DrainGate, Retries
from pqdesk.workers.report import Report


def test_single_thread_is_done_when_it_finds_nothing():
    gate = DrainGate(1)

    assert not gate.wait_for_more(gate.before_look())


def test_thread_looks_again_when_something_finished_meanwhile():
    gate = DrainGate(1)
    seen = gate.before_look()
    gate.note_finished()

    assert gate.wait_for_more(seen)
    assert not gate.wait_for_more(gate.before_look())


def test_idle_thread_waits_for_one_that_works():
    gate = DrainGate(2)
    answers = []
    idle = threading.Thread(target=lambda: answers.append(gate.wait_for_more(gate.before_look())))
    idle.start()
    while not gate._idle:  # it has come to wait
        pass

    gate.note_finished()
    idle.join()

    assert answers == [True]


def test_stopping_lets_waiting_threads_go():
    gate = DrainGate(2)
    answers = []
    idle = threading.Thread(target=lambda: answers.append(gate.wait_for_more(gate.before_look())))
    idle.start()

    gate.end()
    idle.join()

    assert answers == [False]


def test_what_is_to_be_retried_is_looked_for_again_by_all():
    pauses = iter([0.001, 0.001, None])
    finished = []

    def pause_s(count):
        finished.append(count)
        return next(pauses)

    gate = DrainGate(2, pause_s)
    looks = []

    def work():
        while gate.wait_for_more(gate.before_look()):
            looks.append(threading.current_thread())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (finished, set(looks)) == ([0, 0, 0], set(threads))


class Clock(SystemClock):
    ms = 0

    def awake_ms(self):
        return self.ms


def some_queue(retrying, *, paused=False):
    return SimpleNamespace(counts=lambda: SimpleNamespace(retrying=retrying), paused=paused)


@pytest.mark.parametrize(
    ("queues", "limit_s", "waits"),
    [
        ([some_queue(0)], None, False),
        ([some_queue(0), some_queue(1)], None, True),
        ([some_queue(1, paused=True)], None, False),
        ([some_queue(1)], 0, False),
        ([some_queue(1)], 10, True),
    ],
)
def test_retrying_messages_are_waited_for(queues, limit_s, waits):
    retries = Retries(queues, limit_s, Report(io.StringIO(), io.StringIO()), Clock())

    assert (retries.pause_s(0) is not None) == waits


def test_limit_counts_from_the_last_message_that_was_worked_on():
    clock, err = Clock(), io.StringIO()
    retries = Retries([some_queue(2)], 10, Report(io.StringIO(), err), clock)
    waits = []
    for ms, finished in ((0, 0), (9_999, 0), (10_000, 1), (19_999, 1), (20_000, 1)):
        clock.ms = ms
        waits.append(retries.pause_s(finished) is not None)

    assert waits == [True, True, True, True, False]
    assert err.getvalue() == "2 messages are to be retried later; not waited for after 10.00 s\n"
