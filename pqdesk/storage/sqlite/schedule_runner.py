"""The look for due schedules that every process takes; what it takes to run them is imported when there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqdesk.later import Later
from pqdesk.storage.sqlite.connection import Translating, only_value
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ledger import Ledger
from pqdesk.storage.sqlite.waiting import LONGEST_SLEEP_S, NEXT_RUN

if TYPE_CHECKING:
    from pqdesk.storage.sqlite import scheduling as sqlite_scheduling
else:
    sqlite_scheduling = Later("pqdesk.storage.sqlite.scheduling")  # with cron and time zones


class ScheduleRunner:
    """One per store; knows nothing of the store, which holds it."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine, self._ledger = engine, ledger
        self._scheduling: sqlite_scheduling.SqliteScheduling | None = None

    @property
    def scheduling(self) -> sqlite_scheduling.SqliteScheduling:
        if self._scheduling is None:
            self._scheduling = sqlite_scheduling.SqliteScheduling(self._engine, self._ledger)
        return self._scheduling

    def run_due(self) -> float:
        """Put what is due; returns seconds until something is due again, at most 1. With the engine's lock held.

        Where there are no schedules, it costs one step into an empty index.
        """
        with Translating(self._engine.path):
            if only_value(self._engine.db, NEXT_RUN) is None:
                return LONGEST_SLEEP_S
        return self.scheduling.run_due()
