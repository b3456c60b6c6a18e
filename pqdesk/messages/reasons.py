"""Why a message is not running now, in words. Each reason says what is so and, where somebody can act, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pqdesk.messages.counting import counted
from pqdesk.messages.durations import format_duration
from pqdesk.messages.looking import Reason, ReasonKind


def say_all(reasons: Iterable[Reason]) -> str:
    """One sentence per reason, the most telling first."""
    return " ".join(map(say, reasons))


def say(reason: Reason) -> str:
    """One sentence."""
    return _words(reason, f"Message {reason.message_id}", reason.facts) + "."


def _words(reason: Reason, message: str, facts: Mapping[str, Any]) -> str:
    queue = f"queue {reason.queue!r}"
    match reason.kind:
        case ReasonKind.TRASHED:
            text = f"{message} is in the trash for {_long(facts['ago_s'])}; it was {facts['state']} before"
            return f"{text}. Restore brings it back"
        case ReasonKind.RUNNING:
            return _running(message, facts)
        case ReasonKind.COMPLETED:
            ran = "" if facts["ran_s"] is None else f" in {format_duration(facts['ran_s'])}"
            where = f" by {facts['worker']}" if facts["worker"] else ""
            return f"{message} was completed {_long(facts['ago_s'])} ago{where}{ran}, attempt {facts['attempt']}"
        case ReasonKind.FAILED:
            text = f"{message} failed {_long(facts['ago_s'])} ago, after {counted(facts['attempt'], 'attempt')}"
            return f"{text}{_error(facts)}. Retry makes it ready again"
        case ReasonKind.CANCELLED:
            text = f"{message} was cancelled {_long(facts['ago_s'])} ago{_error(facts)}"
            return f"{text}. Retry makes it ready again"
        case ReasonKind.EXPIRED:
            tried = facts.get("attempt")
            how = f"after {counted(tried, 'attempt')} and before the next" if tried else "before it was started"
            return f"{message} expired {_long(facts['ago_s'])} ago, {how}; it will be cancelled"
        case ReasonKind.DAMAGED if facts.get("columns"):
            text = f"{message} is damaged: its {facts['columns']} in the file cannot be what was written"
            return f"{text}. Restore it from a backup"
        case ReasonKind.DAMAGED:
            text = f"The payload of message {reason.message_id} in the file is not the one that was put"
            return f"{text}: it will be failed when it is taken. Restore it from a backup"
        case ReasonKind.SCHEDULED:
            return f"{message} is due in {format_duration(facts['in_s'])}. Run now makes it ready at once"
        case ReasonKind.RETRYING:
            attempt = f"Attempt {facts['attempt']} of {facts['max_attempts']} of message {reason.message_id}"
            text = f"{attempt} failed{_error(facts)}; the next one is due in {format_duration(facts['in_s'])}"
            return f"{text}. Retry makes it ready at once"
        case ReasonKind.PAUSED:
            return f"Queue {reason.queue!r} is paused. Resume it"
        case ReasonKind.GROUP_HELD:
            rule = (
                f"of which {facts['width']} run at once" if facts["width"] > 1 else "which run one at a time, in order"
            )
            due = "" if facts["in_s"] is None else f" and due in {format_duration(facts['in_s'])}"
            head = f"Message {facts['head']}, which is {facts['state']}{due}"
            return f"{head}, is before it in group {facts['group']!r}, {rule}"
        case ReasonKind.AFTER:
            same = f"Message {facts['holder']} has the same key {facts['key']!r}"
            return f"{same}; this one was put to run when that is done"
        case ReasonKind.CONCURRENCY:
            return f"{facts['running']} of {facts['limit']} messages that may run at once in {queue} are running"
        case ReasonKind.RATE:
            limit = f"{facts['count']} in {format_duration(facts['per_s'])}"
            text = f"Queue {reason.queue!r} has reached its rate of {limit}"
            return f"{text}; the next may begin in {format_duration(facts['in_s'])}"
        case ReasonKind.NO_WORKER:
            detail = facts.get("detail")
            return f"Nothing takes messages from {queue}{f': {detail}' if detail else ' now. Start a worker for it'}"
        case ReasonKind.BEHIND:
            others = f"{'At least ' if facts['is_more'] else ''}{counted(facts['count'], 'other is', 'others are')}"
            return f"{others} before message {reason.message_id}: of higher priority, or older"
        case ReasonKind.NEXT:
            soon = "it is taken as soon as a worker is free" if facts["running"] else "a worker is about to take it"
            return f"{message} is next: {soon}"


def _running(message: str, facts: Mapping[str, Any]) -> str:
    attempt = f"attempt {facts['attempt']} of {facts['max_attempts']}"
    who = facts["worker"]
    if facts["is_detached"]:
        text = f"{message} was taken for another program {_long(facts['ago_s'])} ago, {attempt}"
        return f"{text}; whoever has its receipt settles it"
    if not facts["is_alive"]:
        dead = f"{message} was running on {who}, which is dead"
        return f"{dead}; it is ready again as soon as any process of the workspace looks"
    if facts["ago_s"] is None:
        return f"{message} was claimed ahead by {who} and waits for its turn there, {attempt}"
    text = f"{message} is running on {who} for {_long(facts['ago_s'])}, {attempt}"
    return f"{text}; it was asked to stop" if facts["cancel_requested"] else text


def _long(seconds: float) -> str:
    return format_duration(max(seconds, 0.0))


def _error(facts: Mapping[str, Any]) -> str:
    return f": {facts['error'].rstrip('.')}" if facts.get("error") else ""
