"""What `watch` sees: the queues, their rates and the workers of one moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from pqdesk.cli.json_output import plain
from pqdesk.clock import Clock, SystemClock, to_datetime
from pqdesk.errors import PQDeskError
from pqdesk.messages.masking import masked_text
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.paths import WorkspacePaths
from pqdesk.services.health import Facts, Health, health_of, look
from pqdesk.services.workers import workers_of
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import Inspection
from pqdesk.supervision.records import SupervisionStatus

_WINDOW_MS = 5_000  # rates are over the last five seconds: steady enough to read, quick enough to follow


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages per second of one queue."""

    put: float = 0.0
    completed: float = 0.0
    failed: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look. `problem`: why the queues cannot be read, in a sentence."""

    paths: WorkspacePaths
    at_ms: int
    facts: Facts
    problem: str | None = None
    rates: dict[str, Rates] = field(default_factory=dict)

    @property
    def queues(self) -> Sequence[QueueRecord]:
        return self.facts.queues

    @property
    def status(self) -> SupervisionStatus:
        return self.facts.status

    @property
    def health(self) -> Health:
        moving = [name for name, rates in self.rates.items() if rates.completed or rates.failed]
        return health_of(replace(self.facts, moving=moving))

    @property
    def total(self) -> Counts:
        return sum((one.counts for one in self.queues), Counts())

    def as_json(self) -> dict[str, Any]:
        health = self.health
        queues = [
            {**plain(one), "status": health.words[one.name].value, "per_second": self._rounded_rates(one.name)}
            for one in self.queues
        ]
        return {
            "workspace": str(self.paths.location),
            "supervisord": {"state": self.status.state_word, "pid": self.status.pid, "problem": self.status.problem},
            "problem": self.problem,
            "needs": plain(health.needs),
            "queues": queues,
            "workers": [plain(replace(one, command=masked_text(one.command))) for one in self.status.replicas],
        }

    def _rounded_rates(self, queue: str) -> dict[str, float]:
        rates = self.rates.get(queue, Rates())
        return {one.name: round(getattr(rates, one.name), 2) for one in fields(rates)}


class Watcher:
    """Looks at a workspace; belongs to one thread. A queue file that comes later, or fails for a while, is no end."""

    def __init__(self, paths: WorkspacePaths, clock: Clock | None = None) -> None:
        self._paths = paths
        self._clock = clock or SystemClock()
        self._supervision = workers_of(paths)
        self._inspection: Inspection | None = None

    def look(self) -> Snapshot:
        status, problem = self._supervision.status(), None
        try:
            if self._inspection is None and self._paths.database.exists():
                self._inspection = open_inspection(self._paths)
            facts = look(self._paths, self._inspection, status=status, moving=())
        except PQDeskError as exc:
            problem = str(exc)
            facts = Facts(status, to_datetime(self._clock.wall_us()))
            self._close_inspection()
        return Snapshot(self._paths, self._clock.awake_ms(), facts, problem)

    def _close_inspection(self) -> None:
        if self._inspection is not None:
            with suppress(PQDeskError):
                self._inspection.close()
            self._inspection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close_inspection()


class RateMeter:
    """Messages per second, from the counts of snapshots. Deleting and pruning never make a rate negative."""

    def __init__(self) -> None:
        self._past: deque[tuple[int, dict[str, Counts]]] = deque()

    def with_rates(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot` with the rates since the oldest one within the window."""
        now = {one.name: one.counts for one in snapshot.queues}
        if snapshot.problem is None:
            self._past.append((snapshot.at_ms, now))
        while len(self._past) > 2 and self._past[1][0] <= snapshot.at_ms - _WINDOW_MS:
            self._past.popleft()
        if not self._past:
            return snapshot
        began_ms, before = self._past[0]
        seconds = (snapshot.at_ms - began_ms) / 1000
        if seconds <= 0:
            return snapshot
        return replace(
            snapshot, rates={name: _rates(before.get(name, Counts()), counts, seconds) for name, counts in now.items()}
        )


def _rates(before: Counts, now: Counts, seconds: float) -> Rates:
    def per_second(was: int, is_now: int) -> float:
        return max(0, is_now - was) / seconds

    return Rates(
        put=per_second(before.total, now.total),
        completed=per_second(before.completed, now.completed),
        failed=per_second(before.failed, now.failed),
    )
