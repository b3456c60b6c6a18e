"""`get`, `ack`, `nack`, `fail`, `release`, `extend`: for shell scripts, where a receipt stands for the process."""

from __future__ import annotations

import shlex
import sys
from base64 import b64encode
from shlex import quote
from typing import TYPE_CHECKING

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.exits import Refused
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark
from pqdesk.cli.options import DURATION, FORM
from pqdesk.cli.payloads import argument_bytes, read_standard_input
from pqdesk.cli.settings import Settings, opened_workspace, pass_settings, pass_workspace
from pqdesk.errors import Empty, InvalidInput
from pqdesk.messages.durations import format_duration
from pqdesk.messages.json_text import load_json
from pqdesk.messages.payloads import RESULT_LIMIT_BYTES, encode_payload
from pqdesk.messages.written import RULE, Form, parse_payload

if TYPE_CHECKING:
    from pqdesk.queues.message import Message
    from pqdesk.queues.queue import Queue
    from pqdesk.workspace import Workspace

# In the order in which they are printed.
_FIELDS = (
    *("id", "queue", "type", "payload", "headers", "priority", "group", "key", "attempt", "max_attempts"),
    *("enqueued_at", "due_at", "lease_remaining", "receipt"),
)
_LARGEST_GOT_BYTES = 64 * 1024 * 1024  # of the largest payload as JSON


def _read_receipt(_context: click.Context, _parameter: click.Parameter, argument: str) -> str:
    """The receipt that is given, or with `-` that of the message that `get` has printed in any of its forms."""
    if argument != "-":
        return argument
    text = read_standard_input("message", limit_bytes=_LARGEST_GOT_BYTES).decode("utf-8", "replace").strip()
    try:
        if text.startswith("{"):
            found = load_json(text)["receipt"]
        else:
            words = shlex.split(text)
            named = [word.partition("=")[2] for word in words if word.startswith(("PQDESK_RECEIPT=", "receipt="))]
            [found] = named or words
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise InvalidInput("standard input is no message as 'get' prints it, and no receipt")
    return found


_receipt = click.argument("receipt", callback=_read_receipt, metavar="RECEIPT|-")


@command("get", has_json=True)
@click.argument("queue", shell_complete=complete_queue)
@click.option("--wait", type=DURATION, metavar="DURATION", help="How long to wait for a message; else not at all.")
@click.option(
    "--lease", type=DURATION, default="5m", show_default=True, metavar="DURATION", help="How long it is yours alone."
)
@click.option("--payload", "form", flag_value="payload", help="Print the payload alone; its receipt on stderr.")
@click.option(
    "--shell", "form", flag_value="shell", help="Print variables for 'eval': PQDESK_PAYLOAD, PQDESK_RECEIPT …"
)
@click.option("--id", "message_id", type=click.INT, metavar="ID", help="This message, or none.")
@pass_settings
def get_command(
    settings: Settings, queue: str, wait: float | None, lease: float, form: str | None, message_id: int | None
) -> None:
    """Take a message and print it with its receipt.

    Printed is JSON in one line. The message stays taken when this command has ended: settle it with 'ack', 'nack',
    'fail' or 'release' and the receipt. When its lease ends first, it is ready again; 'extend' prolongs it. A payload
    of bytes is printed as payload_base64.
    """

    with opened_workspace(settings, makes=bool(wait)) as workspace:
        message = _take(workspace.queue(queue), settings, wait, lease, message_id)
        try:
            if form == "payload":
                remark(f"receipt={message.receipt}")
                sys.stdout.buffer.write(encode_payload(message.payload)[1])
            elif form == "shell":
                lines = (f"{name}={quote(value)}\n" for name, value in _variables(message).items())
                sys.stdout.buffer.write("".join(lines).encode())
            else:
                print_json({name: getattr(message, name) for name in _FIELDS}, is_compact=True)
            sys.stdout.flush()
        except BaseException:  # nobody has read the receipt
            message.release()
            raise


def _variables(message: Message) -> dict[str, str]:
    """Those that a command consumer finds, with the payload as text; base64 where no variable can hold it."""
    from pqdesk.workers.arguments import message_environment

    data = encode_payload(message.payload)[1]
    is_text = not isinstance(message.payload, bytes) and b"\0" not in data
    payload = (
        {"PQDESK_PAYLOAD": data.decode()} if is_text else {"PQDESK_PAYLOAD_BASE64": b64encode(data).decode("ascii")}
    )
    return {**message_environment(message), **payload}


def _take(queue: Queue, settings: Settings, wait: float | None, lease: float, message_id: int | None) -> Message:
    try:
        return queue.get(block=bool(wait), timeout=wait, lease=lease, detached=True, id=message_id)
    except Empty:
        if queue.paused:
            raise Refused(
                f"queue {queue.name!r} is paused; let it go on with: {settings.command} resume {quote(queue.name)}"
            ) from None
        if message_id is not None:
            raise Empty(f"message {message_id} is not ready: {queue.why(message_id)}") from None
        waited = f" after {format_duration(wait)}" if wait else ""
        raise Empty(f"no message is ready in queue {queue.name!r}{waited}") from None


@command("ack")
@_receipt
@click.option("--result", metavar="TEXT", help="What came out. '-' is standard input.")
@click.option("--as", "form", type=FORM, help=f"What the result is; {RULE}")
@pass_workspace
def ack_command(workspace: Workspace, receipt: str, result: str | None, form: Form | None) -> None:
    """Say that a message is done. It is completed, with the result.

    '-' reads what 'get' has printed from standard input.
    """
    value = None if result is None else parse_payload(_given_bytes(result, "result"), form, what="result")
    workspace.ack(receipt, value)


@command("nack")
@_receipt
@click.option("--error", metavar="TEXT", help="What went wrong. '-' is standard input.")
@click.option("--delay", type=DURATION, metavar="DURATION", help="Try again after this time; else the backoff's.")
@pass_workspace
def nack_command(workspace: Workspace, receipt: str, error: str | None, delay: float | None) -> None:
    """Say that an attempt failed. The message is tried again, or has failed when out of attempts."""
    text = None if error is None else _given_bytes(error, "error").decode("utf-8", "replace")
    workspace.nack(receipt, text, delay=delay)


@command("fail")
@_receipt
@click.option("--error", metavar="TEXT", default="", help="What went wrong. '-' is standard input.")
@pass_workspace
def fail_command(workspace: Workspace, receipt: str, error: str) -> None:
    """Give a message up. It has failed, whatever attempts are left."""
    workspace.fail(receipt, _given_bytes(error, "error").decode("utf-8", "replace"))


@command("release")
@_receipt
@click.option("--delay", type=DURATION, metavar="DURATION", help="Not before this time has passed; else at once.")
@pass_workspace
def release_command(workspace: Workspace, receipt: str, delay: float | None) -> None:
    """Give a message back. It is ready again, and the attempt does not count."""
    workspace.release(receipt, delay=delay)


@command("extend")
@_receipt
@click.option(
    "--lease", type=DURATION, default="5m", show_default=True, metavar="DURATION", help="How long from now on."
)
@pass_workspace
def extend_command(workspace: Workspace, receipt: str, lease: float) -> None:
    """Keep a message for longer. Its lease begins anew."""
    workspace.extend(receipt, lease)


def _given_bytes(argument: str, what: str) -> bytes:
    return read_standard_input(what, limit_bytes=RESULT_LIMIT_BYTES) if argument == "-" else argument_bytes(argument)
