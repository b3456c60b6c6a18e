"""What the toast says about an order while it goes on, and after it. Pure."""

from __future__ import annotations

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.gui.threads.orders import Done, Order, Queues
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.records import Outcome

# an action: its name, and what has become of messages by it
_WORDS = {
    "retry": ("Retry", "ready again"),
    "run_again": ("Run again", "ready again"),
    "run_now": ("Run now", "ready now"),
    "cancel": ("Cancel", "cancelled"),
    "delete": ("Delete", "deleted"),
    "undo": ("Undo", "taken back"),
    "redo": ("Redo", "done again"),
    "pause": ("Pause", "paused"),
    "resume": ("Resume", "resumed"),
    "test_message": ("Send a test message", "put"),
}


def describe_done(done: Done) -> str:
    """`3 messages deleted · 1 skipped (running)`; or why nothing was."""
    order, outcome = done.order, done.outcome
    name, word = _WORDS[order.action]
    if done.error is not None:
        return f"{name} failed, nothing was changed: {done.error}"
    if isinstance(order.target, Queues):
        names = ", ".join(map(visible_line, order.target.names)) or "all queues"
        if order.action == "test_message":
            return f"Message {outcome.new_ids[0]} put into {names}"
        return f"{word.capitalize()} {names}{': puts go on, nothing is taken' if order.action == 'pause' else ''}"
    parts = []
    if outcome.done or not (outcome.skipped or outcome.errors):
        unit = "change" if order.action in ("undo", "redo") else "message"
        parts.append(f"{format_count(outcome.done, unit)} {word}")
    if outcome.skipped:
        parts.append(f"{format_number(outcome.skipped)} skipped ({_reasons(outcome)})")
    if outcome.errors:
        parts.append(f"{format_count(len(outcome.errors), 'error')}: {outcome.errors[0]}")
    if outcome.note:
        parts.append(outcome.note)
    return " · ".join(parts)


def describe_waiting(order: Order, *, progress: int, seconds: int, is_held_up: bool) -> str:
    """`Retry waits: another program holds the queue file, 6 s`."""
    name, _ = _WORDS[order.action]
    if is_held_up:
        return f"{name} waits: another program holds the queue file, {seconds} s"
    return f"{name} goes on: {format_number(progress)} so far, {seconds} s"


def sentence(text: str) -> str:
    """An error's line as a sentence: a capital letter where it begins with a word, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _reasons(outcome: Outcome) -> str:
    """`running`; `34 running, 3 key in use`."""
    if len(outcome.reasons) == 1:
        return next(iter(outcome.reasons))
    return ", ".join(f"{format_number(count)} {reason}" for reason, count in outcome.reasons.items())
