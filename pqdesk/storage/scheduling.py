"""Schedules that are stored in a workspace, as every engine keeps and runs them: `Store.schedules`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pqdesk.messages.aliases import Missed
from pqdesk.messages.records import ScheduleRecord
from pqdesk.storage.values import NewMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """A checked schedule on its way in: `message` is put at each due time. Either `every_us` or `cron`."""

    name: str
    message: NewMessage
    every_us: int | None
    cron: str | None
    timezone: str | None
    missed: Missed
    is_enabled: bool


class Scheduling(Protocol):
    """Keeps schedules. Thread-safe; each change returns after its flush.

    They are run by whoever is there: any process of the workspace that waits or works. Each due time is put once,
    however many there are.
    """

    def all(self) -> tuple[ScheduleRecord, ...]:
        """By name."""
        ...

    def add(self, new: NewSchedule) -> ScheduleRecord:
        """Raises InvalidInput when the name is in use."""
        ...

    def remove(self, name: str) -> ScheduleRecord:
        """What was there. Its messages stay. Raises NotFound."""
        ...

    def enable(self, name: str, is_enabled: bool) -> ScheduleRecord:
        """What is due while it is disabled is not missed. Raises NotFound."""
        ...

    def run_now(self, name: str) -> int:
        """Put its message at once, beside its plan, enabled or not; the id. Raises NotFound, DuplicateKey, Full."""
        ...
