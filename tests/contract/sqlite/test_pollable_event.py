"""What a thread of a store sleeps on."""

from __future__ import annotations

import subprocess
import sys


def test_it_may_be_set_by_a_signal_that_comes_while_it_is_waited_for() -> None:
    script = (
        "import signal, time; from pqdesk.storage.sqlite.waiting import PollableEvent\n"
        "event = PollableEvent(); signal.signal(signal.SIGALRM, lambda *_: event.set())\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001); end = time.monotonic() + 2\n"
        "while time.monotonic() < end: event.wait(0.0001)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
