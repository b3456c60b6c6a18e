"""`errors` and `metrics`: what has happened, also to messages that are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.json_output import print_json, tell_all
from pqdesk.cli.lines import remark
from pqdesk.cli.options import DURATION
from pqdesk.cli.settings import Settings, pass_inspection, pass_settings, require_queue
from pqdesk.cli.tables import Cell, Column, when
from pqdesk.errors import InvalidInput
from pqdesk.messages.durations import format_duration
from pqdesk.messages.looking import ErrorRecord, MetricRecord
from pqdesk.messages.plain_json import plain

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection

_ERROR_COLUMNS = (
    Column("ID", is_number=True), Column("Queue", is_flexible=True, is_optional=True),
    Column("Count", is_number=True), Column("Type", is_flexible=True, is_optional=True),
    Column("Message", is_flexible=True), Column("First"), Column("Last"),
    Column("Example", is_number=True, is_optional=True),
)  # fmt: skip
_METRIC_COLUMNS = (
    Column("From"),
    *(Column(title, is_number=True) for title in ("Put", "Completed", "Failed", "Retried")),
    *(Column(title, is_number=True, is_optional=True) for title in ("Waited", "(95 %)", "Ran", "(95 %) ")),
)


@command("errors", has_json=True)
@click.argument("queue", required=False, shell_complete=complete_queue)
@pass_inspection
@pass_settings
def errors_command(settings: Settings, inspection: Inspection, queue: str | None) -> None:
    """List the kinds of errors, the newest first.

    Of QUEUE or of all queues.

    Errors that differ only in numbers, ids, paths and quoted text are one kind. Its messages are those that the filter
    error:#ID selects: pqdesk retry --where 'error:#12 state:failed'.
    """
    require_queue(settings, inspection, queue)
    found = inspection.errors(queue)
    tell_all(settings, found, _ERROR_COLUMNS, lambda one: _error_row(one, has_queue=queue is None), "no errors")
    if found and not settings.is_json:
        remark(f"the messages of one: {settings.command} messages --where error:#{found[0].id}")


@command("metrics", has_json=True)
@click.argument("queue", required=False, shell_complete=complete_queue)
@click.option("--since", type=DURATION, default="1h", show_default=True, metavar="DURATION", help="How far back.")
@click.option("--step", type=DURATION, default="5m", show_default=True, metavar="DURATION", help="A row for each.")
@click.option("--type", "type_", metavar="TEXT", help="Only messages of this type.")
@pass_inspection
@pass_settings
def metrics_command(
    settings: Settings, inspection: Inspection, queue: str | None, since: float, step: float, type_: str | None
) -> None:
    """Tell what was put, completed and failed.

    And retried, per step of time, and how long it waited and ran.

    Of QUEUE or of all queues together. Kept by the minute for two days, then by the hour for 400 days.
    """
    require_queue(settings, inspection, queue)
    if step != int(step):
        raise InvalidInput(f"step must be whole minutes, got {step} s")
    now = datetime.now(UTC)
    found = inspection.metrics(
        queue, type_, since=now - timedelta(seconds=since), until=now + timedelta(seconds=1), step_s=int(step)
    )
    if settings.is_json:
        print_json([_with_quantiles(one) for one in found])
    else:
        nothing = f"nothing happened within {format_duration(since)}"
        tell_all(settings, found, _METRIC_COLUMNS, _metric_row, nothing)


def _error_row(one: ErrorRecord, *, has_queue: bool) -> list[str | Cell]:
    return [
        f"#{one.id}",
        one.queue if has_queue else "",
        f"{one.count:,}",
        Cell(one.type, "red"),
        one.message,
        when(one.first_at),
        when(one.last_at),
        "" if one.example_id is None else str(one.example_id),
    ]


def _metric_row(one: MetricRecord) -> list[str | Cell]:
    times = (one.waited.p50_s, one.waited.p95_s, one.ran.p50_s, one.ran.p95_s)
    return [
        when(one.at),
        *(f"{count:,}" if count else "" for count in (one.put, one.completed, one.failed, one.retried)),
        *("" if seconds is None else format_duration(seconds) for seconds in times),
    ]


def _with_quantiles(one: MetricRecord) -> dict[str, Any]:
    """The record as JSON, each histogram with what is mostly wanted of it."""
    values: dict[str, Any] = plain(one)
    for name, histogram in (("waited", one.waited), ("ran", one.ran)):
        values[name] |= {"p50_s": histogram.p50_s, "p95_s": histogram.p95_s, "p99_s": histogram.p99_s}
    return values
