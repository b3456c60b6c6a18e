"""What tests of running programs share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pqdesk.supervision.logs.journal import Journal

T = TypeVar("T")

_STEP_S = 0.02
_TAIL_LINES = 20


def wait_until(condition: Callable[[], T], timeout_s: float = 15, reason: str = "", *, logs: Path | None = None) -> T:
    """Ask until `condition` answers with something true, and return that.

    Fails after `timeout_s` with the `reason`, what was answered last, and the ends of the files *.log in `logs`.
    """
    ends_at = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > ends_at:
            shown = f"waited {timeout_s:g} s for {reason or 'a condition'}; last answer: {answer!r}"
            raise AssertionError(shown + _tails(logs))
        time.sleep(_STEP_S)
    return answer


def _tails(logs: Path | None) -> str:
    tails = []
    for log in sorted(logs.glob("*.log")) if logs is not None else ():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        tails.append("\n".join((f"\n--- {log.name}", *lines)))
    return "".join(tails)


def journal_of(lines: Iterable[str]) -> Journal:
    """What these lines of supervisord's log tell."""
    journal = Journal()
    journal.take(lines)
    return journal
