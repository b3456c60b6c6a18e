"""Messages in and out per second, from the differences of the counts. Pure: time comes in from outside."""

from __future__ import annotations

from pqdesk.messages.records import Counts

BIN_S = 2.0
BINS = 150  # five minutes
_AVERAGE_BINS = 5
_LONGEST_SPREAD_S = 2.0  # a change after a long silence happened lately, not all the time


class RateMeter:
    """Keeps how many messages came in and were finished in each of the last BINS spans of BIN_S seconds.

    A purge, a retry or an upkeep that lets counts sink counts as nothing.
    """

    def __init__(self) -> None:
        self._last: Counts | None = None
        self._last_s = 0.0
        self._first_bin = 0
        self._came: dict[int, float] = {}
        self._went: dict[int, float] = {}

    def observe(self, counts: Counts, now_s: float) -> None:
        """Take counts as they were at `now_s`, seconds of any clock that goes forward."""
        if self._last is None:
            self._first_bin = _bin(now_s)
        else:
            came = counts.total - self._last.total
            went = _finished(counts) - _finished(self._last)
            began_s = max(self._last_s, now_s - _LONGEST_SPREAD_S)
            _spread(self._came, came, began_s, now_s)
            _spread(self._went, went, began_s, now_s)
        self._last, self._last_s = counts, now_s
        oldest = _bin(now_s) - BINS - 1
        for bins in (self._came, self._went):
            for one in [key for key in bins if key < oldest]:
                del bins[one]

    def series(self, now_s: float) -> tuple[list[float], list[float]]:
        """In and out per second for each whole span since the first observation, oldest first, at most BINS."""
        end = _bin(now_s)
        span = range(max(self._first_bin, end - BINS), end) if self._last is not None else range(0)
        return [self._came.get(one, 0.0) / BIN_S for one in span], [self._went.get(one, 0.0) / BIN_S for one in span]

    def average(self, now_s: float) -> tuple[float, float]:
        """In and out per second over the last ten seconds, or as long as there is."""
        came, went = (values[-_AVERAGE_BINS:] for values in self.series(now_s))
        return (sum(came) / len(came), sum(went) / len(went)) if came else (0.0, 0.0)


def _finished(counts: Counts) -> int:
    return counts.completed + counts.failed + counts.cancelled


def _bin(at_s: float) -> int:
    return int(at_s // BIN_S)


def _spread(bins: dict[int, float], amount: int, began_s: float, ended_s: float) -> None:
    if amount <= 0:
        return
    length = ended_s - began_s
    if length <= 0:
        bins[_bin(ended_s)] = bins.get(_bin(ended_s), 0.0) + amount
        return
    for one in range(_bin(began_s), _bin(ended_s) + 1):
        inside = min((one + 1) * BIN_S, ended_s) - max(one * BIN_S, began_s)
        if inside > 0:
            bins[one] = bins.get(one, 0.0) + amount * inside / length
