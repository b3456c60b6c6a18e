"""What the toast says after an action. Pure."""

from __future__ import annotations

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.messages.records import Outcome

_DONE = {
    "retry": "ready again",
    "run_again": "ready again",
    "run_now": "ready now",
    "cancel": "cancelled",
    "delete": "deleted",
    "restore": "restored",
}
_NOT_DONE = {
    "retry": "Retry",
    "run_again": "Run again",
    "run_now": "Run now",
    "cancel": "Cancel",
    "delete": "Delete",
    "restore": "Restore",
}


def describe_outcome(action: str, outcome: Outcome) -> str:
    """`3 messages deleted · 1 skipped (its state does not allow it)`."""
    parts = []
    if outcome.done or not (outcome.skipped or outcome.errors):
        parts.append(f"{format_count(outcome.done, 'message')} {_DONE[action]}")
    if outcome.skipped:
        why = "its state does" if outcome.skipped == 1 else "their state does"
        parts.append(f"{format_number(outcome.skipped)} skipped ({why} not allow it)")
    if outcome.errors:
        parts.append(f"{format_count(len(outcome.errors), 'error')}: {outcome.errors[0]}")
    return " · ".join(parts)


def sentence(text: str) -> str:
    """An error's line as a sentence: a capital letter where it begins with a word, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def describe_failure(action: str, error: Exception) -> str:
    return f"{_NOT_DONE[action]} failed, nothing was changed: {error}"
