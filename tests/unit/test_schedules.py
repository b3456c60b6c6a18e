"""When runs are due: intervals, cron, missed runs, and clocks that jump."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pqdesk.clock import from_datetime
from pqdesk.errors import InvalidInput
from pqdesk.messages.schedules import Cron, Every, Timetable, check_missed

SECOND = 1_000_000
HOUR = 3600 * SECOND
BERLIN = ZoneInfo("Europe/Berlin")


def us(*parts, zone=UTC):
    return from_datetime(datetime(*parts, tzinfo=zone))


def due(timetable, *seconds):
    """Which of these moments have a run due; each run takes no time."""
    found = []
    for second in seconds:
        while timetable.take(round(second * SECOND)):
            found.append(second)
            timetable.end_run(round(second * SECOND))
    return found


def test_interval_begins_at_once_and_does_not_drift():
    timetable = Timetable(Every(10 * SECOND), "once", 0)

    assert due(timetable, 0, 9.9, 10.2, 19.9, 20.1, 29, 30) == [0, 10.2, 20.1, 30]


def test_missed_runs_become_one():
    timetable = Timetable(Every(10 * SECOND), "once", 0)

    assert due(timetable, 0, 95, 96, 100) == [0, 95, 100]


def test_missed_runs_are_all_made_up_for():
    timetable = Timetable(Every(10 * SECOND), "all", 0)

    assert due(timetable, 0, 35, 40) == [0, 35, 35, 35, 40]


def test_runs_missed_during_a_run_are_skipped():
    timetable = Timetable(Every(10 * SECOND), "skip", 0)
    assert timetable.take(0)
    timetable.end_run(25 * SECOND)  # 10 and 20 went by

    assert due(timetable, 25, 29, 30, 40) == [30, 40]


def test_runs_missed_asleep_are_skipped():
    timetable = Timetable(Every(10 * SECOND), "skip", 0)

    assert due(timetable, 0, 1000, 1009, 1010) == [0, 1010]


def test_interval_survives_a_clock_set_back():
    timetable = Timetable(Every(10 * SECOND), "once", 5 * HOUR)
    assert timetable.take(5 * HOUR)

    assert not timetable.take(2 * HOUR)
    assert timetable.next_us <= 2 * HOUR + 10 * SECOND


def test_cron_runs_at_its_times_in_its_zone():
    cron = Cron("30 2 * * *", BERLIN)

    first = cron.first_us(us(2026, 1, 5, 12, 0))

    assert first == us(2026, 1, 6, 2, 30, zone=BERLIN)


def test_cron_time_left_out_by_daylight_saving_runs_once():
    cron = Cron("30 2 * * *", BERLIN)
    timetable = Timetable(cron, "once", us(2026, 3, 28, 12, 0))

    runs = [hour for hour in range(48) if timetable.take(us(2026, 3, 28, 12, 0) + hour * HOUR)]

    assert len(runs) == 2  # 29 March (the clock jumps over 02:30) and 30 March


def test_cron_does_not_run_twice_when_the_clock_is_corrected():
    start = us(2026, 1, 5, 2, 0)
    timetable = Timetable(Cron("30 2 * * *", UTC), "once", start)
    assert timetable.take(us(2026, 1, 5, 2, 30))

    assert not timetable.take(us(2026, 1, 5, 2, 29))
    assert not timetable.take(us(2026, 1, 5, 2, 31))


def test_cron_follows_a_clock_that_was_days_ahead():
    timetable = Timetable(Cron("30 2 * * *", UTC), "once", us(2027, 1, 1))

    assert not timetable.take(us(2026, 1, 5))
    assert timetable.next_us == us(2026, 1, 5, 2, 30)


@pytest.mark.parametrize("expression", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "every day"])
def test_cron_that_cannot_be_used_is_refused(expression):
    with pytest.raises(InvalidInput, match="cron expression"):
        Cron(expression, UTC)


def test_interval_of_zero_is_refused():
    with pytest.raises(InvalidInput, match="every must be above zero"):
        Every(0)


def test_unknown_rule_for_missed_runs_is_refused():
    with pytest.raises(InvalidInput, match="missed must be one of once, skip, all"):
        check_missed("never")
