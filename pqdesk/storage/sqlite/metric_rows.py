"""The rows of pqdesk_metric: reading them as records, and making hours of minutes as they get old.

Minutes are kept for two days, then hours for 400 days. A step is bounded: one hour is rolled up in a transaction, and
up to where that was done is remembered, so nothing is ever looked through again.
"""

from __future__ import annotations

from typing import Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.errors import InvalidInput
from pqdesk.messages.looking import Histogram, MetricRecord
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.metrics import MINUTE_S, MetricKind

HOUR_S = 3600
_KEEP_MINUTES_S = 2 * 86_400
_KEEP_HOURS_S = 400 * 86_400
_MOST_STEPS = 100_000

_READ = """
    SELECT m.start_s / ?1 * ?1, {queue}, m.kind, m.bucket, sum(m.count), max(m.span_s)
      FROM pqdesk_metric m
     WHERE m.start_s >= ?2 AND m.start_s < ?3
       AND (?4 IS NULL OR m.queue_id = (SELECT id FROM pqdesk_queue WHERE name = ?4))
       AND (?5 IS NULL OR m.type_id = (SELECT id FROM pqdesk_type WHERE name = ?5))
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2"""
_QUEUE_NAME = "(SELECT name FROM pqdesk_queue WHERE id = m.queue_id)"
_MARK = "SELECT value FROM pqdesk_meta WHERE name = 'metrics_rolled_up_s'"
_SET_MARK = "INSERT OR REPLACE INTO pqdesk_meta (name, value) VALUES ('metrics_rolled_up_s', ?)"
_FIRST = "SELECT min(start_s) FROM pqdesk_metric WHERE start_s >= ?"
_SUMS = """
    SELECT queue_id, type_id, kind, bucket, sum(count) FROM pqdesk_metric
     WHERE start_s >= ?1 AND start_s < ?2 GROUP BY 1, 2, 3, 4"""
_FORGET = "DELETE FROM pqdesk_metric WHERE start_s >= ? AND start_s < ?"
_ADD_HOUR = """
    INSERT INTO pqdesk_metric (start_s, queue_id, type_id, kind, bucket, span_s, count) VALUES (?, ?, ?, ?, ?, ?, ?)"""

_COUNTED = {
    MetricKind.PUT: "put",
    MetricKind.COMPLETED: "completed",
    MetricKind.FAILED: "failed",
    MetricKind.RETRIED: "retried",
}
_TIMED = {MetricKind.WAITED: "waited", MetricKind.RAN: "ran"}


def read_metrics(
    db: apsw.Connection,
    queue: str | None,
    type_name: str | None,
    *,
    since_us: int,
    until_us: int,
    step_s: int,
    by_queue: bool,
) -> tuple[MetricRecord, ...]:
    """See `Looking.metrics`. Raises InvalidInput."""
    if step_s < MINUTE_S or step_s % MINUTE_S:
        raise InvalidInput(f"step must be whole minutes, got {step_s} s")
    since_s, until_s = since_us // 1_000_000, -(-until_us // 1_000_000)
    if (until_s - since_s) // step_s > _MOST_STEPS:
        raise InvalidInput(f"so long a time has more than {_MOST_STEPS:,} steps of {step_s} s; choose longer steps")
    sql = _READ.format(queue=_QUEUE_NAME if by_queue else "NULL")
    found: dict[tuple[int, str | None], dict[str, Any]] = {}
    first_s = since_s // MINUTE_S * MINUTE_S
    for start_s, name, kind, bucket, count, span_s in all_rows(db, sql, (step_s, first_s, until_s, queue, type_name)):
        values = found.setdefault((start_s, name), {"span_s": step_s})
        values["span_s"] = max(values["span_s"], span_s)
        if kind in _TIMED:
            values.setdefault(_TIMED[MetricKind(kind)], {})[bucket] = count
        elif kind in _COUNTED:
            values[_COUNTED[MetricKind(kind)]] = count
    return tuple(_record(start_s, name if by_queue else queue, values) for (start_s, name), values in found.items())


def _record(start_s: int, queue: str | None, values: dict[str, Any]) -> MetricRecord:
    timed = {name: Histogram(values.pop(name, {})) for name in _TIMED.values()}
    return MetricRecord(at=to_datetime(start_s * 1_000_000), queue=queue, **{**values, **timed})


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
