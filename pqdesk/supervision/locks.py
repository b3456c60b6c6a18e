"""One at a time, among all programs of a workspace: a lock on a file in run/."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pqdesk.errors import SupervisorError
from pqdesk.opening import open_plain
from pqdesk.supervision.private_files import make_private_folder
from pqdesk.supervision.wait_for import wait_for


@contextmanager
def held_lock(file: Path, *, wait_s: float, late: str) -> Iterator[None]:
    """Hold the lock of `file`; threads of one process exclude each other too. The system frees it at a death.

    Raises:
        SupervisorError: `late`, when somebody else still has it after `wait_s`; or the file cannot be made.
    """
    make_private_folder(file.parent)
    try:
        descriptor = open_plain(file, os.O_RDWR | os.O_CREAT)
    except OSError as exc:
        raise SupervisorError(f"cannot write '{file}': {exc.strerror}; nothing was changed") from exc
    try:
        if not wait_for(lambda: _try_lock(descriptor), wait_s):
            raise SupervisorError(late)
        yield
    finally:
        os.close(descriptor)  # frees the lock


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
