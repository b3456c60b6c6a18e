"""`put`: one message, or one per line of a file."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import result_of
from pqdesk.cli.options import DURATION, FORM, HEADER, INSTANT, declared
from pqdesk.cli.payloads import given_payload
from pqdesk.cli.settings import Settings, opened_workspace, pass_settings
from pqdesk.messages.written import RULE, Form

_message_options = declared(
    click.option("--type", metavar="TEXT", help="What kind of work it is."),
    click.option("--priority", type=int, default=0, metavar="N", help="Higher goes first; 0 by default."),
    click.option("--delay", type=DURATION, metavar="DURATION", help="Not before this time has passed."),
    click.option("--at", type=INSTANT, metavar="TIME", help="Not before this time, ISO 8601; local without an offset."),
    click.option(
        "--unique-for", type=DURATION, metavar="DURATION", help="The key stays in use for so long, done or not."
    ),
    click.option("--key", metavar="TEXT", help="Unique among the unfinished messages of the queue."),
    click.option(
        "--on-conflict",
        type=click.Choice(["raise", "keep", "replace", "after"]),
        default="raise",
        help="When the key is in use: fail (exit 4), print the id of the other, or replace it.",
    ),
    click.option("--group", metavar="TEXT", help="Messages of one group run one at a time."),
    click.option("--expires", type=DURATION, metavar="DURATION", help="Cancelled when not started by then."),
    click.option("--max-attempts", type=int, metavar="N", help="Deliveries before it counts as failed."),
    click.option("--header", "headers", type=HEADER, multiple=True, metavar="K=V", help="A header; may be repeated."),
)


@command("put", has_json=True)
@click.argument("queue", shell_complete=complete_queue)
@click.argument("payload", required=False)
@click.option("--as", "form", type=FORM, help=f"What the payload is; {RULE}")
@click.option("--lines", metavar="FILE", help="A message per line of FILE, put in batches of 1,000.")
@click.option(
    "--from-line", type=click.IntRange(1), default=1, metavar="N", help="With --lines: the first line to put."
)
@_message_options
@pass_settings
def put_command(
    settings: Settings,
    queue: str,
    payload: str | None,
    form: Form | None,
    lines: str | None,
    from_line: int,
    headers: tuple[tuple[str, str], ...],
    delay: float | None,
    at: datetime | None,
    **options: Any,
) -> None:
    """Put a message and print its id.

    PAYLOAD is taken from standard input when it is '-', or left out with input coming from a pipe or a file: to
    the last byte, a final line break included. With --lines every line is a message, without its line break, and is
    read by the same rule: 3.10 and null are text.
    """
    if delay is not None and at is not None:
        raise click.UsageError("--delay and --at exclude each other", click.get_current_context())
    options |= {"headers": dict(headers) or None, "delay": delay, "at": at}
    if lines is not None:
        _put_lines(settings, queue, lines, from_line, form, options, payload)
        return
    if from_line != 1:
        raise click.UsageError("--from-line goes with --lines", click.get_current_context())
    if payload is None and (sys.stdin is None or sys.stdin.isatty()):
        raise click.UsageError("no payload: give one, or '-' for standard input", click.get_current_context())
    _put_one(settings, queue, given_payload("-" if payload is None else payload, form), options)


def _put_one(settings: Settings, name: str, payload: Any, options: dict[str, Any]) -> None:

    with opened_workspace(settings, makes=True) as workspace:
        queue = workspace.queue(name)
        message_id = queue.put(payload, **options)
    with result_of(f"message {message_id} is put"):
        if settings.is_json:
            print_json({"id": message_id}, is_compact=True)
        else:
            print(message_id)


def _put_lines(
    settings: Settings,
    queue: str,
    path: str,
    from_line: int,
    form: Form | None,
    options: dict[str, Any],
    payload: str | None,
) -> None:
    if payload is not None:
        raise click.UsageError("a payload and --lines exclude each other", click.get_current_context())
    if options["key"] is not None:
        raise click.UsageError("--key is for one message, not for --lines", click.get_current_context())
    from pqdesk.cli.put_lines import put_lines

    put_lines(settings, queue, path, from_line=from_line, form=form, options=options)
