"""`import`: the messages of a file are put anew, in batches, so that a stop says exactly where to go on."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, say, say_error
from pqdesk.cli.progress import progress_bar
from pqdesk.cli.put_lines import interrupt_deferred, opened
from pqdesk.cli.settings import Settings, opened_workspace, pass_settings
from pqdesk.messages.counting import counted
from pqdesk.services.transfer import FORMATS, Importer, Total, file_format, read_entries

if TYPE_CHECKING:
    from pqdesk.messages.aliases import OnConflict


@command("import", has_json=True)
@click.argument("file")
@click.option(
    "--queue",
    metavar="QUEUE",
    shell_complete=complete_queue,
    help="Put all of them into this queue, instead of those they are from.",
)
@click.option("--format", "given", type=click.Choice(FORMATS), help="Else by the name of FILE: .csv, or JSON Lines.")
@click.option("--all", "has_finished", is_flag=True, help="Put those, too, that are finished or have expired.")
@click.option(
    "--on-conflict",
    type=click.Choice(["raise", "keep", "replace"]),
    default="raise",
    help="When a key is in use: stop, leave that message out, or replace the other.",
)
@click.option("--skip-invalid", is_flag=True, help="Leave out what cannot be put, instead of stopping there.")
@click.option("--from-message", type=click.IntRange(1), default=1, metavar="N", help="The first message to put.")
@click.option("--dry-run", is_flag=True, help="Only tell how many are valid, and what is wrong with the others.")
@pass_settings
def import_command(
    settings: Settings,
    file: str,
    queue: str | None,
    given: str | None,
    has_finished: bool,
    on_conflict: OnConflict,
    skip_invalid: bool,
    from_message: int,
    dry_run: bool,
) -> int:
    """Put the messages of FILE, JSON Lines or CSV.

    As 'export' writes them; '-' is standard input. They are new messages, due when they were to be due. In batches of
    1,000, each one transaction; a message that cannot be put stops before its batch and tells how to go on.
    """
    total = Total(next_number=from_message)
    importer = Importer(total, queue, on_conflict, has_finished, is_lenient=skip_invalid or dry_run)
    form = file_format(file, given)
    try:
        with (
            opened(file) as descriptor,
            nullcontext() if dry_run else opened_workspace(settings, makes=True) as workspace,
            nullcontext(lambda lines: None) if form == "csv" else progress_bar(descriptor) as show,
        ):
            for entries in read_entries(descriptor, form, from_message, show):
                messages = importer.judged(entries)
                if workspace is not None:
                    with interrupt_deferred():  # else nobody could tell whether the batch is put
                        importer.put(messages, entries, workspace)
    except BaseException as exc:
        if not dry_run:
            exc.add_note(_standing(total, from_message))
        raise
    return _report(settings, total, is_dry_run=dry_run)


def _standing(total: Total, first: int) -> str:
    if total.next_number == first:
        return "nothing was put"
    done = f"{counted(total.put, 'message')} put"
    return f"{done}; put the rest with --from-message {total.next_number}"


def _report(settings: Settings, total: Total, *, is_dry_run: bool) -> int:
    """Tell what came of it; the exit code."""
    if settings.is_json:
        print_json(total)
    else:
        what = f"{total.valid:,} valid" if is_dry_run else f"{counted(total.put, 'message')} put"
        if total.invalid:
            what += f", {total.invalid:,} not"
        if total.finished:
            what += f"; {total.finished:,} that were finished are left out (--all puts them, too)"
        say(what)
        for problem in total.problems:
            say_error(problem)
        if total.invalid > len(total.problems):
            remark(f"and {total.invalid - len(total.problems):,} more")
    return ExitCode.FAILED if total.invalid else ExitCode.DONE
