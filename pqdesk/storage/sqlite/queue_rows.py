"""A queue's row: configuration, and exact counters changed once per transaction by their net difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import apsw

from pqdesk.errors import InvalidInput
from pqdesk.messages.backoff import DEFAULT_BACKOFF, Backoff, parse_backoff
from pqdesk.messages.checks import ATTEMPTS_LIMIT, check_int, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import (
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_MAX_DEATHS,
    QueueConfiguration,
)
from pqdesk.storage.contract import NO_DEFAULTS, HandlerDefaults
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.limits import resize_rate

_FIND = "SELECT id FROM pqdesk_queue WHERE name = ?"
_ADD = "INSERT INTO pqdesk_queue (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
_COUNT = """
    UPDATE pqdesk_queue SET scheduled = scheduled + ?2, ready = ready + ?3, running = running + ?4,
           retrying = retrying + ?5, completed = completed + ?6,
           failed = failed + ?7, cancelled = cancelled + ?8, blocked = blocked + ?9
     WHERE id = ?1"""
_SOONER = "UPDATE pqdesk_queue SET wake_us = ?2 WHERE id = ?1 AND (wake_us IS NULL OR wake_us > ?2)"
_GROUP_WIDTH = "SELECT group_concurrency FROM pqdesk_queue WHERE id = ?"
_CONFIGURATION = """
    SELECT max_attempts, lease_us, timeout_us, backoff, max_deaths, keep_completed_us, keep_failed_us, concurrency,
           group_concurrency, rate_count, rate_us, max_size
      FROM pqdesk_queue WHERE id = ?"""


_COUNTS = ("max_attempts", "max_deaths", "concurrency", "group_concurrency", "max_size")
_LARGEST_RATE = 100_000  # its ring is kept in the file


class QueueChange:
    """The net difference of one queue's counters, gathered during a transaction and written at its end."""

    __slots__ = ("_group_width", "_wake_us", "blocked", "by_state", "queue_id")

    def __init__(self, queue_id: int) -> None:
        self.queue_id = queue_id
        self.blocked = 0
        self.by_state = [0] * 8
        self._wake_us: int | None = None
        self._group_width: int | None = None

    def group_width(self, db: apsw.Connection) -> int:
        """How many messages of one group of this queue may run at once."""
        if self._group_width is None:
            row = first_row(db, _GROUP_WIDTH, (self.queue_id,))
            self._group_width = (row[0] if row else None) or 1
        return self._group_width

    def enters(self, state: int, count: int = 1) -> None:
        self.by_state[state] += count

    def leaves(self, state: int, count: int = 1) -> None:
        self.by_state[state] -= count

    def wake_at(self, us: int) -> None:
        """Somebody has to look at this queue at `us`, wall time."""
        if self._wake_us is None or us < self._wake_us:
            self._wake_us = us

    def write(self, db: apsw.Connection) -> None:
        if any(self.by_state) or self.blocked:
            db.execute(_COUNT, (self.queue_id, *self.by_state[1:], self.blocked))
        if self._wake_us is not None:
            db.execute(_SOONER, (self.queue_id, self._wake_us))


def find_queue(db: apsw.Connection, name: str) -> int | None:
    row = first_row(db, _FIND, (name,))
    return None if row is None else int(row[0])


def add_queue(db: apsw.Connection, name: str) -> int:
    """The id of the queue, which exists from now on. Inside a write transaction."""
    found = find_queue(db, name)
    if found is None:
        db.execute(_ADD, (name,))
        found = db.last_insert_rowid()
    return found


@dataclass(frozen=True, slots=True)
class QueueRules:
    """A queue's configuration with the handler's wishes and the defaults filled in, as settling needs it."""

    max_attempts: int
    backoff: Backoff
    max_deaths: int


def read_rules(db: apsw.Connection, queue_id: int, defaults: HandlerDefaults = NO_DEFAULTS) -> QueueRules:
    row = first_row(db, _CONFIGURATION, (queue_id,))
    assert row is not None, queue_id
    max_attempts, _, _, backoff, max_deaths, *_ = row
    return QueueRules(
        max_attempts or defaults.max_attempts or DEFAULT_MAX_ATTEMPTS,
        parse_backoff(backoff or defaults.backoff or DEFAULT_BACKOFF),
        max_deaths or DEFAULT_MAX_DEATHS,
    )


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


def write_configuration(db: apsw.Connection, queue_id: int, columns: Mapping[str, Any]) -> None:
    """Store what `checked_configuration` returned; its keys are column names of ours."""
    if "rate_count" in columns:
        resize_rate(db, queue_id, columns["rate_count"])
    for column, value in columns.items():
        db.execute(f"UPDATE pqdesk_queue SET {column} = ? WHERE id = ?", (value, queue_id))


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000
