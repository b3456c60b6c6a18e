"""A command as the worker of a queue: the payload on its stdin, its exit status as the answer.

    exit 0        completed, with up to 64 KiB of stdout as the result
    exit 75       (EX_TEMPFAIL of sysexits.h) try again after the backoff
    exit 65       (EX_DATAERR) failed at once
    other, signal the attempt failed, with the end of what it printed as the error

What it prints stands in the worker's log as it comes, line by line, each with the message.

At its time limit the attempt has failed, and the program is ended by TERM and, 5 s later, KILL. A message that somebody
wants to cancel ends the same way, and is cancelled when its program has ended.

No shell is involved: the arguments are passed as they are, and a payload is only ever data on stdin.
"""

from __future__ import annotations

import codecs
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pqdesk.attending import attend
from pqdesk.clock import Clock
from pqdesk.errors import InvalidInput, PQDeskError
from pqdesk.messages.durations import format_duration
from pqdesk.messages.payloads import encode_payload
from pqdesk.queues.message import Message
from pqdesk.workers.arguments import filled_command, has_fields, message_environment, payload_file
from pqdesk.workers.process import Child, ChildGuard, child_environment, describe_status, find_program, why_not_run
from pqdesk.workers.report import Report
from pqdesk.workers.threads_at_work import Delivery
from pqdesk.workers.work import Completed, Ending, GivenUp, Nacked, Unworkable, Work

RESULT_LIMIT_BYTES = 64 * 1024
_ERROR_LIMIT_BYTES = 63 * 1024  # with the summary before it, no more than the queue keeps
_SUMMARY_LIMIT = 200
_EX_DATAERR = 65
_KILL_AFTER_MS = 5000  # between TERM and KILL
_CANCEL_LOOK_MS = 1000  # how soon a request to cancel is noticed
_LONGEST_LINE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """A program and its arguments. `check` it before taking any message."""

    command: tuple[str, ...]
    is_piped: bool = False  # started once, for all messages (pipe_work.py)

    def check(self) -> None:
        """Raise InvalidInput when there is no such program, or nothing of a message can be in its arguments."""
        if self.is_piped and has_fields(self.command):
            text = "is started once for all messages, so that nothing of a message can be in its arguments"
            raise InvalidInput(f"a program behind a pipe {text}; it reads them from its stdin")
        find_program(self.command)


@dataclass(eq=False, slots=True)
class CommandWork(Work):
    """Runs the command once per message. `settle` ends a delivery at once, where that cannot wait for the program."""

    command: Sequence[str]
    workspace: Path | None
    report: Report
    settle: Callable[[Delivery, Ending], None]
    clock: Clock
    _guard: ChildGuard = field(default_factory=ChildGuard, init=False)
    _children: set[Child] = field(default_factory=set, init=False)

    def do(self, delivery: Delivery) -> Ending:
        message = delivery.message
        environment = child_environment(self.workspace, message_environment(message))
        stdin = encode_payload(message.payload)[1]  # bytes as they are, text as UTF-8, else JSON
        try:
            command = filled_command(self.command, message.payload) if has_fields(self.command) else self.command
            with payload_file(stdin) as file:
                environment["PQDESK_PAYLOAD_FILE"] = f"/dev/fd/{file}"
                child = Child(command, environment, self._guard, has_stdin=True, kept_open=(file,))
        except InvalidInput as exc:
            return GivenUp(str(exc))
        except OSError as exc:
            return cannot_run(self.command[0], exc)
        self._children.add(child)
        try:
            run = _Run(child, message.id, stdin, self.report, self.clock)
            run.finish(delivery.timeout_s, is_cancelled(message), lambda: self._give_up(delivery, run))
        except _Unsettled as exc:
            return Unworkable(str(exc))
        finally:
            self._children.discard(child)
            child.close()
        return self._ending(message, run)

    def abandon(self) -> None:
        for child in self._children.copy():
            child.signal(signal.SIGKILL)

    def close(self) -> None:
        self._guard.close()

    def _give_up(self, delivery: Delivery, run: _Run) -> None:
        """The time is over: the attempt has failed before the program is asked to end."""
        error = _error_text(f"timed out after {format_duration(delivery.timeout_s or 0.0)}", run.printed)
        try:
            self.settle(delivery, Nacked(error, is_told=True, is_timeout=True))
        except PQDeskError as exc:
            raise _Unsettled(str(exc)) from exc

    def _ending(self, message: Message, run: _Run) -> Ending:
        if run.is_overdue or run.is_cancelled:
            return Nacked(_error_text("ended since somebody cancelled it", run.printed), is_told=True)
        if run.status == 0:
            if run.is_cut:
                self.report.warn(
                    f"message {message.id}: the command printed more than {RESULT_LIMIT_BYTES // 1024} KiB; "
                    "the rest is not in the result"
                )
            return Completed(output_value(bytes(run.output), is_cut=run.is_cut))
        error = _error_text(describe_status(run.status), run.printed)
        return GivenUp(error, is_told=True) if run.status == _EX_DATAERR else Nacked(error, is_told=True)


class _Unsettled(Exception):
    """The workspace cannot be used any more; says why."""


class Printed:
    """What a command prints: told line by line as it comes, its end kept, both streams in the order of their lines."""

    def __init__(self, message_id: int | None, report: Report) -> None:
        self.message_id = message_id
        self._report = report
        self._begun = {False: bytearray(), True: bytearray()}  # lines without their end; of stdout, of stderr
        self._tail: deque[str] = deque()
        self._tail_bytes = 0
        self.last_error = ""  # the last line of stderr that is not blank

    @property
    def tail(self) -> str:
        return "\n".join(self._tail).strip("\n")

    def add(self, chunk: bytes, *, is_error: bool) -> None:
        begun = self._begun[is_error]
        begun += chunk
        if b"\n" in chunk or b"\r" in chunk:
            *whole, rest = begun.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        elif len(begun) > _LONGEST_LINE_BYTES:
            whole, rest = [begun], bytearray()
        else:
            return
        self._begun[is_error] = rest
        self._tell([line.decode("utf-8", "replace") for line in whole], is_error)

    def end(self) -> None:
        """It has ended: what has no line end is a line."""
        for is_error, begun in self._begun.items():
            if begun:
                self._tell([begun.decode("utf-8", "replace")], is_error)
                begun.clear()

    def _tell(self, lines: list[str], is_error: bool) -> None:
        for line in lines:
            self._tail.append(line)
            self._tail_bytes += len(line.encode()) + 1
            if is_error and line.strip():
                self.last_error = line.strip()
        while self._tail_bytes > _ERROR_LIMIT_BYTES and len(self._tail) > 1:
            self._tail_bytes -= len(self._tail.popleft().encode()) + 1
        self._report.pass_on(lines, self.message_id, is_error=is_error)


class _Run:
    """Attends to one running program and keeps what it prints, until it has ended."""

    def __init__(self, child: Child, message_id: int, stdin: bytes, report: Report, clock: Clock) -> None:
        self.output = bytearray()
        self.printed = Printed(message_id, report)
        self.is_cut = False
        self.is_overdue = False
        self.is_cancelled = False
        self._act_ms: int | None = None  # when to end it, or to kill it
        self._child = child
        self._stdin = stdin
        self._clock = clock

    @property
    def status(self) -> int:
        return self._child.status

    def finish(self, timeout_s: float | None, is_cancelled: Callable[[], bool], on_overdue: Callable[[], None]) -> None:
        """Return when the program has ended: by itself, or, cancelled or overdue, with the help of TERM, then KILL.

        `on_overdue` is called before it is told to end.
        """
        now_ms = self._clock.awake_ms()
        look_ms = now_ms + _CANCEL_LOOK_MS
        self._act_ms = None if timeout_s is None else now_ms + round(timeout_s * 1000)

        def look() -> float:
            nonlocal look_ms
            now_ms = self._clock.awake_ms()
            if self._act_ms is not None and now_ms >= self._act_ms:
                self._act(now_ms, on_overdue)
            elif now_ms >= look_ms and not self._is_ending:
                look_ms = now_ms + _CANCEL_LOOK_MS
                if is_cancelled():
                    self.is_cancelled = True
                    self._terminate(now_ms)
            acts = [] if self._act_ms is None else [self._act_ms]
            return max(0.0, (min([*acts, *([] if self._is_ending else [look_ms])]) - now_ms) / 1000)

        out, err = self._child.outputs
        attend(
            self._child.has_ended,
            {out: self._take_output, err: partial(self.printed.add, is_error=True)},
            look,
            exit_descriptor=self._child.exit_descriptor,
            stdin=self._child.stdin,
            data=self._stdin,
        )
        self.printed.end()
        if self._is_ending:
            self._child.kill_group()

    @property
    def _is_ending(self) -> bool:
        return self.is_overdue or self.is_cancelled

    def _act(self, now_ms: int, on_overdue: Callable[[], None]) -> None:
        if self._is_ending:
            self._child.signal(signal.SIGKILL)
            self._act_ms = now_ms + _KILL_AFTER_MS  # for what cannot be killed yet
            return
        self.is_overdue = True
        try:
            on_overdue()
        finally:
            self._terminate(now_ms)

    def _terminate(self, now_ms: int) -> None:
        self._child.signal(signal.SIGTERM)
        self._act_ms = now_ms + _KILL_AFTER_MS

    def _take_output(self, chunk: bytes) -> None:
        room = RESULT_LIMIT_BYTES - len(self.output)
        self.output += chunk[:room]
        self.is_cut = self.is_cut or len(chunk) > room
        self.printed.add(chunk, is_error=False)


def cannot_run(program: str, error: OSError) -> Ending:
    """What becomes of a message when the system does not start the program."""
    reason = why_not_run(program, error)
    if reason is None:  # too many processes, an environment too large for the kernel
        return Nacked(f"cannot run {program!r}: {error.strerror}")
    return Unworkable(f"cannot run {program!r}: {reason}; its messages wait as they are")


def is_cancelled(message: Message) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            return message.cancel_requested
        except PQDeskError:  # the workspace is in trouble, which is for others to tell
            return False

    return ask


def output_value(data: bytes, *, is_cut: bool = False) -> str | bytes:
    """What a command printed: text if it is UTF-8, else bytes. Of a cut text, whole characters only."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    except UnicodeDecodeError:
        return data


def _error_text(summary: str, printed: Printed) -> str:
    """The summary with the last line, of stderr if it has any, since lists show the first line; below it the tail."""
    text = printed.tail
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return summary
    last = printed.last_error or lines[-1]
    first = f"{summary}: {last[:_SUMMARY_LIMIT]}"
    return first if len(lines) == 1 and len(lines[0]) <= _SUMMARY_LIMIT else f"{first}\n\n{text}"
