"""When draining is done: all idle, and nothing finished since they looked."""

from __future__ import annotations

import threading

from pqdesk.workers.drain import DrainGate


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
