"""`put --lines`: batches of lines, each put in one transaction, so that a stop says exactly where to go on."""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pqdesk.cli.json_output import print_json
from pqdesk.cli.progress import progress_bar
from pqdesk.cli.settings import Settings, opened_workspace
from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES, encode_payload
from pqdesk.messages.written import Form, parse_payload
from pqdesk.queues.queue import Queue


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


BATCH_LINES = 1000
_BATCH_BYTES = 64 * 1024 * 1024  # a batch of huge lines ends sooner, or it would not fit the memory
_CHUNK_BYTES = 256 * 1024
_PAUSE_S = 0.2  # a pipe that is silent for so long has a batch put as it is: `tail -f` must not wait for 1,000 lines


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines without their line breaks; `first_line` counts from 1, `read_bytes` from the start of the file."""

    first_line: int
    lines: tuple[bytes, ...]
    read_bytes: int

    @property
    def last_line(self) -> int:
        return self.first_line + len(self.lines) - 1


def line_batches(descriptor: int, *, from_line: int, line_limit_bytes: int) -> Iterator[Batch]:
    """The lines of `descriptor` from line `from_line` (1 is the first) on, in batches of BATCH_LINES.

    The last line needs no line break. CR LF counts as a line break. Raises InvalidInput: a line is longer than the
    limit; the batch that it belongs to is not yielded.
    """
    number, lines, size = 0, [], 0
    for line, read_bytes in _lines(descriptor, line_limit_bytes):
        if line is not None:
            number += 1
            if number < from_line:
                continue
            if len(line) > line_limit_bytes:
                raise InvalidInput(f"line {number} has more than {line_limit_bytes:,} bytes")
            lines.append(line)
            size += len(line)
        if lines and (line is None or len(lines) == BATCH_LINES or size >= _BATCH_BYTES):
            yield Batch(number - len(lines) + 1, tuple(lines), read_bytes)
            lines, size = [], 0


def _lines(descriptor: int, limit_bytes: int) -> Iterator[tuple[bytes | None, int]]:
    """Each line with the bytes read so far; None for a pause and for the end. A line above the limit is the last."""
    rest, read_bytes = b"", 0
    while True:
        if not select.select([descriptor], [], [], _PAUSE_S)[0]:
            yield None, read_bytes
        chunk = os.read(descriptor, _CHUNK_BYTES)
        read_bytes += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r"), read_bytes
        if (rest and not chunk) or len(rest) > limit_bytes + 1:  # the one more may be the CR of a line break
            yield rest.removesuffix(b"\r"), read_bytes
        if not chunk:
            yield None, read_bytes
            return
