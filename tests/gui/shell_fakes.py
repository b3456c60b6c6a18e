"""Stand-ins for the clock, for storage and for supervisord, where a test needs to decide what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pqdesk.errors import PQDeskError
from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.services.health import Facts, Health, health_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState
from pqdesk.supervision.supervision import Supervision


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self._now_us = 1_800_000_000_000_000

    def advance(self, seconds: float) -> None:
        self._now_us += int(seconds * 1_000_000)

    def wall_us(self) -> int:
        return self._now_us

    def awake_ms(self) -> int:
        return self._now_us // 1000

    def boot_id(self) -> str:
        return "boot"


class FakeSupervision:
    """Says `answer`; notes what it was told to do."""

    do, _do_to_one = Supervision.do, Supervision._do_to_one
    activity_id: int | None = None

    def __init__(self, answer: SupervisionStatus) -> None:
        self.answer = answer
        self.error: PQDeskError | None = None
        self.unseen: tuple[WorkerDefinition, ...] = ()
        self.told: list[tuple[Any, ...]] = []

    def status(self) -> SupervisionStatus:
        return self.answer

    def unseen_workers(self) -> tuple[WorkerDefinition, ...]:
        return self.unseen

    def unseen_before(self, verb: str) -> tuple[WorkerDefinition, ...]:
        return () if verb in ("stop", "stop_now", "signal", "autostart", "remove") else self.unseen

    def allow_starts(self) -> None:
        self.unseen = ()

    def __getattr__(self, verb: str) -> Any:
        def do(name: Any = "", *more: Any, **_options: Any) -> None:
            self.told.append((verb, name, *more))
            if self.error is not None:
                raise self.error

        return do


def make_replica(name: str, state: WorkerState = WorkerState.RUNNING, **values: Any) -> ReplicaRecord:
    is_up = state is WorkerState.RUNNING
    logs = {"stdout_log": Path(f"/tmp/{name}.out.log"), "stderr_log": Path(f"/tmp/{name}.err.log")}
    return ReplicaRecord(
        **{
            "process": name,
            "worker": name,
            "kind": "consumer",
            "replica": 1,
            "state": state,
            "pid": 4321 if is_up else None,
            "uptime_s": 185.0 if is_up else None,
            **logs,
            **values,
        }
    )


def make_status(*replicas: ReplicaRecord, is_running: bool = True, problem: str | None = None) -> SupervisionStatus:
    return SupervisionStatus(is_running, "running" if is_running else "not running", 77, replicas, problem)


def make_queue(name: str = "code", *, is_paused: bool = False, **counts: int) -> QueueRecord:
    return QueueRecord(name, is_paused, Counts(**counts))


def make_health(status: SupervisionStatus, *queues: QueueRecord) -> Health:
    """What comes of these, where all that is ready has waited for long and nobody but `status` tells of workers."""
    now = datetime.now(UTC)
    waiting = {one.name: now - timedelta(minutes=1) for one in queues if one.counts.ready}
    return health_of(Facts(status=status, now=now, queues=queues, waiting_since=waiting))
