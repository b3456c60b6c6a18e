"""The rows of pqdesk_metric as records."""

from __future__ import annotations

from typing import Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.errors import InvalidInput
from pqdesk.messages.looking import Histogram, MetricRecord
from pqdesk.storage.sqlite.connection import all_rows
from pqdesk.storage.sqlite.metrics import MINUTE_S, MetricKind

_MOST_STEPS = 100_000

_READ = """
    SELECT m.start_s / ?1 * ?1, {queue}, m.kind, m.bucket, sum(m.count), max(m.span_s)
      FROM pqdesk_metric m
     WHERE m.start_s >= ?2 AND m.start_s < ?3
       AND (?4 IS NULL OR m.queue_id = (SELECT id FROM pqdesk_queue WHERE name = ?4))
       AND (?5 IS NULL OR m.type_id = (SELECT id FROM pqdesk_type WHERE name = ?5))
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2"""
_QUEUE_NAME = "(SELECT name FROM pqdesk_queue WHERE id = m.queue_id)"
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
