"""`get`, `ack`, `nack`, `fail`, `release`, `extend`: for shell scripts, where a receipt stands for the process."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.exits import Refused
from pqdesk.cli.json_output import print_json
from pqdesk.cli.options import DURATION, FORM
from pqdesk.cli.payloads import RULE, Form, argument_bytes, parse_payload, read_standard_input
from pqdesk.cli.settings import Settings, pass_settings, pass_workspace, require_workspace
from pqdesk.errors import Empty
from pqdesk.messages.durations import format_duration
from pqdesk.messages.payloads import RESULT_LIMIT_BYTES

if TYPE_CHECKING:
    from pqdesk.queues.message import Message
    from pqdesk.queues.queue import Queue
    from pqdesk.workspace import Workspace

# In the order in which they are printed.
_FIELDS = (
    "id",
    "queue",
    "type",
    "payload",
    "headers",
    "priority",
    "group",
    "key",
    "attempt",
    "max_attempts",
    "enqueued_at",
    "due_at",
    "lease_remaining",
    "receipt",
)


@command("get", has_json=True)
@click.argument("queue")
@click.option("--wait", type=DURATION, metavar="DURATION", help="How long to wait for a message; else not at all.")
@click.option(
    "--lease", type=DURATION, default="5m", show_default=True, metavar="DURATION", help="How long it is yours alone."
)
@pass_settings
def get_command(settings: Settings, queue: str, wait: float | None, lease: float) -> None:
    """Take a message and print it with its receipt.

    Printed is JSON in one line. The message stays taken when this command has ended: settle it with 'ack', 'nack',
    'fail' or 'release' and the receipt. When its lease ends first, it is ready again; 'extend' prolongs it. A payload
    of bytes is printed as payload_base64.
    """
    from pqdesk.queues.queue import Queue

    if not wait:
        require_workspace(settings)
    with Queue(queue, workspace=settings.paths.location) as source:
        message = _take(source, settings, wait, lease)
        try:
            print_json({name: getattr(message, name) for name in _FIELDS}, is_compact=True)
            sys.stdout.flush()
        except BaseException:  # nobody has read the receipt
            message.release()
            raise


def _take(queue: Queue, settings: Settings, wait: float | None, lease: float) -> Message:
    try:
        return queue.get(block=bool(wait), timeout=wait, lease=lease, detached=True)
    except Empty:
        if queue.paused:
            raise Refused(
                f"queue {queue.name!r} is paused; let it go on with: {settings.command} resume {quote(queue.name)}"
            ) from None
        waited = f" after {format_duration(wait)}" if wait else ""
        raise Empty(f"no message is ready in queue {queue.name!r}{waited}") from None


@command("ack")
@click.argument("receipt")
@click.option("--result", metavar="TEXT", help="What came out. '-' is standard input.")
@click.option("--as", "form", type=FORM, help=f"What the result is; {RULE}")
@pass_workspace
def ack_command(workspace: Workspace, receipt: str, result: str | None, form: Form | None) -> None:
    """Say that a message is done. It is completed, with the result."""
    value = None if result is None else parse_payload(_given_bytes(result, "result"), form, what="result")
    workspace.ack(receipt, value)


@command("nack")
@click.argument("receipt")
@click.option("--error", metavar="TEXT", help="What went wrong. '-' is standard input.")
@click.option("--delay", type=DURATION, metavar="DURATION", help="Try again after this time; else the backoff's.")
@pass_workspace
def nack_command(workspace: Workspace, receipt: str, error: str | None, delay: float | None) -> None:
    """Say that an attempt failed. The message is tried again, or has failed when out of attempts."""
    text = None if error is None else _given_bytes(error, "error").decode("utf-8", "replace")
    workspace.nack(receipt, text, delay=delay)


@command("fail")
@click.argument("receipt")
@click.option("--error", metavar="TEXT", default="", help="What went wrong. '-' is standard input.")
@pass_workspace
def fail_command(workspace: Workspace, receipt: str, error: str) -> None:
    """Give a message up. It has failed, whatever attempts are left."""
    workspace.fail(receipt, _given_bytes(error, "error").decode("utf-8", "replace"))


@command("release")
@click.argument("receipt")
@click.option("--delay", type=DURATION, metavar="DURATION", help="Not before this time has passed; else at once.")
@pass_workspace
def release_command(workspace: Workspace, receipt: str, delay: float | None) -> None:
    """Give a message back. It is ready again, and the attempt does not count."""
    workspace.release(receipt, delay=delay)


@command("extend")
@click.argument("receipt")
@click.option(
    "--lease", type=DURATION, default="5m", show_default=True, metavar="DURATION", help="How long from now on."
)
@pass_workspace
def extend_command(workspace: Workspace, receipt: str, lease: float) -> None:
    """Keep a message for longer. Its lease begins anew."""
    workspace.extend(receipt, lease)


def _given_bytes(argument: str, what: str) -> bytes:
    return read_standard_input(what, limit_bytes=RESULT_LIMIT_BYTES) if argument == "-" else argument_bytes(argument)
