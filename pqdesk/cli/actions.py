"""`retry`, `run-now`, `change`, `cancel`, `delete`, `restore`, `move`, `edit`, `duplicate`: as in the window."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from pqdesk.cli.acting import act_on, dry_run
from pqdesk.cli.command import command
from pqdesk.cli.options import (
    DURATION,
    FORM,
    INSTANT,
    Chosen,
    chosen_from,
    filters_given,
    ids_or_filter,
    queue_and_filter_options,
)
from pqdesk.cli.payloads import given_payload
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.messages.written import RULE, Form


def _plain(name: str, done: str, text: str) -> click.Command:
    """An action that takes nothing but the messages; `done` says what they are then."""

    @command(name, has_json=True, help=text)
    @ids_or_filter
    @dry_run
    @pass_settings
    def act(settings: Settings, chosen: Chosen, dry_run: bool) -> int:
        return act_on(settings, name.replace("-", "_"), done, chosen, dry_run)

    return act


retry_command = _plain(
    "retry", "back to ready", "Put messages back to ready. For failed, retrying, cancelled and completed ones."
)
run_now_command = _plain("run-now", "ready now", "Make scheduled messages ready now.")
cancel_command = _plain(
    "cancel", "cancelled", "Cancel unfinished messages. The handler of a running one is asked to stop."
)
delete_command = _plain(
    "delete", "in the trash", "Move messages to the trash. For 7 days 'restore' takes them back. Running ones stay."
)
restore_command = _plain("restore", "restored", "Take messages back from the trash.")


@command("change", has_json=True)
@ids_or_filter
@click.option("--priority", type=click.INT, metavar="N", help="Higher goes first.")
@click.option("--delay", type=DURATION, metavar="DURATION", help="Due when this time has passed; 0 is now.")
@click.option("--at", type=INSTANT, metavar="TIME", help="Due at this time, ISO 8601; local without an offset.")
@dry_run
@pass_settings
def change_command(
    settings: Settings, chosen: Chosen, priority: int | None, delay: float | None, at: datetime | None, dry_run: bool
) -> int:
    """Change priority or due time. Of scheduled, ready and retrying ones."""
    return act_on(settings, "change", "changed", chosen, dry_run, priority=priority, delay=delay, at=at)


@command("move", has_json=True)
@ids_or_filter
@click.option("--to", required=True, metavar="QUEUE", help="Where they go; the queue is made if there is none.")
@dry_run
@pass_settings
def move_command(settings: Settings, chosen: Chosen, to: str, dry_run: bool) -> int:
    """Move messages to another queue. They keep id, state, attempts, key and group. Running ones stay."""
    return act_on(settings, "move", f"in queue {to}", chosen, dry_run, to=to)


@command("edit", has_json=True)
@click.argument("words", nargs=-1, metavar="[ID…] [PAYLOAD]")
@queue_and_filter_options
@click.option("--as", "form", type=FORM, help=f"What the payload is; {RULE}")
@dry_run
@pass_settings
def edit_command(settings: Settings, words: tuple[str, ...], form: Form | None, dry_run: bool, **given: Any) -> int:
    """Give messages another payload. The one before is kept; 'show' tells of it, 'undo' brings it back.

    PAYLOAD comes last; it is taken from standard input when it is '-' or left out. Running messages are left as they
    are. To run a failed one again afterwards, 'retry' it.
    """
    filters = filters_given(**given)
    has_payload = len(words) > (0 if filters else 1)
    chosen = chosen_from(words[:-1] if has_payload else words, filters)
    payload = given_payload(words[-1] if has_payload else "-", form)
    return act_on(settings, "edit", "edited", chosen, dry_run, payload=payload)


@command("duplicate", has_json=True)
@ids_or_filter
@click.option("--payload", metavar="TEXT", help="Its payload instead; '-' is standard input.")
@click.option("--as", "form", type=FORM, help=f"What --payload is; {RULE}")
@dry_run
@pass_settings
def duplicate_command(settings: Settings, chosen: Chosen, payload: str | None, form: Form | None, dry_run: bool) -> int:
    """Put a new message like each. Without its key; prints the new ids."""
    values = {} if payload is None else {"payload": given_payload(payload, form)}
    return act_on(settings, "duplicate", "copied", chosen, dry_run, has_new_ids=not dry_run, **values)
