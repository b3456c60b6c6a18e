"""`edit`: another payload for messages that do not run."""

from __future__ import annotations

from typing import Any

import click

from pqdesk.cli import acting
from pqdesk.cli.command import command
from pqdesk.cli.options import FORM, chosen_from, filters_given, queue_and_filter_options
from pqdesk.cli.payloads import RULE, Form, given_payload
from pqdesk.cli.settings import Settings, pass_settings


@command("edit", has_json=True)
@click.argument("words", nargs=-1, metavar="[ID…] [PAYLOAD]")
@queue_and_filter_options
@click.option("--as", "form", type=FORM, help=f"What the payload is; {RULE}")
@acting.dry_run
@pass_settings
def edit_command(settings: Settings, words: tuple[str, ...], form: Form | None, dry_run: bool, **given: Any) -> int:
    """Give messages another payload. The one before is kept; 'show' tells of it, 'undo' brings it back.

    PAYLOAD comes last; it is taken from standard input when it is '-' or left out. Running messages are left as they
    are. To run a failed one again afterwards, 'retry' it.
    """
    filters = filters_given(**given)
    has_payload = len(words) > (0 if filters else 1)
    ids = words if not has_payload else words[:-1]
    chosen = chosen_from(ids, filters)
    payload = given_payload(words[-1] if has_payload else "-", form)
    return acting.act(
        settings,
        "edited",
        lambda workspace, on_progress: workspace.edit(
            chosen.ids, payload, **chosen.filters, dry_run=dry_run, on_progress=on_progress
        ),
        is_dry_run=dry_run,
    )
