"""One at a time, among all programs of a workspace: a lock on a file in run/."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pqdesk.clock import SystemClock
from pqdesk.errors import SupervisorError
from pqdesk.opening import open_plain
from pqdesk.supervision.private_files import make_private_folder


@contextmanager
def held_lock(file: Path, wait_s: float, doing: str, todo: str = "nothing was changed; try again") -> Iterator[None]:
    """Hold the lock of `file`; threads of one process exclude each other too. The system frees it at a death.

    Raises SupervisorError: somebody else is still `doing` something after `wait_s`; or the file cannot be made.
    """
    make_private_folder(file.parent)
    try:
        descriptor = open_plain(file, os.O_RDWR | os.O_CREAT)
    except OSError as exc:
        raise SupervisorError(f"cannot write '{file}': {exc.strerror}; nothing was changed") from exc
    try:
        if not wait_for(lambda: _try_lock(descriptor), wait_s):
            raise SupervisorError(f"another program has been {doing} for {wait_s:g} s; {todo}")
        yield
    finally:
        os.close(descriptor)  # frees the lock


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
