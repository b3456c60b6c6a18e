"""What happened to a message, in order, as lines of a timeline. Needs no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pqdesk.gui.palette import Role
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.durations import format_duration
from pqdesk.messages.fingerprints import headline
from pqdesk.messages.records import AttemptRecord, MessageDetail
from pqdesk.messages.states import AttemptOutcome, State

_MOST_ATTEMPTS = _MOST_ACTS = 8
_MAKE_READY = ("retry", "run_now")
_DONE = {
    "retry": "Retried",
    "run_now": "Made ready",
    "change": "Changed",
    "cancel": "Cancelled",
    "delete": "Deleted",
    "restore": "Restored",
    "move": "Moved",
    "edit": "Payload edited",
    "duplicate": "Made as a copy",
    "undo": "Put back",
    "redo": "Done again",
}

OUTCOME_ROLES: dict[AttemptOutcome | None, Role] = {
    None: Role.RUNNING,
    AttemptOutcome.COMPLETED: Role.HEALTHY,
    AttemptOutcome.NACKED: Role.WARNING,
    AttemptOutcome.FAILED: Role.ERROR,
    AttemptOutcome.RELEASED: Role.MUTED,
    AttemptOutcome.DIED: Role.ERROR,
    AttemptOutcome.LEASE_ENDED: Role.WARNING,
    AttemptOutcome.TIMED_OUT: Role.WARNING,
    AttemptOutcome.CANCELLED: Role.MUTED,
}
_ENDS: dict[AttemptOutcome, str] = {
    AttemptOutcome.COMPLETED: "Completed",
    AttemptOutcome.NACKED: "Attempt failed",
    AttemptOutcome.FAILED: "Failed for good",
    AttemptOutcome.RELEASED: "Given back",
    AttemptOutcome.DIED: "Its worker died",
    AttemptOutcome.LEASE_ENDED: "Its lease ended",
    AttemptOutcome.TIMED_OUT: "Timed out",
    AttemptOutcome.CANCELLED: "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line. `gap` is what passed since the line before, in words; `note` says more about it."""

    text: str
    at: datetime | None
    role: Role = Role.MUTED
    gap: str = ""
    note: str = ""


def timeline(detail: MessageDetail, acts: Sequence[ActivityRecord], now: datetime) -> tuple[Moment, ...]:
    """Enqueued, each attempt's start and end, what people did, and what is next; the newest where there are many."""
    moments = [Moment("Enqueued", detail.enqueued_at)]
    attempts = detail.attempts[-_MOST_ATTEMPTS:]
    left_out = len(detail.attempts) - len(attempts)
    if left_out:
        moments.append(Moment(f"{left_out} earlier attempts", None, note="they are under Attempts"))
    before: datetime | None = detail.enqueued_at
    waiting = list(acts[-_MOST_ACTS:])
    for attempt in attempts:
        while waiting and attempt.started_at is not None and waiting[0].at <= attempt.started_at:
            act = waiting.pop(0)
            moments.append(_of_act(act))
            before = max(before, act.at) if before is not None and act.action in _MAKE_READY else before
        moments += _of_attempt(attempt, before if not left_out else None, now)
        before, left_out = attempt.ended_at, 0
    moments += map(_of_act, waiting)
    if detail.state is State.READY and (before is None or before < detail.due_at <= now):
        before = detail.due_at  # a retry, or what was put off
    return (*moments, *_next(detail, before, now))


def _of_act(act: ActivityRecord) -> Moment:
    word = _DONE.get(act.action, act.action.replace("-", " ").capitalize())
    return Moment(word, act.at, Role.ACCENT, f"by {visible_line(act.actor)}")


def _of_attempt(attempt: AttemptRecord, before: datetime | None, now: datetime) -> list[Moment]:
    who = visible_line(attempt.worker) if attempt.worker else ""
    start = Moment(f"Attempt {attempt.attempt} started", attempt.started_at, Role.RUNNING, note=who)
    if before is not None and attempt.started_at is not None:
        start = Moment(start.text, start.at, start.role, f"waited {_between(before, attempt.started_at)}", who)
    if attempt.outcome is None:
        ran = _between(attempt.started_at, now) if attempt.started_at is not None else ""
        return [start, Moment("Running", None, Role.RUNNING, gap=f"for {ran}" if ran else "")]
    ran = _between(attempt.started_at, attempt.ended_at) if attempt.started_at and attempt.ended_at else ""
    note = visible_line(first_line(attempt.error)) if attempt.error else ""
    role = OUTCOME_ROLES[attempt.outcome]
    return [start, Moment(_ENDS[attempt.outcome], attempt.ended_at, role, f"ran {ran}" if ran else "", note)]


def _next(detail: MessageDetail, before: datetime | None, now: datetime) -> list[Moment]:
    if detail.state in (State.SCHEDULED, State.RETRYING):
        text = "Due" if detail.state is State.SCHEDULED else "Next attempt due"
        role = Role.SCHEDULED if detail.state is State.SCHEDULED else Role.WARNING
        wait_s = (detail.due_at - now).total_seconds()
        return [Moment(text, detail.due_at, role, f"in {format_duration(wait_s)}" if wait_s > 0 else "now")]
    if detail.state is State.READY:
        waited = _between(before, now) if before is not None else ""
        return [Moment("Ready", None, Role.ACCENT, f"for {waited}" if waited else "")]
    last = detail.attempts[-1].outcome if detail.attempts else None
    note = visible_line(first_line(detail.error_text))
    if detail.state is State.CANCELLED and last is not AttemptOutcome.CANCELLED:
        return [Moment("Cancelled", detail.finished_at, Role.MUTED, note=note)]
    if detail.state is State.FAILED and last is None:  # damaged, or expired: no attempt tells of it
        return [Moment("Failed", detail.finished_at, Role.ERROR, note=note)]
    return []


def first_line(text: str | None) -> str:
    """The line of an error that says what happened."""
    return headline(text or "")


def _between(start: datetime, end: datetime) -> str:
    return format_duration(max(0.0, (end - start).total_seconds()))
