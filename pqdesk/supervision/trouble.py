"""What is wrong with the workers as a whole, told from what is known of queues and processes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pqdesk.messages.durations import format_duration
from pqdesk.supervision.records import ReplicaRecord, WorkerState

AlarmKind = Literal["no worker", "never finishes"]

NEVER_FINISHES_S = 300.0

_AT_WORK = (WorkerState.STARTING, WorkerState.RUNNING, WorkerState.STOPPING)


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What of a queue matters to its workers.

    Attributes:
        ready: Messages that could be taken now.
        has_other_worker: Something that supervisord does not run has taken messages of it lately.
    """

    name: str
    ready: int
    is_paused: bool = False
    has_other_worker: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that somebody should look at.

    Attributes:
        subject: The queue that has no worker, or the worker that never finishes.
        text: One sentence: what is wrong, what to do.
    """

    kind: AlarmKind
    subject: str
    text: str


def alarms(
    replicas: Collection[ReplicaRecord], queues: Collection[QueueFacts], finished: Mapping[str, int]
) -> tuple[Alarm, ...]:
    """Queues with ready messages that nobody takes, then workers that take them and never finish one; by name.

    Args:
        replicas: All processes, from a status of supervisord.
        finished: By name of worker, how many attempts it has ended (completed or failed) since its oldest process
            that runs was started, or within any longer time; a worker that is not in it has ended none.
    """
    return (*_without_worker(replicas, queues), *_never_finishing(replicas, queues, finished))


def _without_worker(replicas: Collection[ReplicaRecord], queues: Collection[QueueFacts]) -> Iterator[Alarm]:
    served = {queue for one in _consumers(replicas) if one.state in _AT_WORK for queue in one.queues}
    for queue in sorted(queues, key=lambda one: one.name):
        if queue.ready <= 0 or queue.is_paused or queue.has_other_worker or queue.name in served:
            continue
        names = list(dict.fromkeys(one.worker for one in _consumers(replicas) if queue.name in one.queues))
        if names:
            rest = f"{_words(names)} would take them and {'do' if len(names) > 1 else 'does'} not run; start it"
        else:
            rest = "no worker is there for this queue; add one"
        verb = "waits" if queue.ready == 1 else "wait"
        yield Alarm("no worker", queue.name, f"{_messages(queue.ready)} of {queue.name!r} {verb}: {rest}")


def _never_finishing(
    replicas: Collection[ReplicaRecord], queues: Collection[QueueFacts], finished: Mapping[str, int]
) -> Iterator[Alarm]:
    waiting = {queue.name for queue in queues if queue.ready > 0 and not queue.is_paused}
    running: dict[str, list[ReplicaRecord]] = {}
    for one in _consumers(replicas):
        if one.state is WorkerState.RUNNING:
            running.setdefault(one.worker, []).append(one)
    for worker, processes in sorted(running.items()):
        up_s = max(one.uptime_s or 0.0 for one in processes)
        names = [name for name in processes[0].queues if name in waiting]
        if up_s >= NEVER_FINISHES_S and names and not finished.get(worker):
            text = (
                f"worker {worker!r} has run for {format_duration(up_s)} and finished nothing, while messages of "
                f"{_words(names)} wait; look at its log, or restart it"
            )
            yield Alarm("never finishes", worker, text)


def _consumers(replicas: Collection[ReplicaRecord]) -> list[ReplicaRecord]:
    return [one for one in replicas if one.kind == "consumer"]


def _words(names: Collection[str]) -> str:
    return ", ".join(map(repr, names))


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"
