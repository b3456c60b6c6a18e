"""A program that works on messages as long as it lives: lines to its stdin, lines from its stdout, its stderr a log.

One thread per program moves all bytes, so that neither a program that does not read nor one that prints without end
holds up anything else.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import selectors
import signal
import socket
import termios
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import IO, NamedTuple

from pqdesk.clock import Clock
from pqdesk.queues.message import Message
from pqdesk.workers.command_consumer import Printed
from pqdesk.workers.pipe_lines import (
    LONGEST_ANSWER_BYTES,
    Answer,
    BadAnswer,
    cancel_line,
    id_at_beginning,
    message_line,
    parse_answer,
)
from pqdesk.workers.process import Child, ChildGuard, describe_status
from pqdesk.workers.report import Report
from pqdesk.workers.work import Nacked

PATIENCE_MS = 5000  # between TERM and KILL, and between the end of its input and TERM

_CHUNK_BYTES = 64 * 1024
_LOOK_S = 0.05  # where the system has no descriptor that tells of an exit
_STRAY = "stray lines of a program behind a pipe"  # a condition of Report.begin
_TOO_LONG = f"its answer has more than {LONGEST_ANSWER_BYTES // 1024**2} MiB; put a path or an address instead"


class Ended(NamedTuple):
    """The program has ended with the message in hand.

    Attributes:
        how: In words: "exit code 3: no such module".
        is_to_blame: Whether the message may be: the program has read it, and was not told to end.
    """

    how: str
    is_to_blame: bool


class Task:
    """A message in the program's hands. What comes of it is in `events`; the last one has an ending, or is Ended."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.events: SimpleQueue[Answer | Ended] = SimpleQueue()
        self.end_of_line = 0  # among all bytes for the program


class Program:
    """One process. Thread-safe.

    Attributes:
        has_answered: Whether it ever said a thing about a message.
        how: How it has ended; empty while it lives.

    Raises:
        OSError: It cannot be run.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], guard: ChildGuard, report: Report, clock: Clock
    ) -> None:
        self.has_answered = False
        self.how = ""
        self._report, self._clock = report, clock
        self._child = Child(command, environment, guard, has_stdin=True)
        self._stdout, self._stderr = self._child.outputs
        self._lock = threading.Lock()
        self._tasks: dict[int, Task] = {}
        self._unsent: deque[memoryview] = deque()
        self._queued_bytes = 0
        self._is_closing = self._is_ordered = self._was_told = False
        self._act_ms: int | None = None  # when to tell it to end, or to kill it
        self._unread_bytes = 0  # of a program that reads no more
        self._line = bytearray()  # of its stdout, without its end
        self._is_skipping = False  # the rest of a line that is too long
        self._printed = Printed(None, report)
        self._waker, self._wakes = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run, name="consumer-pipe", daemon=True)
        self._thread.start()

    def give(self, message: Message) -> Task | None:
        """Have it work on the message; None when it has ended."""
        task, line = Task(message), message_line(message)
        with self._lock:
            if self.how:
                return None
            self._tasks[message.id] = task
            self._send(line)
            task.end_of_line = self._queued_bytes
        return task

    def cancel(self, task: Task) -> None:
        """Let it know that the answer is not wanted any more."""
        with self._lock:
            self._send(cancel_line(task.message.id))

    def forget(self, task: Task) -> None:
        """What it says about the message from now on is left out."""
        with self._lock:
            self._tasks.pop(task.message.id, None)

    def end(self) -> None:
        """TERM, and KILL 5 s later, for no fault of what it has in hand."""
        self._order(self._clock.awake_ms())

    def close(self) -> None:
        """There will be no more messages. It may end by itself for 5 s, then it is told to."""
        with self._lock:
            self._is_closing = True
        self._order(self._clock.awake_ms() + PATIENCE_MS)
        self._thread.join()

    def kill(self) -> None:
        self._child.signal(signal.SIGKILL)

    def ends_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _order(self, at_ms: int) -> None:
        with self._lock:
            self._is_ordered = True
            self._act_ms = at_ms if self._act_ms is None else min(self._act_ms, at_ms)
            self._wake()

    def _send(self, line: bytes) -> None:
        if not self.how:
            self._unsent.append(memoryview(line))
            self._queued_bytes += len(line)
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it wakes already, or has ended
            self._waker.send(b"x", socket.MSG_DONTWAIT)

    # --- its thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        child, selector = self._child, self._selector
        assert child.stdin is not None
        try:
            for pipe in (child.stdin, self._stdout, self._stderr):
                os.set_blocking(pipe.fileno(), False)
            selector.register(self._stdout, selectors.EVENT_READ, self._read_answers)
            selector.register(self._stderr, selectors.EVENT_READ, self._read_errors)
            selector.register(self._wakes, selectors.EVENT_READ, self._read_wakes)
            if child.exit_descriptor is not None:
                selector.register(child.exit_descriptor, selectors.EVENT_READ, child.has_ended)
            while not child.has_ended():
                self._look_at_input(child.stdin)
                for key, _ in selector.select(self._pause_s()):
                    key.data()
                self._act()
            while self._read_answers() or self._read_errors():  # what it said before
                pass
        finally:
            self._over(child.stdin)

    def _look_at_input(self, stdin: IO[bytes]) -> None:
        """Be told when there is room for what is to be sent; after the last, its input has an end."""
        if stdin.closed:
            return
        with self._lock:
            has_more, is_closing = bool(self._unsent), self._is_closing
        is_registered = stdin in self._selector.get_map()
        if has_more and not is_registered:
            self._selector.register(stdin, selectors.EVENT_WRITE, self._write)
        elif not has_more and is_registered:
            self._selector.unregister(stdin)
        if is_closing and not has_more:
            stdin.close()

    def _write(self) -> None:
        stdin = self._child.stdin
        assert stdin is not None
        with self._lock:
            begun = self._unsent[0]
        try:
            left = begun[stdin.write(begun) or 0 :]  # None: the pipe is full
        except BrokenPipeError:  # a program that reads no more is one that is about to end
            self._selector.unregister(stdin)
            self._unread_bytes = _unread_bytes(stdin)
            stdin.close()
            with self._lock:
                self._act_ms = self._act_ms or self._clock.awake_ms() + PATIENCE_MS
            return
        with self._lock:
            if left:
                self._unsent[0] = left
            else:
                self._unsent.popleft()

    def _read_wakes(self) -> None:
        self._wakes.recv(_CHUNK_BYTES)

    def _read_errors(self) -> int:
        chunk = self._read(self._stderr)
        self._name_printer()
        self._printed.add(chunk, is_error=True)
        return len(chunk)

    def _read_answers(self) -> int:
        chunk = self._read(self._stdout)
        begin, end = 0, chunk.find(b"\n")
        while end >= 0:
            self._line += chunk[begin:end]
            if not self._is_skipping:
                self._answer(bytes(self._line))
            self._line.clear()
            self._is_skipping = False
            begin, end = end + 1, chunk.find(b"\n", end + 1)
        if not self._is_skipping:
            self._line += chunk[begin:]
            if len(self._line) > LONGEST_ANSWER_BYTES:
                self._refuse(BadAnswer(_TOO_LONG, id_at_beginning(bytes(self._line[:_CHUNK_BYTES]))))
                self._is_skipping = True
                self._line.clear()
        return len(chunk)

    def _read(self, pipe: IO[bytes]) -> bytes:
        """What is there; at its end the pipe is let go, and without answers the program is of no use."""
        if pipe.closed:
            return b""
        chunk = pipe.read(_CHUNK_BYTES)  # None: nothing there, and the pipe still open
        if chunk == b"":
            if pipe in self._selector.get_map():
                self._selector.unregister(pipe)
            pipe.close()
            if pipe is self._stdout:
                with self._lock:
                    self._act_ms = self._act_ms or self._clock.awake_ms() + PATIENCE_MS
        return chunk or b""

    def _answer(self, line: bytes) -> None:
        try:
            answer = parse_answer(line)
        except BadAnswer as exc:
            self._refuse(exc)
            return
        if answer is None:
            if line.strip():
                text = "the program behind the pipe printed what is no answer: its stdout is for answers, its stderr"
                self._report.begin(_STRAY, f"{text} for all else; such lines are passed on as if they were there")
                self._name_printer()
                self._printed.add(line + b"\n", is_error=True)
            return
        with self._lock:
            task = self._task(answer.id)
            if task is not None and answer.ending is not None:
                del self._tasks[task.message.id]
        if task is None:
            which = "no message" if answer.id is None else f"message {answer.id}"
            self._report.warn(f"the program behind the pipe answers for {which}, which it has not in hand; left out")
            return
        self.has_answered = True
        task.events.put(answer)

    def _name_printer(self) -> None:
        """What it prints is about the message that it has in hand, where that is a single one."""
        with self._lock:
            self._printed.message_id = next(iter(self._tasks)) if len(self._tasks) == 1 else None

    def _refuse(self, bad: BadAnswer) -> None:
        """An answer that is none fails the attempt that it is about, or all where it does not say."""
        with self._lock:
            task = self._task(bad.id)
            failed = [task] if task is not None else [] if bad.id is not None else list(self._tasks.values())
            for one in failed:
                del self._tasks[one.message.id]
        if not failed:
            self._report.warn(f"the program behind the pipe answers for no message that it has in hand: {bad}")
        for one in failed:
            one.events.put(Answer(one.message.id, Nacked(f"the program's answer is none: {bad}")))

    def _task(self, message_id: int | None) -> Task | None:
        """The one that a line is about: of a single one it need not say so."""
        if message_id is None and len(self._tasks) == 1:
            return next(iter(self._tasks.values()))
        return None if message_id is None else self._tasks.get(message_id)

    def _pause_s(self) -> float | None:
        with self._lock:
            act_ms = self._act_ms
        left_s = None if act_ms is None else max(0.0, (act_ms - self._clock.awake_ms()) / 1000)
        if self._child.exit_descriptor is not None:
            return left_s
        return _LOOK_S if left_s is None else min(left_s, _LOOK_S)

    def _act(self) -> None:
        with self._lock:
            if self._act_ms is None or self._clock.awake_ms() < self._act_ms:
                return
            self._act_ms = self._clock.awake_ms() + PATIENCE_MS
        self._child.signal(signal.SIGKILL if self._was_told else signal.SIGTERM)
        self._was_told = True

    def _over(self, stdin: IO[bytes]) -> None:
        """It has ended: so has all that it had in hand, and what it left running in its group."""
        unread = self._unread_bytes if stdin.closed else _unread_bytes(stdin)
        self._printed.end()
        self._child.kill_group()
        self._selector.close()
        self._child.close()
        last = self._printed.last_error
        how = describe_status(self._child.status)
        with self._lock:
            self.how = f"{how}: {last[:200]}" if last else how
            read_bytes = self._queued_bytes - sum(map(len, self._unsent)) - unread
            for task in self._tasks.values():
                is_to_blame = task.end_of_line <= read_bytes and not self._is_ordered
                task.events.put(Ended(self.how, is_to_blame))
            self._tasks.clear()
            self._unsent.clear()
            self._waker.close()
            self._wakes.close()


def _unread_bytes(pipe: IO[bytes]) -> int:
    """How much of what was written nobody has read."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(pipe, termios.FIONREAD, count)
    except OSError:
        return 0
    return count[0]
