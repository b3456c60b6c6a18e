"""What the toast says about an order while it goes on, and after it. Pure."""

from __future__ import annotations

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.gui.threads.orders import Done, Order, Queues, Schedules, Workers
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
    "run_schedule": ("Run now", "put"),
    "enable_schedule": ("Resume", "resumed"),
    "disable_schedule": ("Pause", "paused"),
    "remove_schedule": ("Remove", "removed"),
}
# what is done to workers: while it is asked for, and when supervisord has taken it
_WORKER_WORDS = {
    "start": ("Starting", "Started {who}"),
    "stop": ("Stopping", "Stopping {who}; what is in hand is finished first"),
    "restart": ("Restarting", "Restarting {who}"),
    "stop_now": ("Killing", "Killed {who}"),
    "signal": ("Sending a signal to", "{value} sent to {who}"),
    "scale": ("Scaling", "{who}: {replicas}"),
    "autostart": ("Changing the start of", "{who}: {starts} with supervisord"),
    "remove": ("Removing", "Removed {who}; what is in hand is finished first"),
    "undo_edit": ("Taking back the change of", "Took back the change of {who}"),
    "start_daemon": ("Starting supervisord and", ""),
    "restart_daemon": ("Restarting supervisord and", "supervisord restarted"),
}
_MOST_NAMES = 3


def describe_done(done: Done) -> str:
    """`3 messages deleted · 1 skipped (running)`; or why nothing was."""
    order, outcome = done.order, done.outcome
    if isinstance(order.target, Workers):
        return str(done.error) if done.error is not None else _of_workers(order.action, order.target)
    name, word = _WORDS[order.action]
    if done.error is not None:
        return f"{name} failed, nothing was changed: {done.error}"
    if isinstance(order.target, Queues):
        names = ", ".join(map(visible_line, order.target.names)) or "all queues"
        if order.action == "test_message":
            return f"Message {outcome.new_ids[0]} put into {names}"
        return f"{word.capitalize()} {names}{': puts go on, nothing is taken' if order.action == 'pause' else ''}"
    if isinstance(order.target, Schedules):
        names = ", ".join(map(visible_line, order.target.names))
        is_run = order.action == "run_schedule"
        return f"Message {outcome.new_ids[0]} put by {names}" if is_run else f"Schedule {names} {word}"
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


def describe_doing(order: Order) -> str:
    """`Stopping consumer`: for an order about workers, while supervisord is asked."""
    assert isinstance(order.target, Workers)
    return f"{_WORKER_WORDS[order.action][0]} {who(order.target.names)}"


def who(names: tuple[str, ...]) -> str:
    """`consumer, producer and 4 more`."""
    if names == ("all",):
        return "all workers"
    rest = len(names) - _MOST_NAMES
    shown = ", ".join(map(visible_line, names if rest <= 0 else names[:_MOST_NAMES]))
    return f"{shown} and {format_number(rest)} more" if rest > 0 else shown


def sentence(text: str) -> str:
    """An error's line as a sentence: a capital letter where it begins with a word, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _of_workers(action: str, target: Workers) -> str:
    return _WORKER_WORDS[action][1].format(
        who=who(target.names),
        value=target.value,
        replicas=format_count(target.value, "replica") if type(target.value) is int else "",
        starts="starts" if target.value else "does not start",
    )


def _reasons(outcome: Outcome) -> str:
    """`running`; `34 running, 3 key in use`."""
    if len(outcome.reasons) == 1:
        return next(iter(outcome.reasons))
    return ", ".join(f"{format_number(count)} {reason}" for reason, count in outcome.reasons.items())
