"""What may be claimed now in a queue with limits: so many at once, so many within a time.

The rate is a sliding window, exact over all processes: a ring of the times of the last `rate_count` claims in
pqdesk_rate. The next claim takes the slot of the oldest, and is free when that is `rate_us` ago.
"""

from typing import NamedTuple

import apsw

from pqdesk.storage.sqlite.connection import all_rows, first_row

_SLOT = "SELECT at_us FROM pqdesk_rate WHERE queue_id = ? AND slot = ?"
_TAKE = "INSERT OR REPLACE INTO pqdesk_rate (queue_id, slot, at_us) VALUES (?, ?, ?)"
_TAKEN = "UPDATE pqdesk_queue SET rate_claims = rate_claims + ?2 WHERE id = ?1"
_SET_BACK = "UPDATE pqdesk_rate SET at_us = ?2 WHERE queue_id = ?1 AND at_us > ?2"
_NEWEST = "SELECT at_us FROM pqdesk_rate WHERE queue_id = ? ORDER BY at_us DESC LIMIT 100000"
_EMPTY = "DELETE FROM pqdesk_rate WHERE queue_id = ?"
_REFILLED = "UPDATE pqdesk_queue SET rate_claims = ?2 WHERE id = ?1"


class Limits(NamedTuple):
    """The limits of one queue, as its row has them, and how many of its messages run."""

    queue_id: int
    running: int
    concurrency: int | None
    rate_count: int | None
    rate_us: int | None
    rate_claims: int

    def allowed(self, db: apsw.Connection, wanted: int, now_us: int) -> tuple[int, int | None]:
        """How many of `wanted` may be claimed now, and when the rate allows the next one, if that holds it back.

        Inside a write transaction, claims that are in the future, since the clock was set back, become claims of
        now: then it waits one window, no longer. Outside of one, they do not hold it back.
        """
        if self.concurrency is not None:
            wanted = min(wanted, self.concurrency - self.running)
        if self.rate_count is None or self.rate_us is None:
            return max(wanted, 0), None
        for number in range(min(wanted, self.rate_count)):
            row = first_row(db, _SLOT, (self.queue_id, (self.rate_claims + number) % self.rate_count))
            if row is None or row[0] + self.rate_us <= now_us:
                continue
            if row[0] > now_us:
                if db.get_autocommit():
                    continue
                db.execute(_SET_BACK, (self.queue_id, now_us))
            return number, min(row[0], now_us) + self.rate_us
        return max(0, min(wanted, self.rate_count)), None

    def next_us(self, db: apsw.Connection, now_us: int) -> int | None:
        """When the rate lets the next one through; None when it would now. Only reads."""
        if self.rate_count is None or self.rate_us is None:
            return None
        row = first_row(db, _SLOT, (self.queue_id, self.rate_claims % self.rate_count))
        next_us = None if row is None else min(row[0], now_us) + self.rate_us
        return next_us if next_us is not None and next_us > now_us else None

    def take(self, db: apsw.Connection, count: int, now_us: int) -> None:
        """Note `count` claims at `now_us`, in the claiming transaction."""
        if self.rate_count is None or not count:
            return
        for number in range(count):
            db.execute(_TAKE, (self.queue_id, (self.rate_claims + number) % self.rate_count, now_us))
        db.execute(_TAKEN, (self.queue_id, count))


def resize_rate(db: apsw.Connection, queue_id: int, count: int | None) -> None:
    """Make the ring one of `count` slots, keeping the newest claims, so that a change never allows a burst.

    Those that do not fit are kept aside in slots below zero, for the time when it grows again.
    """
    newest = [row[0] for row in all_rows(db, _NEWEST, (queue_id,))]
    ring, aside = newest[: count or 0], newest[count or 0 :]
    db.execute(_EMPTY, (queue_id,))
    slots = [*enumerate(reversed(ring)), *((-number, at_us) for number, at_us in enumerate(aside, start=1))]
    db.executemany(_TAKE, [(queue_id, slot, at_us) for slot, at_us in slots])
    db.execute(_REFILLED, (queue_id, len(ring)))
