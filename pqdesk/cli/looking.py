"""`queues` and `messages`: lists, over a connection that only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import tell_all
from pqdesk.cli.lines import remark
from pqdesk.cli.options import ID, fail_if_any, filter_options, no_mask
from pqdesk.cli.settings import Settings, pass_inspection, pass_settings, require_queue
from pqdesk.cli.tables import Cell, Column, when
from pqdesk.messages.counting import counted
from pqdesk.messages.durations import format_duration
from pqdesk.messages.looking import SORTS, SortName, cursor_of
from pqdesk.messages.masking import masked_text
from pqdesk.messages.records import Counts, MessageRecord, QueueRecord
from pqdesk.messages.states import QueueWord, State
from pqdesk.queues.operations import select
from pqdesk.storage.looking import PageRequest

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection

# The colours of states in a terminal, as rich names them. NO_COLOR takes them away; the words stay.
STATE_STYLES = {
    State.SCHEDULED: "cyan",
    State.READY: "",
    State.RUNNING: "blue",
    State.RETRYING: "yellow",
    State.COMPLETED: "green",
    State.FAILED: "bold red",
    State.CANCELLED: "dim",
}
QUEUE_STYLES = {
    QueueWord.WORKING: "green",
    QueueWord.IDLE: "dim",
    QueueWord.PAUSED: "yellow",
    QueueWord.STALLED: "bold red",
    QueueWord.NO_WORKER: "bold red",
}

_PAGE_SIZE = 1000
_LARGEST_SORTED = 10_000
_SORT_HELP = f"The order: {', '.join(SORTS)}. Most need a filter that leaves at most 10,000."
QUEUE_COLUMNS = (Column("Queue", is_flexible=True), *(Column(one.word.capitalize(), is_number=True) for one in State))
STATUS_COLUMN = Column("Status")
_LATELY_COLUMNS = (
    Column("Oldest ready", is_number=True, is_optional=True),
    Column("In/min", is_number=True, is_optional=True),
    Column("Out/min", is_number=True, is_optional=True),
)
_MESSAGE_COLUMNS = (
    Column("ID", is_number=True), Column("Queue", is_flexible=True, is_optional=True), Column("State"),
    Column("Type", is_flexible=True, is_optional=True), Column("Attempt", is_number=True), Column("Enqueued"),
    Column("Due", is_optional=True), Column("Payload", is_flexible=True),
    Column("Error", is_flexible=True, is_optional=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue as `queues` tells of it; per minute: of the last one."""

    name: str
    is_paused: bool
    counts: Counts
    oldest_ready_at: datetime | None
    put_per_minute: float
    completed_per_minute: float
    status: str


@command("queues", has_json=True)
@pass_inspection
@pass_settings
def queues_command(settings: Settings, inspection: Inspection) -> None:
    """List the queues, with their messages per state.

    And the age of the oldest ready one, and what comes and goes.
    """
    now = datetime.now(UTC)
    from pqdesk.services.health import look, words_of  # with all of supervision

    lines = _lines(inspection, words_of(look(settings.paths, inspection)), now)
    columns = (*QUEUE_COLUMNS, *_LATELY_COLUMNS, STATUS_COLUMN)
    nothing = f"no queues yet; put a message: {settings.command} put QUEUE PAYLOAD"
    tell_all(settings, lines, columns, lambda one: _queue_line(one, now), nothing)


def _lines(inspection: Inspection, words: Mapping[str, QueueWord], now: datetime) -> list[QueueLine]:
    from pqdesk.services.health import last_minute

    waiting, put, completed = inspection.waiting_since(), Counter[str](), Counter[str]()
    for one, share in last_minute(inspection, now):
        put[one.queue or ""] += round(one.put * share)
        completed[one.queue or ""] += round(one.completed * share)
    return [
        QueueLine(
            record.name, record.is_paused, record.counts, waiting.get(record.name),
            put[record.name], completed[record.name], words[record.name].value,
        )
        for record in inspection.queues()
        if record.name in words
    ]  # fmt: skip


def _queue_line(one: QueueLine, now: datetime) -> list[str | Cell]:
    age = "" if one.oldest_ready_at is None else format_duration((now - one.oldest_ready_at).total_seconds())
    row = queue_row(QueueRecord(one.name, one.is_paused, one.counts))
    rates = (f"{rate:,.0f}" if rate else "" for rate in (one.put_per_minute, one.completed_per_minute))
    return [*row, age, *rates, status_cell(QueueWord(one.status))]


def status_cell(word: QueueWord | None) -> Cell:
    """How a queue is; nothing for all of them together."""
    return Cell("" if word is None else word.value, "" if word is None else QUEUE_STYLES[word])


def queue_row(record: QueueRecord) -> list[str | Cell]:
    """The row of a queue, as the list and the live view have it."""
    name = f"{record.name} (paused)" if record.is_paused else record.name
    numbers = ((state, record.counts.of(state)) for state in State)
    return [name, *(Cell(f"{number:,}", STATE_STYLES[state] if number else "dim") for state, number in numbers)]


@command("messages", has_json=True)
@click.argument("queue", required=False, shell_complete=complete_queue)
@filter_options
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many.")
@click.option("--before", type=ID, metavar="ID", help="Only older ones than this: the next page.")
@click.option("--sort", type=click.Choice(SORTS), default="id", metavar="NAME", help=_SORT_HELP)
@click.option("--ascending", is_flag=True, help="The smallest, oldest or first one at the top.")
@fail_if_any
@no_mask
@pass_inspection
@pass_settings
def messages_command(
    settings: Settings,
    inspection: Inspection,
    queue: str | None,
    limit: int,
    before: int | None,
    sort: SortName,
    ascending: bool,
    is_unmasked: bool,
    is_failing: bool,
    **filters: Any,
) -> int:
    """List messages, newest first: of QUEUE or of all queues.

    --where takes the filter of the window: state:failed,retrying type:mail.send attempts:>2 age:<2h ran:>30s
    error:refused payload.to:ada@example.com -worker:mail. A blank means and, a comma or, a leading '-' not.
    """
    require_queue(settings, inspection, queue)
    filters["type"] = filters.pop("type_")
    selection = select(queue=queue, **filters)
    first = PageRequest(selection=selection, before=before, sort=sort, descending=not ascending)
    records = _pages(inspection, first, limit)
    if not is_unmasked:
        records = [replace(one, payload_preview=masked_text(one.payload_preview)) for one in records]
    nothing = "no messages match" if any(filters.values()) else "no messages"
    tell_all(settings, records, _MESSAGE_COLUMNS, lambda one: _message_row(one, has_queue=queue is None), nothing)
    if len(records) == limit and not ascending and sort in ("id", "enqueued") and not settings.is_json:
        remark(f"{counted(limit, 'message')} shown; older ones: --before {records[-1].id}")
    return ExitCode.FAILED if is_failing and records else ExitCode.DONE


def _pages(inspection: Inspection, first: PageRequest, limit: int) -> list[MessageRecord]:
    """Up to `limit` messages, read in pages: a long reader would keep the file from being tidied."""
    found: list[MessageRecord] = []
    request = first
    largest = _LARGEST_SORTED if first.sort == "ran" else _PAGE_SIZE  # no place in that order can be told
    while len(found) < limit:
        size = min(largest, limit - len(found))
        page = inspection.page(replace(request, limit=size))
        found.extend(page)
        if len(page) < size or first.sort == "ran":
            break
        request = replace(first, before=None, cursor=cursor_of(page[-1], first.sort))
    return found


def _message_row(record: MessageRecord, *, has_queue: bool) -> list[str | Cell]:
    return [
        str(record.id),
        record.queue if has_queue else "",
        Cell(record.state.word, STATE_STYLES[record.state]),
        record.type or "",
        f"{record.attempt}/{record.max_attempts}",
        when(record.enqueued_at),
        when(record.due_at) if record.state in (State.SCHEDULED, State.RETRYING) else "",
        record.payload_preview,
        Cell(record.error or "", "red"),
    ]
