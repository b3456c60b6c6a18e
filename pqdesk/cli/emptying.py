"""`purge` and `trash`: what cannot be taken back asks first on a terminal, and elsewhere wants --yes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli import acting
from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.exits import Refused
from pqdesk.cli.json_output import tell_all
from pqdesk.cli.lines import remark
from pqdesk.cli.options import Chosen, chosen_from, filter_options, filters_given, queue_and_filter_options
from pqdesk.cli.settings import Settings, opened_inspection, pass_settings, require_workspace
from pqdesk.cli.tables import Cell, Column, when
from pqdesk.errors import InvalidInput, NotFound
from pqdesk.messages.counting import counted
from pqdesk.messages.masking import masked_text
from pqdesk.messages.selection import Field, Is, Selection, Term

if TYPE_CHECKING:
    from pqdesk.messages.records import Counts, MessageRecord

_TRASH_COLUMNS = (
    Column("ID", is_number=True), Column("Queue"), Column("State"), Column("Type", is_optional=True),
    Column("Enqueued"), Column("Payload", is_flexible=True),
)  # fmt: skip
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@command("purge", has_json=True)
@click.argument("queue", shell_complete=complete_queue)
@filter_options
@_yes
@acting.dry_run
@pass_settings
def purge_command(settings: Settings, queue: str, yes: bool, dry_run: bool, **given: Any) -> int:
    """Empty QUEUE, but for what runs.

    Below 100,000 messages they go to the trash, and 'undo' brings them back; more are deleted for good.
    """
    filters = filters_given(queue=None, **given)
    if not dry_run and not yes:
        _ask_for_name(settings, queue)
    return acting.act(
        settings,
        "purged",
        lambda workspace, on_progress: workspace.purge(
            queue=queue, **filters, dry_run=dry_run, on_progress=on_progress
        ),
        is_dry_run=dry_run,
    )


@command("trash", has_json=True)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@queue_and_filter_options
@click.option("--empty", is_flag=True, help="Delete for good what is there: all of it, these ids, or what matches.")
@_yes
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, metavar="N", help="At most so many; 100.")
@click.option("--before", type=click.IntRange(1), metavar="ID", help="Those below this id.")
@acting.dry_run
@pass_settings
def trash_command(
    settings: Settings,
    ids: tuple[str, ...],
    empty: bool,
    yes: bool,
    limit: int,
    before: int | None,
    dry_run: bool,
    **given: Any,
) -> int:
    """List the trash, newest first, or empty it.

    What was deleted stays there for 7 days; 'restore' takes it back.
    """
    chosen = chosen_from(ids, filters_given(**given), is_needed=False)
    if not empty:
        _list(settings, chosen, limit, before)
        return 0
    if not dry_run and not yes:
        _ask(settings)
    return acting.act_on(settings, "empty_trash", "deleted for good", chosen, dry_run, is_for_good=True)


def _list(settings: Settings, chosen: Chosen, limit: int, before: int | None) -> None:
    from dataclasses import replace

    from pqdesk.queues.operations import select
    from pqdesk.storage.looking import PageRequest

    require_workspace(settings)
    selection: Selection = replace(select(**chosen.filters), is_trashed=True)
    if chosen.ids is not None:
        selection = replace(selection, terms=(Term(Field.ID, tuple(map(Is, chosen.ids))),))
    with opened_inspection(settings) as inspection:
        found = inspection.page(PageRequest(selection=selection, before=before, limit=limit))
    records = [replace(one, payload_preview=masked_text(one.payload_preview)) for one in found]
    nothing = "nothing in the trash matches" if chosen.filters or chosen.ids else "the trash is empty"
    tell_all(settings, records, _TRASH_COLUMNS, _row, nothing)
    if len(records) == limit and not settings.is_json:
        remark(f"{counted(limit, 'message')} shown; older ones: --before {records[-1].id}")


def _row(record: MessageRecord) -> list[str | Cell]:
    return [
        str(record.id), record.queue, record.state.word, record.type or "", when(record.enqueued_at),
        record.payload_preview,
    ]  # fmt: skip


def _ask_for_name(settings: Settings, queue: str) -> None:
    """Raise unless the queue's name is typed."""
    _refuse_without_terminal("purging")
    with opened_inspection(settings) as inspection:
        found = {one.name: one.counts for one in inspection.queues()}
    if queue not in found:
        raise NotFound(f"there is no queue {queue!r}; see: {settings.command} queues")
    remark(f"queue {queue} has {_split(found[queue])}")
    if click.prompt("Type the queue's name to purge it", default="", show_default=False, err=True) != queue:
        raise Refused("that is not the queue's name; nothing was purged")


def _ask(settings: Settings) -> None:
    _refuse_without_terminal("emptying the trash")
    require_workspace(settings)
    if not click.confirm("Delete for good? This cannot be undone.", err=True):
        raise Refused("nothing was deleted")


def _refuse_without_terminal(what: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidInput(f"{what} wants --yes where there is nobody to ask; nothing changed")


def _split(counts: Counts) -> str:
    """`3 ready, 1 running (it stays)`."""
    words = []
    for state in ("scheduled", "ready", "retrying", "completed", "failed", "cancelled", "running"):
        number = getattr(counts, state)
        if number:
            words.append(f"{number:,} {state}" + (" (left as they are)" if state == "running" else ""))
    return ", ".join(words) or "no messages"
