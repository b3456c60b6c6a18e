"""What needs a person: worked out from the counts and from supervisord's answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pqdesk.gui.formatting import format_count, format_number
from pqdesk.messages.records import QueueRecord
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState

UNHEALTHY = (WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START, WorkerState.BACKING_OFF)
_AT_WORK = (WorkerState.RUNNING, WorkerState.STARTING)


class Remedy(Enum):
    """What the button of an item does; the value is the button's text."""

    SHOW_LOG = "Show log"
    SHOW_FAILED = "Show messages"
    START_ALL = "Start workers"
    RESUME = "Resume queue"


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One line of the list. `subject` is the worker or queue concerned, else empty. Icon names as in resources."""

    key: str
    icon: str
    severity: int  # 0 is worst
    text: str
    detail: str
    remedy: Remedy
    subject: str = ""


def attention_items(status: SupervisionStatus | None, queues: tuple[QueueRecord, ...]) -> tuple[AttentionItem, ...]:
    """Worst first. `status` is None until supervisord was asked."""
    items: list[AttentionItem] = []
    if status is not None:
        items += [_of_worker(one) for one in status.replicas if one.state in UNHEALTHY]
        items += _of_supervisord(status, queues)
    items += [_of_failed(one) for one in queues if one.counts.failed]
    items += [_of_paused(one) for one in queues if one.is_paused]
    return tuple(sorted(items, key=lambda item: item.severity))


def count_unhealthy(status: SupervisionStatus | None) -> int:
    """How many replicas crash-loop, back off or failed to start."""
    return sum(one.state in UNHEALTHY for one in status.replicas) if status is not None else 0


def _of_worker(replica: ReplicaRecord) -> AttentionItem:
    is_backing_off = replica.state is WorkerState.BACKING_OFF
    return AttentionItem(
        key=f"worker {replica.process}",
        icon="retrying" if is_backing_off else "crash-looping",
        severity=1 if is_backing_off else 0,
        text=f"{replica.process}: {replica.state.word.lower()}",
        detail=replica.exit_text or replica.description or "Its log tells why.",
        remedy=Remedy.SHOW_LOG,
        subject=replica.worker,
    )


def _of_supervisord(status: SupervisionStatus, queues: tuple[QueueRecord, ...]) -> list[AttentionItem]:
    if not status.replicas:
        return []
    if status.problem:
        text = f"supervisord: {status.state_word}"
        return [AttentionItem("supervisord", "warning", 0, text, status.problem, Remedy.START_ALL)]
    ready = sum(one.counts.ready for one in queues if not one.is_paused)
    if any(one.state in _AT_WORK for one in status.replicas):
        return []
    waiting = f"{format_count(ready, 'message')} wait" if ready != 1 else "1 message waits"
    if not status.is_running:
        detail = f"{waiting} for a worker." if ready else "Nothing works on messages now."
        return [AttentionItem("supervisord", "stopped", 1, "supervisord is not running", detail, Remedy.START_ALL)]
    if not ready:
        return []
    return [AttentionItem("no worker", "stopped", 1, "No worker is running", f"{waiting} for one.", Remedy.START_ALL)]


def _of_failed(queue: QueueRecord) -> AttentionItem:
    return AttentionItem(
        key=f"failed {queue.name}",
        icon="failed",
        severity=2,
        text=f"{format_count(queue.counts.failed, 'message')} failed in {queue.name}",
        detail="Waiting for Retry or Delete",
        remedy=Remedy.SHOW_FAILED,
        subject=queue.name,
    )


def _of_paused(queue: QueueRecord) -> AttentionItem:
    return AttentionItem(
        key=f"paused {queue.name}",
        icon="paused",
        severity=3,
        text=f"{queue.name} is paused",
        detail=f"{format_number(queue.counts.ready)} ready; nothing is taken",
        remedy=Remedy.RESUME,
        subject=queue.name,
    )
