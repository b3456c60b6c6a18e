"""SIGTERM wakes Qt's loop, and the former handlers come back."""

from __future__ import annotations

import os
import signal

import pytest

from pqdesk.gui.signals import SignalWatch


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_quit(qtbot, number: signal.Signals) -> None:
    before, asked = signal.getsignal(number), []
    watch = SignalWatch(lambda: asked.append(True))

    os.kill(os.getpid(), number)
    qtbot.waitUntil(lambda: bool(asked))
    watch.close()

    assert asked == [True]
    assert signal.getsignal(number) == before
