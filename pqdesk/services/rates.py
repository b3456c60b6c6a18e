"""Messages in and out per second, from the differences of the counts. Pure: time comes in from outside."""

from __future__ import annotations

from collections import deque
from operator import add
from typing import NamedTuple

from pqdesk.messages.records import Counts

BIN_S = 2.0
BINS = 150  # five minutes
_LONGEST_SPREAD_S = 2.0  # a change after a long silence happened lately, not all the time


class Rates(NamedTuple):
    """Messages per second; `finished` are those completed, failed or cancelled."""

    put: float = 0.0
    finished: float = 0.0
    completed: float = 0.0
    failed: float = 0.0


class RateMeter:
    """Keeps how many messages came in and were finished in each of the last BINS spans of BIN_S seconds.

    A purge, a retry or an upkeep that lets counts sink counts as nothing. An average is over `window_s`.
    """

    def __init__(self, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._last: tuple[int, ...] | None = None
        self._sums: deque[tuple[float, tuple[int, ...]]] = deque()  # all that came and went until then
        self._first_bin = 0
        self._came: dict[int, float] = {}
        self._went: dict[int, float] = {}

    def observe(self, counts: Counts, now_s: float) -> None:
        """Take counts as they were at `now_s`, seconds of any clock that goes forward."""
        finished = counts.completed + counts.failed + counts.cancelled
        now = counts.total, finished, counts.completed, counts.failed
        if self._last is None:
            self._first_bin = _bin(now_s)
            self._sums.append((now_s, (0, 0, 0, 0)))
        else:
            last_s, sums = self._sums[-1]
            grown = [max(0, count - before) for count, before in zip(now, self._last, strict=True)]
            self._sums.append((now_s, tuple(map(add, sums, grown))))
            began_s = max(last_s, now_s - _LONGEST_SPREAD_S)
            _spread(self._came, grown[0], began_s, now_s)
            _spread(self._went, grown[1], began_s, now_s)
        self._last = now
        while len(self._sums) > 2 and self._sums[1][0] <= now_s - self._window_s:
            self._sums.popleft()
        oldest = _bin(now_s) - BINS - 1
        for bins in (self._came, self._went):
            for one in [key for key in bins if key < oldest]:
                del bins[one]

    def series(self, now_s: float) -> tuple[list[float], list[float]]:
        """In and out per second for each whole span since the first observation, oldest first, at most BINS."""
        end = _bin(now_s)
        span = range(max(self._first_bin, end - BINS), end) if self._last is not None else range(0)
        return [self._came.get(one, 0.0) / BIN_S for one in span], [self._went.get(one, 0.0) / BIN_S for one in span]

    def average(self, now_s: float) -> Rates:
        """Over the window until now, or as long as there is."""
        before = [one for one in self._sums if one[0] <= now_s - self._window_s] or list(self._sums)[:1]
        if not before or now_s <= before[-1][0]:
            return Rates()
        began_s, sums = before[-1]
        seconds = min(now_s - began_s, self._window_s)
        return Rates(*((now - then) / seconds for now, then in zip(self._sums[-1][1], sums, strict=True)))


def _bin(at_s: float) -> int:
    return int(at_s // BIN_S)


def _spread(bins: dict[int, float], amount: int, began_s: float, ended_s: float) -> None:
    length = ended_s - began_s
    if length <= 0:
        bins[_bin(ended_s)] = bins.get(_bin(ended_s), 0.0) + amount
        return
    for one in range(_bin(began_s), _bin(ended_s) + 1):
        inside = min((one + 1) * BIN_S, ended_s) - max(one * BIN_S, began_s)
        if amount and inside > 0:
            bins[one] = bins.get(one, 0.0) + amount * inside / length
