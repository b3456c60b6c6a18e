"""A queue's row: its rules, and exact counters changed once per transaction by their net difference."""

from typing import NamedTuple

import apsw

from pqdesk.messages.backoff import DEFAULT_BACKOFF, Backoff, parse_backoff
from pqdesk.messages.defaults import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_DEATHS
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.values import NO_DEFAULTS, HandlerDefaults

_FIND = "SELECT id FROM pqdesk_queue WHERE name = ?"
_ADD = "INSERT INTO pqdesk_queue (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
_COUNT = """
    UPDATE pqdesk_queue SET scheduled = scheduled + ?2, ready = ready + ?3, running = running + ?4,
           retrying = retrying + ?5, completed = completed + ?6,
           failed = failed + ?7, cancelled = cancelled + ?8, blocked = blocked + ?9
     WHERE id = ?1"""
_SOONER = "UPDATE pqdesk_queue SET wake_us = ?2 WHERE id = ?1 AND (wake_us IS NULL OR wake_us > ?2)"
_GROUP_WIDTH = "SELECT group_concurrency FROM pqdesk_queue WHERE id = ?"
_RULES = "SELECT max_attempts, backoff, max_deaths, failed_to FROM pqdesk_queue WHERE id = ?"


class QueueChange:
    """The net difference of one queue's counters, gathered during a transaction and written at its end."""

    __slots__ = ("_group_width", "_wake_us", "blocked", "by_state", "queue_id")

    def __init__(self, queue_id: int) -> None:
        self.queue_id = queue_id
        self.blocked = 0
        self.by_state = [0] * 8  # by the number of the state
        self._wake_us: int | None = None
        self._group_width: int | None = None

    def group_width(self, db: apsw.Connection) -> int:
        """How many messages of one group of this queue may run at once."""
        if self._group_width is None:
            row = first_row(db, _GROUP_WIDTH, (self.queue_id,))
            self._group_width = (row[0] if row else None) or 1
        return self._group_width

    def enters(self, state: State, count: int = 1) -> None:
        self.by_state[state.number] += count

    def leaves(self, state: State, count: int = 1) -> None:
        self.by_state[state.number] -= count

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


class QueueRules(NamedTuple):
    """A queue's configuration with the handler's wishes and the defaults filled in, as settling needs it."""

    max_attempts: int
    backoff: Backoff
    max_deaths: int
    failed_to: str | None


def read_rules(db: apsw.Connection, queue_id: int, defaults: HandlerDefaults = NO_DEFAULTS) -> QueueRules:
    row = first_row(db, _RULES, (queue_id,))
    assert row is not None, queue_id
    max_attempts, backoff, max_deaths, failed_to = row
    return QueueRules(
        max_attempts or defaults.max_attempts or DEFAULT_MAX_ATTEMPTS,
        parse_backoff(backoff or defaults.backoff or DEFAULT_BACKOFF),
        max_deaths or DEFAULT_MAX_DEATHS,
        failed_to,
    )
