"""The only place where time is read.

Two clocks: wall time (UTC, for what people see and for schedules) and awake time (counts only while the
machine is awake, for leases). On Linux CLOCK_MONOTONIC stands still during suspend (clock_gettime(2)).
Awake time of one boot means nothing in the next, hence `boot_id`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import CLOCK_MONOTONIC, clock_gettime_ns
from typing import Protocol

_AWAKE = CLOCK_MONOTONIC
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)  # in every time zone, too


class Clock(Protocol):
    """What the store, the loops and the window ask for the time."""

    def wall_us(self) -> int:
        """UTC, microseconds since 1970."""
        ...

    def awake_ms(self) -> int:
        """Milliseconds that the machine has been awake since some moment of this boot."""
        ...

    def boot_id(self) -> str:
        """The same text for the whole life of one boot, another one after it."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall_us(self) -> int:
        return time.time_ns() // 1000

    def awake_ms(self) -> int:
        return clock_gettime_ns(_AWAKE) // 1_000_000  # as awake_ns; each put and get asks

    def boot_id(self) -> str:
        return _system_boot_id()


def awake_ns() -> int:
    """Nanoseconds that the machine has been awake since some moment of this boot.

    Not time.monotonic: tests that freeze that (freezegun) want due times to stand still, and timeouts to end.
    """
    return clock_gettime_ns(_AWAKE)


@cache
def _system_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # not Linux: the moment of boot, to the minute, tells two boots apart
        return f"up-since-minute-{int(time.time() - time.monotonic()) // 60}"


def to_datetime(us: int) -> datetime:
    """`us` microseconds since 1970 as an aware UTC datetime, exact to the microsecond.

    What lies beyond the years that a datetime has, in a damaged file, is the first or the last of its moments.
    """
    seconds, micros = divmod(us, 1_000_000)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    except (ValueError, OverflowError, OSError):
        return _LAST if us > 0 else _FIRST


def local_time(at: datetime) -> datetime:
    """`at` in the machine's zone, for showing; in UTC where that has no such day, as after the year 9999."""
    try:
        return at.astimezone()
    except (OverflowError, ValueError, OSError):
        return at


def from_datetime(at: datetime) -> int:
    """The aware datetime `at` as microseconds since 1970, exact to the microsecond."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
