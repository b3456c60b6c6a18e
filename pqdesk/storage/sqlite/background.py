"""What a store that claims or writes much does in the background: extends leases, takes back from the dead, upkeep.

The thread is made when it is needed. What it does is done by every process of the workspace; each step is a
transaction, so it does not matter who is first.
"""

from __future__ import annotations

import select
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from pqdesk.errors import PQDeskError
from pqdesk.storage.sqlite.connection import raise_ours
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ingestion import Ingestion
from pqdesk.storage.sqlite.logger import logger
from pqdesk.storage.sqlite.schedule_runner import ScheduleRunner
from pqdesk.storage.sqlite.waiting import LONGEST_SLEEP_S, DeathWatch, PollableEvent
from pqdesk.storage.values import Claim

if TYPE_CHECKING:
    from pqdesk.storage.sqlite.chores import Chores

_SHORT_LEASE_US = 3_000_000
_PRUNE_FOR_MS, _PRUNE_AGAIN_S = 100, 0.5  # while there is more than a batch
_LET_OTHERS_S = 0.001


class Background:
    """Belongs to one store; its thread holds it weakly, so that a store nobody uses any more can go."""

    def __init__(self, engine: Engine, ingestion: Ingestion, schedules: ScheduleRunner) -> None:
        self._engine, self._ingestion, self._schedules = engine, ingestion, schedules
        self._chores: Chores | None = None
        self._thread: BackgroundThread | None = None

    @property
    def chores(self) -> Chores:
        """With the engine's lock held."""
        if self._chores is None:
            from pqdesk.storage.sqlite.chores import Chores  # not needed to put

            self._chores = Chores(self._engine, self._ingestion.take_in, self._schedules.run_due)
        return self._chores

    @property
    def has_begun(self) -> bool:
        """Whether the thread was made."""
        return self._thread is not None

    def begin(self) -> BackgroundThread:
        """Have the thread do it from now on, if it does not."""
        with self._engine.lock:
            if self._thread is None:
                self._thread = BackgroundThread(self, self._engine.owners_folder)
            return self._thread

    def poke_for(self, claim: Claim) -> None:
        """Have the thread look at once, when the lease may need it within its usual pause."""
        if claim.lease_us < _SHORT_LEASE_US or (claim.timeout_us or _SHORT_LEASE_US) < _SHORT_LEASE_US:
            self.begin().poke()

    def end(self) -> None:
        """Return when the thread has ended; without the engine's lock."""
        if self._thread is not None:
            self._thread.end()

    def run_chores(self) -> float:
        """What the thread does; returns seconds until the next time."""
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
            engine.interrupt.wait(_LET_OTHERS_S)


class BackgroundThread:
    """Runs the chores once a second, at once when a process of the workspace dies, and when poked."""

    def __init__(self, background: Background, owners_folder: Path) -> None:
        self._background = weakref.ref(background)
        self._watch = DeathWatch(owners_folder)
        try:
            self._poked = PollableEvent()
        except OSError:
            self._watch.close()
            raise
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="pqdesk-background", daemon=True)
        self._thread.start()

    def poke(self) -> None:
        """Look again now: a short lease was taken, or the WAL has grown."""
        self._poked.set()

    def end(self) -> None:
        """Return when the thread has ended; not to be called while holding what the chores need."""
        self._is_ending = True
        self._poked.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        last_problem = ""
        while not self._is_ending:
            background = self._background()
            if background is None:
                break
            try:
                pause_s = background.run_chores()
                last_problem = ""
            except Exception as exc:  # noqa: BLE001 - the top of this thread: without it, leases would silently end
                problem = str(exc) if isinstance(exc, PQDeskError) else f"{type(exc).__name__}: {exc}"
                if problem != last_problem:
                    logger(__name__).warning("upkeep waits: %s", problem)  # not exc: its frames would keep the store
                pause_s, last_problem = LONGEST_SLEEP_S, problem
            del background
            self._sleep(pause_s)
        self._watch.close()
        self._poked.close()

    def _sleep(self, seconds: float) -> None:
        """Until then, or until a lock file is closed, or somebody pokes."""
        poll = select.poll()
        for descriptor in (self._watch.descriptor, self._poked.descriptor):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        poll.poll(max(0.0, min(seconds, LONGEST_SLEEP_S)) * 1000)
        self._poked.clear()
        self._watch.read()
