"""`why`: the reason a message is not running now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.options import ID
from pqdesk.cli.settings import Settings, pass_inspection, pass_settings
from pqdesk.cli.visible import visible
from pqdesk.messages.reasons import say
from pqdesk.queues.explaining import reasons
from pqdesk.services.why import ask_workers

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection


@command("why", has_json=True)
@click.argument("id", type=ID, metavar="ID")
@pass_inspection
@pass_settings
def why_command(settings: Settings, inspection: Inspection, id: int) -> None:
    """Say why a message is not running now, and what to do.

    Its queue is paused, it is due later, its group is held by another message, a limit is reached, others are before
    it, no worker is there, or its worker crashes; or it is running, done, or in the trash. One line for each reason.
    """
    found = reasons(inspection, id, paths=settings.paths, ask_workers=ask_workers)
    if settings.is_json:
        print_json([{"kind": one.kind, "text": say(one), **one.facts} for one in found])
        return
    for one in found:
        print(visible(say(one)))
