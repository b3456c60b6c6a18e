"""`workers`: what supervisord keeps running for this workspace, and how it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark
from pqdesk.cli.settings import Settings, pass_settings, require_workspace_or_workers
from pqdesk.cli.tables import Cell, Column, print_table
from pqdesk.clock import SystemClock, to_datetime
from pqdesk.errors import NotFound, PQDeskError
from pqdesk.messages.durations import format_duration
from pqdesk.messages.masking import masked_text
from pqdesk.messages.plain_json import plain
from pqdesk.services.health import look, needs_of
from pqdesk.services.why import cause_of
from pqdesk.services.workers import Supervision, workers_of
from pqdesk.supervision.records import ReplicaRecord, WorkerState

if TYPE_CHECKING:
    from pqdesk.supervision.processes.usage import Usage
    from pqdesk.supervision.records import SupervisionStatus

WORKER_COLUMNS = (
    Column("Worker", is_flexible=True), Column("State"), Column("Pid", is_number=True),
    Column("Up for", is_number=True), Column("CPU", is_number=True, is_optional=True),
    Column("Memory", is_number=True, is_optional=True), Column("Restarts", is_optional=True),
    Column("Last exit", is_optional=True), Column("Description", is_flexible=True),
)  # fmt: skip
WORKER_STYLES = {
    WorkerState.STOPPED: "dim",
    WorkerState.STARTING: "blue",
    WorkerState.RUNNING: "green",
    WorkerState.STOPPING: "blue",
    WorkerState.EXITED: "yellow",
    WorkerState.BACKING_OFF: "yellow",
    WorkerState.CRASH_LOOPING: "bold red",
    WorkerState.FAILED_TO_START: "bold red",
    WorkerState.UNKNOWN: "dim",
}
ALL = "all"

_SAMPLE_S = 0.25  # between the two looks that CPU is told from


@command("workers", has_json=True)
@click.option("--fail-if-any", "is_failing", is_flag=True, help="Exit 1 if any needs somebody: for cron and scripts.")
@pass_settings
def workers_command(settings: Settings, is_failing: bool) -> int:
    """List the workers, each process with its state.

    CPU is that of one core, memory what is resident, both with children; restarts are those of the last hour and all.
    """
    require_workspace_or_workers(settings)
    status = workers_of(settings.paths).status()
    usage = _usage(status)
    code = ExitCode.FAILED if is_failing and any(one.is_in_trouble for one in status.replicas) else ExitCode.DONE
    if settings.is_json:
        print_json([_object(one, usage.get(one.process)) for one in status.replicas])
        return code
    if status.replicas:
        print_table(WORKER_COLUMNS, [worker_row(one, usage.get(one.process)) for one in status.replicas])
    else:
        remark(f"no workers in {str(settings.paths.workers)!r}; add one with: {settings.command} add-worker NAME")
    for one in status.replicas:
        cause = _cause(one)
        if cause:
            remark(f"{one.process}: {cause}; see: {settings.command} logs {one.process} --stderr")
    for text in (*daemon_remarks(settings, status), *_needs(settings, status)):
        remark(text)
    return code


def _needs(settings: Settings, status: SupervisionStatus) -> Iterator[str]:
    """What workers need beyond what their rows say: queues that nobody serves, folders that are gone."""
    try:
        needs = needs_of(look(settings.paths, status=status))
    except PQDeskError:
        return  # workers can be looked at also beside a damaged queue file
    processes = {one.process for one in status.replicas}
    for need in needs:
        if need.kind in ("queue", "folder", "orphan", "worker") and need.subject not in processes:
            yield f"{need.sentence}; {need.todo}".replace("pqdesk ", f"{settings.command} ")


def worker_row(one: ReplicaRecord, usage: Usage | None = None) -> list[str | Cell]:
    """The row of a process, as the list and the live view have it."""
    return [
        one.process,
        Cell(one.state.word, WORKER_STYLES[one.state]),
        "" if one.pid is None else str(one.pid),
        "" if one.uptime_s is None else format_duration(one.uptime_s),
        "" if usage is None or usage.cpu_percent is None else f"{usage.cpu_percent:.0f} %",
        "" if usage is None else f"{usage.memory_bytes / 1024**2:,.0f} MiB",
        f"{one.restarts_last_hour} / {one.restarts_total}" if one.restarts_total else "",
        _last_exit(one),
        one.exit_text or _purpose(one),
    ]


def _usage(status: SupervisionStatus) -> Mapping[str, Usage]:
    if all(one.pid is None for one in status.replicas):
        return {}
    from pqdesk.supervision.processes.usage import UsageReader

    reader = UsageReader()
    reader.read(status.replicas)
    time.sleep(_SAMPLE_S)
    return reader.read(status.replicas)


def _object(one: ReplicaRecord, usage: Usage | None) -> dict[str, object]:
    found: dict[str, object] = plain(replace(one, command=masked_text(one.command)))
    found["cpu_percent"] = None if usage is None or usage.cpu_percent is None else round(usage.cpu_percent, 1)
    found["memory_bytes"] = None if usage is None else usage.memory_bytes
    found["likely_cause"] = _cause(one) or None
    return found


def _cause(one: ReplicaRecord) -> str:
    """Why it does not stay up, in words; empty while it does, or without an idea."""
    return cause_of(one) if one.state.is_in_trouble else ""


def _last_exit(one: ReplicaRecord) -> str:
    """`code 1, 4 min 10 s ago`."""
    if one.last_exit is None:
        return ""
    ago_s = (_now() - one.last_exit.at).total_seconds()
    return f"{one.last_exit.text}, {format_duration(max(1.0, ago_s))} ago"


def _now() -> datetime:
    return to_datetime(SystemClock().wall_us())


def _purpose(one: ReplicaRecord) -> str:
    """What it is for; supervisord's own description only repeats pid and uptime."""
    queues = ", ".join(one.queues)
    if one.kind == "consumer":
        return f"consumes {queues}"
    return f"produces into {queues}" if one.kind == "producer" else masked_text(one.command)


def daemon_remarks(settings: Settings, status: SupervisionStatus) -> list[str]:
    """What there is to say about supervisord, if anything."""
    if status.problem is not None:
        return [f"supervisord: {status.problem}"]
    if not status.is_running and status.replicas:
        return [f"supervisord is {status.state_word}; start it and the workers with: {settings.command} start all"]
    if status.is_outdated:
        way_out = f"{settings.command} restart all --supervisord"
        return [f"supervisord was started by PQDesk {status.version}; bring it up to date with: {way_out}"]
    return []


def replicas_named(settings: Settings, supervision: Supervision, name: str) -> list[ReplicaRecord]:
    """The processes of the worker, or the process, called `name`; all of them for `all`. Raises NotFound."""
    require_workspace_or_workers(settings)
    replicas = supervision.status().replicas
    found = [one for one in replicas if name in (ALL, one.worker, one.process, one.address)]
    if found or name == ALL:
        return found
    names = ", ".join(dict.fromkeys(one.worker for one in replicas))
    there = f"the workers are {names}" if names else "this workspace has none"
    raise NotFound(f"there is no worker {name!r}; {there}")
