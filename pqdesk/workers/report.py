"""What a worker says: one line per message on stdout, warnings and tracebacks on stderr. Never a payload.

Each record is a line, as supervision/log_records.py has it; with its time, where the worker is supervised. A worker
must go on when nobody can hear it: a log on a full disk is no reason to drop messages. Only a pipe whose reader has
gone ends it, since then whoever started it has gone too.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TextIO

from pqdesk.clock import Clock
from pqdesk.log_records import printed, record, stamp
from pqdesk.messages.durations import format_duration
from pqdesk.workers.log_stream import LogStream


class Report:
    """Thread-safe; each call is one write, so that lines of threads never mix.

    `out` is for lines about messages (a LogStream says whether lines have times), `err` for warnings and tracebacks,
    which alone are told when `is_quiet`. `on_broken_pipe` is called when a reader has gone.
    """

    def __init__(
        self, out: TextIO, err: TextIO, on_broken_pipe: Callable[[], None] = lambda: None, *, is_quiet: bool = False
    ) -> None:
        self._clock: Clock | None = out.clock if isinstance(out, LogStream) else None
        self._out = out.raw if isinstance(out, LogStream) else out
        self._err = err.raw if isinstance(err, LogStream) else err
        self._on_broken_pipe = on_broken_pipe
        self._is_quiet = is_quiet
        self._lock = threading.Lock()
        self._conditions: set[str] = set()

    def settled_all(self, settled: Sequence[tuple[str, int, str, int, float]]) -> None:
        """(word, id, queue, attempt, seconds) of messages of one queue: `completed id=7 queue=code attempt=1 12 ms`."""
        if not settled or self._is_quiet:
            return
        queue, time = shown(settled[0][2]), self._time()
        lines = [
            f"{time}{word} id={message_id} queue={queue} attempt={attempt} {format_duration(ran_s)}\n"
            for word, message_id, _, attempt, ran_s in settled
        ]
        self._write(self._out, "".join(lines))

    def line(self, text: str) -> None:
        self.lines((text,))

    def lines(self, texts: Iterable[str]) -> None:
        """One record each."""
        if self._is_quiet:
            return
        time = self._time()
        self._write(self._out, "".join(record(text, time) for text in texts))

    def warn(self, text: str) -> None:
        """One warning, or a text of several lines, on stderr."""
        self._write(self._err, record(text.rstrip("\n"), self._time()))

    def pass_on(self, lines: Sequence[str], message_id: int | None, *, is_error: bool) -> None:
        """Lines that a command wrote to its stdout or stderr, for that message or for none.

        By hand, stdout has a line per message and nothing else: what a command wrote there is its result.
        """
        if not lines or (self._clock is None and not is_error):
            return
        if self._clock is None and message_id is None:
            text = "".join(map(record, lines))
        else:
            text = printed(lines, message_id, self._time())
        self._write(self._err if is_error else self._out, text)

    def begin(self, condition: str, text: str) -> None:
        """Warn once that a condition has begun; again only after `end`."""
        with self._lock:
            if condition in self._conditions:
                return
            self._conditions.add(condition)
        self.warn(text)

    def end(self, condition: str) -> None:
        with self._lock:
            self._conditions.discard(condition)

    def _time(self) -> str:
        return "" if self._clock is None else stamp(self._clock.wall_us())

    def _write(self, stream: TextIO, text: str) -> None:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        writable = text.encode(encoding, "backslashreplace").decode(encoding)
        try:
            with self._lock:
                stream.write(writable)
                stream.flush()
        except BrokenPipeError:
            self._on_broken_pipe()
        except (OSError, ValueError):  # a full disk under the log, a closed stream
            pass


def shown(name: str) -> str:
    """A name as a line shows it: quoted when it has blanks in it, or what cannot be seen."""
    return repr(name) if " " in name or not name.isprintable() else name


def describe_exception(exc: BaseException, *, skipped_frames: int = 0) -> str:
    """The traceback of `exc`, without `skipped_frames` of our own at the top. Lists show its last line."""
    frames: TracebackType | None = exc.__traceback__
    for _ in range(skipped_frames):
        if frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
    return "".join(traceback.format_exception(type(exc), exc, frames)).rstrip("\n")
