"""The columns of the message table: what each shows, how wide it is, and in which views it is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import IntEnum

from pqdesk.gui.formatting import format_absolute, format_relative, format_size
from pqdesk.gui.palette import STATE_LOOKS, Role
from pqdesk.gui.records import Grows, RecordColumn
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


_MODULE = re.compile(r"^(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*\b)")  # of an exception's class: its name says enough
_HAS_DUE = (State.SCHEDULED, State.READY, State.RETRYING)


def is_running(record: MessageRecord) -> bool:
    return record.state is State.RUNNING


def _is_out_of_attempts(record: MessageRecord) -> bool:
    return record.state is State.FAILED and record.attempt >= record.max_attempts


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


def _always(_record: MessageRecord) -> bool:
    return True


def _instant(at: Callable[[MessageRecord], datetime | None]) -> Callable[[MessageRecord], str]:
    def tip(record: MessageRecord) -> str:
        moment = at(record)
        return "" if moment is None else format_absolute(moment)

    return tip


_LOOKS: dict[Column, RecordColumn[MessageRecord]] = {
    Column.STATE: RecordColumn(
        "state",
        "State",
        lambda record, _now: record.state.word.capitalize(),
        116,
        ink=lambda record, _text: STATE_LOOKS[record.state][1],
        icon=lambda record: STATE_LOOKS[record.state],
        tip=lambda record: "Failed (dead letter)" if record.state is State.FAILED else "",
    ),
    Column.ID: RecordColumn(
        "id", "ID", lambda record, _now: str(record.id), 96, is_right=True, is_cut_in_middle=True, ink=Role.MUTED
    ),
    Column.QUEUE: RecordColumn("queue", "Queue", lambda record, _now: visible_line(record.queue), 104, Grows.SOME),
    Column.TYPE: RecordColumn(
        "type", "Type", _type, 130, Grows.SOME, tip=lambda record: visible_line(record.type or "")
    ),
    Column.PAYLOAD: RecordColumn(
        "payload",
        "Payload",
        lambda record, _now: visible_line(masked_text(record.payload_preview)),
        150,
        Grows.MUCH,
        is_fixed_font=True,
        ink=Role.MUTED,
    ),
    Column.ATTEMPTS: RecordColumn(
        "attempts",
        "Attempts",
        lambda record, _now: f"{record.attempt} / {record.max_attempts}",
        80,
        is_right=True,
        ink=lambda record, _text: Role.ERROR if _is_out_of_attempts(record) else Role.MUTED,
        given_up=1,
    ),
    Column.ENQUEUED: RecordColumn(
        "enqueued",
        "Enqueued",
        lambda record, now: format_relative(record.enqueued_at, now),
        108,
        is_right=True,
        ink=Role.MUTED,
        tip=_instant(lambda record: record.enqueued_at),
        is_timed=_always,
    ),
    Column.DUE: RecordColumn(
        "due",
        "Due",
        _due,
        108,
        is_right=True,
        ink=lambda _record, text: Role.WARNING if text.startswith("late") else Role.MUTED,
        tip=_instant(lambda record: record.due_at),
        is_timed=lambda record: record.state in _HAS_DUE,
    ),
    Column.WAITED: RecordColumn(
        "waited",
        "Waited",
        _waited,
        92,
        is_right=True,
        ink=Role.MUTED,
        is_timed=lambda record: record.state is State.READY,
        given_up=3,
    ),
    Column.RAN: RecordColumn("ran", "Ran", _ran, 92, is_right=True, ink=Role.MUTED, is_timed=is_running, given_up=2),
    Column.WORKER: RecordColumn(
        "worker", "Worker", lambda record, _now: visible_line(record.worker or ""), 120, Grows.SOME, ink=Role.MUTED
    ),
    Column.ERROR: RecordColumn(
        "error",
        "Error",
        lambda record, _now: visible_line(_MODULE.sub("", record.error or "")),
        240,
        Grows.MUCH,
        tip=lambda record: visible_line(record.error or ""),
    ),
    Column.PRIORITY: RecordColumn(
        "priority", "Priority", lambda record, _now: str(record.priority), 90, is_right=True, ink=Role.MUTED
    ),
    Column.GROUP: RecordColumn("group", "Group", lambda record, _now: visible_line(record.group or ""), 90, Grows.SOME),
    Column.KEY: RecordColumn("key", "Key", lambda record, _now: visible_line(record.key or ""), 90, Grows.SOME),
    Column.SIZE: RecordColumn(
        "size", "Size", lambda record, _now: format_size(record.payload_size), 90, is_right=True, ink=Role.MUTED
    ),
    Column.FINISHED: RecordColumn(
        "finished",
        "Finished",
        lambda record, now: format_relative(record.finished_at, now) if record.finished_at else "",
        108,
        is_right=True,
        ink=Role.MUTED,
        tip=_instant(lambda record: record.finished_at),
        is_timed=_always,
    ),
}
COLUMNS = tuple(_LOOKS[column] for column in Column)

_ON_DEMAND = (
    Column.DUE, Column.WORKER, Column.ERROR, Column.PRIORITY, Column.GROUP, Column.KEY, Column.SIZE, Column.FINISHED,
)  # fmt: skip
USUAL = frozenset(Column).difference(_ON_DEMAND)
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


def usual_columns(states: tuple[State, ...]) -> frozenset[Column]:
    """The columns that a view of `states` shows unless the user chose others."""
    if len(states) != 1:
        return USUAL
    return (USUAL | _ALSO.get(states[0], frozenset())) - _EMPTY.get(states[0], frozenset())


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
