"""The columns of the message table: what each shows, how wide it is, and in which views it is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pqdesk.gui.formatting import format_absolute, format_relative, format_size
from pqdesk.gui.palette import STATE_LOOKS, Role
from pqdesk.gui.records import Grows, RecordColumn
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.durations import format_duration
from pqdesk.messages.masking import masked_text
from pqdesk.messages.records import MessageRecord
from pqdesk.messages.states import State

_MODULE = re.compile(r"^(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*\b)")  # of an exception's class: its name says enough
_HAS_DUE = (State.SCHEDULED, State.READY, State.RETRYING)


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


def is_running(record: MessageRecord) -> bool:
    return record.state is State.RUNNING


def _text(
    key: str, width: int, value: Callable[[MessageRecord], str | None], grows: Grows = Grows.SOME, **looks: Any
) -> RecordColumn[MessageRecord]:
    """What somebody else wrote."""

    def text(record: MessageRecord, _now: datetime) -> str:
        return visible_line(value(record) or "")

    return RecordColumn(key, key.capitalize(), text, width, grows, **looks)


def _figure(
    key: str, width: int, text: Callable[[MessageRecord, datetime], str], **looks: Any
) -> RecordColumn[MessageRecord]:
    title = "ID" if key == "id" else key.capitalize()
    return RecordColumn(key, title, text, width, is_right=True, **{"ink": Role.MUTED, **looks})


def _instant(
    key: str,
    at: Callable[[MessageRecord], datetime | None],
    text: Callable[[MessageRecord, datetime], str] | None = None,
    **looks: Any,
) -> RecordColumn[MessageRecord]:
    """A moment in words, and exactly in the tooltip."""

    def relative(record: MessageRecord, now: datetime) -> str:
        moment = at(record)
        return "" if moment is None else format_relative(moment, now)

    def tip(record: MessageRecord) -> str:
        moment = at(record)
        return "" if moment is None else format_absolute(moment)

    return _figure(key, 108, text or relative, tip=tip, **{"is_timed": lambda _record: True, **looks})


def _attempts_ink(record: MessageRecord, _text: str) -> Role:
    is_out_of_attempts = record.state is State.FAILED and record.attempt >= record.max_attempts
    return Role.ERROR if is_out_of_attempts else Role.MUTED


COLUMNS: tuple[RecordColumn[MessageRecord], ...] = (
    RecordColumn(
        "state",
        "State",
        lambda record, _now: record.state.word.capitalize(),
        116,
        ink=lambda record, _text: STATE_LOOKS[record.state][1],
        icon=lambda record: STATE_LOOKS[record.state],
        tip=lambda record: "Failed (dead letter)" if record.state is State.FAILED else "",
    ),
    _figure("id", 96, lambda record, _now: str(record.id), is_cut_in_middle=True),
    _text("queue", 104, lambda record: record.queue),
    _text(
        "type",
        130,
        lambda record: ".".join((record.type or "").split(".")[-2:]),
        tip=lambda record: visible_line(record.type or ""),
    ),
    _text(
        "payload",
        150,
        lambda record: masked_text(record.payload_preview),
        Grows.MUCH,
        is_fixed_font=True,
        ink=Role.MUTED,
    ),
    _figure(
        "attempts",
        80,
        lambda record, _now: f"{record.attempt} / {record.max_attempts}",
        ink=_attempts_ink,
        given_up=1,
    ),
    _instant("enqueued", lambda record: record.enqueued_at),
    _instant(
        "due",
        lambda record: record.due_at,
        _due,
        ink=lambda _record, text: Role.WARNING if text.startswith("late") else Role.MUTED,
        is_timed=lambda record: record.state in _HAS_DUE,
        is_usual=False,
    ),
    _figure("waited", 92, _waited, is_timed=lambda record: record.state is State.READY, given_up=3),
    _figure("ran", 92, _ran, is_timed=is_running, given_up=2),
    _text("worker", 120, lambda record: record.worker, ink=Role.MUTED, is_usual=False),
    _text(
        "error",
        240,
        lambda record: _MODULE.sub("", record.error or ""),
        Grows.MUCH,
        tip=lambda record: visible_line(record.error or ""),
        is_usual=False,
    ),
    _figure("priority", 90, lambda record, _now: str(record.priority), is_usual=False),
    _text("group", 90, lambda record: record.group, is_usual=False),
    _text("key", 90, lambda record: record.key, is_usual=False),
    _figure("size", 90, lambda record, _now: format_size(record.payload_size), is_usual=False),
    _instant("finished", lambda record: record.finished_at, is_usual=False),
)
HEADING = [at for at, one in enumerate(COLUMNS) if one.key in ("state", "id", "type")]

_USUAL = frozenset(one.key for one in COLUMNS if one.is_usual)
_ALSO: dict[State, set[str]] = {
    State.SCHEDULED: {"due"},
    State.RETRYING: {"due", "error"},
    State.RUNNING: {"worker"},
    State.FAILED: {"error"},
}
# Columns that say nothing in a view of that one state.
_EMPTY: dict[State, set[str]] = {State.SCHEDULED: {"attempts", "waited", "ran"}, State.READY: {"ran"}}


def usual_columns(states: tuple[State, ...]) -> frozenset[str]:
    """The keys of the columns that a view of `states` shows unless the user chose others."""
    if len(states) != 1:
        return _USUAL
    return (_USUAL | _ALSO.get(states[0], set())) - _EMPTY.get(states[0], set())


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
