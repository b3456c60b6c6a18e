"""What people do to schedules, as it is written down, and back. In write transactions."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import apsw

from pqdesk.messages.activities import NewActivity
from pqdesk.messages.commands import command_line
from pqdesk.messages.durations import written_duration
from pqdesk.messages.masking import masked
from pqdesk.messages.records import ScheduleRecord
from pqdesk.storage.sqlite.connection import first_row

_COLUMNS = (
    "name", "queue", "type", "priority", '"group"', "key", "max_attempts", "headers", "payload_kind", "payload",
    "every_us", "cron", "timezone", "missed", "is_enabled", "created_us", "next_us", "last_us", "last_message_id",
    "skipped",
)  # fmt: skip
_PAYLOAD = _COLUMNS.index("payload")
_ROW = f"SELECT {', '.join(_COLUMNS)} FROM pqdesk_schedule WHERE name = ?"
_ADD = f"""
    INSERT INTO pqdesk_schedule ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" * len(_COLUMNS))})
    ON CONFLICT (name) DO NOTHING"""
_REMOVE = "DELETE FROM pqdesk_schedule WHERE name = ? AND created_us = ?"
_SWITCH = """
    UPDATE pqdesk_schedule SET is_enabled = NOT is_enabled, next_us = ?3
     WHERE name = ?1 AND is_enabled = ?2 AND created_us = ?4"""


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
    row = list(first_row(db, _ROW, (record.name,)) or ())
    row[_PAYLOAD] = base64.b64encode(row[_PAYLOAD]).decode("ascii")
    return NewActivity(
        "remove-schedule", command_line("remove-schedule", record.name), record.queue, {"schedule_removed": row}
    )


def switched(db: apsw.Connection, record: ScheduleRecord, is_enabled: bool) -> NewActivity:
    row = dict(zip(_COLUMNS, first_row(db, _ROW, (record.name,)) or (), strict=True))
    before = {name: row[name] for name in ("name", "created_us", "next_us")} | {"is_enabled": is_enabled}
    action = "enable-schedule" if is_enabled else "disable-schedule"
    return NewActivity(action, command_line(action, record.name), record.queue, {"schedule_switched": before})


def put_back_added(db: apsw.Connection, value: Mapping[str, Any]) -> bool:
    db.execute(_REMOVE, (value["name"], value["created_us"]))
    return db.changes() > 0


def put_back_removed(db: apsw.Connection, value: list[Any]) -> bool:
    """As it was; what was due meanwhile is missed, and its policy decides."""
    row = [*value]
    row[_PAYLOAD] = base64.b64decode(row[_PAYLOAD])
    db.execute(_ADD, row)
    return db.changes() > 0


def put_back_switched(db: apsw.Connection, value: Mapping[str, Any]) -> bool:
    db.execute(_SWITCH, (value["name"], value["is_enabled"], value["next_us"], value["created_us"]))
    return db.changes() > 0
