"""What `watch` sees: the queues, their rates and the workers of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pqdesk.clock import SystemClock, to_datetime
from pqdesk.errors import PQDeskError
from pqdesk.messages.masking import masked_text
from pqdesk.messages.plain_json import plain
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.paths import WorkspacePaths
from pqdesk.services.health import Facts, Health, health_of, look
from pqdesk.services.rates import RateMeter, Rates
from pqdesk.services.workers import workers_of
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import Inspection
from pqdesk.supervision.records import SupervisionStatus

_WINDOW_S = 5.0  # rates are over the last five seconds: steady enough to read, quick enough to follow


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look. `problem`: why the queues cannot be read, in a sentence."""

    paths: WorkspacePaths
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
        moving = [name for name, rates in self.rates.items() if rates.finished]
        return health_of(replace(self.facts, moving=moving))

    @property
    def total(self) -> Counts:
        return sum((one.counts for one in self.queues), Counts())

    def as_json(self) -> dict[str, Any]:
        health = self.health
        queues = [
            {**plain(one), "status": health.words[one.name].value, "per_second": self._per_second(one.name)}
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

    def _per_second(self, queue: str) -> dict[str, float]:
        rates = self.rates.get(queue, Rates())
        return {name: round(getattr(rates, name), 2) for name in ("put", "completed", "failed")}


class Watcher:
    """Looks at a workspace; belongs to one thread. A queue file that comes later, or fails for a while, is no end."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._clock = SystemClock()
        self._supervision = workers_of(paths)
        self._inspection: Inspection | None = None
        self._meters: dict[str, RateMeter] = {}
        self._seen_s: float | None = None

    def look(self) -> Snapshot:
        status, problem = self._supervision.status(), None
        try:
            if self._inspection is None and self._paths.database.exists():
                self._inspection = open_inspection(self._paths)
            facts = look(self._paths, self._inspection, status=status, moving=())
            self._observe(facts.queues)
        except PQDeskError as exc:
            problem = str(exc)
            facts = Facts(status, to_datetime(self._clock.wall_us()))
            self._close_inspection()
        now_s = self._clock.awake_ms() / 1000
        rates = {one.name: self._meters[one.name].average(now_s) for one in facts.queues}
        return Snapshot(self._paths, facts, problem, rates)

    def _observe(self, queues: Sequence[QueueRecord]) -> None:
        now_s = self._clock.awake_ms() / 1000
        for one in queues:
            if one.name not in self._meters:
                self._meters[one.name] = RateMeter(_WINDOW_S)
                if self._seen_s is not None:  # it is new, with all that is in it
                    self._meters[one.name].observe(Counts(), self._seen_s)
            self._meters[one.name].observe(one.counts, now_s)
        self._seen_s = now_s

    def _close_inspection(self) -> None:
        if self._inspection is not None:
            with suppress(PQDeskError):
                self._inspection.close()
            self._inspection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close_inspection()
