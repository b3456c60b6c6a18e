"""At most so many messages in so many seconds, in a window that slides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pqdesk.clock import SystemClock
from pqdesk.workers.limits import RateLimit


class MovedClock(SystemClock):
    def __init__(self):
        self.ms = 1000

    def awake_ms(self):
        return self.ms


def test_places_come_back_when_the_window_has_slid_past_them():
    clock = MovedClock()
    rate = RateLimit(2, 10, clock)
    assert rate.reserve(5) == 2
    rate.use()
    clock.ms += 4000
    rate.use()

    assert rate.reserve(1) == 0
    assert 6.0 <= rate.wait_s() <= 6.01
    clock.ms += 6001
    assert rate.reserve(5) == 1


def test_reserved_place_that_is_not_used_comes_back_at_once():
    rate = RateLimit(3, 60, MovedClock())
    rate.reserve(3)

    rate.give_back(2)

    assert rate.reserve(9) == 2


def test_place_that_another_thread_may_give_back_is_looked_for_soon():
    clock = MovedClock()
    rate = RateLimit(2, 3600, clock)
    rate.reserve(2)
    rate.use()

    assert rate.reserve(1) == 0
    assert rate.wait_s() < 0.1
    rate.give_back(1)
    assert rate.wait_s() == 0


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 700)), max_size=60), st.integers(1, 4))
def test_no_window_sees_more_than_the_rate(steps, count):
    clock = MovedClock()
    rate = RateLimit(count, 1, clock)
    begun = []
    for wanted, pause_ms in steps:
        places = rate.reserve(wanted)
        used = places // 2 + places % 2
        for _ in range(used):
            rate.use()
            begun.append(clock.ms)
            clock.ms += 1
        rate.give_back(places - used)
        clock.ms += pause_ms

    assert all(later - first >= 1000 for first, later in zip(begun, begun[count:], strict=False))
