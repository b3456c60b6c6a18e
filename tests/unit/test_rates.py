"""Rates from counts: nothing is counted twice, and what sinks counts as nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pqdesk.messages.records import Counts
from pqdesk.services.rates import BIN_S, BINS, RateMeter, Rates


def test_a_steady_flow_gives_its_rate() -> None:
    meter = RateMeter()
    for second in range(60):
        meter.observe(Counts(completed=20 * second, ready=5), 1000.0 + second)

    came, went = meter.series(1060.0)

    assert set(map(round, came[1:-1])) == {20}
    assert set(map(round, went[1:-1])) == {20}
    average = meter.average(1059.0)
    assert round(average[0]) == round(average[1]) == 20


def test_what_waits_came_in_and_did_not_go_out() -> None:
    meter = RateMeter()
    meter.observe(Counts(ready=0), 10.0)
    meter.observe(Counts(ready=40), 11.0)

    came, went = meter.series(14.0)

    assert sum(came) * BIN_S == 40
    assert sum(went) == 0


def test_a_change_after_a_long_silence_happened_lately() -> None:
    meter = RateMeter()
    meter.observe(Counts(), 0.0)
    meter.observe(Counts(completed=10), 100.0)

    came, _ = meter.series(102.0)

    assert came[:48] == [0.0] * 48
    assert sum(came) * BIN_S == 10


def test_an_average_is_per_second_over_the_last_seconds() -> None:
    meter = RateMeter(5.0)
    for second, counts in enumerate((Counts(ready=10), Counts(ready=10, completed=10))):
        meter.observe(counts, second)
    meter.observe(Counts(ready=20, completed=10, failed=2), 2.0)

    assert meter.average(2.0) == Rates(put=11.0, finished=6.0, completed=5.0, failed=1.0)


def test_what_is_long_past_does_not_count_whether_somebody_looked_since_or_not() -> None:
    meter, silent = RateMeter(5.0), RateMeter(5.0)
    for second in range(20):
        meter.observe(Counts(completed=100 if second else 0), second)
    silent.observe(Counts(), 0.0)
    silent.observe(Counts(completed=100), 1.0)

    assert silent.average(1.0) == Rates(put=100.0, finished=100.0, completed=100.0)
    assert meter.average(19.0) == silent.average(19.0) == Rates()


def test_deleting_is_no_negative_rate() -> None:
    meter = RateMeter()
    meter.observe(Counts(completed=50), 0.0)
    meter.observe(Counts(completed=10), 1.0)

    assert meter.average(1.0) == Rates()


def test_one_look_has_no_rates() -> None:
    meter = RateMeter()
    meter.observe(Counts(ready=5), 0.0)

    assert meter.average(0.0) == meter.average(1.0) == Rates()


@given(st.lists(st.tuples(st.floats(0.1, 30), st.integers(0, 500), st.integers(0, 500)), max_size=60))
def test_the_series_never_holds_more_than_came_and_at_most_five_minutes(steps) -> None:
    meter, now, total, previous = RateMeter(), 1000.0, 0, None
    for wait, ready, completed in steps:
        now += wait
        counts = Counts(ready=ready, completed=completed)
        meter.observe(counts, now)
        total += max(0, counts.total - previous.total) if previous is not None else 0
        previous = counts

    came, went = meter.series(now + BIN_S)

    assert len(came) == len(went) <= BINS
    assert sum(came) * BIN_S <= total + 1e-6
    assert min([*came, *went], default=0) >= 0
