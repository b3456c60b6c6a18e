"""What is due after a time, once the wall clock is set back: so much sooner, so that it is not put off.

`due_us` and `expires_us` are wall time. A delay, a backoff and an expiry are lengths of time, though, and when the
clock goes back by an hour, an hour would be added to each. So the file says how far the wall clock was ahead of awake
time when these were reckoned. Whoever finds it less far ahead, within the same boot, moves all of them by the
difference, and says so, in one transaction. As every transaction that puts or settles looks first, no length is ever
reckoned by a clock that the file does not know.

A clock that stands still, as a program's tests have it, falls back all the time: that is followed, and said once.

What is due at a moment that somebody named stays. A clock that goes forward looks as if the machine had slept, which
counts. What was there before a reboot is left alone, since nobody knows how long it took.
"""

from __future__ import annotations

import re

import apsw

from pqdesk.clock import Clock
from pqdesk.storage.sqlite.connection import all_rows, first_row
from pqdesk.storage.sqlite.logger import logger
from pqdesk.storage.sqlite.promotion import plan_wake

AFTER_A_TIME = -1  # as lease_ends_ms of a message that was put with a delay, until a claim writes its own

_LEAST_MS = 1000  # the clock is slewed by less all the time
_STANDING_US = 500_000  # a clock that has gone on by less stands still: it is found set back once a second at most
_NAME = "clock"
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_KNOWN = "SELECT CAST(value AS BLOB) FROM pqdesk_meta WHERE name = ?"  # what is no text does not end each call
_KNOW = "INSERT OR REPLACE INTO pqdesk_meta (name, value) VALUES (?, ?)"
_QUEUES = "SELECT id FROM pqdesk_queue WHERE wake_us IS NOT NULL OR running > 0"
_MOVE = (
    f"""UPDATE pqdesk_message INDEXED BY pqdesk_due SET due_us = max(due_us - ?3, ?2)
         WHERE queue_id = ?1 AND state IN (1, 4) AND due_us > ?2 AND (state = 4 OR lease_ends_ms = {AFTER_A_TIME})""",
    """UPDATE pqdesk_message INDEXED BY pqdesk_expiring SET expires_us = max(expires_us - ?3, ?2)
        WHERE queue_id = ?1 AND expires_us IS NOT NULL AND state IN (1, 2, 4) AND expires_us > ?2""",
    """UPDATE pqdesk_message INDEXED BY pqdesk_running SET expires_us = max(expires_us - ?3, ?2)
        WHERE state = 3 AND queue_id = ?1 AND expires_us > ?2""",
)


class ClockSteps:
    """What one process knows of the clocks of its file. Whoever calls it holds the store's lock."""

    __slots__ = ("_clock", "_told_us", "ahead_ms")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_us: int | None = None  # where the wall clock was when it was last found set back
        self.ahead_ms: int | None = None  # of awake time, as the file has it; None: not looked up yet

    def is_known(self) -> bool:
        """Whether the clocks are to each other as the file has it, as far as this process knows."""
        ahead_ms = self.ahead_ms
        clock = self._clock
        return ahead_ms is not None and -_LEAST_MS < clock.wall_us() // 1000 - clock.awake_ms() - ahead_ms < _LEAST_MS

    def follow(self, db: apsw.Connection) -> None:
        """Bring the file to the clocks as they are. In a write transaction; may be undone with it."""
        ahead_ms, boot = self._ahead_ms(), self._clock.boot_id()
        known_ms = _known(first_row(db, _KNOWN, (_NAME,)), boot)
        if known_ms is not None and abs(known_ms - ahead_ms) < _LEAST_MS:
            self.ahead_ms = known_ms  # only what is committed is relied on
            return
        if known_ms is not None and known_ms > ahead_ms:
            self._move(db, (known_ms - ahead_ms) * 1000)
        else:
            self._told_us = None
        db.execute(_KNOW, (_NAME, f"{boot} {ahead_ms}"))
        self.ahead_ms = None

    def _move(self, db: apsw.Connection, by_us: int) -> None:
        now_us = self._clock.wall_us()
        for (queue_id,) in all_rows(db, _QUEUES):
            for sql in _MOVE:
                db.execute(sql, (queue_id, now_us, by_us))
            plan_wake(db, queue_id)
        if self._told_us is None or not 0 <= now_us - self._told_us < _STANDING_US:
            logger(__name__).warning(
                "the clock was set back by %.0f s; what is due after a time stays due after that time", by_us / 1e6
            )
        self._told_us = now_us

    def _ahead_ms(self) -> int:
        return self._clock.wall_us() // 1000 - self._clock.awake_ms()


def _known(row: tuple[object, ...] | None, boot: str) -> int | None:
    """How far ahead the wall clock was, if the file tells of this boot."""
    text = row[0].decode("ascii", "replace") if row is not None and isinstance(row[0], bytes) else ""
    words = text.split(" ")
    if len(words) != 2 or words[0] != boot or _WHOLE.fullmatch(words[1]) is None:
        return None
    return int(words[1])
