"""What in a workspace needs a person, worked out once for whoever tells it: doctor, lists, the window.

look() gathers the facts, needs_of() judges them; the second is pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Literal

from pqdesk.clock import SystemClock, to_datetime
from pqdesk.messages.records import QueueRecord, RefusedPut, ScheduleRecord
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_inspection
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import FolderRecipe, recipe_of
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState
from pqdesk.supervision.supervision import Supervision
from pqdesk.supervision.trouble import QueueFacts, alarms

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection

NeedKind = Literal["supervisord", "orphan", "worker", "folder", "queue", "failed", "schedule", "put by SQL"]

_WAITS_FOR = timedelta(seconds=3)  # a message that is taken within that time needs no word
_LATELY = timedelta(minutes=5)
_LONGEST_LOOK = timedelta(days=2)  # as long as metrics are kept by the minute
_TROUBLED = (WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that does not mend itself.

    Attributes:
        subject: The queue, worker or process that it is about; empty for supervisord itself.
        text: What is wrong.
        todo: What to do, a command where there is one; `pqdesk` stands for however it is called.
    """

    kind: NeedKind
    subject: str
    text: str
    todo: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What needs_of() judges by.

    Attributes:
        orphans: Processes that a supervisord which is gone left running: by pid, the name it had for them.
        waiting_since: By queue with something ready, when the oldest of it was due.
        finished_lately: By queue, attempts that ended in the last minutes.
        finished: By worker, as alarms() wants them.
        missing_folders: Folders that producers watch and that are not there, by worker.
    """

    status: SupervisionStatus
    now: datetime
    definitions: Sequence[WorkerDefinition] = ()
    warnings: Sequence[str] = ()
    orphans: Mapping[int, str] = field(default_factory=dict)
    queues: Sequence[QueueRecord] = ()
    waiting_since: Mapping[str, datetime] = field(default_factory=dict)
    finished_lately: Mapping[str, int] = field(default_factory=dict)
    finished: Mapping[str, int] = field(default_factory=dict)
    missing_folders: Mapping[str, Path] = field(default_factory=dict)
    schedules: Sequence[ScheduleRecord] = ()
    refused: Sequence[RefusedPut] = ()


def look(paths: WorkspacePaths, inspection: Inspection | None = None) -> Facts:
    """The facts of a workspace as they are now. Makes and changes nothing.

    Args:
        inspection: Of its queue file; None opens one for the moment, if there is such a file.

    Raises:
        WorkspaceError: The queue file cannot be looked at.
    """
    supervision = Supervision(paths)
    status = supervision.status()
    now = to_datetime(SystemClock().wall_us())
    definitions = supervision.definitions()
    facts = Facts(
        status=status,
        now=now,
        definitions=definitions,
        warnings=supervision.warnings(),
        orphans={} if status.state_word != "not running" else supervision.orphans(),
        missing_folders=_missing_folders(definitions, paths),
    )
    if inspection is not None:
        return _with_queues(facts, inspection)
    if not paths.database.exists():
        return facts
    with closing(open_inspection(paths)) as opened:
        return _with_queues(facts, opened)


def needs_of(facts: Facts) -> tuple[Need, ...]:
    """What needs a person, the most general first."""
    return (
        *_of_supervisord(facts),
        *_of_workers(facts),
        *_of_queues(facts),
        *_of_failed(facts),
        *_of_schedules(facts),
        *_of_refused(facts),
    )


def is_in_trouble(one: ReplicaRecord) -> bool:
    """Whether a process does not do what it should, and will not by itself."""
    if one.state is not WorkerState.EXITED:
        return one.state in _TROUBLED
    return one.last_exit is None or not one.last_exit.is_expected


# --- the findings -----------------------------------------------------------------------------------


def _of_supervisord(facts: Facts) -> Iterator[Need]:
    status = facts.status
    if status.problem is not None and status.state_word in ("foreign", "not answering"):
        text, _, todo = status.problem.rpartition("; ")
        yield Need("supervisord", "", text or status.problem, todo if text else "")
    if status.state_word == "not running":
        meant = dict.fromkeys(one.worker for one in status.replicas if one.is_autostart and not one.is_held)
        if meant:
            names = ", ".join(map(repr, meant))
            yield Need(
                "supervisord", "", f"it is not running, and {names} should start with it", "pqdesk start --autostart"
            )
    for pid, name in facts.orphans.items():
        text = f"process {pid} of {name!r} is left of a supervisord that is gone"
        yield Need("orphan", name, text, f"pqdesk stop {quote(name)}, or start it again")


def _of_workers(facts: Facts) -> Iterator[Need]:
    for one in facts.status.replicas:
        if is_in_trouble(one):
            text = f"{one.process}: {one.state.word.lower()} ({one.exit_text or one.description})"
            yield Need("worker", one.process, text, f"pqdesk logs {quote(one.process)} --stderr")
    for worker, folder in facts.missing_folders.items():
        text = f"worker {worker!r} watches '{folder}', which is not there"
        yield Need("folder", worker, text, "make that folder, or give it another with pqdesk edit-worker")
    for warning in facts.warnings:
        text, _, todo = warning.partition("; ")
        yield Need("worker", "", text, todo)


def _of_queues(facts: Facts) -> Iterator[Need]:
    queues = [
        QueueFacts(
            name=one.name,
            ready=one.counts.ready if _has_waited(facts, one.name) else 0,
            is_paused=one.is_paused,
            has_other_worker=one.counts.running > 0 or facts.finished_lately.get(one.name, 0) > 0,
        )
        for one in facts.queues
    ]
    for alarm in alarms(facts.status.replicas, queues, facts.finished):
        text, _, todo = alarm.text.rpartition("; ")
        yield Need("queue" if alarm.kind == "no worker" else "worker", alarm.subject, text, todo)


def _has_waited(facts: Facts, queue: str) -> bool:
    since = facts.waiting_since.get(queue)
    return since is not None and facts.now - since >= _WAITS_FOR


def _of_failed(facts: Facts) -> Iterator[Need]:
    for one in facts.queues:
        if one.counts.failed:
            count = f"{one.counts.failed:,} failed message{'' if one.counts.failed == 1 else 's'}"
            todo = f"see: pqdesk errors {quote(one.name)}; then retry or delete them"
            yield Need("failed", one.name, f"{count} in {one.name!r}", todo)


def _of_schedules(facts: Facts) -> Iterator[Need]:
    for one in facts.schedules:
        if one.is_enabled and one.next_at is None:
            text = f"{one.name!r} does not run: the time zone {one.timezone!r} cannot be used here"
            yield Need("schedule", one.name, text, "install tzdata, or remove it and add it with another zone")


def _of_refused(facts: Facts) -> Iterator[Need]:
    """Rows put by plain SQL that nobody else tells of: the program that wrote them is long gone."""
    for row in facts.refused:
        text = f"row {row.id} of pqdesk_put, for queue {row.queue!r:.80}, cannot become a message: {row.reason}"
        todo = f"correct it in SQL with refused = NULL, or DELETE FROM pqdesk_put WHERE id = {row.id}"
        yield Need("put by SQL", row.queue, text, todo)


# --- gathering --------------------------------------------------------------------------------------


def _with_queues(facts: Facts, inspection: Inspection) -> Facts:
    queues = inspection.queues()
    return replace(
        facts,
        queues=queues,
        waiting_since=inspection.waiting_since(),
        finished_lately=_finished(inspection, facts.now - _LATELY, facts.now),
        finished=_finished_by_worker(facts, inspection),
        schedules=inspection.schedules(),
        refused=inspection.refused_puts(),
    )


def _finished(inspection: Inspection, since: datetime, now: datetime) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in inspection.metrics(since=since, until=now, step_s=3600, by_queue=True):
        found[one.queue or ""] += one.completed + one.failed + one.retried
    return found


def _finished_by_worker(facts: Facts, inspection: Inspection) -> dict[str, int]:
    """What ended in its queues since its oldest process that runs was started, by whomever: told to its favour."""
    begun: dict[str, datetime] = {}
    queues: dict[str, tuple[str, ...]] = {}
    for one in facts.status.replicas:
        if one.started_at is not None:
            begun[one.worker] = min(one.started_at, begun.get(one.worker, one.started_at))
            queues[one.worker] = one.queues
    counted = {
        worker: _finished(inspection, max(since, facts.now - _LONGEST_LOOK), facts.now)
        for worker, since in begun.items()
    }
    return {worker: sum(counted[worker][name] for name in names) for worker, names in queues.items()}


def _missing_folders(definitions: Sequence[WorkerDefinition], paths: WorkspacePaths) -> dict[str, Path]:
    found = {}
    for one in definitions:
        recipe = recipe_of(one.command)
        if isinstance(recipe, FolderRecipe):
            folder = (one.folder or paths.root) / Path(recipe.values["folder"]).expanduser()
            if not folder.is_dir():
                found[one.name] = folder
    return found
