"""Why a message is not running now, in words. Each reason says what is so and, where somebody can act, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pqdesk.messages.counting import counted
from pqdesk.messages.durations import format_duration
from pqdesk.messages.looking import Reason, ReasonKind

Facts = Mapping[str, Any]


def say_all(reasons: Iterable[Reason]) -> str:
    """One sentence per reason, the most telling first."""
    return " ".join(map(say, reasons))


def say(reason: Reason) -> str:
    """One sentence."""
    return _WORDS[reason.kind](reason, reason.facts) + "."


def _trashed(reason: Reason, facts: Facts) -> str:
    text = f"Message {reason.message_id} is in the trash for {_long(facts['ago_s'])}; it was {facts['state']} before"
    return f"{text}. Restore brings it back"


def _running(reason: Reason, facts: Facts) -> str:
    attempt = f"attempt {facts['attempt']} of {facts['max_attempts']}"
    who = facts["worker"]
    if facts["is_detached"]:
        text = f"Message {reason.message_id} was taken for another program {_ago(facts['ago_s'])}, {attempt}"
        return f"{text}; whoever has its receipt settles it"
    if not facts["is_alive"]:
        return (
            f"Message {reason.message_id} was running on {who}, which is dead; it is ready again as soon as "
            "any process of the workspace looks"
        )
    if facts["ago_s"] is None:
        return f"Message {reason.message_id} was claimed ahead by {who} and waits for its turn there, {attempt}"
    text = f"Message {reason.message_id} is running on {who} for {_long(facts['ago_s'])}, {attempt}"
    return f"{text}; it was asked to stop" if facts["cancel_requested"] else text


def _completed(reason: Reason, facts: Facts) -> str:
    ran = "" if facts["ran_s"] is None else f" in {format_duration(facts['ran_s'])}"
    where = f" by {facts['worker']}" if facts["worker"] else ""
    return f"Message {reason.message_id} was completed {_ago(facts['ago_s'])}{where}{ran}, attempt {facts['attempt']}"


def _failed(reason: Reason, facts: Facts) -> str:
    text = f"Message {reason.message_id} failed {_ago(facts['ago_s'])}, after {counted(facts['attempt'], 'attempt')}"
    return f"{text}{_error(facts)}. Retry makes it ready again"


def _cancelled(reason: Reason, facts: Facts) -> str:
    text = f"Message {reason.message_id} was cancelled {_ago(facts['ago_s'])}{_error(facts)}"
    return f"{text}. Retry makes it ready again"


def _expired(reason: Reason, facts: Facts) -> str:
    tried = facts.get("attempt")
    how = f"after {counted(tried, 'attempt')} and before the next" if tried else "before it was started"
    return f"Message {reason.message_id} expired {_ago(facts['ago_s'])}, {how}; it will be cancelled"


def _damaged(reason: Reason, facts: Facts) -> str:
    if facts.get("columns"):
        text = f"Message {reason.message_id} is damaged: its {facts['columns']} in the file cannot be what was written"
        return f"{text}. Restore it from a backup"
    return (
        f"The payload of message {reason.message_id} in the file is not the one that was put: it will be failed when "
        "it is taken. Restore it from a backup"
    )


def _scheduled(reason: Reason, facts: Facts) -> str:
    return f"Message {reason.message_id} is due in {format_duration(facts['in_s'])}. Run now makes it ready at once"


def _retrying(reason: Reason, facts: Facts) -> str:
    text = f"Attempt {facts['attempt']} of {facts['max_attempts']} of message {reason.message_id} failed{_error(facts)}"
    return f"{text}; the next one is due in {format_duration(facts['in_s'])}. Retry makes it ready at once"


def _paused(reason: Reason, facts: Facts) -> str:
    return f"Queue {reason.queue!r} is paused. Resume it"


def _group_held(reason: Reason, facts: Facts) -> str:
    rule = "which run one at a time, in order"
    if facts["width"] > 1:
        rule = f"of which {facts['width']} run at once"
    how = f"which is {facts['state']}"
    if facts["in_s"] is not None:
        how += f" and due in {format_duration(facts['in_s'])}"
    return f"Message {facts['head']}, {how}, is before it in group {facts['group']!r}, {rule}"


def _after(reason: Reason, facts: Facts) -> str:
    return f"Message {facts['holder']} has the same key {facts['key']!r}; this one was put to run when that is done"


def _concurrency(reason: Reason, facts: Facts) -> str:
    return f"{facts['running']} of {facts['limit']} messages that may run at once in queue {reason.queue!r} are running"


def _rate(reason: Reason, facts: Facts) -> str:
    limit = f"{facts['count']} in {format_duration(facts['per_s'])}"
    text = f"Queue {reason.queue!r} has reached its rate of {limit}"
    return f"{text}; the next may begin in {format_duration(facts['in_s'])}"


def _no_worker(reason: Reason, facts: Facts) -> str:
    text = f"Nothing takes messages from queue {reason.queue!r}"
    return f"{text}: {facts['detail']}" if facts.get("detail") else f"{text} now. Start a worker for it"


def _behind(reason: Reason, facts: Facts) -> str:
    others = f"{'At least ' if facts['is_more'] else ''}{counted(facts['count'], 'other is', 'others are')}"
    return f"{others} before message {reason.message_id}: of higher priority, or older"


def _next(reason: Reason, facts: Facts) -> str:
    if facts["running"]:
        return f"Message {reason.message_id} is next: it is taken as soon as a worker is free"
    return f"Message {reason.message_id} is next: a worker is about to take it"


def _long(seconds: float) -> str:
    return format_duration(max(seconds, 0.0))


def _ago(seconds: float) -> str:
    return f"{format_duration(max(seconds, 0.0))} ago"


def _error(facts: Facts) -> str:
    return f": {facts['error'].rstrip('.')}" if facts.get("error") else ""


_WORDS: dict[ReasonKind, Callable[[Reason, Facts], str]] = {
    ReasonKind.TRASHED: _trashed,
    ReasonKind.RUNNING: _running,
    ReasonKind.COMPLETED: _completed,
    ReasonKind.FAILED: _failed,
    ReasonKind.CANCELLED: _cancelled,
    ReasonKind.EXPIRED: _expired,
    ReasonKind.DAMAGED: _damaged,
    ReasonKind.SCHEDULED: _scheduled,
    ReasonKind.RETRYING: _retrying,
    ReasonKind.PAUSED: _paused,
    ReasonKind.GROUP_HELD: _group_held,
    ReasonKind.AFTER: _after,
    ReasonKind.CONCURRENCY: _concurrency,
    ReasonKind.RATE: _rate,
    ReasonKind.NO_WORKER: _no_worker,
    ReasonKind.BEHIND: _behind,
    ReasonKind.NEXT: _next,
}
