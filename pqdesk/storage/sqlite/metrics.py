"""What happened per minute, queue and type: counted in memory, written along with a transaction about once a second.

So it costs a message under a microsecond. A process that is killed takes at most its last second of counts along;
the counters of the queues, which are exact, know better.
"""

from __future__ import annotations

from enum import IntEnum

import apsw

from pqdesk.clock import Clock
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.settlements import Ended

_WRITE_EVERY_MS = 1000
MINUTE_S = 60

_ADD = """
    INSERT INTO pqdesk_metric (start_s, queue_id, type_id, kind, bucket, span_s, count)
    VALUES (?1, ?2, coalesce((SELECT id FROM pqdesk_type WHERE name = ?3), 0), ?4, ?5, 60, ?6)
    ON CONFLICT (start_s, queue_id, type_id, kind, bucket) DO UPDATE SET count = count + excluded.count"""


class MetricKind(IntEnum):
    """What a row of pqdesk_metric counts; the numbers are stored."""

    PUT = 1
    COMPLETED = 2
    FAILED = 3
    RETRIED = 4
    WAITED = 5  # a histogram: bucket n holds times below 2ⁿ ms and not below 2ⁿ⁻¹
    RAN = 6


_PUT, _COMPLETED, _WAITED, _RAN = map(int, (MetricKind.PUT, MetricKind.COMPLETED, MetricKind.WAITED, MetricKind.RAN))


class Metrics:
    """The counts of one store since they were last written. Whoever calls it holds the store's lock.

    Attributes:
        write_at_ms: Awake time from which on they are written with the next transaction.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[tuple[int, int, str | None, int, int], int] = {}
        self.write_at_ms = 0

    def put(self, queue_id: int, type_name: str | None, now_us: int, count: int = 1) -> None:
        key, counts = (now_us // 60_000_000 * MINUTE_S, queue_id, type_name, _PUT, 0), self._counts
        counts[key] = counts.get(key, 0) + count

    def ended(self, queue_id: int, type_name: str | None, kind: MetricKind, now_us: int) -> None:
        """A message was failed or an attempt is to be retried."""
        key = (now_us // 60_000_000 * MINUTE_S, queue_id, type_name, int(kind), 0)
        self._counts[key] = self._counts.get(key, 0) + 1

    def completed(self, queue_id: int, type_name: str | None, waited_us: int, ran_us: int, now_us: int) -> None:
        """A message was completed, `waited_us` after it was due, having run for `ran_us`; below zero is zero."""
        start_s, counts = now_us // 60_000_000 * MINUTE_S, self._counts
        key = (start_s, queue_id, type_name, _COMPLETED, 0)
        counts[key] = counts.get(key, 0) + 1
        key = (start_s, queue_id, type_name, _WAITED, bucket_of(waited_us))
        counts[key] = counts.get(key, 0) + 1
        key = (start_s, queue_id, type_name, _RAN, bucket_of(ran_us))
        counts[key] = counts.get(key, 0) + 1

    def settled(self, ended: Ended, now_us: int) -> None:
        """A delivery ended, in whatever way."""
        if ended.after == State.COMPLETED:
            self.completed(ended.queue_id, ended.type, ended.waited_us, ended.ran_us, now_us)
        elif ended.after == State.FAILED:
            self.ended(ended.queue_id, ended.type, MetricKind.FAILED, now_us)
        elif ended.is_retried:
            self.ended(ended.queue_id, ended.type, MetricKind.RETRIED, now_us)

    def add_all(self, other: Metrics) -> None:
        """Count what `other` counted, too."""
        for key, count in other._counts.items():
            self._counts[key] = self._counts.get(key, 0) + count

    def __bool__(self) -> bool:
        return bool(self._counts)

    @property
    def is_due(self) -> bool:
        return bool(self._counts) and self._clock.awake_ms() >= self.write_at_ms

    def write(self, db: apsw.Connection) -> None:
        """Add what was counted to the file, inside a write transaction. If that fails, these counts are lost."""
        for (start_s, queue_id, type_name, kind, bucket), count in self._counts.items():
            db.execute(_ADD, (start_s, queue_id, type_name, kind, bucket, count))
        self._counts.clear()
        self.write_at_ms = self._clock.awake_ms() + _WRITE_EVERY_MS


def bucket_of(us: int) -> int:
    """The histogram bucket of a time: 0 below 1 ms, n for 2ⁿ⁻¹ ms up to 2ⁿ ms."""
    return (us // 1000).bit_length() if us > 0 else 0
