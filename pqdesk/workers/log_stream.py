"""What handlers print, as lines of the worker's log.

A supervised worker writes it line by line, each with its time and its message (see supervision/log_records.py). By
hand, on a terminal or into a file of one's own, it stays what it is but for control characters.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TextIO

from pqdesk.clock import Clock, SystemClock
from pqdesk.log_records import escaped, printed, stamp


class Speaker(Protocol):
    """Who prints here: a thread of a worker, or a task of it."""

    @property
    def message_id(self) -> int | None:
        """Of the message that it works on just now."""
        ...


SPEAKER: ContextVar[Speaker | None] = ContextVar("pqdesk_speaker", default=None)
_LONGEST_LINE = 16 * 1024
_SUPERVISED = "SUPERVISOR_PROCESS_NAME"


class LogStream(io.TextIOBase):
    """In the place of sys.stdout or sys.stderr. Thread-safe.

    Args:
        raw: Where it goes.
        clock: Of the times before its lines; None: no lines are made of it, and nothing stands before them.
    """

    def __init__(self, raw: TextIO, clock: Clock | None) -> None:
        super().__init__()
        self.raw = raw
        self.clock = clock
        self._lock = threading.RLock()
        self._begun: dict[tuple[int, int | None], str] = {}  # lines without their end, of a thread and its message
        self.buffer = io.BufferedWriter(_Bytes(self), 1)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self.raw, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.raw.isatty()

    def fileno(self) -> int:
        return self.raw.fileno()

    def write(self, text: str) -> int:
        if self.clock is None:
            self._pass_on("\n".join(map(escaped, text.split("\n"))))
            return len(text)
        speaker = SPEAKER.get()
        message_id = None if speaker is None else speaker.message_id
        key = threading.get_ident(), message_id
        with self._lock:
            *whole, rest = (self._begun.pop(key, "") + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            if len(rest) > _LONGEST_LINE:
                whole, rest = [*whole, rest], ""
            if rest:
                self._begun[key] = rest
            if whole:
                self._pass_on(printed(whole, message_id, stamp(self.clock.wall_us())))
        return len(text)

    def flush(self) -> None:
        """A line without its end stays, so that no log has half a line."""
        self.raw.flush()

    def end_lines(self) -> None:
        """Write what has no line end yet."""
        with self._lock:
            begun, self._begun = self._begun, {}
            for (_, message_id), rest in begun.items():
                assert self.clock is not None
                self._pass_on(printed([rest], message_id, stamp(self.clock.wall_us())))

    def _pass_on(self, text: str) -> None:
        writable = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
        with self._lock:
            self.raw.write(writable)
            self.raw.flush()


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)


@contextmanager
def worker_streams() -> Iterator[None]:
    """What is printed within goes through a LogStream; in a supervised worker until its end, its last words too."""
    clock = SystemClock() if _SUPERVISED in os.environ else None
    before = sys.stdout, sys.stderr
    streams = LogStream(sys.stdout, clock), LogStream(sys.stderr, clock)
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        for stream in streams:
            stream.end_lines()
        if clock is None:
            sys.stdout, sys.stderr = before
