"""Lengths of time as people write and read them."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import quoted

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?")
_LONGEST_S = 100 * 366 * 86_400.0


def parse_duration(text: str) -> float:
    """Seconds of `250ms`, `10s`, `5m`, `2h`, `1d`, `1h30m`; a bare number is seconds. Raises InvalidInput."""
    compact = text.strip().lower()
    position, total_s = 0, 0.0
    while position < len(compact):
        match = _WRITTEN.match(compact, position)
        if match is None or (match[2] is None and match[0] != compact):
            break
        total_s += float(match[1]) * _UNITS_S[match[2] or "s"]
        position = match.end()
    if not compact or position < len(compact):
        raise InvalidInput(f"{quoted(text)} is no duration; write it like 250ms, 10s, 5m, 2h or 1d")
    if total_s > _LONGEST_S:
        raise InvalidInput(f"{quoted(text)} is longer than 100 years")
    return total_s


def duration_us(value: object, what: str, *, least_us: int = 0) -> int:
    """Microseconds of `value`, seconds or a timedelta. Raises InvalidInput, naming `what`."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    else:
        raise InvalidInput(f"{what} must be seconds or a timedelta, got {type(value).__name__}")
    if not (math.isfinite(seconds) if isinstance(seconds, float) else True) or seconds > _LONGEST_S:
        raise InvalidInput(f"{what} must be at most 100 years, got {quoted(seconds)} s")
    us = round(seconds * 1_000_000)
    if us < least_us or seconds < 0:
        raise InvalidInput(f"{what} must be {'above zero' if least_us else 'zero or more'}, got {quoted(seconds)} s")
    return us


def written_duration(seconds: float) -> str:
    """As a command line takes it, exactly: `7776000s`, `0.25s`."""
    return f"{f'{seconds:.6f}'.rstrip('0').rstrip('.')}s"


def format_duration(seconds: float) -> str:
    """`<1 ms`, `842 ms`, `1.24 s`, `3 min 05 s`, `2 h 14 min`, `3 d 4 h`."""
    if seconds < 0.001:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
