"""Bounded waiting for something outside to happen: a daemon to answer, a process to end."""

from __future__ import annotations

import time
from collections.abc import Callable

from pqdesk.clock import SystemClock

_STEP_S = 0.03


def wait_for(condition: Callable[[], bool], timeout_s: float, *, step_s: float = _STEP_S) -> bool:
    """Ask again and again until `condition` is true or `timeout_s` is over; what it answered last.

    supervisord tells nobody when something changes (its event listeners are slower than asking), hence the asking.
    """
    clock = SystemClock()
    ends_ms = clock.awake_ms() + timeout_s * 1000
    while not condition():
        if clock.awake_ms() >= ends_ms:
            return False
        time.sleep(step_s)
    return True
