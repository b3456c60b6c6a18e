"""What a store has in hand: the claims of its process, which of them are extended, and until when."""

from __future__ import annotations

from collections.abc import Iterable

from pqdesk.storage.contract import Claim


class Hand:
    """Claims by receipt. Whoever calls it holds the store's lock, but for `ends_ms`."""

    def __init__(self) -> None:
        self._claims: dict[int, Claim] = {}
        self._extended: dict[int, Claim] = {}
        self._ends_ms: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._claims)

    def take(self, claims: Iterable[Claim]) -> None:
        self._claims.update((claim.receipt, claim) for claim in claims)

    def drop(self, receipt: int) -> None:
        for kept in (self._claims, self._extended, self._ends_ms):
            kept.pop(receipt, None)

    def empty(self) -> set[str]:
        """Forget all; returns the queues they were of."""
        queues = {claim.queue for claim in self._claims.values()}
        for kept in (self._claims, self._extended, self._ends_ms):
            kept.clear()
        return queues

    def keep_extending(self, claim: Claim) -> None:
        self._extended[claim.receipt] = claim

    def stop_extending(self, receipt: int) -> None:
        self._extended.pop(receipt, None)

    def extended_until(self, receipt: int, ends_ms: int) -> None:
        self._ends_ms[receipt] = ends_ms

    def ends_ms(self, claim: Claim) -> int:
        """When its lease ends, awake time, as far as this process extended it."""
        return self._ends_ms.get(claim.receipt, claim.lease_ends_ms)

    def half_over(self, now_ms: int) -> tuple[list[tuple[int, int, int]], float]:
        """(id, receipt, new end) of the leases to extend now, and seconds until the next one is due, at most 1."""
        late, pause_s = [], 1.0
        for claim in self._extended.values():
            half_ms = max(1, claim.lease_us // 2000)
            left_ms = self.ends_ms(claim) - now_ms - half_ms
            if left_ms <= 0:
                late.append((claim.id, claim.receipt, now_ms + 2 * half_ms))
                left_ms = half_ms
            pause_s = min(pause_s, left_ms / 1000)
        return late, max(pause_s, 0.005)
