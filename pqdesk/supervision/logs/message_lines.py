"""The lines about one message in the logs of workers, and the message that a line is about.

Workers write `completed id=7 queue=code attempt=1 12 ms` to stdout and `id=7 queue=code attempt=1: …` to stderr, there
with a traceback after it; what its handler or command prints comes as `id=7 | …`. In a line with a time, as workers
write them, only that counts. Programs of others may name a message as `id=7` anywhere in a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pqdesk.log_records import merged, parse_line
from pqdesk.opening import open_plain
from pqdesk.supervision.logs.levels import goes_on
from pqdesk.supervision.logs.log_files import log_files, readable

_NAMED = re.compile(r"(?<![\w.=-])id=(0*[1-9][0-9]{0,17}|[1-8][0-9]{18})(?!\w)")  # below 2⁶³, as ids are
_SEARCHED_BYTES = 32 * 1024 * 1024  # of each log, from its end on
_CHUNK_BYTES = 1024 * 1024
_AROUND_BYTES = 64 * 1024
_MOST_LINES = 500
_MOST_OF_A_TRACE = 200


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line and the log that it stands in."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class FoundLines:
    """Lines about a message in the order of their times; without times log by log, oldest first in each.

    Attributes:
        skipped_bytes: How much of the logs, the oldest part, was not looked at.
        problems: Why a log could not be read, a sentence for each.
    """

    lines: tuple[FoundLine, ...] = ()
    skipped_bytes: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinesAround:
    """What a log says around the newest line about a message.

    Attributes:
        at: Which of the lines it is.
    """

    path: Path
    lines: tuple[str, ...]
    at: int


def message_id_of(line: str) -> int | None:
    """The message that the line is about; None when it names none."""
    written = parse_line(line)
    if written.time is not None:
        return written.message_id
    found = _NAMED.search(line)
    return None if found is None else int(found[1])


def is_about(line: str, message_id: int) -> bool:
    """Whether the line is about this message; in a program of others, whether it names it, first or not."""
    written = parse_line(line)
    if written.time is not None:
        return written.message_id == message_id
    return any(int(found[1]) == message_id for found in _NAMED.finditer(line))


def lines_of_message(logs: Iterable[Path], message_id: int) -> FoundLines:
    """What these logs and their rotated files say about a message, tracebacks included; the newest 32 MiB of each."""
    each: list[tuple[Path, list[str]]] = []
    skipped, problems = 0, []
    for log in logs:
        try:
            found, left_out = _search(log, message_id)
        except OSError as exc:
            problems.append(f"cannot read {log}: {exc.strerror}")
            continue
        skipped += left_out
        each.append((log, found[-_MOST_LINES:]))
    return FoundLines(tuple(FoundLine(log, text) for log, text in merged(each)), skipped, tuple(problems))


def lines_around(logs: Iterable[Path], message_id: int) -> LinesAround | None:
    """The newest line about the message in the first of these logs that has one, with what stands around it.

    Raises OSError: a log is there and cannot be read.
    """
    for log in logs:
        for file in log_files(log):
            try:
                around = _around(log, file, message_id)
            except FileNotFoundError:  # rotated away meanwhile
                continue
            if around is not None:
                return around
    return None


class MessageFilter:
    """Of lines that come one after another, those about one message, with what goes on from them."""

    def __init__(self, message_id: int) -> None:
        self._message_id = message_id
        self._left = 0  # lines that may still belong to the one found
        self._was_indented = False
        self._has_times = False

    @property
    def is_open(self) -> bool:
        """The next line may go on from the one before."""
        return self._left > 0

    def passes(self, line: str) -> bool:
        """Whether the next line is one of them."""
        written = parse_line(line)
        self._has_times = self._has_times or written.time is not None
        if self._has_times and written.time is None:  # printed past the worker: whatever it says, nobody knows for whom
            return False
        named = message_id_of(line)
        if named is not None:
            is_it = is_about(line, self._message_id)
            self._left, self._was_indented = (_MOST_OF_A_TRACE if is_it else 0), False
            return is_it
        if not self._left:
            return False
        self._left -= 1
        if goes_on(written.text):
            self._was_indented = True
            return True
        is_exception = self._was_indented and not self._has_times  # the line that ends a traceback
        if not is_exception:
            self._left = 0
        self._was_indented = False
        return is_exception


def _search(log: Path, message_id: int) -> tuple[list[str], int]:
    found: list[list[str]] = []
    left, skipped = _SEARCHED_BYTES, 0
    for file in log_files(log):  # newest first
        try:
            lines, size = _search_file(file, message_id, left)
        except FileNotFoundError:  # rotated away meanwhile
            continue
        found.append(lines)
        skipped += max(0, size - left)
        left = max(0, left - size)
    return [line for lines in reversed(found) for line in lines], skipped


def _search_file(file: Path, message_id: int, limit: int) -> tuple[list[str], int]:
    """Lines of the last `limit` bytes, and the size of the whole."""
    wanted, lines = MessageFilter(message_id), []
    with open(file, "rb", buffering=0, opener=open_plain) as raw:
        size = os.fstat(raw.fileno()).st_size
        for chunk in _chunks(raw.fileno(), max(0, size - limit), size) if limit else ():
            if wanted.is_open or _names(chunk, message_id):  # far quicker than to look at each line
                texts = (text for part in chunk.split(b"\n") for text in readable(part))
                lines += [text for text in texts if wanted.passes(text)]
        return lines, size


def _around(log: Path, file: Path, message_id: int) -> LinesAround | None:
    with open(file, "rb", buffering=0, opener=open_plain) as raw:
        size = os.fstat(raw.fileno()).st_size
        place = -1
        at = max(0, size - _SEARCHED_BYTES)
        for chunk in _chunks(raw.fileno(), at, size):
            if _names(chunk, message_id):
                place = max(place, _place_of_last(chunk, at, message_id))
            at += len(chunk) + 1
        if place < 0:
            return None
        start = max(0, place - _AROUND_BYTES)
        before = os.pread(raw.fileno(), place - start, start).split(b"\n")[:-1]
        after = os.pread(raw.fileno(), _AROUND_BYTES, place).split(b"\n")
        if start and before:
            del before[0]  # its beginning was not read
        if len(after) > 1:
            del after[-1]  # nor the end of this
        lines = [[text for part in parts for text in readable(part)] for parts in (before, after)]
        return LinesAround(log, tuple(lines[0] + lines[1]), len(lines[0]))


def _place_of_last(chunk: bytes, start: int, message_id: int) -> int:
    """Where in the file the last line of a chunk begins that is about the message; -1 for none."""
    place, at = -1, start
    for part in chunk.split(b"\n"):
        if any(is_about(text, message_id) for text in readable(part)):
            place = at
        at += len(part) + 1
    return place


def _names(chunk: bytes, message_id: int) -> bool:
    """Whether it may have a line about the message: not `id=70` for 7."""
    needle = b"id=%d" % message_id
    at = chunk.find(needle)
    while at >= 0:
        if not chunk[at + len(needle) : at + len(needle) + 1].isdigit():
            return True
        at = chunk.find(needle, at + len(needle))
    return False


def _chunks(file: int, start: int, end: int) -> Iterator[bytes]:
    """The file from `start` to `end` in pieces of whole lines."""
    rest = b""
    while start < end:
        data = os.pread(file, min(_CHUNK_BYTES, end - start), start)
        if not data:
            break
        start += len(data)
        whole, _, rest = (rest + data).rpartition(b"\n")
        if whole:
            yield whole
    if rest:
        yield rest
