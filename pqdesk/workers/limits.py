"""At most so many messages in so many seconds, in one process: the `rate` of @consumer.

A sliding window: no span of that length, wherever it begins, sees more than so many handlers begin. The limit of a
queue over all processes is `Queue.configure(rate=…)`.
"""

from __future__ import annotations

import threading
from collections import deque

from pqdesk.clock import Clock

_RESERVED_LOOK_MS = 20


class RateLimit:
    """Thread-safe. A place is reserved before a message is claimed, and used when its handler begins."""

    def __init__(self, count: int, seconds: float, clock: Clock) -> None:
        self._count = count
        self._span_ms = max(1, round(seconds * 1000))
        self._clock = clock
        self._lock = threading.Lock()
        self._begun_ms: deque[int] = deque()
        self._reserved = 0

    def reserve(self, wanted: int) -> int:
        """Reserve up to `wanted` places; returns how many there were."""
        with self._lock:
            self._forget(self._clock.awake_ms())
            free = min(wanted, self._count - len(self._begun_ms) - self._reserved)
            self._reserved += max(0, free)
        return max(0, free)

    def use(self) -> None:
        """A handler begins, on a reserved place."""
        with self._lock:
            self._reserved -= 1
            self._begun_ms.append(self._clock.awake_ms())

    def give_back(self, count: int) -> None:
        """So many reserved places are not needed after all."""
        with self._lock:
            self._reserved -= count

    def wait_s(self) -> float:
        """Seconds until a place may be free; a reserved one may come back at any moment."""
        now_ms = self._clock.awake_ms()
        with self._lock:
            self._forget(now_ms)
            if len(self._begun_ms) + self._reserved < self._count:
                return 0.0
            left_ms = self._begun_ms[0] + self._span_ms - now_ms + 1 if self._begun_ms else self._span_ms
            return (min(left_ms, _RESERVED_LOOK_MS) if self._reserved else left_ms) / 1000

    def _forget(self, now_ms: int) -> None:
        while self._begun_ms and self._begun_ms[0] + self._span_ms < now_ms:
            self._begun_ms.popleft()


class Quota:
    """Thread-safe."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self.left = count

    def use(self) -> bool:
        """One more is to begin: False when there may be no more."""
        with self._lock:
            if self.left <= 0:
                return False
            self.left -= 1
            return True

    def give_back(self) -> None:
        """It has not begun after all."""
        with self._lock:
            self.left += 1
