"""Percentiles, medians and ratios. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

__all__ = ["median", "percentile", "ratio", "significant"]


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank).

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile of nothing")
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median of the ratios round by round: what disturbed a round disturbed both. None without rounds."""
    pairs = [(one, other) for one, other in zip(ours, theirs, strict=False) if other > 0]
    return median(one / other for one, other in pairs) if pairs else None


def significant(value: float, digits: int = 3) -> str:
    """`value` as people read it: three digits, thousands with a comma."""
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        exponent = math.floor(math.log10(abs(value))) - digits + 1
        return f"{round(value / 10**exponent) * 10**exponent:,.0f}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
