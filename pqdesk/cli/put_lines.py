"""`put --lines`: batches of lines, each put in one transaction, so that a stop says exactly where to go on."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pqdesk.cli.json_output import print_json
from pqdesk.cli.progress import progress_bar
from pqdesk.cli.settings import Settings, opened_workspace
from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES, encode_payload
from pqdesk.messages.written import Form, parse_payload
from pqdesk.queues.queue import Queue
from pqdesk.services.line_batches import line_batches


def put_lines(
    settings: Settings, name: str, path: str, *, from_line: int, form: Form | None, options: dict[str, Any]
) -> None:
    """Put a message with these options of `put_many` for each line of the file at `path`; `-` is standard input.

    Raises:
        InvalidInput: The file cannot be read, or a line is bad: nothing of its batch is put.
        PQDeskError: A batch cannot be put. Whatever stops it, a note on the exception tells how to go on.
    """
    next_line = from_line
    with opened(path) as descriptor, opened_workspace(settings, makes=True) as workspace:
        queue = workspace.queue(name)
        try:
            with progress_bar(descriptor) as show:
                for batch in line_batches(descriptor, from_line=from_line, line_limit_bytes=PAYLOAD_LIMIT_BYTES):
                    numbered = enumerate(batch.lines, batch.first_line)
                    payloads = [parse_payload(line, form, what=f"line {number}") for number, line in numbered]
                    with interrupt_deferred():  # else nobody could tell whether the batch is put
                        ids = _put(queue, payloads, batch.first_line, options)
                        next_line = batch.last_line + 1
                    for message_id in ids if settings.is_json else ():
                        print_json({"id": message_id}, is_compact=True)
                    if not settings.is_json:
                        print(*ids, sep="\n")
                    sys.stdout.flush()
                    show(batch)
        except BaseException as exc:
            done = f"lines {from_line:,} to {next_line - 1:,} are put; put the rest with --from-line {next_line}"
            exc.add_note("nothing was put" if next_line == from_line else done)
            raise


def _put(queue: Queue, payloads: list[Any], first_line: int, options: dict[str, Any]) -> list[int]:
    try:
        return queue.put_many(payloads, **options)
    except InvalidInput:
        for number, payload in enumerate(payloads, first_line):
            encode_payload(payload, what=f"line {number}")  # names the line, where put_many counts items
        raise


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor for reading `path`."""
    if path == "-":
        yield sys.stdin.fileno()
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"cannot read {path!r}: {getattr(exc, 'strerror', exc)}") from exc
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise InvalidInput(f"cannot read {path!r}: it is a folder; name a file")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def interrupt_deferred() -> Iterator[None]:
    """Keep Ctrl-C back until the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    was_interrupted = False

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal was_interrupted
        was_interrupted = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if was_interrupted:
        raise KeyboardInterrupt
