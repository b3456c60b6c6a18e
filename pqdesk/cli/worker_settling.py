"""Waiting until workers have come up or ended, and telling how each process is then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, say
from pqdesk.cli.settings import Settings
from pqdesk.clock import SystemClock
from pqdesk.messages.durations import format_duration
from pqdesk.messages.masking import masked_text
from pqdesk.services.workers import Supervision
from pqdesk.supervision.processes.control import Progress
from pqdesk.supervision.records import ReplicaRecord, WorkerState

START_S = 20.0  # a worker counts as running after startsecs, 3 by default

_STOP_MARGIN_S = 10.0
_TOLD_AFTER_S = 2.0
_LOOK_S = 0.1


def has_started(_before: ReplicaRecord, now: ReplicaRecord) -> bool:
    return now.state is WorkerState.RUNNING or _has_ended(now)


def has_stopped(_before: ReplicaRecord, now: ReplicaRecord) -> bool:
    return (now.state is WorkerState.STOPPED or _has_ended(now)) and not now.has_request


def has_restarted(before: ReplicaRecord, now: ReplicaRecord) -> bool:
    return now.pid != before.pid and not now.has_request and has_started(before, now)


def stop_s(before: Sequence[ReplicaRecord]) -> float:
    """How long to wait for them to stop: what they may take for the message in hand, and some more."""
    return max((one.stop_wait_s for one in before), default=0) + _STOP_MARGIN_S


def settled(
    supervision: Supervision,
    before: Sequence[ReplicaRecord],
    has_settled: Callable[[ReplicaRecord, ReplicaRecord], bool],
    wait_s: float,
) -> list[tuple[ReplicaRecord, bool]]:
    """Each process as it stands when all have settled, at the latest after `wait_s`; and whether it has.

    What takes its time to stop is told once on stderr, with how long it still has.
    """
    clock = SystemClock()
    begun_ms = clock.awake_ms()
    ends_ms = begun_ms + wait_s * 1000
    told: set[str] = set()
    while True:
        now = {one.process: one for one in supervision.status().replicas}
        pairs = [(one, now.get(one.process, one)) for one in before]
        if clock.awake_ms() - begun_ms >= _TOLD_AFTER_S * 1000:
            _tell_stopping([one for _, one in pairs if one.process not in told])
            told.update(one.process for one in before)
        if all(has_settled(*pair) for pair in pairs) or clock.awake_ms() >= ends_ms:
            return [(pair[1], has_settled(*pair)) for pair in pairs]
        time.sleep(_LOOK_S)


def _tell_stopping(replicas: Sequence[ReplicaRecord]) -> None:
    for one in replicas:
        if one.stop_deadline_s is not None:
            left_s = max(1, round(one.stop_deadline_s))
            left = f"{left_s} s" if left_s < 60 else format_duration(left_s)
            remark(f"{one.process}: finishing what it has in hand; it is killed in {left}")


def report(settings: Settings, pairs: Sequence[tuple[ReplicaRecord, bool]], is_asked_only: bool) -> int:
    if settings.is_json:
        print_json([replace(one, command=masked_text(one.command)) for one, _ in pairs])
    elif not pairs:
        remark(f"no workers in {str(settings.paths.workers)!r}")
    else:
        for one, _ in pairs:
            say(_line(one))
    has_failed = any(not is_settled or (_has_ended(one) and not _is_done(one)) for one, is_settled in pairs)
    return ExitCode.FAILED if has_failed and not is_asked_only else ExitCode.DONE


def _has_ended(one: ReplicaRecord) -> bool:
    """It was tried, and does not run."""
    return one.state is WorkerState.EXITED or one.state.is_in_trouble


def _is_done(one: ReplicaRecord) -> bool:
    """Whether it ended as what is not to run for ever should."""
    is_good = one.last_exit is not None and one.last_exit.is_expected
    return one.state is WorkerState.EXITED and one.restart != "always" and is_good


def _line(one: ReplicaRecord) -> str:
    detail = one.exit_text or ("" if one.pid is None else f"pid {one.pid}")
    return f"{one.process}: {one.state.word.lower()}" + (f" ({detail})" if detail else "")


def progress_lines(settings: Settings, verb: str) -> Progress:
    """Tells each process as it is done; nothing with --json, and nothing of a single one."""

    def tell(done: int, total: int, process: str) -> None:
        if total > 1 and not settings.is_json:
            remark(f"{process}: {verb} ({done} of {total})")

    return tell
