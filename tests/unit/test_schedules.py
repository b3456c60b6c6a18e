"""When runs are due: intervals, cron, missed runs, and clocks that jump."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pqdesk.clock import from_datetime
from pqdesk.errors import InvalidInput
from pqdesk.messages.schedules import Cron, Every, Missed, Timetable, check_missed, next_runs
from pqdesk.worker_checks import check_seconds

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


def planned(expression, *parts, zone=BERLIN, count=4):
    runs = next_runs(expression, "Europe/Berlin", count, after=datetime(*parts, tzinfo=zone))
    return [(f"{run.at:%d %H:%M%z}", run.note) for run in runs]


def test_the_next_runs_are_told_in_their_zone():
    assert planned("0 7 * * 1", 2030, 1, 1, count=2) == [("07 07:00+0100", ""), ("14 07:00+0100", "")]


def test_a_run_whose_time_is_skipped_says_so():
    assert planned("30 2 * * *", 2030, 3, 30, count=3) == [
        ("30 02:30+0100", ""),
        ("31 03:00+0200", "moved here: its time is skipped that day, as the clocks go forward by 1 h"),
        ("01 02:30+0200", ""),
    ]


def test_a_run_whose_time_comes_twice_says_so_and_is_made_once():
    assert planned("30 2 * * *", 2030, 10, 26, 12, count=2) == [
        ("27 02:30+0200", "02:30 comes twice that day; this is the first time"),
        ("28 02:30+0100", "the clocks go back by 1 h before it"),
    ]


def test_runs_by_the_hour_are_made_both_times():
    assert planned("*/30 * * * *", 2030, 10, 27, 1, 45, count=5) == [
        ("27 02:00+0200", "02:00 comes twice that day; this is the first time"),
        ("27 02:30+0200", "02:30 comes twice that day; this is the first time"),
        ("27 02:00+0100", "02:00 comes twice that day; this is the second time"),
        ("27 02:30+0100", "02:30 comes twice that day; this is the second time"),
        ("27 03:00+0100", ""),
    ]


def test_intervals_are_told_too_and_keep_real_time():
    assert planned(3600, 2030, 3, 31, 0, 30, count=3) == [
        ("31 00:30+0100", ""),
        ("31 01:30+0100", ""),
        ("31 03:30+0200", "the clocks go forward by 1 h before it"),
    ]


def test_in_the_second_hour_of_the_night_a_run_of_the_first_is_over():
    schedule = Cron("30 2 * * *", BERLIN)

    now = us(2030, 10, 27, 1, 10)  # 02:10 for the second time
    assert schedule.first_us(now) == us(2030, 10, 28, 1, 30)


@pytest.mark.parametrize(
    ("expression", "zone", "count"),
    [("* * * *", None, 10), ("* * * * *", "Mars/Olympus", 10), ("* * * * *", None, 0), (-1, None, 10), (0, None, 3)],
)
def test_what_has_no_next_runs_is_refused(expression, zone, count):
    with pytest.raises(InvalidInput):
        next_runs(expression, zone, count)


def test_a_day_of_another_zone_needs_no_workspace():
    [run] = next_runs("0 12 * * *", "Asia/Tokyo", 1)

    assert (run.at.hour, run.at.utcoffset().total_seconds()) == (12, 9 * 3600)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("0 22-2 * * *", "0 22,23,0,1,2 * * *"),
        ("0 22-2/2 * * *", "0 22,0,2 * * *"),
        ("0 20-22,23-1 * * *", "0 20,21,22,23,0,1 * * *"),
        ("50-10/10 * * * *", "50,0,10 * * * *"),
        ("0 9 * * FRI-MON", "0 9 * * 5,6,0,1"),
        ("0 9 * * fri-mon", "0 9 * * 5,6,0,1"),
        ("0 9 * * 6-1", "0 9 * * 6,0,1"),
        ("0 9 * * 5-7", "0 9 * * 5,6,7"),
        ("0 9 * * SAT-SUN", "0 9 * * 6,0"),
        ("0 9 1 NOV-FEB *", "0 9 1 11,12,1,2 *"),
        ("0 9 28-2 * *", "0 9 28,29,30,31,1,2 * *"),
        ("58-1 * * * * *", "58,59,0,1 * * * * *"),
    ],
)
def test_names_and_ranges_over_the_end_are_understood(written, plain):
    runs, expected = (Cron(one, BERLIN) for one in (written, plain))

    at = us(2030, 1, 1)
    for _ in range(20):
        assert runs.first_us(at) == expected.first_us(at)
        at = expected.first_us(at)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("@reboot", "a worker is started with supervisord; the names are @yearly"),
        ("@often", "is none; the names are"),
        ("0 25-2 * * *", "Bad hour"),
        ("0 22-30 * * *", "Bad hour"),
        ("0 9 * * FRI-XYZ", "Bad day-of-week"),
        ("0 22- * * *", "Bad hour"),
        ("0 9 0-31 * *", "Bad day-of-month"),
        ("0 9 31-0 * *", "Bad day-of-month"),
        ("0 22-2/0 * * *", "Bad hour"),
    ],
)
def test_what_is_no_name_and_no_range_is_refused(expression, reason):
    with pytest.raises(InvalidInput, match=reason):
        Cron(expression, UTC)


def test_six_fields_have_to_be_meant():
    check_seconds("*/10 * * * * *", has_seconds=True)
    check_seconds("*/10 * * * *", has_seconds=False)
    check_seconds("@hourly", has_seconds=False)
    with pytest.raises(InvalidInput, match=r"six fields, of which the first would be seconds; .* --seconds"):
        check_seconds("0 */5 * * * *", has_seconds=False)
    with pytest.raises(InvalidInput, match="no field for seconds"):
        check_seconds("*/5 * * * *", has_seconds=True)


@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        (
            "*/20 2 * * *",
            (2030, 3, 30, 2, 30),
            [
                ("30 02:40+0100", ""),
                (
                    "01 02:00+0200",
                    "3 runs from 02:00 to 02:40 of 31 March are left out, as the clocks go forward by 1 h",
                ),
            ],
        ),
        (
            "0 */2 * * *",
            (2030, 3, 30, 23, 30),
            [
                ("31 00:00+0100", ""),
                ("31 04:00+0200", "the run at 02:00 of 31 March is left out, as the clocks go forward by 1 h"),
            ],
        ),
        (
            "*/20 * * * *",
            (2030, 3, 31, 1, 30),
            [("31 01:40+0100", ""), ("31 03:00+0200", "the clocks go forward by 1 h before it")],
        ),
        (
            "30 * * * *",
            (2030, 3, 31, 1, 0),
            [("31 01:30+0100", ""), ("31 03:30+0200", "the clocks go forward by 1 h before it")],
        ),
        (
            "0-40/20 2 * * *",
            (2030, 3, 30, 2, 30),
            [
                ("30 02:40+0100", ""),
                ("31 03:00+0200", "moved here: its time is skipped that day, as the clocks go forward by 1 h"),
            ],
        ),
    ],
)
def test_runs_by_steps_that_daylight_saving_leaves_out_are_told(expression, start, expected):
    assert planned(expression, *start, count=2) == expected


# --- going on from an earlier timetable ---------------------------------------------------------------

_HOUR = 3600 * 1_000_000


def _runs(timetable: Timetable, now_us: int) -> int:
    count = 0
    while timetable.take(now_us):
        timetable.end_run(now_us)
        count += 1
    return count


@pytest.mark.parametrize(("missed", "runs"), [("once", 1), ("skip", 0), ("all", 5)])
@pytest.mark.parametrize("plan", ["every", "cron"])
def test_what_was_missed_while_a_producer_was_stopped_is_made_up_for(missed: Missed, runs: int, plan: str) -> None:
    schedule = Every(_HOUR) if plan == "every" else Cron("0 * * * *", UTC)
    now_us = 1_000_000 * _HOUR + 1_800_000_000
    timetable = Timetable(schedule, missed, now_us)

    timetable.resume(1_000_000 * _HOUR - 4 * _HOUR, now_us)

    assert _runs(timetable, now_us) == runs
    assert timetable.next_us == 1_000_001 * _HOUR
    assert _runs(timetable, 1_000_001 * _HOUR) == 1


def test_a_producer_that_was_stopped_for_long_makes_up_for_a_thousand_runs() -> None:
    now_us = 1_000_000 * _HOUR
    timetable = Timetable(Every(1_000_000), "all", now_us)

    timetable.resume(now_us - 5 * _HOUR, now_us)

    assert _runs(timetable, now_us) == 1000
    assert timetable.next_us > now_us


def test_one_that_was_stopped_between_two_runs_keeps_its_rhythm() -> None:
    now_us = 1_000_000 * _HOUR
    timetable = Timetable(Every(_HOUR), "once", now_us)

    timetable.resume(now_us + 600_000_000, now_us)

    assert _runs(timetable, now_us) == 0
    assert timetable.next_us == now_us + 600_000_000


def test_a_clock_that_was_set_back_while_it_was_stopped_delays_no_more_than_an_interval() -> None:
    now_us = 1_000_000 * _HOUR
    timetable = Timetable(Every(_HOUR), "once", now_us)

    timetable.resume(now_us + 1000 * _HOUR, now_us)

    assert timetable.next_us <= now_us + _HOUR
