"""`retry`, `run-now`, `cancel`, `delete`, `restore`: the same operations that the window's buttons call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import say, say_error
from pqdesk.cli.options import Chosen, ids_or_filter
from pqdesk.cli.settings import Settings, pass_settings, require_workspace
from pqdesk.cli.tables import count_of

if TYPE_CHECKING:
    from pqdesk.messages.records import Outcome

_dry_run = click.option("--dry-run", is_flag=True, help="Only tell how many it would be.")


@command("retry", has_json=True)
@ids_or_filter
@_dry_run
@pass_settings
def retry_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Put messages back to ready. For failed, retrying, cancelled and completed ones."""
    return _act(settings, "retry", chosen, dry_run, "back to ready")


@command("run-now", has_json=True)
@ids_or_filter
@_dry_run
@pass_settings
def run_now_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Make scheduled messages ready now."""
    return _act(settings, "run_now", chosen, dry_run, "ready now")


@command("cancel", has_json=True)
@ids_or_filter
@_dry_run
@pass_settings
def cancel_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Cancel unfinished messages. The handler of a running one is asked to stop."""
    return _act(settings, "cancel", chosen, dry_run, "cancelled")


@command("delete", has_json=True)
@ids_or_filter
@_dry_run
@pass_settings
def delete_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Move messages to the trash. For 7 days 'restore' takes them back. Running ones stay."""
    return _act(settings, "delete", chosen, dry_run, "in the trash")


@command("restore", has_json=True)
@ids_or_filter
@_dry_run
@pass_settings
def restore_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Take messages back from the trash."""
    return _act(settings, "restore", chosen, dry_run, "restored")


def _act(settings: Settings, action: str, chosen: Chosen, is_dry_run: bool, done: str) -> int:
    from pqdesk.workspace import Workspace

    require_workspace(settings)
    with Workspace(settings.paths.root) as workspace:
        operation: Callable[..., Outcome] = getattr(workspace, action)
        outcome = operation(chosen.ids, **chosen.filters, dry_run=is_dry_run)
    report(outcome, done, is_dry_run=is_dry_run, is_json=settings.is_json)
    return ExitCode.FAILED if outcome.errors else ExitCode.DONE


def report(outcome: Outcome, done: str, *, is_dry_run: bool, is_json: bool) -> None:
    """What an action did, in one line and one more per error; nothing to do is no error."""
    if is_json:
        print_json(outcome)
        return
    messages = count_of(outcome.done, "message")
    text = f"{messages} would be {done}" if is_dry_run else f"{messages} {done}"
    if outcome.skipped:
        text += f", {outcome.skipped:,} left as they are: their state does not allow it"
    say(text)
    for error in outcome.errors:
        say_error(error)
