"""`activity`, `undo`, `redo`, `look-only`, `secure-delete`: what people did, and back; what holds for a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pqdesk.cli import acting
from pqdesk.cli.command import command
from pqdesk.cli.json_output import tell, tell_all
from pqdesk.cli.lines import remark
from pqdesk.cli.settings import (
    Settings,
    opened_inspection,
    opened_workspace,
    pass_inspection,
    pass_settings,
    pass_workspace,
)
from pqdesk.cli.tables import Cell, Column, when

if TYPE_CHECKING:
    from pqdesk.messages.activities import ActivityRecord
    from pqdesk.storage.looking import Inspection
    from pqdesk.workspace import Workspace

_PEOPLE = {True: "people may only look; work goes on", False: "people may look and act"}
_COLUMNS = (
    Column("ID", is_number=True), Column("When"), Column("Who", is_flexible=True), Column("Done", is_number=True),
    Column("Skipped", is_number=True, is_optional=True), Column("Undo"), Column("Command", is_flexible=True),
)  # fmt: skip


@command("activity", has_json=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, metavar="N", help="At most so many; 50.")
@click.option("--before", type=click.IntRange(1), metavar="ID", help="Those before this one.")
@click.option("--about", type=click.IntRange(1), metavar="ID", help="Those that changed this message, for 30 days.")
@pass_inspection
@pass_settings
def activity_command(
    settings: Settings, inspection: Inspection, limit: int, before: int | None, about: int | None
) -> None:
    """List what people did, newest first.

    Each line tells who did it and the command that does the same. 'undo' takes it back where Undo says yes.
    """
    records = inspection.activity(limit=limit, before=before, about=about)
    tell_all(settings, records, _COLUMNS, _row, "nothing was done yet")
    if len(records) == limit and not settings.is_json:
        remark(f"older ones: --before {records[-1].id}")


@command("undo", has_json=True)
@click.argument("id", required=False, type=click.IntRange(1), metavar="[ID]")
@pass_settings
def undo_command(settings: Settings, id: int | None) -> int:
    """Take back what an activity did.

    Without ID it is the newest of yours. Each message goes back to where it was, unless a worker or somebody else has
    had it since. 'activity' lists the ids; what a command did it tells, too. An undo can be undone.
    """
    return acting.act(
        settings, "put back", lambda workspace, on_progress: workspace.undo(id, on_progress=on_progress), unit="change"
    )


@command("redo", has_json=True)
@pass_settings
def redo_command(settings: Settings) -> int:
    """Do again what was undone last.

    If you have done nothing else since.
    """
    return acting.act(
        settings, "done again", lambda workspace, on_progress: workspace.redo(on_progress=on_progress), unit="change"
    )


@command("look-only", has_json=True)
@click.argument("switch", required=False, type=click.Choice(["on", "off"]), metavar="[on|off]")
@pass_settings
def look_only_command(settings: Settings, switch: str | None) -> None:
    """Tell or set whether people may only look.

    While it is on, the window, commands and programs cannot put, pause, configure, act on messages, or change, start
    and stop workers (exit code 4). Workers, schedules and what they put go on.
    """
    if switch is not None:
        with opened_workspace(settings) as workspace:
            workspace.look_only = switch == "on"
        is_on = switch == "on"
    else:
        with opened_inspection(settings) as inspection:
            is_on = inspection.is_look_only()
    tell(settings, {"look_only": is_on}, _PEOPLE[is_on])


@command("secure-delete", has_json=True)
@click.argument("switch", required=False, type=click.Choice(["on", "off"]), metavar="[on|off]")
@pass_workspace
@pass_settings
def secure_delete_command(settings: Settings, workspace: Workspace, switch: str | None) -> None:
    """Tell or set whether what is deleted is overwritten.

    While it is on, what retention and 'purge' delete for good is overwritten in the file at once; 'trash --empty' does
    so always.
    """
    if switch is not None:
        workspace.secure_delete = switch == "on"
    is_on = workspace.secure_delete
    how = "is overwritten" if is_on else "waits to be overwritten"
    tell(settings, {"secure_delete": is_on}, f"what is deleted for good {how}")


def _row(record: ActivityRecord) -> list[str | Cell]:
    undo = "yes" if record.can_be_undone else "no"
    if record.undone_by is not None:
        undo = f"undone by {record.undone_by}"
    return [
        str(record.id), when(record.at), record.actor, f"{record.done:,}",
        f"{record.skipped:,}" if record.skipped else "", undo, record.command,
    ]  # fmt: skip
