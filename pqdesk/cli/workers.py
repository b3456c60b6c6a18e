"""`workers`, `start`, `stop`, `restart`: what supervisord keeps running for this workspace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, say
from pqdesk.cli.settings import Settings, pass_settings, require_workspace_or_workers
from pqdesk.cli.styles import WORKER_STYLES
from pqdesk.cli.tables import Cell, Column, print_table
from pqdesk.clock import SystemClock
from pqdesk.errors import NotFound
from pqdesk.messages.durations import format_duration
from pqdesk.supervision.records import ReplicaRecord, WorkerState
from pqdesk.supervision.supervision import Supervision

if TYPE_CHECKING:
    from pqdesk.supervision.records import SupervisionStatus

WORKER_COLUMNS = (
    Column("Worker", is_flexible=True),
    Column("State"),
    Column("Pid", is_number=True),
    Column("Up for", is_number=True),
    Column("Description", is_flexible=True),
)
ALL = "all"

_START_S = 20.0  # a worker counts as running after startsecs, 3 by default
_STOP_S = 60.0  # it has stopwaitsecs, 30 by default, for the message in hand
_LOOK_S = 0.1
_NOT_COMING_UP = frozenset(
    {WorkerState.EXITED, WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START}
)
_AT_REST = _NOT_COMING_UP | {WorkerState.STOPPED}

_no_wait = click.option("--no-wait", is_flag=True, help="Ask for it and return, before it has happened.")


@command("workers", has_json=True)
@pass_settings
def workers_command(settings: Settings) -> None:
    """List the workers, each process with its state."""
    require_workspace_or_workers(settings)
    status = Supervision(settings.paths).status()
    if settings.is_json:
        print_json(status.replicas)
        return
    if status.replicas:
        print_table(WORKER_COLUMNS, [worker_row(one) for one in status.replicas])
    else:
        remark(f"no workers in {str(settings.paths.workers)!r}")
    for text in daemon_remarks(settings, status):
        remark(text)


def worker_row(one: ReplicaRecord) -> list[str | Cell]:
    """The row of a process, as the list and the live view have it."""
    return [
        one.process,
        Cell(one.state.word, WORKER_STYLES[one.state]),
        "" if one.pid is None else str(one.pid),
        "" if one.uptime_s is None else format_duration(one.uptime_s),
        one.exit_text or _purpose(one),
    ]


def _purpose(one: ReplicaRecord) -> str:
    """What it is for; supervisord's own description only repeats pid and uptime."""
    queues = ", ".join(one.queues)
    if one.kind == "consumer":
        return f"consumes {queues}"
    return f"produces into {queues}" if one.kind == "producer" else one.command


def daemon_remarks(settings: Settings, status: SupervisionStatus) -> list[str]:
    """What there is to say about supervisord, if anything."""
    if status.problem is not None:
        return [f"supervisord: {status.problem}"]
    if not status.is_running and status.replicas:
        return [f"supervisord is {status.state_word}; start it and the workers with: {settings.command} start all"]
    return []


@command("start", has_json=True)
@click.argument("name", metavar="NAME|all")
@_no_wait
@pass_settings
def start_command(settings: Settings, name: str, no_wait: bool) -> int:
    """Start a worker or all. Supervisord is started too, when it does not run."""
    supervision = Supervision(settings.paths)
    before = replicas_named(settings, supervision, name)
    supervision.start(name)
    return _report(settings, _settled(supervision, before, _has_started, 0.0 if no_wait else _START_S), no_wait)


@command("stop", has_json=True)
@click.argument("name", metavar="NAME|all")
@_no_wait
@pass_settings
def stop_command(settings: Settings, name: str, no_wait: bool) -> int:
    """Stop a worker or all. The message in hand is finished first."""
    supervision = Supervision(settings.paths)
    before = replicas_named(settings, supervision, name)
    supervision.stop(name)
    return _report(settings, _settled(supervision, before, _has_stopped, 0.0 if no_wait else _STOP_S), no_wait)


@command("restart", has_json=True)
@click.argument("name", metavar="NAME|all")
@_no_wait
@pass_settings
def restart_command(settings: Settings, name: str, no_wait: bool) -> int:
    """Stop and start a worker or all."""
    supervision = Supervision(settings.paths)
    before = replicas_named(settings, supervision, name)
    supervision.restart(name)
    wait_s = 0.0 if no_wait else _STOP_S + _START_S
    return _report(settings, _settled(supervision, before, _has_restarted, wait_s), no_wait)


def replicas_named(settings: Settings, supervision: Supervision, name: str) -> list[ReplicaRecord]:
    """The processes of the worker, or the process, called `name`; all of them for `all`. Raises NotFound."""
    require_workspace_or_workers(settings)
    replicas = supervision.status().replicas
    found = [one for one in replicas if name in (ALL, one.worker, one.process)]
    if found or name == ALL:
        return found
    names = ", ".join(dict.fromkeys(one.worker for one in replicas))
    there = f"the workers are {names}" if names else "this workspace has none"
    raise NotFound(f"there is no worker {name!r}; {there}")


def _has_started(_before: ReplicaRecord, now: ReplicaRecord) -> bool:
    return now.state is WorkerState.RUNNING or now.state in _NOT_COMING_UP


def _has_stopped(_before: ReplicaRecord, now: ReplicaRecord) -> bool:
    return now.state in _AT_REST


def _has_restarted(before: ReplicaRecord, now: ReplicaRecord) -> bool:
    return now.pid != before.pid and _has_started(before, now)


def _settled(
    supervision: Supervision,
    before: Sequence[ReplicaRecord],
    has_settled: Callable[[ReplicaRecord, ReplicaRecord], bool],
    wait_s: float,
) -> list[tuple[ReplicaRecord, bool]]:
    """Each process as it stands when all have settled, at the latest after `wait_s`; and whether it has."""
    clock = SystemClock()
    ends_ms = clock.awake_ms() + wait_s * 1000
    while True:
        now = {one.process: one for one in supervision.status().replicas}
        pairs = [(one, now.get(one.process, one)) for one in before]
        if all(has_settled(*pair) for pair in pairs) or clock.awake_ms() >= ends_ms:
            return [(pair[1], has_settled(*pair)) for pair in pairs]
        time.sleep(_LOOK_S)


def _report(settings: Settings, settled: Sequence[tuple[ReplicaRecord, bool]], is_asked_only: bool) -> int:
    if settings.is_json:
        print_json([one for one, _ in settled])
    elif not settled:
        remark(f"no workers in {str(settings.paths.workers)!r}")
    else:
        for one, _ in settled:
            say(_line(one))
    has_failed = any(not is_settled or one.state in _NOT_COMING_UP for one, is_settled in settled)
    return ExitCode.FAILED if has_failed and not is_asked_only else ExitCode.DONE


def _line(one: ReplicaRecord) -> str:
    detail = one.exit_text or ("" if one.pid is None else f"pid {one.pid}")
    return f"{one.process}: {one.state.word.lower()}" + (f" ({detail})" if detail else "")
