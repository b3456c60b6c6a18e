"""`edit`: another payload for messages that do not run."""

from __future__ import annotations

from typing import Any

import click

from pqdesk.cli import acting
from pqdesk.cli.command import command
from pqdesk.cli.options import FORM, chosen_from, filters_given, queue_and_filter_options
from pqdesk.cli.payloads import Form, argument_bytes, parse_payload, read_standard_input
from pqdesk.cli.settings import Settings, pass_settings


@command("edit", has_json=True)
@click.argument("words", nargs=-1, metavar="[ID…] [PAYLOAD]")
@queue_and_filter_options
@click.option("--as", "form", type=FORM, help="What the payload is; else JSON if it parses, or text.")
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
    text = words[-1] if has_payload else "-"
    payload = parse_payload(read_standard_input("payload") if text == "-" else argument_bytes(text), form)
    return acting.act(
        settings,
        "edited",
        lambda workspace, on_progress: workspace.edit(
            chosen.ids, payload, **chosen.filters, dry_run=dry_run, on_progress=on_progress
        ),
        is_dry_run=dry_run,
    )
