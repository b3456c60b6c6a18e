"""What is set of a queue: its pause, and what `configure` stores, checked, read, and written with what undoes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import apsw

from pqdesk.errors import InvalidInput, NotFound
from pqdesk.messages.backoff import parse_backoff
from pqdesk.messages.checks import ATTEMPTS_LIMIT, LARGEST_ID, check_int, check_name, check_optional_name, quoted
from pqdesk.messages.counting import counted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import QueueConfiguration
from pqdesk.storage.sqlite import transitions
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.limits import resize_rate
from pqdesk.storage.sqlite.queue_rows import QueueChange, add_queue, find_queue

_COUNTS = ("max_attempts", "max_deaths", "concurrency", "group_concurrency", "max_size")
_LARGEST_RATE = 100_000  # its ring is kept in the file
_ALL = "SELECT name FROM pqdesk_queue WHERE is_removed = 0 ORDER BY name"
_COLUMNS = (
    "max_attempts", "lease_us", "timeout_us", "backoff", "max_deaths", "keep_completed_us", "keep_failed_us",
    "concurrency", "group_concurrency", "rate_count", "rate_us", "max_size", "failed_to",
)  # fmt: skip
_REMOVABLE = """
    SELECT id, is_paused, scheduled + ready + running + retrying + completed + failed + cancelled,
           (SELECT count(*) FROM pqdesk_message m INDEXED BY pqdesk_trash
             WHERE m.trashed_us IS NOT NULL AND m.queue_id = q.id AND m.state <> 0),
           (SELECT s.name FROM pqdesk_schedule s WHERE s.queue = q.name LIMIT 1)
      FROM pqdesk_queue q WHERE name = ? AND is_removed = 0"""
_REMOVE = "UPDATE pqdesk_queue SET is_removed = 1, is_paused = 0 WHERE id = ?"
_IS_REMOVED = "SELECT 1 FROM pqdesk_queue WHERE id = ? AND is_removed = 1"
_FAILED_TO = "SELECT failed_to FROM pqdesk_queue WHERE name = ?"
_PAUSE = "UPDATE pqdesk_queue SET is_paused = ?, is_removed = 0 WHERE id = ? AND is_paused <> ?"
_CONFIGURATION = f"SELECT {', '.join(_COLUMNS)} FROM pqdesk_queue WHERE id = ?"


def read_configuration(db: apsw.Connection, queue_id: int | None) -> QueueConfiguration:
    row = None if queue_id is None else first_row(db, _CONFIGURATION, (queue_id,))
    if row is None:
        return QueueConfiguration()
    (max_attempts, lease_us, timeout_us, backoff, max_deaths, keep_completed_us, keep_failed_us, concurrency,
     group_concurrency, rate_count, rate_us, max_size, failed_to) = row  # fmt: skip
    return QueueConfiguration(
        max_attempts=max_attempts,
        lease=_seconds(lease_us),
        timeout=_seconds(timeout_us),
        backoff=backoff,
        max_deaths=max_deaths,
        keep_completed=_seconds(keep_completed_us),
        keep_failed=_seconds(keep_failed_us),
        concurrency=concurrency,
        group_concurrency=group_concurrency,
        rate=None if rate_count is None else (rate_count, rate_us / 1_000_000),
        max_size=max_size,
        failed_to=failed_to,
    )


def checked_configuration(values: Mapping[str, Any]) -> dict[str, Any]:
    """Column → value for what `configure` was given. Raises InvalidInput."""
    known = {field.name for field in fields(QueueConfiguration)}
    columns: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise InvalidInput(f"there is no setting {name!r}; the settings are {', '.join(sorted(known))}")
        if name in _COUNTS:
            columns[name] = None if value is None else check_int(value, name, least=1, most=ATTEMPTS_LIMIT)
        elif name == "rate":
            columns["rate_count"], columns["rate_us"] = (None, None) if value is None else checked_rate(value)
        elif name == "failed_to":
            columns[name] = check_optional_name(value, "failed_to")
        elif name == "backoff":
            if value is not None:
                parse_backoff(value)
            columns[name] = value
        else:
            least_us = 0 if name.startswith("keep") else 1
            columns[name + "_us"] = None if value is None else duration_us(value, name, least_us=least_us)
    return columns


def checked_rate(value: object) -> tuple[int, int]:
    """(claims, microseconds) of a rate such as (100, 60): a hundred within any sixty seconds. Raises InvalidInput."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise InvalidInput(f"rate must be (how many, seconds), such as (100, 60), got {quoted(value)}")
    return check_int(value[0], "rate", least=1, most=_LARGEST_RATE), duration_us(
        value[1], "seconds of rate", least_us=1
    )


def pause(db: apsw.Connection, queue: str | None, is_paused: bool) -> list[str]:
    """Pause or resume one queue, made if missing, or all; the names of those that were not so already."""
    if queue is not None:
        add_queue(db, queue)
    names = [queue] if queue is not None else [name for (name,) in all_rows(db, _ALL)]
    return [name for name in names if _set_paused(db, name, is_paused)]


def put_back_pause(db: apsw.Connection, value: Mapping[str, Any]) -> dict[str, Any] | None:
    names = value["queues"] if "queues" in value else [value["queue"]]  # older activities name one
    for name in names:
        check_name(name, "queue")
    is_paused = not value["is_paused"]
    changed = [name for name in names if _set_paused(db, name, is_paused)]
    return {"paused": {"queues": changed, "is_paused": is_paused}} if changed else None


def _set_paused(db: apsw.Connection, queue: str, is_paused: bool) -> bool:
    """Whether it was otherwise."""
    db.execute(_PAUSE, (int(is_paused), find_queue(db, queue), int(is_paused)))
    return db.changes() > 0


def configure(db: apsw.Connection, queue: str, columns: Mapping[str, Any]) -> dict[str, Any] | None:
    """Store columns of `checked_configuration`, and what undoes it; None when nothing changed."""
    queue_id = add_queue(db, queue)
    _refuse_circle(db, queue, columns.get("failed_to"))
    before = _read(db, queue_id, columns)
    if before == dict(columns):
        return None
    _write(db, queue_id, columns)
    return {"configured": {"queue": queue, "before": before, "after": dict(columns)}}


def _refuse_circle(db: apsw.Connection, queue: str, failed_to: str | None) -> None:
    """Raise InvalidInput where what fails would come back to the queue that it failed in."""
    passed = [queue]
    while failed_to is not None:
        passed.append(failed_to)
        if failed_to in passed[:-1]:
            path = " → ".join(map(repr, passed))
            raise InvalidInput(f"failed messages would go in a circle: {path}; nothing was changed")
        row = first_row(db, _FAILED_TO, (failed_to,))
        failed_to = row[0] if row else None


def put_back_configuration(db: apsw.Connection, value: Mapping[str, Any]) -> dict[str, Any] | None:
    before, after = _stored_columns(value["before"]), _stored_columns(value["after"])
    queue = check_name(value["queue"], "queue")
    queue_id = find_queue(db, queue)
    if queue_id is None or _read(db, queue_id, after) != after:
        return None
    _write(db, queue_id, before)
    return {"configured": {"queue": queue, "before": after, "after": before}}


def remove(db: apsw.Connection, queue: str) -> dict[str, Any]:
    """Let an empty queue be as if it had never been, and what undoes that. Its row stays: programs know its number.

    Raises:
        NotFound: There is no such queue.
        InvalidInput: It has messages, or a schedule puts into it; nothing was changed.
    """
    row = first_row(db, _REMOVABLE, (queue,))
    if row is None:
        raise NotFound(f"there is no queue {queue!r}")
    queue_id, is_paused, count, trashed, schedule = row
    if count or trashed:
        what = counted(count, "message") + (f", and {trashed:,} in the trash" if trashed else "")
        raise InvalidInput(f"queue {queue!r} has {what}: purge it and empty the trash before; nothing was changed")
    if schedule is not None:
        raise InvalidInput(f"schedule {schedule!r} puts into queue {queue!r}: remove that before; nothing was changed")
    before = _read(db, queue_id, dict.fromkeys(_COLUMNS))
    _write(db, queue_id, dict.fromkeys(_COLUMNS))
    db.execute(_REMOVE, (queue_id,))
    return {"queue_removed": {"queue": queue, "is_paused": bool(is_paused), "before": before}}


def put_back_removed(db: apsw.Connection, value: Mapping[str, Any]) -> dict[str, Any] | None:
    before, queue, is_paused = _stored_columns(value["before"]), check_name(value["queue"], "queue"), value["is_paused"]
    queue_id = find_queue(db, queue)
    if queue_id is None or not first_row(db, _IS_REMOVED, (queue_id,)):
        return None
    _write(db, queue_id, before)
    _set_paused(db, queue, bool(is_paused))
    return {"queue_returned": {"queue": queue}}


def put_back_returned(db: apsw.Connection, value: Mapping[str, Any]) -> dict[str, Any] | None:
    """Remove it once more, unless it is in use by now."""
    try:
        return remove(db, check_name(value["queue"], "queue"))
    except NotFound:
        return None


def _stored_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that were kept to undo: their names become SQL. Raises InvalidInput, TypeError, LookupError."""
    for column, value in values.items():
        if column not in _COLUMNS:
            raise InvalidInput(f"there is no column {quoted(column)}")
        if column == "failed_to":
            check_optional_name(value, column)
        elif column == "backoff" and value is not None:
            parse_backoff(value)
        elif value is not None:
            check_int(value, column, least=0, most=LARGEST_ID)
    return dict(values)


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def _read(db: apsw.Connection, queue_id: int, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored in the columns of these names, which are ours."""
    row = first_row(db, f"SELECT {', '.join(columns)} FROM pqdesk_queue WHERE id = ?", (queue_id,)) if columns else ()
    return dict(zip(columns, row or (), strict=True))


def _write(db: apsw.Connection, queue_id: int, columns: Mapping[str, Any]) -> None:
    if "rate_count" in columns:
        resize_rate(db, queue_id, columns["rate_count"])
    for column, value in columns.items():
        db.execute(f"UPDATE pqdesk_queue SET {column} = ? WHERE id = ?", (value, queue_id))
    db.execute("UPDATE pqdesk_queue SET is_removed = 0 WHERE id = ? AND is_removed", (queue_id,))
    if "group_concurrency" in columns:
        change = QueueChange(queue_id)
        transitions.widen_or_narrow(db, change)
        change.write(db)
