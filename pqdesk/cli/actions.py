"""`retry`, `run-now`, `change`, `cancel`, `delete`, `restore`, `move`, `duplicate`: operations, as of the window."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli import acting
from pqdesk.cli.command import command
from pqdesk.cli.options import DURATION, FORM, INSTANT, Chosen, ids_or_filter
from pqdesk.cli.payloads import RULE, Form, given_payload
from pqdesk.cli.settings import Settings, pass_settings

if TYPE_CHECKING:
    from pqdesk.messages.aliases import OnProgress
    from pqdesk.messages.records import Outcome
    from pqdesk.workspace import Workspace


@command("retry", has_json=True)
@ids_or_filter
@acting.dry_run
@pass_settings
def retry_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Put messages back to ready. For failed, retrying, cancelled and completed ones."""
    return _act(settings, "retry", chosen, dry_run, "back to ready")


@command("run-now", has_json=True)
@ids_or_filter
@acting.dry_run
@pass_settings
def run_now_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Make scheduled messages ready now."""
    return _act(settings, "run_now", chosen, dry_run, "ready now")


@command("change", has_json=True)
@ids_or_filter
@click.option("--priority", type=click.INT, metavar="N", help="Higher goes first.")
@click.option("--delay", type=DURATION, metavar="DURATION", help="Due when this time has passed; 0 is now.")
@click.option("--at", type=INSTANT, metavar="TIME", help="Due at this time, ISO 8601; local without an offset.")
@acting.dry_run
@pass_settings
def change_command(
    settings: Settings, chosen: Chosen, priority: int | None, delay: float | None, at: datetime | None, dry_run: bool
) -> int:
    """Change priority or due time. Of scheduled, ready and retrying ones."""
    return _act(settings, "change", chosen, dry_run, "changed", priority=priority, delay=delay, at=at)


@command("cancel", has_json=True)
@ids_or_filter
@acting.dry_run
@pass_settings
def cancel_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Cancel unfinished messages. The handler of a running one is asked to stop."""
    return _act(settings, "cancel", chosen, dry_run, "cancelled")


@command("delete", has_json=True)
@ids_or_filter
@acting.dry_run
@pass_settings
def delete_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Move messages to the trash. For 7 days 'restore' takes them back. Running ones stay."""
    return _act(settings, "delete", chosen, dry_run, "in the trash")


@command("restore", has_json=True)
@ids_or_filter
@acting.dry_run
@pass_settings
def restore_command(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
    """Take messages back from the trash."""
    return _act(settings, "restore", chosen, dry_run, "restored")


@command("move", has_json=True)
@ids_or_filter
@click.option("--to", required=True, metavar="QUEUE", help="Where they go; the queue is made if there is none.")
@acting.dry_run
@pass_settings
def move_command(settings: Settings, chosen: Chosen, to: str, dry_run: bool) -> int:
    """Move messages to another queue. They keep id, state, attempts, key and group. Running ones stay."""
    return _act(settings, "move", chosen, dry_run, f"in queue {to}", to=to)


@command("duplicate", has_json=True)
@ids_or_filter
@click.option("--payload", metavar="TEXT", help="Its payload instead; '-' is standard input.")
@click.option("--as", "form", type=FORM, help=f"What --payload is; {RULE}")
@acting.dry_run
@pass_settings
def duplicate_command(settings: Settings, chosen: Chosen, payload: str | None, form: Form | None, dry_run: bool) -> int:
    """Put a new message like each. Without its key; prints the new ids."""
    values: dict[str, Any] = {}
    if payload is not None:
        values["payload"] = given_payload(payload, form)
    return _act(settings, "duplicate", chosen, dry_run, "copied", **values)


def _act(settings: Settings, action: str, chosen: Chosen, is_dry_run: bool, done: str, **values: Any) -> int:
    def operation(workspace: Workspace, on_progress: OnProgress) -> Outcome:
        call = getattr(workspace, action)
        outcome: Outcome = call(chosen.ids, **chosen.filters, **values, dry_run=is_dry_run, on_progress=on_progress)
        return outcome

    has_new_ids = action == "duplicate" and not is_dry_run
    return acting.act(settings, done, operation, is_dry_run=is_dry_run, has_new_ids=has_new_ids)
