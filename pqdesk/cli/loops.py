"""`consume` and `produce`: the work loops, in this process, until told to stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import DashesCommand, command, command_words
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.lines import say
from pqdesk.cli.settings import Settings, opened_inspection, opened_workspace, pass_settings
from pqdesk.cli.worker_options import loop_options, try_options
from pqdesk.clock import SystemClock
from pqdesk.messages.origin import WORKER_VARIABLE
from pqdesk.paths import variable_set
from pqdesk.worker_options import CONSUMERS, PRODUCERS, Kind, check_together, fitting_kind, options_of

if TYPE_CHECKING:
    from pqdesk.messages.records import Outgoing
    from pqdesk.messages.written import Form
    from pqdesk.paths import WorkspacePaths
    from pqdesk.queues.queue import Queue
    from pqdesk.workers.command_consumer import CommandTarget
    from pqdesk.workers.folder import FolderTarget
    from pqdesk.workers.handlers import Handler
    from pqdesk.workers.post_target import PostTarget
    from pqdesk.workers.trial import Verdict

_check = click.option("--check", "is_check", is_flag=True, help="Only check whether it could start; nothing is done.")
_LEAST_RUN_MS = 2000


class LoopCommand(DashesCommand):
    """A work loop. Under supervisord it takes at least two seconds to fail.

    supervisord starts at once what ends with an error, where the policy is "if it fails" (see
    supervision/definitions/writing.py, start_settings): a mistake in the options would keep a core busy.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError:
            _pause(_LEAST_RUN_MS)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        clock = SystemClock()
        ends_ms = clock.awake_ms() + _LEAST_RUN_MS
        try:
            result = super().invoke(ctx)
        except Exception:
            _pause(ends_ms - clock.awake_ms())
            raise
        if result:
            _pause(ends_ms - clock.awake_ms())
        return result


def _pause(milliseconds: int) -> None:
    if milliseconds > 0 and "SUPERVISOR_PROCESS_NAME" in os.environ:
        time.sleep(milliseconds / 1000)


@command(
    "consume",
    cls=LoopCommand,
    options_metavar="[OPTIONS]",
    epilog="The command gets the payload on standard input and PQDESK_ID, PQDESK_QUEUE, PQDESK_TYPE, PQDESK_ATTEMPT, "
    "PQDESK_RECEIPT, PQDESK_PAYLOAD_FILE and PQDESK_HEADER_NAME in its environment; in its arguments {payload}, "
    "{payload.KEY} and {path} stand for what is in the payload. Exit 0: done, with standard output as the result; 75: "
    "try again later; 65: failed at once; anything else: a failed attempt. With --post: status 2xx: done, with the "
    "answer as the result; 408, 425, 429, 5xx or no answer: try again later (Retry-After is heeded); other: failed.",
)
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE… [-- COMMAND…]", shell_complete=complete_queue)
@loop_options(*CONSUMERS)
@_check
@try_options
@pass_settings
def consume_command(
    settings: Settings,
    queues: tuple[str, ...],
    is_check: bool,
    sample: str | None,
    message_id: int | None,
    **given: Any,
) -> int:
    """Work on messages: a function, command or HTTP server.

    A Python function is called, a command run, or the payload posted to URL, once per message of QUEUE.

    SIGTERM and Ctrl-C finish the message in hand first.
    """
    from pqdesk.workers.consumer import check_consumer, run_consumer
    from pqdesk.workers.log_stream import worker_streams

    if sample is not None or message_id is not None:
        from pqdesk.workers.trial import tried_consumer

        message = _message_to_try(settings, sample, message_id)
        return _tried(lambda paths: tried_consumer(queues[0], *_target(CONSUMERS, queues, given), message, paths))
    with worker_streams():
        target, options = _target(CONSUMERS, queues, given)
        if is_check:
            check_consumer(target)
            return ExitCode.DONE
        options.setdefault("drain_wait", None)
        with _opened(settings, queues) as opened:
            return run_consumer(opened, target, workspace=settings.paths, **options)


@command("produce", cls=LoopCommand, options_metavar="[OPTIONS]")
@click.argument("queue", metavar="QUEUE [-- COMMAND…]", shell_complete=complete_queue)
@loop_options(*PRODUCERS)
@_check
@click.option("--try", "is_try", is_flag=True, help="Tell what it would put now, and put nothing.")
@pass_settings
def produce_command(settings: Settings, queue: str, is_check: bool, is_try: bool, **given: Any) -> int:
    """Put messages, from a function, a folder or a command.

    Into QUEUE goes what a Python function yields, a message per file, a message per line of a command, or the same
    payload each time. A file is put when nobody writes it any more, and again when it is new. Hidden and unfinished
    files (*.part, *.tmp), what editors and office programs leave, and links are passed over.
    """
    from pqdesk.workers.log_stream import worker_streams
    from pqdesk.workers.producer import check_producer, run_producer

    if is_try:
        from pqdesk.workers.trial import tried_producer

        return _tried(lambda paths: tried_producer(queue, *_target(PRODUCERS, (queue,), given), paths))
    with worker_streams():
        target, options = _target(PRODUCERS, (queue,), given)
        if is_check:
            check_producer(target, **options)
            return ExitCode.DONE
        with _opened(settings, (queue,)) as opened:
            return run_producer(opened[0], target, workspace=settings.paths, **options)


def _message_to_try(settings: Settings, sample: str | None, message_id: int | None) -> Outgoing:
    """A payload that was typed in, or a copy of a message. Raises UsageError, NotFound."""
    from pqdesk.cli.payloads import argument_bytes
    from pqdesk.messages.records import Outgoing
    from pqdesk.messages.written import parse_payload

    if sample is not None and message_id is not None:
        raise click.UsageError("--try and --try-message exclude each other", click.get_current_context())
    if sample is not None:
        return Outgoing(parse_payload(argument_bytes(sample), None))
    from pqdesk.workers.trial import copy_of

    with opened_inspection(settings) as inspection:
        return copy_of(inspection.message(message_id or 0))


def _tried(act: Callable[[WorkspacePaths], Verdict]) -> int:
    from pqdesk.workers.trial import scratch_workspace

    with scratch_workspace() as paths, _as_worker(("try",)):
        verdict = act(paths)
    say(verdict.text)
    return ExitCode.DONE if verdict.is_good else ExitCode.FAILED


def _target(kinds: Sequence[Kind], queues: tuple[str, ...], given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What to do, ready to be done, and what else was given. Raises InvalidInput when it cannot be used."""
    values = {name: value for name, value in given.items() if not (value is None or value is False or value == ())}
    words = command_words()
    if words is not None:
        values["command"] = tuple(words)
    kind = fitting_kind(values, kinds)
    check_together(kind, {**values, "queues": queues}, is_marked="handler" in values)
    own = {
        row.field: values.pop(row.field)
        for row in options_of(kind)
        if row.field in values
        and (row.group == "what" or (kind in (Kind.COMMAND, Kind.POST, Kind.FOLDER) and row.kinds == (kind,)))
    }
    return _made(own, values.get("form")), values


def _made(own: dict[str, Any], form: Form | None) -> Handler | CommandTarget | PostTarget | FolderTarget:
    if "handler" in own:
        from pqdesk.workers.handlers import load_handler

        return load_handler(own["handler"])
    if "payload" in own:
        from pqdesk.cli.payloads import argument_bytes
        from pqdesk.messages.payloads import encode_payload
        from pqdesk.messages.written import parse_payload
        from pqdesk.workers.handlers import Handler

        value = parse_payload(argument_bytes(own["payload"]), form)
        encode_payload(value)  # what cannot be put is refused now, not at each run
        return Handler.of(lambda: [value], "--payload")
    target: CommandTarget | PostTarget | FolderTarget
    if "url" in own:
        from pqdesk.workers.post_target import PostTarget

        target = PostTarget(**own)
    elif "folder" in own:
        from pqdesk.workers.folder import FolderTarget

        target = FolderTarget(**own)
    else:
        from pqdesk.workers.command_consumer import CommandTarget

        target = CommandTarget(**own)
    target.check()
    return target


_WITH_TARGETS = (Kind.COMMAND, Kind.POST, Kind.FOLDER)  # which take what only they have


@contextmanager
def _opened(settings: Settings, names: tuple[str, ...]) -> Iterator[list[Queue]]:
    """The queues, each once, over one connection; and the log of what goes on beside the messages."""
    from pqdesk.cli.logbook import logging_to
    from pqdesk.storage import log_sqlite_events

    log_sqlite_events()
    with _as_worker(names), opened_workspace(settings, makes=True) as workspace, logging_to(settings.paths):
        yield [workspace.queue(name) for name in dict.fromkeys(names)]


def _as_worker(names: tuple[str, ...]) -> AbstractContextManager[None]:
    """What this process and its commands do is a worker's work: a look-only workspace does not stop it."""
    name = os.environ.get(WORKER_VARIABLE) or os.environ.get("SUPERVISOR_PROCESS_NAME") or ",".join(names)
    return variable_set(WORKER_VARIABLE, name)
