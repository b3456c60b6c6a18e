"""The lines of a worker's log: how they are written, and read again.

    2026-11-30T18:22:20.123Z completed id=7 queue=code attempt=1 12 ms
    2026-11-30T18:22:20.123Z id=8 queue=code attempt=2: Traceback (most recent call last):
    2026-11-30T18:22:20.123Z       File "mail.py", line 3, in send
    2026-11-30T18:22:20.123Z id=9 | what the handler or command of message 9 printed
    2026-11-30T18:22:20.123Z | what was printed for no message

One record is one line; what goes on from it is indented, what others print stands behind a bar, and control characters
are escaped: whatever a payload brings, it cannot pass for a line about another message. Times are UTC, so that lines of
several logs can be put in one order. Other programs, and what a handler's own programs print past the worker, have no
time in the file: such a line has the time of the line before it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from heapq import merge
from typing import NamedTuple, TypeVar

_K = TypeVar("_K", bound=Hashable)
# What may act on a terminal or imitate other text: control characters, except tabs and the colours of `ESC [ … m`,
# line and paragraph separators, bidirectional marks and overrides.
_ACTIVE = re.compile(
    "\x1b(?!\\[[0-9;:]*m)|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_INDENT = "    "
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?:(?:id=(\d{1,19}) )?(\|)(?: |$))?")
_SUBJECT = re.compile(r"(?:[a-z]+ )?id=(\d{1,19})(?=[ :]|$)")


class LogRecord(NamedTuple):
    """A line as it was written.

    Attributes:
        time: `2026-11-30T18:22:20.123Z`; None where it has none.
        message_id: Of the message that it is about, by what the worker wrote; never by what others printed.
        is_printed: A program or handler printed it.
        text: The line without its time and its bar.
    """

    time: str | None
    message_id: int | None
    is_printed: bool
    text: str


def parse_line(line: str) -> LogRecord:
    found = _LINE.match(line)
    if found is None:
        return LogRecord(None, None, False, line)
    text, is_printed = line[found.end() :], found[3] is not None
    subject = found[2]
    if not is_printed and (named := _SUBJECT.match(text)) is not None:
        subject = named[1]
    return LogRecord(found[1], None if subject is None else int(subject), is_printed, text)


def time_of(line: str) -> str | None:
    found = _LINE.match(line)
    return None if found is None else found[1]


def stamp(wall_us: int) -> str:
    """What a line of that moment begins with."""
    second, us = divmod(wall_us, 1_000_000)
    return f"{_shown_second(second)}.{us // 1000:03d}Z "


def record(text: str, time: str = "") -> str:
    """One record, with its line end: its first line, and the others indented; each begins with `time`."""
    first, *rest = _plain(text).split("\n")
    return time + first + "\n" + "".join(f"{time}{_INDENT}{line}\n" for line in rest)


def printed(lines: Iterable[str], message_id: int | None, time: str = "") -> str:
    """Lines that somebody printed, for that message or for none. Colours are kept."""
    head = f"{time}| " if message_id is None else f"{time}id={message_id} | "
    return "".join(f"{head}{_with_colours(line)}\n" for line in lines)


def merged(sources: Sequence[tuple[_K, Sequence[str]]], otherwise: str = "") -> list[tuple[_K, str]]:
    """Lines of several logs in the order of their times; of one moment, in the order of the logs.

    Args:
        otherwise: The time of the lines of a log that has none at all.
    """
    runs = [
        [(time, number, line) for time, line in timed(lines, otherwise)] for number, (_, lines) in enumerate(sources)
    ]
    return [(sources[number][0], line) for _, number, line in merge(*runs, key=lambda one: one[:2])]


def timed(lines: Sequence[str], otherwise: str) -> Iterator[tuple[str, str]]:
    """Each line with its time, or that of the line before it; times never go back, whatever the clock did."""
    current = next((found[1] for line in lines if (found := _LINE.match(line))), otherwise)
    for line in lines:
        found = _LINE.match(line)
        if found is not None:
            current = max(current, found[1])
        yield current, line


@lru_cache(2)
def _shown_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _plain(text: str) -> str:
    """Without anything that acts on a terminal, colours included: they might hide what comes after."""
    if text.isascii() and text.isprintable():
        return text
    return "\n".join(escaped(line).replace("\x1b", "\\x1b") for line in text.replace("\r\n", "\n").split("\n"))


def _with_colours(line: str) -> str:
    shown = escaped(line)
    return f"{shown}\x1b[0m" if "\x1b" in shown else shown


def escaped(text: str) -> str:
    """`text` without what acts on a terminal, or imitates other text; tabs and colours are left."""
    if text.isascii() and text.isprintable():
        return text
    return _ACTIVE.sub(lambda match: ascii(match[0])[1:-1], text)
