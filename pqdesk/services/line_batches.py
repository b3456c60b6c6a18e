"""The lines of a file or a pipe, in batches."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from dataclasses import dataclass

from pqdesk.errors import InvalidInput

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
