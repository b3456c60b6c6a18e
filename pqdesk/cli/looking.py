"""`queues` and `messages`: lists, over a connection that only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark
from pqdesk.cli.options import ID, filter_options
from pqdesk.cli.settings import Settings, pass_inspection, pass_settings
from pqdesk.cli.styles import STATE_STYLES
from pqdesk.cli.tables import Cell, Column, count_of, print_table, when
from pqdesk.errors import NotFound
from pqdesk.messages.records import MessageRecord, QueueRecord
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.queues.operations import select
from pqdesk.storage.contract import PageRequest

if TYPE_CHECKING:
    from pqdesk.storage.contract import Inspection

_PAGE_SIZE = 1000
QUEUE_COLUMNS = (Column("Queue", is_flexible=True), *(Column(one.word.capitalize(), is_number=True) for one in State))
_MESSAGE_COLUMNS = (
    Column("Id", is_number=True),
    Column("Queue", is_flexible=True, is_optional=True),
    Column("State"),
    Column("Type", is_flexible=True, is_optional=True),
    Column("Attempt", is_number=True),
    Column("Enqueued"),
    Column("Due", is_optional=True),
    Column("Payload", is_flexible=True),
    Column("Error", is_flexible=True, is_optional=True),
)


@command("queues", has_json=True)
@pass_inspection
@pass_settings
def queues_command(settings: Settings, inspection: Inspection) -> None:
    """List the queues, with their messages per state."""
    records = inspection.queues()
    if settings.is_json:
        print_json(records)
    elif records:
        print_table(QUEUE_COLUMNS, [queue_row(record) for record in records])
    else:
        remark(f"no queues yet; put a message: {settings.command} put QUEUE PAYLOAD")


def queue_row(record: QueueRecord) -> list[str | Cell]:
    """The row of a queue, as the list and the live view have it."""
    name = f"{record.name} (paused)" if record.is_paused else record.name
    numbers = ((state, record.counts.of(state)) for state in State)
    return [name, *(Cell(f"{number:,}", STATE_STYLES[state] if number else "dim") for state, number in numbers)]


@command("messages", has_json=True)
@click.argument("queue", required=False)
@filter_options
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many.")
@click.option("--before", type=ID, metavar="ID", help="Only older ones than this: the next page.")
@pass_inspection
@pass_settings
def messages_command(
    settings: Settings, inspection: Inspection, queue: str | None, limit: int, before: int | None, **filters: Any
) -> None:
    """List messages, newest first: of QUEUE or of all queues."""
    if queue is not None and queue not in {record.name for record in inspection.queues()}:
        raise NotFound(f"there is no queue {queue!r}; see: {settings.command} queues")
    selection = select(
        queue=queue,
        state=filters["state"],
        type=filters["type_"],
        search=filters["search"],
        where=filters["where"],
    )
    records = _pages(inspection, selection, limit, before)
    if settings.is_json:
        print_json(records)
        return
    if not records:
        remark("no messages match" if any(filters.values()) else "no messages")
        return
    print_table(_MESSAGE_COLUMNS, [_message_row(record, has_queue=queue is None) for record in records])
    if len(records) == limit:
        remark(f"{count_of(limit, 'message')} shown; older ones: --before {records[-1].id}")


def _pages(inspection: Inspection, selection: Selection, limit: int, before: int | None) -> list[MessageRecord]:
    """Up to `limit` messages, read in pages: a long reader would keep the file from being tidied."""
    found: list[MessageRecord] = []
    while len(found) < limit:
        size = min(_PAGE_SIZE, limit - len(found))
        page = inspection.page(PageRequest(selection=selection, before=before, limit=size))
        found.extend(page)
        if len(page) < size:
            break
        before = page[-1].id
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
