"""What a store does in the background for its workspace: a thread, made when it is needed, and the chores it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqdesk.storage.sqlite.connection import raise_ours
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ingestion import Ingestion
from pqdesk.storage.sqlite.keeper import Keeper
from pqdesk.storage.sqlite.schedule_runner import ScheduleRunner
from pqdesk.storage.values import Claim

if TYPE_CHECKING:
    from pqdesk.storage.sqlite.chores import Chores

_SHORT_LEASE_US = 3_000_000
_PRUNE_FOR_MS, _PRUNE_AGAIN_S = 100, 0.5  # while there is more than a batch
_LET_OTHERS_S = 0.001


class Tending:
    """Belongs to one store; its keeper holds it weakly, so that a store nobody uses any more can go."""

    def __init__(self, engine: Engine, ingestion: Ingestion, schedules: ScheduleRunner) -> None:
        self._engine, self._ingestion, self._schedules = engine, ingestion, schedules
        self._chores: Chores | None = None
        self._keeper: Keeper | None = None

    @property
    def chores(self) -> Chores:
        """With the engine's lock held."""
        if self._chores is None:
            from pqdesk.storage.sqlite.chores import Chores  # not needed to put

            engine = self._engine
            self._chores = Chores(
                engine.db, engine.path, engine.owners_folder,
                clock=engine.clock, rng=engine.rng, hand=engine.hand, bells=engine.bells, metrics=engine.metrics,
                take_in=self._ingestion.take_in, run_schedules=self._schedules.run_due,
            )  # fmt: skip
        return self._chores

    @property
    def has_begun(self) -> bool:
        """Whether the thread was made."""
        return self._keeper is not None

    def begin(self) -> Keeper:
        """Have the thread do it from now on, if it does not."""
        with self._engine.lock:
            if self._keeper is None:
                self._keeper = Keeper(self, self._engine.owners_folder)
            return self._keeper

    def poke_for(self, claim: Claim) -> None:
        """Have the thread look at once, when the lease may need it within its usual pause."""
        if claim.lease_us < _SHORT_LEASE_US or (claim.timeout_us or _SHORT_LEASE_US) < _SHORT_LEASE_US:
            self.begin().poke()

    def end(self) -> None:
        """Return when the thread has ended; without the engine's lock."""
        if self._keeper is not None:
            self._keeper.end()

    def tend(self) -> float:
        """What the keeper does; returns seconds until the next time."""
        engine = self._engine
        with engine.lock:
            engine.check_company()
            engine.renew()
            engine.follow_clock()
            try:
                pause_s = self.chores.do_all()
            except Exception as exc:
                if not engine.fail_damaged(exc):
                    raise_ours(exc, engine.path, engine.db)
                    raise
                pause_s = 0.0
            engine.write_metrics()
        if self._prune_for_a_while():
            pause_s = min(pause_s, _PRUNE_AGAIN_S)
        if engine.checkpointer.is_overdue:
            engine.checkpointer.run()
        return pause_s

    def _prune_for_a_while(self) -> bool:
        """Delete what is past its retention, batch by batch, in a fifth of the time; whether there is more."""
        engine = self._engine
        ends_ms = engine.clock.awake_ms() + _PRUNE_FOR_MS
        while True:
            with engine.lock:
                has_more = not engine.is_closing and self.chores.prune_if_due()
            if not has_more or engine.clock.awake_ms() >= ends_ms:
                return has_more
            engine.alarm.wait(_LET_OTHERS_S)
