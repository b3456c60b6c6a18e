"""The one place that turns an error into an exit code: 0 done, 1 failed, 2 wrong usage, 3 nothing there, 4 refused,
75 try again later, 130 Ctrl-C.
"""

from __future__ import annotations

from enum import IntEnum

from pqdesk.errors import Busy, DuplicateKey, Empty, Full, InvalidInput, LeaseLost, LookOnly, NotFound, PQDeskError


class ExitCode(IntEnum):
    """What a script learns from `$?`."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    NOTHING_THERE = 3
    REFUSED = 4
    TRY_AGAIN_LATER = 75  # EX_TEMPFAIL of sysexits.h
    INTERRUPTED = 130  # what a shell reports for a process that SIGINT ended


class Refused(PQDeskError):
    """The thing is there, but its state does not allow what was asked: a paused queue."""


# The first class that fits decides. A full disk is not here: unlike a full queue it does not empty itself, so a
# script that tries again later would go on for ever.
_CODES: tuple[tuple[type[PQDeskError], ExitCode], ...] = (
    (InvalidInput, ExitCode.WRONG_USAGE),
    (NotFound, ExitCode.NOTHING_THERE),
    (Empty, ExitCode.NOTHING_THERE),
    (Refused, ExitCode.REFUSED),
    (LeaseLost, ExitCode.REFUSED),
    (LookOnly, ExitCode.REFUSED),
    (DuplicateKey, ExitCode.REFUSED),
    (Busy, ExitCode.TRY_AGAIN_LATER),
    (Full, ExitCode.TRY_AGAIN_LATER),
)


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code for `error`; FAILED for everything that has none of its own."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)
