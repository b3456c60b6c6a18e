"""When something runs again and again: every so many seconds, or by a cron expression. Pure: no clock, no I/O.

Instants are UTC epoch microseconds. A Timetable is asked with the wall time of now, whenever somebody looks, and
answers whether a run is due. What it makes of runs that were missed (the machine slept, the run before took too long):

    once   the missed ones become one run, late
    skip   they are passed over
    all    each is made up for, one after the other

A schedule that is stored has no Timetable: `due_runs` says what is to be put for it, whoever asks, and `next_runs`
what will be.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import cast, get_args

from cronsim import CronSim, CronSimError

from pqdesk.clock import SystemClock, from_datetime, to_datetime
from pqdesk.errors import InvalidInput
from pqdesk.messages.aliases import Missed
from pqdesk.messages.durations import duration_us
from pqdesk.zones import find_zone, first_change

_NAMED = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_RANGE = re.compile(r"(?P<first>\w+)-(?P<last>\w+)(?:/(?P<step>0*[1-9]\d*))?", re.ASCII)
# Of each field, seconds first: lowest, highest, names of its values.
_WRAPPED = (
    (0, 59, ""), (0, 59, ""), (0, 23, ""), (1, 31, ""),
    (1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"), (0, 6, "SUN MON TUE WED THU FRI SAT"),
)  # fmt: skip
SHORTEST_US = 1_000_000  # between two runs of a schedule that is stored
_LATE_US = 60 * 1_000_000  # later than this is missed, also where nothing else was running
MADE_UP_FOR = 1000  # at most so many missed runs of one schedule, the oldest ones
_COUNTED = 10_000  # at most so many missed runs are looked at, one by one
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_LONGEST_PREVIEW = 1000
_CLOCK_CORRECTION_US = 3 * 3600 * 1_000_000  # set back by less, nothing runs twice: the rule of Debian's cron(8)


class Every:
    """At once, and then at intervals of `interval_us`, without drift.

    As of Cron: `first_us` is the first instant for somebody who begins now, `following_us` the first after `now_us`,
    where `due_us` is an instant of the row and not after it; `set_back_us` the next one in place of `due_us` when the
    clock was set back by `step_us` to `now_us`.
    """

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

    Also `@hourly` and the like, and ranges over the end such as `22-2` and `FRI-MON`. Times that a change of daylight
    saving leaves out or repeats are treated as Debian's cron does (cronsim).
    """

    def __init__(self, expression: str, zone: tzinfo) -> None:
        self._expression = _plain_fields(expression)
        self._zone = zone
        try:
            next(self._instants(0))
        except (CronSimError, StopIteration) as exc:
            reason = str(exc) or "no such day will ever come"
            raise InvalidInput(
                f"cron expression {expression!r} cannot be used: {reason}; one is '*/10 * * * *'"
            ) from exc

    def first_us(self, now_us: int) -> int:
        instants = self._instants(now_us)
        while (found_us := from_datetime(next(instants))) <= now_us:  # the second time in a night when clocks go back
            pass
        return found_us

    def following_us(self, due_us: int, now_us: int) -> int:
        return self.first_us(now_us)

    def is_named(self, local: datetime) -> bool:
        """Whether the expression names this local time; else a run at it was moved there by a change of the clocks."""
        naive = local.replace(tzinfo=None)
        return next(CronSim(self._expression, naive - timedelta(seconds=1))) == naive

    def named_between(self, after: datetime, until: datetime) -> list[datetime]:
        """The local times, without a zone, that the expression names after one and before another; the first few."""
        found: list[datetime] = []
        for at in CronSim(self._expression, after):
            if at >= until or len(found) == _COUNTED:
                break
            found.append(at)
        return found

    def set_back_us(self, due_us: int, now_us: int, step_us: int) -> int:
        return self.first_us(now_us) if step_us > _CLOCK_CORRECTION_US else due_us

    def _instants(self, after_us: int) -> CronSim:
        moment: datetime = to_datetime(after_us).astimezone(self._zone)
        return CronSim(self._expression, moment)


def _plain_fields(expression: str) -> str:
    """With names for whole expressions, and ranges that go over the end, written out. Raises InvalidInput."""
    words = expression.split()
    if len(words) == 1 and words[0].startswith("@"):
        name = words[0].lower()
        if name not in _NAMED:
            why = "runs nothing at times; a worker is started with supervisord" if name == "@reboot" else "is none"
            raise InvalidInput(f"cron expression {expression!r} {why}; the names are {', '.join(_NAMED)}")
        return _NAMED[name]
    fields = zip(words, _WRAPPED[-len(words) :], strict=False) if len(words) in (5, 6) else ()
    return " ".join(_unwrapped(word, *bounds) for word, bounds in fields) or expression


def _unwrapped(field: str, lowest: int, highest: int, names: str) -> str:
    return ",".join(_unwrapped_range(part, lowest, highest, names) for part in field.split(","))


def _unwrapped_range(part: str, lowest: int, highest: int, names: str) -> str:
    """`22-2` as `22,23,0,1,2`; anything else as it is."""
    match = _RANGE.fullmatch(part)
    if match is None:
        return part
    first, last = (_number(match[name], lowest, names) for name in ("first", "last"))
    if first is None or last is None or first <= last or not lowest <= last <= first <= highest + (not lowest):
        return part
    row = [*range(first, highest + 1), *range(lowest, last + 1)]
    return ",".join(map(str, row[:: int(match["step"] or 1)]))


def _number(word: str, lowest: int, names: str) -> int | None:
    if word.isdigit():
        return int(word)
    return names.split().index(word.upper()) + lowest if word.upper() in names.split() else None


Schedule = Every | Cron


class Timetable:
    """Which run is next, and whether it is due. Belongs to one thread.

    `plan` is the schedule in words, `next_us` when to look again.
    """

    def __init__(self, schedule: Schedule, missed: Missed, now_us: int, *, plan: str = "") -> None:
        self.plan = plan
        self._schedule = schedule
        self._missed = missed
        self._seen_us = now_us
        self._busy_until_us = now_us - 1
        self._owed: deque[int] = deque()  # what comes after next_us, which was missed
        self.next_us = schedule.first_us(now_us)

    def resume(self, next_us: int, now_us: int) -> None:
        """Go on from an earlier Timetable of the schedule, whose next run was to be at `next_us`.

        What was missed since is made up for as a stored schedule does it, at most 1,000 times.
        """
        next_us = after_clock_was_set_us(self._schedule, next_us, None, now_us)
        runs = due_runs(self._schedule, self._missed, next_us, now_us)
        self._owed = deque((*runs.runs_us, runs.next_us))
        self.next_us = self._owed.popleft()

    def take(self, now_us: int) -> bool:
        """Whether a run is due now; then it counts as made, and `next_us` is the one after it."""
        if now_us < self._seen_us:
            self.next_us = self._schedule.set_back_us(self.next_us, now_us, self._seen_us - now_us)
            self._busy_until_us = min(self._busy_until_us, now_us)
        self._seen_us = now_us
        if self._owed:
            self.next_us = self._owed.popleft()
            return True
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
    if not isinstance(value, str) or value not in get_args(Missed):
        raise InvalidInput(f"missed must be one of {', '.join(get_args(Missed))}, got {value!r}")
    return cast(Missed, value)


def make_schedule(every_us: int | None, cron: str | None, timezone: str | None) -> Schedule:
    """The schedule that exactly one of `every_us` and `cron` describes. Raises InvalidInput."""
    if (every_us is None) == (cron is None):
        raise InvalidInput("a schedule has either every or cron; give one of them")
    if cron is not None:
        return Cron(cron, find_zone(timezone))
    if timezone is not None:
        raise InvalidInput("timezone goes with cron; an interval is the same in every time zone")
    assert every_us is not None
    return Every(every_us)


@dataclass(frozen=True, slots=True)
class DueRuns:
    """What is to be done for a stored schedule now.

    Attributes:
        runs_us: The due instants to put a message for, oldest first.
        skipped: How many more were due and are passed over; counted up to 10,000.
        next_us: When to look again.
    """

    runs_us: tuple[int, ...]
    skipped: int
    next_us: int


def due_runs(schedule: Schedule, missed: Missed, next_us: int, now_us: int) -> DueRuns:
    """What is due by now of a schedule whose next run was to be at `next_us`.

    A run that is found up to a minute late is on time, since whoever puts it may just have been busy.
    """
    found: list[int] = []
    count, due_us = 0, next_us
    while due_us <= now_us and count < _COUNTED:
        count += 1
        if missed != "all":
            found = [due_us]
        elif len(found) < MADE_UP_FOR:
            found.append(due_us)
        due_us = schedule.following_us(due_us, due_us)
    if due_us <= now_us:
        due_us = schedule.following_us(due_us, now_us)
    if missed == "skip" and found and now_us - found[0] > _LATE_US:
        found = []
    return DueRuns(tuple(found), count - len(found), due_us)


def after_clock_was_set_us(schedule: Schedule, next_us: int, last_us: int | None, now_us: int) -> int:
    """The next run in place of `next_us`, which may lie too far off since the clock was set back.

    Asking again changes nothing more, so every process may ask. An interval is waited for once at most; by a cron
    expression no run is made twice, unless the clock was set back by more than three hours.
    """
    first_us = schedule.first_us(now_us)
    if isinstance(schedule, Every):
        return min(next_us, schedule.following_us(first_us, now_us))
    has_run = last_us is not None and first_us <= last_us <= now_us + _CLOCK_CORRECTION_US
    return next_us if has_run else min(next_us, first_us)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run to come: an aware datetime in the schedule's zone, and what daylight saving does to it, if anything."""

    at: datetime
    note: str = ""


def next_runs(
    expression: str | float | timedelta, timezone: str | None = None, count: int = 10, *, after: datetime | None = None
) -> tuple[PlannedRun, ...]:
    """The next `count` (at most 1,000) runs by a cron expression, or at intervals of seconds or a timedelta.

        for run in next_runs("30 2 * * *", "Europe/Berlin", 3):
            print(run.at, run.note)

    Needs no workspace. `after` is an aware datetime; None is now. The zone of an interval is for showing only.
    After the year 9999 there is none.

    Raises:
        InvalidInput: The expression, the zone or the count cannot be used.
    """
    if not isinstance(count, int) or not 1 <= count <= _LONGEST_PREVIEW:
        raise InvalidInput(f"count must be between 1 and {_LONGEST_PREVIEW:,}, got {count!r:.80}")
    if after is not None and after.tzinfo is None:
        raise InvalidInput("after must be a datetime with a time zone")
    now_us = SystemClock().wall_us() if after is None else from_datetime(after)
    zone = find_zone(timezone)
    cron = Cron(expression, zone) if isinstance(expression, str) else None
    schedule: Schedule = cron or Every(duration_us(expression, "every", least_us=1))
    found: list[PlannedRun] = []
    with contextlib.suppress(OverflowError, ValueError, StopIteration):  # a datetime ends there
        due_us, before = schedule.first_us(now_us), to_datetime(max(now_us, 0)).astimezone(zone)
        for _ in range(count):
            local = to_datetime(due_us).astimezone(zone)
            if from_datetime(local) != due_us:  # beyond the last moment that there is
                break
            found.append(PlannedRun(local, _daylight_note(cron, before, local)))
            before, due_us = local, schedule.following_us(due_us, due_us)
    return tuple(found)


def _daylight_note(cron: Cron | None, before: datetime, local: datetime) -> str:
    """What a change of the clocks between the run before and this one, or at it, does."""
    is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    if is_twice:  # of the times that do not exist, none comes from an instant
        return f"{local:%H:%M} comes twice that day; this is the {'second' if local.fold else 'first'} time"
    change = (local.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
    if cron is not None and change > timedelta() and not cron.is_named(local.replace(microsecond=0)):
        return f"moved here: its time is skipped that day, as the clocks go forward by {_minutes(change)}"
    lost = [] if cron is None or change <= timedelta() else _left_out(cron, before, local)
    if lost:
        return f"{_times(lost)} left out, as the clocks go forward by {_minutes(change)}"
    if change:
        return f"the clocks go {'forward' if change > timedelta() else 'back'} by {_minutes(change)} before it"
    return ""


def _left_out(cron: Cron, before: datetime, local: datetime) -> list[datetime]:
    """The times that are named between two runs where the clocks go forward, and nothing is run for.

    Of what is run by the hour or so nothing is left out: the next run comes as soon as any other.
    """
    changed = first_change(before.astimezone(UTC), local.astimezone(UTC), zone := local.tzinfo or UTC)
    end = changed.astimezone(zone).replace(tzinfo=None)
    start = (changed - _SECOND).astimezone(zone).replace(tzinfo=None) + _SECOND
    lost = cron.named_between(start - _SECOND, end)
    waited = local.astimezone(UTC) - before.astimezone(UTC)
    return lost if lost and waited > lost[0] - before.replace(tzinfo=None) else []


def _times(lost: list[datetime]) -> str:
    if len(lost) == 1:
        return f"the run at {lost[0]:%H:%M} of {lost[0]:%-d %B} is"
    return f"{len(lost)} runs from {lost[0]:%H:%M} to {lost[-1]:%H:%M} of {lost[0]:%-d %B} are"


def _minutes(change: timedelta) -> str:
    minutes = abs(change) // _MINUTE
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
