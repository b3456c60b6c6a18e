"""A command as a producer: each line that it prints is a message."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pqdesk.attending import attend
from pqdesk.clock import Clock
from pqdesk.errors import InvalidInput
from pqdesk.messages.counting import counted
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES
from pqdesk.messages.written import Form, parse_payload
from pqdesk.workers.command_consumer import Printed
from pqdesk.workers.lifecycle import EXIT_DONE, EXIT_FAILED, StopSignals
from pqdesk.workers.process import Child, ChildGuard, describe_status
from pqdesk.workers.putting import ITEMS_LIMIT, Putter
from pqdesk.workers.report import Report

_LOOK_S = 0.05  # while it ends
_KILL_AFTER_MS = 5000  # between TERM and KILL

Line = Any


class LineSplitter:
    """Cuts a stream of bytes into lines, without their `\\n` or `\\r\\n`, and reads each as a payload of this form.

    Without a form a line that is not UTF-8 stays bytes. Lines that no payload can hold are left out.

    Attributes:
        too_long: How many were left out for their length.
        refused: How many since they are not what the form says, and `reason` why the first of them.
    """

    def __init__(self, limit_bytes: int = PAYLOAD_LIMIT_BYTES, form: Form | None = None) -> None:
        self.refused, self.reason = 0, ""
        self._form = form
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._is_skipping = False
        self.too_long = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that are whole by now."""
        *whole, rest = chunk.split(b"\n")
        lines = [line for part in whole for line in self._end_line(part)]
        self._add(rest)
        return lines

    def end(self) -> list[Line]:
        """The last line, if it had no line end."""
        if not self._rest and not self._is_skipping:
            return []
        return self._end_line(b"")

    def _add(self, part: bytes) -> None:
        if self._is_skipping:
            return
        self._rest += part
        if len(self._rest) > self._limit_bytes + 1:  # 1: a \r that goes away
            self._is_skipping = True
            self._rest.clear()

    def _end_line(self, part: bytes) -> list[Line]:
        """The payload of the line that ends with `part`; none where it is left out."""
        self._add(part)
        line = bytes(self._rest).removesuffix(b"\r")
        is_too_long = self._is_skipping or len(line) > self._limit_bytes
        self._rest.clear()
        self._is_skipping = False
        self.too_long += is_too_long
        return [] if is_too_long else self._payload(line)

    def _payload(self, line: bytes) -> list[Line]:
        try:
            return [parse_payload(line, self._form, what="the line")]
        except InvalidInput as exc:
            if self._form is None:  # it is not UTF-8
                return [line]
            self.refused += 1
            self.reason = self.reason or str(exc)
            return []


@dataclass(frozen=True, slots=True)
class CommandSource:
    """Runs a command and puts its lines. Belongs to the main thread."""

    command: Sequence[str]
    form: Form | None
    environment: Mapping[str, str]
    putter: Putter
    report: Report
    stop: StopSignals
    clock: Clock
    guard: ChildGuard = field(default_factory=ChildGuard)

    def run_for_ever(self) -> int:
        """Put each line as it comes, until the command ends."""
        status = self._run(lambda some: self.putter.put(some, is_divisible=True))
        if self.stop.is_stopping:
            return EXIT_DONE
        if status:
            self.report.warn(f"command {self.command[0]!r} ended: {describe_status(status)}")
        return status if status >= 0 else 128 - status

    def run_once(self) -> bool:
        """Put all lines when the command has ended with 0."""
        lines: list[Line] = []
        status = self._run(lambda some: lines.extend(some[: ITEMS_LIMIT + 1 - len(lines)]))
        if self.stop.is_stopping:
            return False
        if status:
            reason = describe_status(status)
        elif len(lines) > ITEMS_LIMIT:
            reason = f"more than {ITEMS_LIMIT:,} lines in one run"
        else:
            self.putter.put(lines)
            return True
        self.report.warn(f"command {self.command[0]!r}: {reason}; nothing of this run was put")
        return True

    def close(self) -> None:
        self.guard.close()

    def _run(self, take: Callable[[list[Line]], None]) -> int:
        """Its exit status; `take` gets the lines that came together. Asked to stop, it ends the command by TERM."""
        try:
            child = Child(self.command, self.environment, self.guard)
        except OSError as exc:
            self.report.warn(f"cannot run {self.command[0]!r}: {exc.strerror}")
            return EXIT_FAILED
        splitter = LineSplitter(form=self.form)
        try:
            self._attend(child, splitter, take)
            take(splitter.end())
        finally:
            child.close()
        if splitter.too_long:
            self.report.warn(
                f"{counted(splitter.too_long, 'line')} left out: longer than {PAYLOAD_LIMIT_BYTES:,} bytes"
            )
        if splitter.refused:
            self.report.warn(f"{counted(splitter.refused, 'line')} left out: {splitter.reason}")
        return child.status

    def _attend(self, child: Child, splitter: LineSplitter, take: Callable[[list[Line]], None]) -> None:
        kill_ms: int | None = None

        def look() -> float | None:
            nonlocal kill_ms
            if self.stop.wait(0) and kill_ms is None:
                child.signal(signal.SIGTERM)
                kill_ms = self.clock.awake_ms() + _KILL_AFTER_MS
            elif kill_ms is not None and self.clock.awake_ms() >= kill_ms:
                child.signal(signal.SIGKILL)
            return None if kill_ms is None else _LOOK_S

        errors = Printed(None, self.report)
        out, err = child.outputs
        attend(
            child.has_ended,
            {out: lambda chunk: take(splitter.feed(chunk)), err: partial(errors.add, is_error=True)},
            look,
            exit_descriptor=child.exit_descriptor,
            wakeup=self.stop.wakeup.fileno(),
        )
        errors.end()
