"""What a process does for its workspace beside its own work: extend leases, take back from the dead, promote, prune."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

# Who takes messages may have to note an error: this is not to be loaded then, with the write lock taken, which takes
# 5 ms, and with another thread perhaps forking.
import pqdesk.messages.fingerprints  # noqa: F401
from pqdesk.errors import LeaseLost
from pqdesk.messages.durations import format_duration
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.sqlite import settlements
from pqdesk.storage.sqlite.connection import Translating, WriteTransaction, only_value
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.history import HistoryRollup
from pqdesk.storage.sqlite.promotion import overdue_queues, promote
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.reaping import Reaper
from pqdesk.storage.sqlite.upkeep import Pruner
from pqdesk.storage.values import Settlement

_PROMOTED_AT_ONCE = 500
_PRUNE_EVERY_MS = 30_000
_NAME = "SELECT name FROM pqdesk_queue WHERE id = ?"


class Chores:
    """Each of them is a short transaction. Whoever calls one holds the engine's lock."""

    def __init__(self, engine: Engine, take_in: Callable[[], int], run_schedules: Callable[[], float]) -> None:
        self._db, self._path, self._clock, self._rng = engine.db, engine.path, engine.clock, engine.rng
        self._held, self._bells, self._metrics = engine.held, engine.bells, engine.metrics
        self._take_in, self._run_schedules = take_in, run_schedules
        self._reaper = Reaper(engine, self.ring)
        self._history = HistoryRollup(engine)
        self._pruner = Pruner(engine)
        self._prune_at_ms = self._clock.awake_ms() + self._rng.randrange(_PRUNE_EVERY_MS)  # not all processes at once

    def do_all(self) -> float:
        """All that is due; returns seconds until something is due again, at most 1."""
        pause_s = min(self.extend_leases(), self.end_overdue())  # first: what it has to extend it must not reap
        self.give_back_spare()
        self.reap()
        self.promote_overdue()
        if self._take_in():
            pause_s = 0.0  # there may be more
        return min(pause_s, self._run_schedules())

    def prune_if_due(self) -> bool:
        """Delete a batch of what is past its retention, if it is time; whether there is more of it at once.

        Apart from `do_all`, so that its caller can let others have the lock after each batch.
        """
        now_ms = self._clock.awake_ms()
        if now_ms < self._prune_at_ms:
            return False
        has_more = self.prune() > 0
        self._prune_at_ms = now_ms if has_more else now_ms + _PRUNE_EVERY_MS
        return has_more

    def extend_leases(self) -> float:
        """Extend every kept lease of which half is over; returns seconds until the next one is due, at most 1."""
        now_ms = self._clock.awake_ms()
        late, pause_s = self._held.half_over(now_ms)
        begun = self._held.to_be_told(now_ms)
        if late or begun:
            with WriteTransaction(self._db, self._path):
                lost = set(settlements.extend(self._db, late))
                settlements.tell_begun(self._db, begun)
            self._held.were_told(begun)
            for message_id, receipt, ends_ms in late:
                if message_id in lost:
                    self._held.drop(receipt)
                else:
                    self._held.extended_until(receipt, ends_ms)
        return pause_s

    def end_overdue(self) -> float:
        """Nack what ran for longer than it may; returns seconds until the next one would have, at most 1."""
        past, pause_s = self._held.past_limit(self._clock.awake_ms())
        for claim in past:
            limit = format_duration((claim.timeout_us or 0) / 1_000_000)
            settlement = Settlement(AttemptOutcome.TIMED_OUT, error=f"it ran for longer than its time limit of {limit}")
            started_us = self._held.begun_us(claim)
            self._held.drop(claim.receipt)
            now_us = self._clock.wall_us()
            with contextlib.suppress(LeaseLost):
                with WriteTransaction(self._db, self._path):
                    ended = settlements.settle(
                        self._db, claim.id, claim.receipt, settlement,
                        now_us=now_us, rng=self._rng, defaults=claim.defaults, started_us=started_us,
                    )  # fmt: skip
                self._metrics.settled(ended, now_us)
                self._bells.ring(claim.queue)
        return pause_s

    def give_back_spare(self) -> None:
        """Release what a loop claimed ahead and did not come to: its body takes long."""
        for claim in self._held.too_long_spare(self._clock.awake_ms()):
            self._held.drop(claim.receipt)
            with contextlib.suppress(LeaseLost), WriteTransaction(self._db, self._path):
                settlements.settle(
                    self._db, claim.id, claim.receipt, Settlement(AttemptOutcome.RELEASED),
                    now_us=self._clock.wall_us(), rng=self._rng,
                )  # fmt: skip
            self._bells.ring(claim.queue)

    def reap(self) -> None:
        """Take back what the dead and the hung have in hand."""
        with Translating(self._path, self._db):
            self._reaper.reap()

    def promote_overdue(self) -> int:
        """One bounded batch per queue; returns how many queues had something due."""
        now_us = self._clock.wall_us()
        with Translating(self._path, self._db):
            overdue = overdue_queues(self._db, now_us)
        for queue_id, name in overdue:
            with WriteTransaction(self._db, self._path):
                change = QueueChange(queue_id)
                count = promote(self._db, change, now_us, limit=_PROMOTED_AT_ONCE)
                change.write(self._db)
            if count:
                self._bells.ring(name)
        return len(overdue)

    def prune(self) -> int:
        """Delete a batch of what is past its retention; returns how many messages."""
        self._history.tidy()
        with Translating(self._path, self._db):
            return self._pruner.prune()

    def ring(self, queue_id: int) -> None:
        """Wake one who waits for the queue of this id."""
        self._bells.ring(only_value(self._db, _NAME, (queue_id,)))
