"""The columns of the message table: what each shows, how wide it is, and in which views it is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from pqdesk.gui.formatting import format_absolute, format_relative, format_size
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.durations import format_duration
from pqdesk.messages.masking import masked_text
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.states import State


class Column(IntEnum):
    """In their order from left to right; the number is the model's column."""

    STATE = 0
    ID = 1
    QUEUE = 2
    TYPE = 3
    PAYLOAD = 4
    ATTEMPTS = 5
    ENQUEUED = 6
    DUE = 7
    WAITED = 8
    RAN = 9
    WORKER = 10
    ERROR = 11
    PRIORITY = 12
    GROUP = 13
    KEY = 14
    SIZE = 15
    FINISHED = 16


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """`width` in pixels at the reference text size; 0 shares what is left, but is at least `least`."""

    title: str
    width: int
    is_right: bool = False
    is_fixed_font: bool = False
    least: int = 0


LOOKS: dict[Column, ColumnLook] = {
    Column.STATE: ColumnLook("State", 116),
    Column.ID: ColumnLook("ID", 96, is_right=True),
    Column.QUEUE: ColumnLook("Queue", 104),
    Column.TYPE: ColumnLook("Type", 130),
    Column.PAYLOAD: ColumnLook("Payload", 0, is_fixed_font=True, least=150),
    Column.ATTEMPTS: ColumnLook("Attempts", 80, is_right=True),
    Column.ENQUEUED: ColumnLook("Enqueued", 108, is_right=True),
    Column.DUE: ColumnLook("Due", 108, is_right=True),
    Column.WAITED: ColumnLook("Waited", 92, is_right=True),
    Column.RAN: ColumnLook("Ran", 92, is_right=True),
    Column.WORKER: ColumnLook("Worker", 120),
    Column.ERROR: ColumnLook("Error", 0, least=240),
    Column.PRIORITY: ColumnLook("Priority", 90, is_right=True),
    Column.GROUP: ColumnLook("Group", 90),
    Column.KEY: ColumnLook("Key", 90),
    Column.SIZE: ColumnLook("Size", 90, is_right=True),
    Column.FINISHED: ColumnLook("Finished", 108, is_right=True),
}

_USUAL = frozenset(
    (
        Column.STATE,
        Column.ID,
        Column.QUEUE,
        Column.TYPE,
        Column.PAYLOAD,
        Column.ATTEMPTS,
        Column.ENQUEUED,
        Column.WAITED,
        Column.RAN,
    )
)
_ALSO: dict[State, frozenset[Column]] = {
    State.SCHEDULED: frozenset({Column.DUE}),
    State.RETRYING: frozenset({Column.DUE, Column.ERROR}),
    State.RUNNING: frozenset({Column.WORKER}),
    State.FAILED: frozenset({Column.ERROR}),
}
# Columns that say nothing in a view of that one state.
_EMPTY: dict[State, frozenset[Column]] = {
    State.SCHEDULED: frozenset({Column.ATTEMPTS, Column.WAITED, Column.RAN}),
    State.READY: frozenset({Column.RAN}),
}
# Given up in this order where the columns do not fit.
EXPENDABLE = (Column.WAITED, Column.RAN, Column.ATTEMPTS)


def usual_columns(states: tuple[State, ...]) -> frozenset[Column]:
    """The columns that a view of `states` shows unless the user chose others."""
    if len(states) != 1:
        return _USUAL
    return (_USUAL | _ALSO.get(states[0], frozenset())) - _EMPTY.get(states[0], frozenset())


def cell_text(record: MessageRecord, column: Column, now: datetime) -> str:
    """What the cell shows, complete; the view may elide it. `now` is an aware datetime."""
    return _TEXTS[column](record, now)


def changes_with_time(record: MessageRecord, column: Column) -> bool:
    """Whether the text of the cell depends on what time it is."""
    if column in (Column.ENQUEUED, Column.FINISHED):
        return True
    if column is Column.DUE:
        return record.state in _HAS_DUE
    if column is Column.WAITED:
        return record.state is State.READY
    return column is Column.RAN and record.state is State.RUNNING


def full_text(record: MessageRecord, column: Column) -> str:
    """What the tooltip says where the cell shows less; empty where it shows all."""
    if column is Column.TYPE:
        return visible_line(record.type or "")
    if column is Column.ERROR:
        return visible_line(record.error or "")
    if column is Column.STATE:
        return "Failed (dead letter)" if record.state is State.FAILED else ""
    instants = {Column.ENQUEUED: record.enqueued_at, Column.DUE: record.due_at, Column.FINISHED: record.finished_at}
    at = instants.get(column)
    return "" if at is None else format_absolute(at)


def phrase(record: MessageRecord) -> str:
    """The whole row as a sentence, for people who hear it."""
    parts = [record.state.word.capitalize(), f"message {record.id} in {visible_line(record.queue)}"]
    if record.type:
        parts.append(f"type {visible_line(record.type)}")
    if record.attempt:
        parts.append(f"{record.attempt} of {record.max_attempts} attempts")
    if record.error:
        parts.append(visible_line(record.error))
    return ", ".join(parts)


_MODULE = re.compile(r"^(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*\b)")  # of an exception's class: its name says enough
_HAS_DUE = (State.SCHEDULED, State.READY, State.RETRYING)


def _attempts(record: MessageRecord, _now: datetime) -> str:
    return f"{record.attempt} / {record.max_attempts}"


def _type(record: MessageRecord, _now: datetime) -> str:
    return visible_line(".".join((record.type or "").split(".")[-2:]))


def _due(record: MessageRecord, now: datetime) -> str:
    """`in 4 min`, `now`, `late 2 min`; nothing for what is running or over."""
    if record.state not in _HAS_DUE:
        return ""
    late_s = (now - record.due_at).total_seconds()
    if late_s < 1:
        return format_relative(record.due_at, now)
    return "late " + format_relative(record.due_at, now).removesuffix(" ago")


def _waited(record: MessageRecord, now: datetime) -> str:
    """From the moment it could start to the moment it did, or to now."""
    start = record.started_at if record.state is not State.READY else now
    if start is None:
        return ""
    return _between(max(record.enqueued_at, min(record.due_at, start)), start)


def _ran(record: MessageRecord, now: datetime) -> str:
    """How long the last attempt took, or is taking."""
    end = now if record.state is State.RUNNING else record.finished_at
    if record.started_at is None or end is None or record.state in (State.READY, State.SCHEDULED):
        return ""
    return _between(record.started_at, end)


def _between(start: datetime, end: datetime) -> str:
    return format_duration(max(end - start, timedelta(0)).total_seconds())


_TEXTS: dict[Column, Callable[[MessageRecord, datetime], str]] = {
    Column.STATE: lambda record, _now: record.state.word.capitalize(),
    Column.ID: lambda record, _now: str(record.id),
    Column.QUEUE: lambda record, _now: visible_line(record.queue),
    Column.TYPE: _type,
    Column.PAYLOAD: lambda record, _now: visible_line(masked_text(record.payload_preview)),
    Column.ATTEMPTS: _attempts,
    Column.ENQUEUED: lambda record, now: format_relative(record.enqueued_at, now),
    Column.DUE: _due,
    Column.WAITED: _waited,
    Column.RAN: _ran,
    Column.WORKER: lambda record, _now: visible_line(record.worker or ""),
    Column.ERROR: lambda record, _now: visible_line(_MODULE.sub("", record.error or "")),
    Column.PRIORITY: lambda record, _now: str(record.priority),
    Column.GROUP: lambda record, _now: visible_line(record.group or ""),
    Column.KEY: lambda record, _now: visible_line(record.key or ""),
    Column.SIZE: lambda record, _now: format_size(record.payload_size),
    Column.FINISHED: lambda record, now: format_relative(record.finished_at, now) if record.finished_at else "",
}
