"""Which of the tray's pictures is right, by now. Pure: time comes in from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from pqdesk.gui.formatting import format_count
from pqdesk.messages.records import Counts, QueueRecord, ScheduleRecord
from pqdesk.messages.states import QueueWord
from pqdesk.services.health import Health, Need
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus

_SHOW_WORK_AFTER_S = 2.0
_SHOW_REST_AFTER_S = 10.0
_LONGEST_GAP_S = 2.5  # counts come once a second, give or take
_SHOW_LOSS_AFTER_S = 10.0


class TrayState(Enum):
    """The value is the name of its icon."""

    IDLE = "tray-idle"
    WORKING = "tray-working"
    PAUSED = "tray-paused"
    ATTENTION = "tray-attention"
    FAILING = "tray-failing"
    DISCONNECTED = "tray-disconnected"


@dataclass(frozen=True, slots=True)
class TrayFacts:
    """What the tray's picture depends on. `status` is None until supervisord was asked."""

    queues: tuple[QueueRecord, ...] = ()
    status: SupervisionStatus | None = None
    health: Health = field(default_factory=Health)
    is_readable: bool = True
    schedules: tuple[ScheduleRecord, ...] = ()

    @property
    def counts(self) -> Counts:
        return sum((one.counts for one in self.queues), Counts())

    @property
    def replicas(self) -> tuple[ReplicaRecord, ...]:
        return self.status.replicas if self.status is not None else ()

    @property
    def are_all_paused(self) -> bool:
        return bool(self.queues) and all(one.is_paused for one in self.queues)


class TrayStateMachine:
    """Remembers since when there is work, rest or no connection, so that the picture never flickers.

    Failed messages ask for attention until the view of them was opened, then only new ones do.
    """

    def __init__(self) -> None:
        self._is_working = False
        self._work_began_s = self._work_seen_s = float("-inf")
        self._finished: int | None = None
        self._lost_since_s: float | None = None
        self._seen_failed = 0

    def mark_failed_seen(self, facts: TrayFacts) -> None:
        """The user looks at the failed messages."""
        self._seen_failed = facts.counts.failed

    def update(self, facts: TrayFacts, now_s: float) -> TrayState:
        """The picture for `facts` at `now_s`, seconds of any clock that goes forward."""
        counts = facts.counts
        self._seen_failed = min(self._seen_failed, counts.failed)
        has_finished = self._has_finished(counts)
        self._note_work(has_finished or QueueWord.WORKING in facts.health.words.values(), now_s)
        if self._has_lost(facts, now_s):
            return TrayState.DISCONNECTED
        if any(need.kind == "worker" and need.severity == 0 for need in facts.health.needs):
            return TrayState.FAILING
        if counts.failed > self._seen_failed or any(_asks(need) for need in facts.health.needs):
            return TrayState.ATTENTION
        if facts.are_all_paused:
            return TrayState.PAUSED
        return TrayState.WORKING if self._is_working else TrayState.IDLE

    def _has_finished(self, counts: Counts) -> bool:
        """Something has since: short work is rarely seen running."""
        finished = counts.completed + counts.failed + counts.cancelled
        has_grown = self._finished is not None and finished > self._finished
        self._finished = finished
        return has_grown

    def _note_work(self, has_work: bool, now_s: float) -> None:
        if has_work:
            if now_s - self._work_seen_s > _LONGEST_GAP_S:
                self._work_began_s = now_s
            self._work_seen_s = now_s
            self._is_working |= now_s - self._work_began_s >= _SHOW_WORK_AFTER_S
        elif now_s - self._work_seen_s >= _SHOW_REST_AFTER_S:
            self._is_working = False

    def _has_lost(self, facts: TrayFacts, now_s: float) -> bool:
        is_answering = facts.status is None or facts.status.state_word not in ("not answering", "foreign")
        if facts.is_readable and is_answering:
            self._lost_since_s = None
            return False
        if self._lost_since_s is None:
            self._lost_since_s = now_s
        return now_s - self._lost_since_s >= _SHOW_LOSS_AFTER_S


def _asks(need: Need) -> bool:
    """Beside failed messages, which were seen or not, and what somebody paused on purpose."""
    return need.severity < 2


def tray_summary(name: str, facts: TrayFacts) -> str:
    """The tooltip: `PQDesk – demo: 12 running, 340 ready, 2 failed`."""
    counts = facts.counts
    parts = ((counts.running, "running"), (counts.ready, "ready"), (counts.failed, "failed"))
    return f"PQDesk – {name}: {', '.join(format_count(count, word, word) for count, word in parts)}"
