"""What is set of a queue: its pause, and what `configure` stores, checked, read, and written with what undoes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import apsw

from pqdesk.errors import InvalidInput
from pqdesk.messages.backoff import parse_backoff
from pqdesk.messages.checks import ATTEMPTS_LIMIT, check_int, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import QueueConfiguration
from pqdesk.storage.sqlite import transitions
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.limits import resize_rate
from pqdesk.storage.sqlite.queue_rows import QueueChange, add_queue, find_queue

_COUNTS = ("max_attempts", "max_deaths", "concurrency", "group_concurrency", "max_size")
_LARGEST_RATE = 100_000  # its ring is kept in the file
_ALL = "SELECT name FROM pqdesk_queue ORDER BY name"
_PAUSE = "UPDATE pqdesk_queue SET is_paused = ? WHERE id = ? AND is_paused <> ?"
_CONFIGURATION = """
    SELECT max_attempts, lease_us, timeout_us, backoff, max_deaths, keep_completed_us, keep_failed_us, concurrency,
           group_concurrency, rate_count, rate_us, max_size
      FROM pqdesk_queue WHERE id = ?"""


def read_configuration(db: apsw.Connection, queue_id: int | None) -> QueueConfiguration:
    row = None if queue_id is None else first_row(db, _CONFIGURATION, (queue_id,))
    if row is None:
        return QueueConfiguration()
    (max_attempts, lease_us, timeout_us, backoff, max_deaths, keep_completed_us, keep_failed_us, concurrency,
     group_concurrency, rate_count, rate_us, max_size) = row  # fmt: skip
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


def put_back_pause(db: apsw.Connection, value: Mapping[str, Any]) -> bool:
    names = value["queues"] if "queues" in value else [value["queue"]]  # older activities name one
    were_changed = [_set_paused(db, name, not value["is_paused"]) for name in names]
    return any(were_changed)


def _set_paused(db: apsw.Connection, queue: str, is_paused: bool) -> bool:
    """Whether it was otherwise."""
    db.execute(_PAUSE, (int(is_paused), find_queue(db, queue), int(is_paused)))
    return db.changes() > 0


def configure(db: apsw.Connection, queue: str, columns: Mapping[str, Any]) -> dict[str, Any] | None:
    """Store columns of `checked_configuration`, and what undoes it; None when nothing changed."""
    queue_id = add_queue(db, queue)
    before = _read(db, queue_id, columns)
    if before == dict(columns):
        return None
    _write(db, queue_id, columns)
    return {"configured": {"queue": queue, "before": before, "after": dict(columns)}}


def put_back_configuration(db: apsw.Connection, value: Mapping[str, Any]) -> bool:
    queue_id = find_queue(db, value["queue"])
    if queue_id is None or _read(db, queue_id, value["after"]) != value["after"]:
        return False
    _write(db, queue_id, value["before"])
    return True


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
    if "group_concurrency" in columns:
        change = QueueChange(queue_id)
        transitions.widen_or_narrow(db, change)
        change.write(db)
