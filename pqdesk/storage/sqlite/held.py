"""What a store has in hand: the claims of its process, which are begun, which are extended, and until when."""

from __future__ import annotations

from collections.abc import Iterable

from pqdesk.storage.values import Claim

_TOLD_AFTER_MS = 500  # a handler that runs for so long is shown as begun in the file, too
_SPARE_AFTER_MS = 200
_GRACE_MS = 1000  # who begins messages ends the overdue ones with what they said; here only if it cannot


class HeldClaims:
    """Claims by receipt. Whoever calls it holds the store's lock, but for `ends_ms`."""

    def __init__(self) -> None:
        self._claims: dict[int, Claim] = {}
        self._extended: dict[int, Claim] = {}
        self._ends_ms: dict[int, int] = {}
        self._begun: dict[int, tuple[int, int]] = {}  # receipt → wall µs, awake ms; of those claimed ahead
        self._untold: dict[int, Claim] = {}  # begun, and the file does not say so yet
        self._spare: dict[int, tuple[Claim, int]] = {}  # claimed ahead by a loop, not begun; since when, awake ms
        self._limited: dict[int, tuple[Claim, int]] = {}  # with a time limit: receipt → its end, awake ms

    def __bool__(self) -> bool:
        return bool(self._claims)

    def take(self, claims: Iterable[Claim], awake_ms: int, *, is_spare: bool = False) -> None:
        """`is_spare`: to be given back when they are not begun soon."""
        for claim in claims:
            self._claims[claim.receipt] = claim
            if is_spare:
                self._spare[claim.receipt] = (claim, awake_ms)
            if claim.timeout_us is not None and not claim.is_ahead:
                self._limited[claim.receipt] = (claim, awake_ms + claim.timeout_us // 1000)

    def drop(self, receipt: int) -> None:
        self._claims.pop(receipt, None)  # what is kept extended may be a detached lease, which is not in here
        for kept in (self._extended, self._ends_ms, self._begun, self._untold, self._spare, self._limited):
            if kept:  # most are empty most of the time
                kept.pop(receipt, None)

    def empty(self) -> set[str]:
        """Forget all; returns the queues they were of."""
        queues = {claim.queue for claim in self._claims.values()}
        for receipt in list(self._claims):
            self.drop(receipt)
        return queues

    # --- claimed ahead, then begun ------------------------------------------------------------------

    def begin(self, claim: Claim, now_us: int, awake_ms: int, *, keeps_extending: bool = False) -> bool:
        """False when it is in hand no more."""
        receipt = claim.receipt
        if receipt not in self._claims:
            return False
        if self._spare:
            self._spare.pop(receipt, None)
        self._begun[receipt] = (now_us, awake_ms)
        self._untold[receipt] = claim
        if keeps_extending:
            self._extended[receipt] = claim
        if claim.timeout_us is not None:
            self._limited[claim.receipt] = (claim, awake_ms + claim.timeout_us // 1000 + _GRACE_MS)
        return True

    def too_long_spare(self, awake_ms: int) -> list[Claim]:
        """What a loop claimed ahead and has not begun: by now others could be working on it."""
        if not self._spare:
            return []
        return [claim for claim, since_ms in self._spare.values() if awake_ms - since_ms >= _SPARE_AFTER_MS]

    def end(self, claim: Claim) -> None:
        """Its handler has ended; when it began stays known until it is settled."""
        self._untold.pop(claim.receipt, None)
        self._limited.pop(claim.receipt, None)

    def begun_us(self, claim: Claim) -> int:
        """When its handler began, wall time."""
        begun = self._begun.get(claim.receipt)
        return claim.claimed_us if begun is None else begun[0]

    def begun_receipts(self) -> list[int]:
        """Of those claimed ahead, the ones that are in a handler now and that the file does not tell of."""
        return list(self._untold)

    def to_be_told(self, awake_ms: int) -> list[tuple[int, int, int]]:
        """(id, receipt, when it began) of those whose handler has run for a while."""
        late = [
            claim for receipt, claim in self._untold.items() if awake_ms - self._begun[receipt][1] >= _TOLD_AFTER_MS
        ]
        return [(claim.id, claim.receipt, self._begun[claim.receipt][0]) for claim in late]

    def were_told(self, begun: Iterable[tuple[int, int, int]]) -> None:
        """The file says it of these, which `to_be_told` gave."""
        for _, receipt, _ in begun:
            self._untold.pop(receipt, None)

    # --- leases and time limits ---------------------------------------------------------------------

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

    def past_limit(self, now_ms: int) -> tuple[list[Claim], float]:
        """Those that ran for longer than they may, and seconds until the next one would have, at most 1."""
        past, pause_s = [], 1.0
        for claim, ends_ms in self._limited.values():
            if ends_ms <= now_ms:
                past.append(claim)
            else:
                pause_s = min(pause_s, (ends_ms - now_ms) / 1000)
        return past, max(pause_s, 0.001)
