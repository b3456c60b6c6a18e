"""`consume` and `produce`: the work loops, in this process, until told to stop."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import DashesCommand, command, command_words
from pqdesk.cli.options import DURATION, HEADER
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.messages.origin import WORKER_VARIABLE

if TYPE_CHECKING:
    from pqdesk.queues.queue import Queue
    from pqdesk.workers.command import CommandTarget
    from pqdesk.workers.folder import FolderTarget
    from pqdesk.workers.handlers import Handler
    from pqdesk.workers.post_target import PostTarget

_handler = click.option(
    "--handler", metavar="MODULE_OR_FILE:FUNCTION", help="The Python function to call: 'mail:send', 'mail.py:send'."
)


@command(
    "consume",
    cls=DashesCommand,
    options_metavar="[OPTIONS]",
    epilog="The command gets the payload on standard input and PQDESK_ID, PQDESK_QUEUE, PQDESK_TYPE, PQDESK_ATTEMPT, "
    "PQDESK_RECEIPT and PQDESK_HEADER_NAME in its environment. Exit 0: done, with standard output as the result; 75: "
    "try again later; 65: failed at once; anything else: a failed attempt. With --post: status 2xx: done, with the "
    "answer as the result; 408, 425, 429, 5xx or no answer: try again later (Retry-After is heeded); other: failed.",
)
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE… [-- COMMAND…]")
@_handler
@click.option("--post", "url", metavar="URL", help="Send each message by HTTP POST, the payload as the body.")
@click.option(
    "--post-header",
    "post_headers",
    type=HEADER,
    multiple=True,
    metavar="K=V",
    help="For --post: a header; may be repeated. With $NAME as V its value is taken from the environment.",
)
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
    url: str | None,
    post_headers: tuple[tuple[str, str], ...],
    concurrency: int | None,
    lease: float | None,
    timeout: float | None,
    max_attempts: int | None,
    drain: bool,
) -> int:
    """Work on messages: a function, command or HTTP server.

    A Python function is called, a command run, or the payload posted to URL, once per message of QUEUE.

    SIGTERM and Ctrl-C finish the message in hand first.
    """
    from pqdesk.workers.consumer import run_consumer

    target = _consumer_target(handler, url, post_headers)
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
@click.option(
    "--settle",
    type=DURATION,
    metavar="DURATION",
    help="For --folder: how long a file must be unchanged; 2s by default.",
)
@click.option("--match", multiple=True, metavar="PATTERN", help="For --folder: only such files: '*.jpg'; may repeat.")
@click.option("--ignore", multiple=True, metavar="PATTERN", help="For --folder: no such files and folders; may repeat.")
@click.option("--no-subfolders", is_flag=True, help="For --folder: not the folders in it.")
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
    settle: float | None,
    match: tuple[str, ...],
    ignore: tuple[str, ...],
    no_subfolders: bool,
    payload: str | None,
    every: float | None,
    cron: str | None,
    timezone: str | None,
    missed: str | None,
) -> int:
    """Put messages, from a function, a folder or a command.

    Into QUEUE goes what a Python function yields, a message per file, a message per line of a command, or the same
    payload each time. A file is put when nobody writes it any more, and again when it is new. Hidden and unfinished
    files (*.part, *.tmp), what editors and office programs leave, and links are passed over.
    """
    from pqdesk.workers.producer import run_producer

    if every is not None and cron is not None:
        raise click.UsageError("--every and --cron exclude each other", click.get_current_context())
    options = {
        name: value
        for name, value in {
            "settle_s": settle, "match": match, "ignore": ignore, "has_subfolders": False if no_subfolders else None
        }.items()
        if value not in (None, ())
    }  # fmt: skip
    if options and folder is None:
        text = "--settle, --match, --ignore and --no-subfolders belong to --folder"
        raise click.UsageError(text, click.get_current_context())
    target = _producer_target(handler, folder, options, payload)
    if payload is not None and every is None and cron is None:
        raise click.UsageError("--payload needs --every or --cron", click.get_current_context())
    with _opened(settings, (queue,)) as opened:
        return run_producer(
            opened[0], target, every=every, cron=cron, timezone=timezone, missed=missed, workspace=settings.paths
        )


def _consumer_target(
    handler: str | None, url: str | None, headers: tuple[tuple[str, str], ...]
) -> Handler | CommandTarget | PostTarget:
    """What to do with messages. Raises UsageError unless it is one thing, InvalidInput when it cannot be used."""
    words = command_words()
    _check_one({"--handler": handler, "--post": url, "a command": words}, "give --handler, --post, or -- COMMAND")
    if headers and url is None:
        raise click.UsageError("--post-header belongs to --post", click.get_current_context())
    if url is None:
        return _handler_or_command(handler, words)
    from pqdesk.workers.post_target import PostTarget

    target = PostTarget(url, headers)
    target.check()
    return target


def _producer_target(
    handler: str | None, folder: str | None, folder_options: Mapping[str, Any], payload: str | None
) -> Handler | CommandTarget | FolderTarget:
    """Where messages come from. Raises UsageError unless it is one thing, InvalidInput when it cannot be used."""
    words = command_words()
    given = {"--handler": handler, "--folder": folder, "--payload": payload, "a command": words}
    _check_one(given, "give --handler, --folder, --payload, or -- COMMAND")
    if folder is not None:
        from pqdesk.workers.folder import FolderTarget

        target = FolderTarget(Path(folder).expanduser(), **folder_options)
        target.check()
        return target
    if payload is not None:
        from pqdesk.cli.payloads import argument_bytes, parse_payload
        from pqdesk.messages.payloads import encode_payload
        from pqdesk.workers.handlers import Handler

        value = parse_payload(argument_bytes(payload), None)
        encode_payload(value)  # what cannot be put is refused now, not at each run
        return Handler.of(lambda: [value], "--payload")
    return _handler_or_command(handler, words)


def _check_one(given: Mapping[str, object], hint: str) -> None:
    """Raise UsageError unless just one thing was given."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        what = f"{' and '.join(names)} exclude each other" if names else f"nothing to run: {hint}"
        raise click.UsageError(what, click.get_current_context())


def _handler_or_command(handler: str | None, words: list[str] | None) -> Handler | CommandTarget:
    if handler is not None:
        from pqdesk.workers.handlers import load_handler

        return load_handler(handler)
    from pqdesk.workers.command import CommandTarget

    target = CommandTarget(words or ())
    target.check()
    return target


@contextmanager
def _opened(settings: Settings, names: tuple[str, ...]) -> Iterator[list[Queue]]:
    """The queues, each once, over one connection; and the log of what goes on beside the messages."""
    from pqdesk.cli.logbook import logging_to
    from pqdesk.storage import log_sqlite_events
    from pqdesk.workspace import Workspace

    log_sqlite_events()
    with _as_worker(names), Workspace(settings.paths.root) as workspace, logging_to(settings.paths):
        yield [workspace.queue(name) for name in dict.fromkeys(names)]


@contextmanager
def _as_worker(names: tuple[str, ...]) -> Iterator[None]:
    """What this process and its commands do is a worker's work: a look-only workspace does not stop it."""
    before = os.environ.get(WORKER_VARIABLE)
    os.environ[WORKER_VARIABLE] = before or os.environ.get("SUPERVISOR_PROCESS_NAME") or ",".join(names)
    try:
        yield
    finally:
        if before is None:
            del os.environ[WORKER_VARIABLE]
