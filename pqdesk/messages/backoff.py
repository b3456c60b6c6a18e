"""How long a message waits after a failed attempt.

Written `exponential`, `linear` or `fixed`, with a base and a cap in seconds, or as `5m`: `exponential:1:3600` (the
default: base × 2^attempt), `linear:10:600` (base × attempt), `fixed:30`. Each with ± 25 % of jitter, so that
messages that failed together do not come back together.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from pqdesk.errors import InvalidInput
from pqdesk.messages.durations import parse_duration

_JITTER = 0.25
_GROWTH: dict[str, Callable[[float, int], float]] = {
    "exponential": lambda base_s, attempt: base_s * 2.0 ** min(attempt, 60),
    "linear": lambda base_s, attempt: base_s * attempt,
    "fixed": lambda base_s, attempt: base_s,
}


class Backoff(NamedTuple):
    """The wait after attempt n: `kind` of growth from `base_s`, never above `cap_s`, before jitter."""

    kind: str
    base_s: float = 1.0
    cap_s: float = 3600.0

    def delay_us(self, attempt: int, rng: Random) -> int:
        """Microseconds to wait after the failed attempt number `attempt` (1 is the first)."""
        plain_s = min(_GROWTH[self.kind](self.base_s, attempt), self.cap_s)
        return round(plain_s * rng.uniform(1 - _JITTER, 1 + _JITTER) * 1_000_000)


DEFAULT_BACKOFF = "exponential"


def parse_backoff(text: object) -> Backoff:
    """The Backoff written as `kind[:base[:cap]]`. Raises InvalidInput."""
    if not isinstance(text, str):
        raise InvalidInput(f"backoff must be text like 'exponential' or 'fixed:30', got {type(text).__name__}")
    kind, *numbers = text.split(":")
    try:
        values = [_seconds(number) for number in numbers]
    except ValueError:
        values = [-1.0]
    if kind not in _GROWTH or len(values) > 2 or not all(0 <= value <= 366 * 86_400 for value in values):
        raise InvalidInput(
            f"backoff {text!r} is not of the form exponential, linear:BASE or fixed:BASE:CAP in seconds, or as 5m"
        )
    return Backoff(kind, *values)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return parse_duration(text)
