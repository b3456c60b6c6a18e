"""When something runs again and again: every so many seconds, or by a cron expression. Pure: no clock, no I/O.

Instants are UTC epoch microseconds. A Timetable is asked with the wall time of now, whenever somebody looks, and
answers whether a run is due. What it makes of runs that were missed (the machine slept, the run before took too long):

    once   the missed ones become one run, late
    skip   they are passed over
    all    each is made up for, one after the other
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Literal, Protocol, cast, get_args

from cronsim import CronSim, CronSimError

from pqdesk.clock import from_datetime, to_datetime
from pqdesk.errors import InvalidInput

Missed = Literal["once", "skip", "all"]

_LATE_US = 60 * 1_000_000  # later than this is missed, also where nothing else was running
_CLOCK_CORRECTION_US = 3 * 3600 * 1_000_000  # set back by less, nothing runs twice: the rule of Debian's cron(8)


class Schedule(Protocol):
    """A row of instants."""

    def first_us(self, now_us: int) -> int:
        """The first instant for somebody who begins now."""
        ...

    def following_us(self, due_us: int, now_us: int) -> int:
        """The first instant after `now_us`; `due_us` is an instant of the row, not after it."""
        ...

    def set_back_us(self, due_us: int, now_us: int, step_us: int) -> int:
        """The next instant in place of `due_us` when the clock was set back by `step_us` to `now_us`."""
        ...


class Every:
    """At once, and then at intervals of `interval_us`, without drift."""

    def __init__(self, interval_us: int) -> None:
        if interval_us <= 0:
            raise InvalidInput("every must be above zero")
        self._interval_us = interval_us

    def first_us(self, now_us: int) -> int:
        return now_us

    def following_us(self, due_us: int, now_us: int) -> int:
        return due_us + ((now_us - due_us) // self._interval_us + 1) * self._interval_us

    def set_back_us(self, due_us: int, now_us: int, step_us: int) -> int:
        return due_us - step_us


class Cron:
    """By a cron expression of five fields (six: seconds first), in the time zone `zone`.

    Times that a change of daylight saving leaves out or repeats are treated as Debian's cron does (cronsim).
    """

    def __init__(self, expression: str, zone: tzinfo) -> None:
        self._expression = expression
        self._zone = zone
        try:
            next(self._instants(0))
        except (CronSimError, StopIteration) as exc:
            reason = str(exc) or "no such day will ever come"
            raise InvalidInput(
                f"cron expression {expression!r} cannot be used: {reason}; one is '*/10 * * * *'"
            ) from exc

    def first_us(self, now_us: int) -> int:
        return from_datetime(next(self._instants(now_us)))

    def following_us(self, due_us: int, now_us: int) -> int:
        return self.first_us(now_us)

    def set_back_us(self, due_us: int, now_us: int, step_us: int) -> int:
        return self.first_us(now_us) if step_us > _CLOCK_CORRECTION_US else due_us

    def _instants(self, after_us: int) -> CronSim:
        moment: datetime = to_datetime(after_us).astimezone(self._zone)
        return CronSim(self._expression, moment)


class Timetable:
    """Which run is next, and whether it is due. Belongs to one thread.

    Attributes:
        next_us: When to look again.
    """

    def __init__(self, schedule: Schedule, missed: Missed, now_us: int) -> None:
        self._schedule = schedule
        self._missed = missed
        self._seen_us = now_us
        self._busy_until_us = now_us - 1
        self.next_us = schedule.first_us(now_us)

    def take(self, now_us: int) -> bool:
        """Whether a run is due now; then it counts as made, and `next_us` is the one after it."""
        if now_us < self._seen_us:
            self.next_us = self._schedule.set_back_us(self.next_us, now_us, self._seen_us - now_us)
            self._busy_until_us = min(self._busy_until_us, now_us)
        self._seen_us = now_us
        due_us = self.next_us
        if now_us < due_us:
            return False
        self.next_us = self._schedule.following_us(due_us, due_us if self._missed == "all" else now_us)
        is_late = due_us <= self._busy_until_us or now_us - due_us > _LATE_US
        return not (is_late and self._missed == "skip")

    def end_run(self, now_us: int) -> None:
        """Tell that the run taken last has ended."""
        self._busy_until_us = now_us


def check_missed(value: str) -> Missed:
    """`value`, if it names what to do about missed runs. Raises InvalidInput."""
    if value not in get_args(Missed):
        raise InvalidInput(f"missed must be one of {', '.join(get_args(Missed))}, got {value!r}")
    return cast(Missed, value)
