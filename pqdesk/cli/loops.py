"""`consume` and `produce`: the work loops, in this process, until told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import DashesCommand, command, command_words
from pqdesk.cli.options import DURATION
from pqdesk.cli.settings import Settings, pass_settings

if TYPE_CHECKING:
    from pqdesk.queues.queue import Queue
    from pqdesk.workers.command import CommandTarget
    from pqdesk.workers.folder import FolderTarget
    from pqdesk.workers.handlers import Handler

_handler = click.option(
    "--handler", metavar="MODULE_OR_FILE:FUNCTION", help="The Python function to call: 'mail:send', 'mail.py:send'."
)


@command(
    "consume",
    cls=DashesCommand,
    options_metavar="[OPTIONS]",
    epilog="The command gets the payload on standard input and PQDESK_ID, PQDESK_QUEUE, PQDESK_TYPE, PQDESK_ATTEMPT, "
    "PQDESK_RECEIPT and PQDESK_HEADER_NAME in its environment. Exit 0: done, with standard output as the result; 75: "
    "try again later; 65: failed at once; anything else: a failed attempt.",
)
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE… [-- COMMAND…]")
@_handler
@click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Messages at once in this process.")
@click.option("--lease", type=DURATION, metavar="DURATION", help="How long a dead machine keeps a message.")
@click.option("--timeout", type=DURATION, metavar="DURATION", help="The longest that one message may take.")
@click.option("--max-attempts", type=click.IntRange(1), metavar="N", help="Where neither message nor queue says.")
@click.option("--drain", is_flag=True, help="Stop when nothing is ready and nothing in hand.")
@pass_settings
def consume_command(
    settings: Settings,
    queues: tuple[str, ...],
    handler: str | None,
    concurrency: int | None,
    lease: float | None,
    timeout: float | None,
    max_attempts: int | None,
    drain: bool,
) -> int:
    """Work on messages, with a function or a command.

    A Python function is called, or a command run, once per message of QUEUE.

    SIGTERM and Ctrl-C finish the message in hand first.
    """
    from pqdesk.workers.consumer import run_consumer

    target = _handler_or_command(handler)
    with _opened(settings, queues) as opened:
        return run_consumer(
            opened,
            target,
            concurrency=concurrency,
            lease=lease,
            timeout=timeout,
            max_attempts=max_attempts,
            drain=drain,
            workspace=settings.paths,
        )


@command("produce", cls=DashesCommand, options_metavar="[OPTIONS]")
@click.argument("queue", metavar="QUEUE [-- COMMAND…]")
@_handler
@click.option("--folder", metavar="DIR", help="Watch this folder: a message per new or changed file.")
@click.option("--payload", metavar="TEXT", help="Put this: JSON if it parses, else text; with --every or --cron.")
@click.option("--every", type=DURATION, metavar="DURATION", help="Run at once, and then so often.")
@click.option("--cron", metavar="FIELDS", help="Run at these times: '*/10 * * * *'.")
@click.option("--timezone", metavar="NAME", help="For --cron: 'Europe/Berlin'; else the machine's.")
@click.option(
    "--missed",
    type=click.Choice(["once", "skip", "all"]),
    help="Runs missed while the machine slept are made up for once (the default), not at all, or each.",
)
@pass_settings
def produce_command(
    settings: Settings,
    queue: str,
    handler: str | None,
    folder: str | None,
    payload: str | None,
    every: float | None,
    cron: str | None,
    timezone: str | None,
    missed: str | None,
) -> int:
    """Put messages, from a function, a folder or a command.

    Into QUEUE goes what a Python function yields, a message per file, a message per line of a command, or the same
    payload each time.
    """
    from pqdesk.workers.producer import run_producer

    if every is not None and cron is not None:
        raise click.UsageError("--every and --cron exclude each other", click.get_current_context())
    if payload is not None:
        if folder is not None or handler is not None or command_words() is not None:
            raise click.UsageError("--payload goes with no other source", click.get_current_context())
        if every is None and cron is None:
            raise click.UsageError("--payload needs --every or --cron", click.get_current_context())
    target = _target(folder, handler, payload)
    with _opened(settings, (queue,)) as opened:
        return run_producer(opened[0], target, every=every, cron=cron, timezone=timezone, missed=missed)


def _target(folder: str | None, handler: str | None, payload: str | None) -> Handler | CommandTarget | FolderTarget:
    if folder is not None:
        return _folder_target(folder, handler)
    if payload is None:
        return _handler_or_command(handler)
    from pqdesk.cli.payloads import argument_bytes, parse_payload
    from pqdesk.workers.handlers import Handler

    value = parse_payload(argument_bytes(payload), None)
    return Handler.of(lambda: [value], "--payload")


def _handler_or_command(handler: str | None) -> Handler | CommandTarget:
    """What to run. Raises UsageError unless it is one thing, InvalidInput when it cannot be found."""
    words = command_words()
    if (handler is None) == (words is None):
        what = "both --handler and a command" if words is not None else "nothing to run: give --handler, or -- COMMAND"
        raise click.UsageError(what, click.get_current_context())
    if handler is not None:
        from pqdesk.workers.handlers import load_handler

        return load_handler(handler)
    from pqdesk.workers.command import CommandTarget

    target = CommandTarget(words or ())
    target.check()
    return target


def _folder_target(folder: str, handler: str | None) -> FolderTarget:
    from pqdesk.workers.folder import FolderTarget

    if handler is not None or command_words() is not None:
        raise click.UsageError("--folder, --handler and a command exclude each other", click.get_current_context())
    target = FolderTarget(Path(folder).expanduser())
    target.check()
    return target


@contextmanager
def _opened(settings: Settings, names: tuple[str, ...]) -> Iterator[list[Queue]]:
    """The queues, each once, over one connection; and the log of what goes on beside the messages."""
    from pqdesk.cli.logbook import logging_to
    from pqdesk.storage import log_sqlite_events
    from pqdesk.workspace import Workspace

    log_sqlite_events()
    with Workspace(settings.paths.root) as workspace, logging_to(settings.paths):
        yield [workspace.queue(name) for name in dict.fromkeys(names)]
