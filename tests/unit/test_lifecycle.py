"""Signals that ask a worker to end."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pqdesk.workers.lifecycle import StopRequested, StopSignals, Wakeup


@pytest.fixture
def stop():
    with StopSignals() as signals:
        yield signals
    signals.close()


def test_wakeup_is_remembered_until_the_next_wait():
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()

    wakeup.wait(None)

    wakeup.wait(0)
    wakeup.close()
    wakeup.set()  # harmless


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_asks_to_stop(stop, number):
    os.kill(os.getpid(), number)

    assert stop.wait(None)
    assert not stop.is_impatient
    assert stop.exit_code == (130 if number == signal.SIGINT else 0)


def test_second_interrupt_is_impatience(stop):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)

    assert stop.wait(None)
    assert stop.is_impatient


def test_request_of_another_thread_wakes_the_waiting_one(stop):
    thread = threading.Thread(target=stop.request)
    thread.start()

    assert stop.wait(None)
    thread.join()


def test_signal_breaks_into_code_that_blocks_and_only_once(stop):
    def block():
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait()

    with pytest.raises(StopRequested), stop.interruptible():
        block()
    os.kill(os.getpid(), signal.SIGTERM)  # not inside: noted only

    with pytest.raises(StopRequested), stop.interruptible():
        pytest.fail("nothing new begins after a signal")


def test_only_a_second_interrupt_breaks_into_tidying(stop):
    def block():
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait()

    with stop.tidying():
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), stop.tidying():
        block()

    with pytest.raises(KeyboardInterrupt), stop.tidying():
        pytest.fail("it is not begun any more")


def test_handlers_of_before_are_put_back():
    before = signal.getsignal(signal.SIGTERM)

    with StopSignals() as signals:
        assert signal.getsignal(signal.SIGTERM) != before
    signals.close()

    assert signal.getsignal(signal.SIGTERM) == before


def test_ignored_hangup_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signals.close()
    finally:
        signal.signal(signal.SIGHUP, before)
