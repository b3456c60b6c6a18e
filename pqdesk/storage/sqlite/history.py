"""Keeping small what outlives the messages: minutes of metrics become hours, errors that nobody has are forgotten.

Minutes are kept for two days, then hours for 400 days. A step is bounded: one hour is rolled up in a transaction, and
up to where that was done is remembered, so nothing is ever looked through again.
"""

from __future__ import annotations

import apsw

from pqdesk.storage.sqlite.connection import Translating, WriteTransaction, all_rows, first_row
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.errors import forget_old_errors, old_errors

HOUR_S = 3600
_KEEP_MINUTES_S = 2 * 86_400
_KEEP_HOURS_S = 400 * 86_400

_MARK = "SELECT value FROM pqdesk_meta WHERE name = 'metrics_rolled_up_s' AND typeof(value) = 'integer'"
_SET_MARK = "INSERT OR REPLACE INTO pqdesk_meta (name, value) VALUES ('metrics_rolled_up_s', ?)"
_FIRST = "SELECT min(start_s) FROM pqdesk_metric WHERE start_s >= ?"
_SUMS = """
    SELECT queue_id, type_id, kind, bucket, sum(count) FROM pqdesk_metric
     WHERE start_s >= ?1 AND start_s < ?2 GROUP BY 1, 2, 3, 4"""
_FORGET = "DELETE FROM pqdesk_metric WHERE start_s >= ? AND start_s < ?"
_ADD_HOUR = """
    INSERT INTO pqdesk_metric (start_s, queue_id, type_id, kind, bucket, span_s, count) VALUES (?, ?, ?, ?, ?, ?, ?)"""


class HistoryRollup:
    """Does one small step at a time. Whoever calls it holds the connection's lock."""

    def __init__(self, engine: Engine) -> None:
        self._db, self._path, self._clock = engine.db, engine.path, engine.clock
        self._after_error = 0  # kinds of errors are gone through in rounds

    def tidy(self) -> None:
        now_us = self._clock.wall_us()
        with Translating(self._path, self._db):
            old, self._after_error = old_errors(self._db, now_us, self._after_error)
            has_old = has_old_metrics(self._db, now_us // 1_000_000)
        if old or has_old:
            with WriteTransaction(self._db, self._path):
                forget_old_errors(self._db, old)
                tidy_metrics(self._db, now_us // 1_000_000)


def has_old_metrics(db: apsw.Connection, now_s: int) -> bool:
    """Whether there is something to roll up or to forget; needs no write transaction."""
    first = _first_start(db, 0)
    return first is not None and (first < now_s - _KEEP_HOURS_S or _hour_to_roll_up(db, now_s) is not None)


def tidy_metrics(db: apsw.Connection, now_s: int) -> None:
    """Roll up the oldest hour of minutes, forget the oldest day of hours, if it is time. In a write transaction."""
    hour_s = _hour_to_roll_up(db, now_s)
    if hour_s is not None:
        sums = all_rows(db, _SUMS, (hour_s, hour_s + HOUR_S))
        db.execute(_FORGET, (hour_s, hour_s + HOUR_S))
        for queue_id, type_id, kind, bucket, count in sums:
            db.execute(_ADD_HOUR, (hour_s, queue_id, type_id, kind, bucket, HOUR_S, count))
        db.execute(_SET_MARK, (hour_s + HOUR_S,))
    first_s = _first_start(db, 0)
    if first_s is not None and first_s < now_s - _KEEP_HOURS_S:
        db.execute(_FORGET, (first_s, min(first_s + 86_400, now_s - _KEEP_HOURS_S)))


def _hour_to_roll_up(db: apsw.Connection, now_s: int) -> int | None:
    mark = first_row(db, _MARK)
    first_s = _first_start(db, 0 if mark is None else int(mark[0]))
    if first_s is None:
        return None
    hour_s = first_s // HOUR_S * HOUR_S
    return hour_s if hour_s + HOUR_S <= now_s - _KEEP_MINUTES_S else None


def _first_start(db: apsw.Connection, from_s: int) -> int | None:
    row = first_row(db, _FIRST, (from_s,))
    return None if row is None or row[0] is None else int(row[0])
