"""A queue's row: configuration, and exact counters changed once per transaction by their net difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import apsw

from pqdesk.errors import InvalidInput
from pqdesk.messages.backoff import DEFAULT_BACKOFF, Backoff, parse_backoff
from pqdesk.messages.checks import ATTEMPTS_LIMIT, check_int
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import (
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_MAX_DEATHS,
    QueueConfiguration,
)
from pqdesk.messages.states import State
from pqdesk.storage.contract import NO_DEFAULTS, HandlerDefaults
from pqdesk.storage.sqlite.connection import first_row

_FIND = "SELECT id FROM pqdesk_queue WHERE name = ?"
_ADD = "INSERT INTO pqdesk_queue (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
_COUNT = """
    UPDATE pqdesk_queue SET scheduled = scheduled + ?2, ready = ready + ?3, running = running + ?4,
           retrying = retrying + ?5, completed = completed + ?6,
           failed = failed + ?7, cancelled = cancelled + ?8, blocked = blocked + ?9
     WHERE id = ?1"""
_SOONER = "UPDATE pqdesk_queue SET wake_us = ?2 WHERE id = ?1 AND (wake_us IS NULL OR wake_us > ?2)"
_CONFIGURATION = """
    SELECT max_attempts, lease_us, timeout_us, backoff, max_deaths, keep_completed_us, keep_failed_us
      FROM pqdesk_queue WHERE id = ?"""


class QueueChange:
    """The net difference of one queue's counters, gathered during a transaction and written at its end."""

    __slots__ = ("_by_state", "_wake_us", "blocked", "queue_id")

    def __init__(self, queue_id: int) -> None:
        self.queue_id = queue_id
        self.blocked = 0
        self._by_state = [0] * 8
        self._wake_us: int | None = None

    def enters(self, state: int, count: int = 1) -> None:
        self._by_state[state] += count

    def leaves(self, state: int, count: int = 1) -> None:
        self._by_state[state] -= count

    def wake_at(self, us: int) -> None:
        """Somebody has to look at this queue at `us`, wall time."""
        if self._wake_us is None or us < self._wake_us:
            self._wake_us = us

    def write(self, db: apsw.Connection) -> None:
        if any(self._by_state) or self.blocked:
            db.execute(_COUNT, (self.queue_id, *self._by_state[State.SCHEDULED :], self.blocked))
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
    max_attempts, _, _, backoff, max_deaths, _, _ = row
    return QueueRules(
        max_attempts or defaults.max_attempts or DEFAULT_MAX_ATTEMPTS,
        parse_backoff(backoff or defaults.backoff or DEFAULT_BACKOFF),
        max_deaths or DEFAULT_MAX_DEATHS,
    )


def read_configuration(db: apsw.Connection, queue_id: int | None) -> QueueConfiguration:
    row = None if queue_id is None else first_row(db, _CONFIGURATION, (queue_id,))
    if row is None:
        return QueueConfiguration()
    max_attempts, lease_us, timeout_us, backoff, max_deaths, keep_completed_us, keep_failed_us = row
    return QueueConfiguration(
        max_attempts=max_attempts,
        lease=_seconds(lease_us),
        timeout=_seconds(timeout_us),
        backoff=backoff,
        max_deaths=max_deaths,
        keep_completed=_seconds(keep_completed_us),
        keep_failed=_seconds(keep_failed_us),
    )


def checked_configuration(values: Mapping[str, Any]) -> dict[str, Any]:
    """Column → value for what `configure` was given. Raises InvalidInput."""
    known = {field.name for field in fields(QueueConfiguration)}
    columns: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise InvalidInput(f"there is no setting {name!r}; the settings are {', '.join(sorted(known))}")
        if name in ("max_attempts", "max_deaths"):
            columns[name] = None if value is None else check_int(value, name, least=1, most=ATTEMPTS_LIMIT)
        elif name == "backoff":
            if value is not None:
                parse_backoff(value)
            columns[name] = value
        else:
            least_us = 0 if name.startswith("keep") else 1
            columns[name + "_us"] = None if value is None else duration_us(value, name, least_us=least_us)
    return columns


def write_configuration(db: apsw.Connection, queue_id: int, columns: Mapping[str, Any]) -> None:
    """Store what `checked_configuration` returned; its keys are column names of ours."""
    for column, value in columns.items():
        db.execute(f"UPDATE pqdesk_queue SET {column} = ? WHERE id = ?", (value, queue_id))


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000
