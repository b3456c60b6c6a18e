"""`schedules`, `add-schedule` and what else is done to them: messages put again and again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue, complete_schedule
from pqdesk.cli.json_output import print_json, tell, tell_all
from pqdesk.cli.lines import remark, result_of, say
from pqdesk.cli.options import DURATION, FORM, HEADER, SECONDS, check_cron, no_mask
from pqdesk.cli.payloads import given_payload
from pqdesk.cli.settings import Settings, opened_inspection, opened_workspace, pass_settings, pass_workspace
from pqdesk.cli.tables import Cell, Column, Row, print_table, when
from pqdesk.errors import NotFound
from pqdesk.messages.durations import format_duration
from pqdesk.messages.masking import masked
from pqdesk.messages.plain_json import json_text
from pqdesk.messages.written import RULE, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from pqdesk.messages.records import ScheduleRecord
    from pqdesk.workspace import Workspace

_COLUMNS = (
    Column("Schedule", is_flexible=True), Column("Queue", is_flexible=True), Column("When"),
    Column("Missed", is_optional=True), Column("Next"), Column("Last", is_optional=True),
    Column("Message", is_number=True, is_optional=True), Column("Skipped", is_number=True, is_optional=True),
    Column("Payload", is_flexible=True),
)  # fmt: skip
_RUN_COLUMNS = (Column("Next"), Column("Time zone"), Column("", is_flexible=True, is_optional=True))


@command("schedules", has_json=True)
@click.argument("name", required=False, shell_complete=complete_schedule)
@click.option("--next", "count", type=click.IntRange(1, 1000), metavar="N", help="Show the next N runs; 10 with NAME.")
@click.option("--cron", metavar="FIELDS", help="Only show when this expression would run; needs no workspace.")
@SECONDS
@click.option("--timezone", metavar="ZONE", help="With --cron: 'Europe/Berlin'; else the machine's.")
@no_mask
@pass_settings
def schedules_command(
    settings: Settings,
    name: str | None,
    count: int | None,
    cron: str | None,
    seconds: bool | None,
    timezone: str | None,
    is_unmasked: bool,
) -> None:
    """List what is put again and again.

    With NAME, the next runs of that schedule.
    """
    check_cron(cron, seconds)
    if cron is not None:
        _show_runs(settings, cron, timezone, count or 10)
        return
    if timezone is not None:
        raise click.UsageError("--timezone goes with --cron", click.get_current_context())
    with opened_inspection(settings) as inspection:
        records = inspection.schedules()
    if not is_unmasked:
        records = tuple(map(_masked, records))
    if name is not None:
        records = tuple(one for one in records if one.name == name)
        if not records:
            raise NotFound(f"there is no schedule {name!r}; see: {settings.command} schedules")
    if count is not None or name is not None:
        for one in records:
            _show_runs(settings, one.cron or one.every or 0.0, one.timezone, count or 10, of=one)
    else:
        nothing = f"no schedules; add one: {settings.command} add-schedule NAME QUEUE PAYLOAD --every 5m"
        tell_all(settings, records, _COLUMNS, _row, nothing)


def _masked(record: ScheduleRecord) -> ScheduleRecord:
    return replace(record, payload=masked(record.payload), headers=masked(record.headers))


def _show_runs(
    settings: Settings, expression: str | float, timezone: str | None, count: int, of: ScheduleRecord | None = None
) -> None:
    from pqdesk.messages.schedules import next_runs

    after = None if of is None or of.every is None else of.next_at  # an interval goes on from there
    runs = next_runs(expression, timezone, count, after=after)
    if settings.is_json:
        print_json(runs)
        return
    if of is not None and not of.is_enabled:
        remark(f"schedule {of.name} is disabled; it would run:")
    print_table(_RUN_COLUMNS, [(f"{run.at:%Y-%m-%d %H:%M:%S}", f"{run.at:%Z}", run.note) for run in runs])


def _row(record: ScheduleRecord) -> Row:
    next_run = Cell("disabled", "dim") if not record.is_enabled else Cell(when(record.next_at) or "never", "")
    return [
        record.name,
        record.queue,
        _plan(record),
        record.missed,
        next_run,
        when(record.last_at),
        "" if record.last_message_id is None else str(record.last_message_id),
        f"{record.skipped:,}" if record.skipped else "",
        _preview(record.payload),
    ]


def _plan(record: ScheduleRecord) -> str:
    if record.every is not None:
        return f"every {format_duration(record.every)}"
    return f"{record.cron} {record.timezone or 'local'}"


def _preview(payload: Any) -> str:
    text = payload.hex() if isinstance(payload, bytes) else payload if isinstance(payload, str) else json_text(payload)
    return text[:80]


@command("add-schedule", has_json=True)
@click.argument("name")
@click.argument("queue", shell_complete=complete_queue)
@click.argument("payload", required=False)
@click.option("--every", type=DURATION, metavar="DURATION", help="At once, and then so often.")
@click.option("--cron", metavar="FIELDS", help="At these times: '*/10 * * * *'.")
@SECONDS
@click.option("--timezone", metavar="ZONE", help="For --cron: 'Europe/Berlin'; else that of this shell.")
@click.option(
    "--missed",
    type=click.Choice(["once", "skip", "all"]),
    default="once",
    help="Runs that nobody was there to make: one late run (the default), none, or each (at most 1,000).",
)
@click.option("--as", "form", type=FORM, help=f"What the payload is; {RULE}")
@click.option("--type", metavar="TEXT", help="What kind of work it is.")
@click.option("--priority", type=int, default=0, metavar="N", help="Higher goes first; 0 by default.")
@click.option("--key", metavar="TEXT", help="Skip a run while the message of an earlier one is unfinished.")
@click.option("--group", metavar="TEXT", help="Messages of one group run one at a time.")
@click.option("--max-attempts", type=int, metavar="N", help="Deliveries before it counts as failed.")
@click.option("--header", "headers", type=HEADER, multiple=True, metavar="K=V", help="A header; may be repeated.")
@click.option("--disabled", is_flag=True, help="Keep it, but let it rest until enable-schedule.")
@pass_settings
def add_schedule_command(
    settings: Settings,
    name: str,
    queue: str,
    payload: str | None,
    form: Form | None,
    seconds: bool | None,
    headers: tuple[tuple[str, str], ...],
    disabled: bool,
    **options: Any,
) -> None:
    """Put PAYLOAD into QUEUE again and again.

    Any process that waits or works in the workspace does it, each run once. PAYLOAD is null when left out, and comes
    from standard input when it is '-'.
    """
    if (options["every"] is None) == (options["cron"] is None):
        raise click.UsageError("give either --every or --cron", click.get_current_context())
    check_cron(options["cron"], seconds)
    value = None if payload is None else given_payload(payload, form)
    with opened_workspace(settings, makes=True) as workspace:
        record = workspace.add_schedule(
            name, queue, value, headers=dict(headers) or None, enabled=not disabled, **options
        )
    tell(settings, _masked(record), f"schedule {name} is added; {_what_is_next(record)}")


def _changing(name: str, text: str, tell: Callable[[ScheduleRecord], str]) -> click.Command:
    """A command that does to a schedule what its name says, as the Workspace's method, and tells how that is then."""

    @command(name, help=text)
    @click.argument("schedule", metavar="NAME", shell_complete=complete_schedule)
    @pass_workspace
    def change(workspace: Workspace, schedule: str) -> None:
        say(f"schedule {schedule} {tell(getattr(workspace, name.replace('-', '_'))(schedule))}")

    return change


remove_schedule_command = _changing(
    "remove-schedule", "Put nothing more by schedule NAME.\n\nWhat it has put stays.", lambda _: "is removed"
)
enable_schedule_command = _changing(
    "enable-schedule", "Let schedule NAME run again, from now on.", lambda record: f"goes on; {_what_is_next(record)}"
)
disable_schedule_command = _changing(
    "disable-schedule", "Let schedule NAME rest.\n\nWhat is due meanwhile is not missed.", lambda _: "rests"
)


@command("run-schedule")
@click.argument("name", shell_complete=complete_schedule)
@pass_workspace
def run_schedule_command(workspace: Workspace, name: str) -> None:
    """Put the message of schedule NAME now.

    It is beside its plan; the id is printed.
    """
    message_id = workspace.run_schedule(name)
    with result_of(f"message {message_id} is put"):
        print(message_id)


def _what_is_next(record: ScheduleRecord) -> str:
    return "it rests" if record.next_at is None else f"next run: {when(record.next_at)}"
