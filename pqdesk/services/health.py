"""What in a workspace needs a person, and how each queue is, worked out once for whoever tells it.

look() gathers the facts; needs_of() and words_of() judge them and are pure. Overview, Workers page, tray, `watch`,
`queues`, `workers` and `doctor` tell what comes of it, and judge nothing themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Literal

from pqdesk.clock import SystemClock, to_datetime
from pqdesk.messages.counting import counted
from pqdesk.messages.durations import format_duration
from pqdesk.messages.records import QueueRecord, RefusedPut, ScheduleRecord
from pqdesk.messages.states import QueueWord
from pqdesk.paths import WorkspacePaths
from pqdesk.services.workers import workers_of
from pqdesk.storage import Space, open_inspection, space_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import recipe_of
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState
from pqdesk.worker_options import Kind

if TYPE_CHECKING:
    from pqdesk.messages.looking import MetricRecord
    from pqdesk.storage.looking import Looking

NeedKind = Literal[
    "supervisord", "orphan", "worker", "folder", "disk", "queue", "failed", "schedule", "put by SQL", "paused"
]  # fmt: skip

_WAITS_FOR = timedelta(seconds=3)  # a message that is taken within that time needs no word
_LATELY = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_NEVER_FINISHES_S = 300.0
_LONGEST_LOOK = timedelta(days=2)  # as long as metrics are kept by the minute


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that does not mend itself.

    Attributes:
        subject: The queue, process, folder or row that it is about; empty for supervisord itself.
        text: What is wrong, in short.
        detail: More about it; may be empty.
        todo: What to do, a command where there is one; `pqdesk` stands for however it is called.
        severity: 0 is worst; 3 is somebody's wish, which only wants to be remembered.
        worker: The worker that it is about, or that would take the messages; empty where there is none.
    """

    kind: NeedKind
    subject: str
    text: str
    detail: str = ""
    todo: str = ""
    severity: int = 1
    worker: str = ""

    @property
    def is_wish(self) -> bool:
        return self.severity == 3

    @property
    def sentence(self) -> str:
        return f"{self.text} ({self.detail})" if self.detail else self.text


@dataclass(frozen=True, slots=True)
class Facts:
    """What needs_of() and words_of() judge by.

    Attributes:
        orphans: Processes that a supervisord which is gone left running: by pid, the name it had for them.
        served: Queues that a living process waits for, or has a message of in hand.
        moving: Queues of which messages come to an end these moments.
        waiting_since: By queue with something ready, when the oldest of it was due.
        finished_lately: By queue, attempts that ended in the last minutes.
        finished: By worker that has run for long while messages wait, the attempts that ended since its start.
        missing_folders: Folders that producers watch and that are not there, by worker.
        space: On the disk of the queue file; None where that cannot be looked at.
    """

    status: SupervisionStatus
    now: datetime
    definitions: Sequence[WorkerDefinition] = ()
    warnings: Sequence[str] = ()
    orphans: Mapping[int, str] = field(default_factory=dict)
    queues: Sequence[QueueRecord] = ()
    served: Collection[str] = ()
    moving: Collection[str] = ()
    waiting_since: Mapping[str, datetime] = field(default_factory=dict)
    finished_lately: Mapping[str, int] = field(default_factory=dict)
    finished: Mapping[str, int] = field(default_factory=dict)
    missing_folders: Mapping[str, Path] = field(default_factory=dict)
    schedules: Sequence[ScheduleRecord] = ()
    refused: Sequence[RefusedPut] = ()
    space: Space | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What comes of it: needs, the worst first, and the word of each queue."""

    needs: tuple[Need, ...] = ()
    words: Mapping[str, QueueWord] = field(default_factory=dict)


def health_of(facts: Facts) -> Health:
    return Health(needs_of(facts), words_of(facts))


def look(
    paths: WorkspacePaths,
    looking: Looking | None = None,
    *,
    status: SupervisionStatus | None = None,
    moving: Collection[str] | None = None,
) -> Facts:
    """The facts of a workspace as they are now. Makes and changes nothing.

    Args:
        looking: At its queue file; None opens one for the moment, if there is such a file.
        status: Of its supervisord, where it was just asked for.
        moving: As of Facts, where somebody has counted; None asks what was counted for the last minute.

    Raises:
        WorkspaceError: The queue file cannot be looked at.
    """
    supervision = workers_of(paths)
    status = status or supervision.status()
    definitions = supervision.definitions()
    facts = Facts(
        status=status,
        now=to_datetime(SystemClock().wall_us()),
        definitions=definitions,
        warnings=supervision.warnings(),
        orphans=supervision.orphans() if status.state_word == "not running" and status.replicas else {},
        missing_folders=_missing_folders(definitions, paths),
    )
    with suppress(OSError):
        facts = replace(facts, space=space_of(paths.database))
    if looking is not None:
        return _with_queues(facts, looking, moving)
    if not paths.database.exists():
        return facts
    with closing(open_inspection(paths)) as opened:
        return _with_queues(facts, opened, moving)


def needs_of(facts: Facts) -> tuple[Need, ...]:
    """What needs a person, the worst first, and among equals the most general."""
    found = (
        *_of_supervisord(facts),
        *_of_workers(facts),
        *_of_disk(facts),
        *_of_queues(facts),
        *_of_failed(facts),
        *_of_schedules(facts),
        *_of_refused(facts),
    )
    return tuple(sorted(found, key=lambda need: need.severity))


def words_of(facts: Facts) -> dict[str, QueueWord]:
    """By name of queue, how it is."""
    served = _served_by_workers(facts) | set(facts.served)
    return {one.name: _word_of(one, facts, is_served=one.name in served) for one in facts.queues}


def _word_of(queue: QueueRecord, facts: Facts, *, is_served: bool) -> QueueWord:
    if queue.is_paused:
        return QueueWord.PAUSED
    counts, is_moving = queue.counts, queue.name in facts.moving
    if not counts.ready and not counts.running:
        return QueueWord.WORKING if is_moving else QueueWord.IDLE
    if not is_served:
        return QueueWord.NO_WORKER
    is_taken = counts.running > 0 and queue.name in facts.served
    return QueueWord.WORKING if is_taken or is_moving or not _has_waited(facts, queue.name) else QueueWord.STALLED


# --- the findings -----------------------------------------------------------------------------------


def _of_supervisord(facts: Facts) -> Iterator[Need]:
    status = facts.status
    if status.problem is not None and status.state_word in ("foreign", "not answering"):
        text, _, todo = status.problem.rpartition("; ")
        told, todo = (text, todo) if text else (status.problem, "")
        yield Need("supervisord", "", f"supervisord: {status.state_word}", told, todo, severity=0)
    if status.state_word == "not running":
        meant = dict.fromkeys(one.worker for one in status.replicas if one.is_autostart and not one.is_held)
        if meant:
            detail = f"{_words(meant)} should start with it"
            yield Need("supervisord", "", "supervisord is not running", detail, "pqdesk start --autostart")
    for pid, name in facts.orphans.items():
        text = f"process {pid} of {name!r} is left of a supervisord that is gone"
        yield Need("orphan", name, text, todo=f"pqdesk stop {quote(name)}, or start it again", worker=name)


def _of_workers(facts: Facts) -> Iterator[Need]:
    for one in facts.status.replicas:
        if one.is_in_trouble:
            text, detail = f"{one.process}: {one.state.word.lower()}", one.exit_text or one.description
            severity = 1 if one.state is WorkerState.BACKING_OFF else 0
            todo = f"pqdesk logs {quote(one.process)} --stderr"
            yield Need("worker", one.process, text, detail, todo, severity, one.worker)
    for worker, folder in facts.missing_folders.items():
        text = f"worker {worker!r} watches '{folder}', which is not there"
        todo = "make that folder, or give it another with pqdesk edit-worker"
        yield Need("folder", str(folder), text, todo=todo, worker=worker)
    for warning in facts.warnings:
        text, _, todo = warning.partition("; ")
        yield Need("worker", "", text, todo=todo)


def _of_disk(facts: Facts) -> Iterator[Need]:
    if facts.space is not None and facts.space.problem is not None:
        text, _, todo = facts.space.problem.partition("; ")
        yield Need("disk", "", text, todo=todo, severity=0 if facts.space.is_gone else 1)


def _of_queues(facts: Facts) -> Iterator[Need]:
    words, consumers = words_of(facts), _consumers(facts)
    for queue in facts.queues:
        name, counts = queue.name, queue.counts
        if queue.is_paused:
            detail = f"{counts.ready:,} ready; nothing is taken"
            yield Need("paused", name, f"{name!r} is paused", detail, f"pqdesk resume {quote(name)}", severity=3)
            continue
        theirs = [one for one in consumers if name in one.queues]
        is_worked_elsewhere = not theirs and facts.finished_lately.get(name, 0) > 0
        is_told = any(one.is_in_trouble for one in theirs)  # of the worker: starting it would not help
        if words[name] is not QueueWord.NO_WORKER or is_worked_elsewhere or is_told or not _has_waited(facts, name):
            continue
        workers = list(dict.fromkeys(one.worker for one in theirs))
        waiting = f"{counted(counts.ready, 'message')} of {name!r} {counted(counts.ready, 'waits', 'wait', number='')}"
        if workers:
            run = counted(len(workers), "does not run", "do not run", number="")
            text = f"{waiting}: {_words(workers)} would take them and {run}"
            yield Need("queue", name, text, todo=f"pqdesk start {' '.join(map(quote, workers))}", worker=workers[0])
        else:
            yield Need("queue", name, f"{waiting}: no worker is there for this queue", todo="pqdesk add-worker NAME")
    for worker, up_s, names in _long_at_work(facts):
        if not facts.finished.get(worker):
            text = f"worker {worker!r} has run for {format_duration(up_s)} and finished nothing"
            detail, todo = f"messages of {_words(names)} wait", f"look at pqdesk logs {quote(worker)}, or restart it"
            yield Need("worker", worker, text, detail, todo, worker=worker)


def _of_failed(facts: Facts) -> Iterator[Need]:
    for one in facts.queues:
        if one.counts.failed:
            count = counted(one.counts.failed, "failed message")
            todo = f"see: pqdesk errors {quote(one.name)}; then retry or delete them"
            yield Need("failed", one.name, f"{count} in {one.name!r}", todo=todo, severity=2)


def _of_schedules(facts: Facts) -> Iterator[Need]:
    for one in facts.schedules:
        if one.is_enabled and one.next_at is None:
            text = f"{one.name!r} does not run: the time zone {one.timezone!r} cannot be used here"
            todo = "install tzdata, or remove it and add it with another zone"
            yield Need("schedule", one.name, text, todo=todo, severity=2)


def _of_refused(facts: Facts) -> Iterator[Need]:
    """Rows put by plain SQL that nobody else tells of: the program that wrote them is long gone."""
    for row in facts.refused:
        text = f"row {row.id} of pqdesk_put, for queue {row.queue!r:.80}, cannot become a message: {row.reason}"
        todo = f"correct it in SQL with refused = NULL, or DELETE FROM pqdesk_put WHERE id = {row.id}"
        yield Need("put by SQL", f"row {row.id}", text, todo=todo, severity=2)


def _has_waited(facts: Facts, queue: str) -> bool:
    since = facts.waiting_since.get(queue)
    return since is not None and facts.now - since >= _WAITS_FOR


def _consumers(facts: Facts) -> list[ReplicaRecord]:
    return [one for one in facts.status.replicas if one.kind == "consumer"]


def _served_by_workers(facts: Facts) -> set[str]:
    return {name for one in _consumers(facts) if one.state.has_process for name in one.queues}


def _long_at_work(facts: Facts) -> Iterator[tuple[str, float, list[str]]]:
    """Workers that have run long enough to have finished something, while messages of their queues wait."""
    waiting = {one.name for one in facts.queues if one.counts.ready and not one.is_paused}
    running: dict[str, list[ReplicaRecord]] = {}
    for one in _consumers(facts):
        if one.state is WorkerState.RUNNING:
            running.setdefault(one.worker, []).append(one)
    for worker, processes in sorted(running.items()):
        up_s = max(one.uptime_s or 0.0 for one in processes)
        names = [name for name in processes[0].queues if name in waiting and _has_waited(facts, name)]
        if up_s >= _NEVER_FINISHES_S and names:
            yield worker, up_s, names


def _words(names: Collection[str]) -> str:
    return ", ".join(map(repr, names))


# --- gathering --------------------------------------------------------------------------------------


def _with_queues(facts: Facts, looking: Looking, moving: Collection[str] | None) -> Facts:
    queues = looking.queues()
    facts = replace(
        facts,
        queues=queues,
        served=looking.served([one.name for one in queues if one.counts.ready or one.counts.running]),
        moving=ended_per_minute(looking, facts.now).keys() if moving is None else moving,
        waiting_since=looking.waiting_since() if any(one.counts.ready for one in queues) else {},
        finished_lately=_finished(looking, facts.now - _LATELY, facts.now),
        schedules=looking.schedules(),
        refused=looking.refused_puts(),
    )
    return replace(facts, finished=_finished_by_worker(facts, looking))


def last_minute(looking: Looking, now: datetime) -> Iterator[tuple[MetricRecord, float]]:
    """What happened in the last minute by queue, and what share of each record counts.

    It is counted by the minute, so of the one before so much belongs to it as this one lacks.
    """
    begun = now.replace(second=0, microsecond=0)
    before_share = 1 - (now - begun) / _MINUTE
    for one in looking.metrics(since=begun - _MINUTE, until=now, by_queue=True):
        yield one, 1.0 if one.at >= begun else before_share


def ended_per_minute(looking: Looking, now: datetime) -> dict[str, int]:
    """By queue, the attempts that ended in the last minute, where there were any."""
    found: Counter[str] = Counter()
    for one, share in last_minute(looking, now):
        found[one.queue or ""] += round((one.completed + one.failed + one.retried) * share)
    return {queue: count for queue, count in found.items() if count}


def _finished(looking: Looking, since: datetime, now: datetime) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in looking.metrics(since=since, until=now, step_s=3600, by_queue=True):
        found[one.queue or ""] += one.completed + one.failed + one.retried
    return found


def _finished_by_worker(facts: Facts, looking: Looking) -> dict[str, int]:
    """What ended in its queues since its oldest process that runs was started, by whomever: told to its favour."""
    found = {}
    for worker, up_s, _ in _long_at_work(facts):
        since = facts.now - min(timedelta(seconds=up_s), _LONGEST_LOOK)
        counted = _finished(looking, since, facts.now)
        queues = next(one.queues for one in facts.status.replicas if one.worker == worker)
        found[worker] = sum(counted[name] for name in queues)
    return found


def _missing_folders(definitions: Sequence[WorkerDefinition], paths: WorkspacePaths) -> dict[str, Path]:
    found = {}
    for one in definitions:
        recipe = recipe_of(one.command)
        if recipe.kind is Kind.FOLDER:
            folder = (one.folder or paths.root) / Path(recipe.values["folder"]).expanduser()
            if not folder.is_dir():
                found[one.name] = folder
    return found
