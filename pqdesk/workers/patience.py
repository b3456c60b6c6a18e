"""How long a worker bears with a workspace in trouble.

A full disk or queue and a busy file are waited for, however long it takes. Other errors of the workspace (a folder
that cannot be written, an input or output error) may pass as well, and are tried again for a minute. What only a new
start can mend, and what no waiting mends (a damaged file, one of a newer version), ends the worker at once.
"""

from __future__ import annotations

from collections.abc import Callable

from pqdesk.clock import Clock
from pqdesk.errors import Busy, Corrupt, DiskFull, Full, PQDeskError, SchemaTooNew, WorkspaceError
from pqdesk.workers.lifecycle import EXIT_FAILED, EXIT_HUNG

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_LONGEST_TROUBLE_MS = 60_000


def may_pass(error: PQDeskError) -> bool:
    """Whether the same call may succeed later in this process."""
    if isinstance(error, Busy | DiskFull | Full):
        return True
    is_hopeless = isinstance(error, SchemaTooNew | Corrupt)
    return isinstance(error, WorkspaceError) and not is_hopeless and not error.needs_restart


def exit_code_for(error: PQDeskError) -> int:
    """70 where a new start may help, else 1."""
    is_fresh_start_good = isinstance(error, WorkspaceError) and (error.needs_restart or may_pass(error))
    return EXIT_HUNG if is_fresh_start_good else EXIT_FAILED


class Patience:
    """The pauses of one row of failures, growing from 0.1 to 5 s.

    Args:
        wait: Sleeps for so many seconds; true when somebody does not want to wait any longer.
    """

    def __init__(self, wait: Callable[[float], bool], clock: Clock) -> None:
        self._wait = wait
        self._clock = clock
        self._pause_s = _FIRST_PAUSE_S
        self._since_ms: int | None = None

    def bear(self, error: PQDeskError) -> bool:
        """Sleep before the next try; False when there is no time for one. Raises `error` if it will not pass."""
        if not may_pass(error):
            raise error
        if not isinstance(error, Busy | DiskFull | Full):
            now_ms = self._clock.awake_ms()
            self._since_ms = now_ms if self._since_ms is None else self._since_ms
            if now_ms - self._since_ms > _LONGEST_TROUBLE_MS:
                raise error
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return not self._wait(pause_s)

    def recover(self) -> None:
        """It went well: the next failure begins a new row."""
        self._pause_s, self._since_ms = _FIRST_PAUSE_S, None
