"""What people do to schedules, as it is written down, and back. In write transactions."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.activities import NewActivity
from pqdesk.messages.checks import (
    LARGEST_ID,
    PRIORITY_LIMIT,
    check_id,
    check_int,
    check_name,
    check_optional_name,
    decode_headers,
    encode_headers,
)
from pqdesk.messages.commands import command_line
from pqdesk.messages.durations import written_duration
from pqdesk.messages.masking import masked
from pqdesk.messages.payloads import decode_payload
from pqdesk.messages.records import ScheduleRecord
from pqdesk.messages.schedules import SHORTEST_US, check_missed, make_schedule
from pqdesk.storage.sqlite.connection import Row, all_rows, first_row

COLUMNS = (
    "name", "queue", "type", "priority", '"group"', "key", "max_attempts", "headers", "payload_kind", "payload",
    "every_us", "cron", "timezone", "missed", "is_enabled", "created_us", "next_us", "last_us", "last_message_id",
    "skipped",
)  # fmt: skip
_SHOWN_CHARACTERS = 255
_TEXTS = frozenset({"name", "queue", "type", '"group"', "key", "headers", "cron", "timezone", "missed"})
_PAYLOAD, _CREATED = COLUMNS.index("payload"), COLUMNS.index("created_us")
_FOR_GOOD = {"why_not": "it was damaged"}  # what is there of it is not written down
# Read as bytes but for the numbers, so that a row that holds something else stops nobody; see `read`.
READ = ", ".join(
    f"iif(typeof({column}) = 'integer', {column}, CAST({column} AS BLOB))"
    if column not in _TEXTS and column != "payload"
    else f"CAST({column} AS BLOB)"
    for column in COLUMNS
)
_ALL = f"SELECT {READ} FROM pqdesk_schedule ORDER BY name"
_ROW = f"SELECT {READ} FROM pqdesk_schedule WHERE name = ?"
_ADD = f"""
    INSERT INTO pqdesk_schedule ({", ".join(COLUMNS)}) VALUES ({", ".join("?" * len(COLUMNS))})
    ON CONFLICT (name) DO NOTHING"""
_REMOVE = "DELETE FROM pqdesk_schedule WHERE name = ? AND created_us = ?"
_SWITCH = """
    UPDATE pqdesk_schedule SET is_enabled = NOT is_enabled, next_us = ?3
     WHERE name = ?1 AND is_enabled = ?2 AND created_us = ?4"""


def read(values: Row) -> Row:
    """A row of READ: its texts as such, and as bytes what is none."""
    return tuple(
        _text(value) if column in _TEXTS and isinstance(value, bytes) else value
        for column, value in zip(COLUMNS, values, strict=True)
    )


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def added(record: ScheduleRecord, created_us: int) -> NewActivity:
    words = [record.name, record.queue]
    if record.payload is not None:
        words.append("-")  # never the payload: an activity is shown to everybody
    given = {
        "every": None if record.every is None else written_duration(record.every),
        "cron": record.cron,
        "timezone": record.timezone,
        "missed": record.missed,
        "as": "bytes" if isinstance(record.payload, bytes) else None,
        "type": record.type,
        "priority": record.priority or None,
        "key": record.key,
        "group": record.group,
        "max-attempts": record.max_attempts,
    }
    for name, value in given.items():
        if value is not None:
            words += [f"--{name}", str(value)]
    for name, value in masked(record.headers).items():
        words += ["--header", f"{name}={value}"]
    if not record.is_enabled:
        words.append("--disabled")
    before = {"schedule_added": {"name": record.name, "created_us": created_us}}
    return NewActivity("add-schedule", command_line("add-schedule", *words), record.queue, before)


def removed(db: apsw.Connection, record: ScheduleRecord) -> NewActivity:
    command, before = command_line("remove-schedule", record.name), _kept(db, record.name)
    if before is None:
        return NewActivity("remove-schedule", command, why_not="it was damaged")
    return NewActivity("remove-schedule", command, record.queue, before)


def _kept(db: apsw.Connection, name: str) -> dict[str, Any] | None:
    """What brings the schedule back once it is removed; None when it is damaged, or there is none."""
    row = list(read(first_row(db, _ROW, (name,)) or ()))
    if not is_sound(row):
        return None
    row[_PAYLOAD] = base64.b64encode(row[_PAYLOAD]).decode("ascii")
    return {"schedule_removed": row}


def switched(db: apsw.Connection, record: ScheduleRecord, is_enabled: bool) -> NewActivity:
    row = dict(zip(COLUMNS, read(first_row(db, _ROW, (record.name,)) or ()), strict=True))
    before = {name: row[name] for name in ("name", "created_us", "next_us")} | {"is_enabled": is_enabled}
    action = "enable-schedule" if is_enabled else "disable-schedule"
    return NewActivity(action, command_line(action, record.name), record.queue, {"schedule_switched": before})


def put_back_added(db: apsw.Connection, value: Mapping[str, Any]) -> dict[str, Any] | None:
    name, created_us = check_name(value["name"], "schedule"), check_id(value["created_us"])
    kept = _kept(db, name)
    db.execute(_REMOVE, (name, created_us))
    return (kept or _FOR_GOOD) if db.changes() else None


def put_back_removed(db: apsw.Connection, value: list[Any]) -> dict[str, Any] | None:
    """As it was; what was due meanwhile is missed, and its policy decides."""
    row = [*value]
    row[_PAYLOAD] = base64.b64decode(row[_PAYLOAD], validate=True)
    if not is_sound(row):
        raise ValueError(row[0])
    db.execute(_ADD, row)
    return {"schedule_added": {"name": row[0], "created_us": row[_CREATED]}} if db.changes() else None


def put_back_switched(db: apsw.Connection, value: Mapping[str, Any]) -> dict[str, Any] | None:
    next_us = None if value["next_us"] is None else check_id(value["next_us"])
    name, created_us, is_enabled = (
        check_name(value["name"], "schedule"), check_id(value["created_us"]), bool(value["is_enabled"])
    )  # fmt: skip
    row = dict(zip(COLUMNS, read(first_row(db, _ROW, (name,)) or (None,) * len(COLUMNS)), strict=True))
    db.execute(_SWITCH, (name, is_enabled, next_us, created_us))
    back = {"name": name, "created_us": created_us, "next_us": row["next_us"], "is_enabled": not is_enabled}
    return {"schedule_switched": back} if db.changes() else None


def is_sound(row: Sequence[Any]) -> bool:
    """Whether a row of pqdesk_schedule, in the order of COLUMNS, is one that can have been written here."""
    try:
        _check(dict(zip(COLUMNS, row, strict=True)))
    except (ValueError, TypeError, LookupError, AttributeError):
        return False
    return True


def damaged(row: Row) -> Row:
    """What is shown of a row that is not sound: its name, and that it never runs."""
    name, queue = (one if isinstance(one, str) else str(one or "")[:_SHOWN_CHARACTERS] for one in row[:2])
    plain = {"name": name, "queue": queue, "cron": "damaged", "payload_kind": 1, "payload": b"", "missed": "skip"}
    zeros = dict.fromkeys(("priority", "is_enabled", "created_us", "skipped"), 0)
    return tuple((plain | zeros).get(column) for column in COLUMNS)


def _check(row: Mapping[str, Any]) -> None:
    """Raise ValueError, TypeError, LookupError or the like for what no schedule has."""
    for name in ("name", "queue"):
        check_name(row[name], name)
    for name in ("type", '"group"', "key", "cron", "timezone"):
        check_optional_name(row[name], name)
    for name in ("max_attempts", "next_us", "last_us", "last_message_id"):
        if row[name] is not None:
            check_id(row[name], name)
    for name in ("created_us", "skipped"):
        check_id(row[name], name)
    check_int(row["priority"], "priority", least=-PRIORITY_LIMIT, most=PRIORITY_LIMIT)
    check_missed(row["missed"])
    if row["every_us"] is not None:
        check_int(row["every_us"], "every", least=SHORTEST_US, most=LARGEST_ID)
    make_schedule(row["every_us"], row["cron"], None if row["timezone"] is None else "UTC")  # it may be known elsewhere
    encode_headers(decode_headers(row["headers"]))
    decode_payload(row["payload_kind"], row["payload"])


def read_schedules(db: apsw.Connection) -> tuple[ScheduleRecord, ...]:
    """All, by name."""
    return tuple(record(read(row)) for row in all_rows(db, _ALL))


def record(row: Row) -> ScheduleRecord:
    """Of a row as `read` gives it."""
    if not is_sound(row):
        row = damaged(row)
    (name, queue, type_name, priority, group, key, max_attempts, headers, kind, payload, every_us, cron, timezone,
     missed, is_enabled, created_us, next_us, last_us, last_message_id, skipped) = row  # fmt: skip
    return ScheduleRecord(
        name=name, queue=queue, payload=decode_payload(kind, payload), type=type_name, priority=priority, key=key,
        group=group, headers=decode_headers(headers), max_attempts=max_attempts,
        every=None if every_us is None else every_us / 1e6, cron=cron, timezone=timezone, missed=missed,
        is_enabled=bool(is_enabled), created_at=to_datetime(created_us), next_at=_instant(next_us),
        last_at=_instant(last_us), last_message_id=last_message_id, skipped=skipped,
    )  # fmt: skip


def _instant(us: int | None) -> Any:
    return None if us is None else to_datetime(us)
