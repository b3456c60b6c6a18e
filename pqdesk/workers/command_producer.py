"""A command as a producer: each line that it prints is a message."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Callable, Mapping
from typing import IO, Any

from pqdesk.clock import Clock
from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES
from pqdesk.messages.written import Form, parse_payload
from pqdesk.workers.command_consumer import CommandTarget, Printed
from pqdesk.workers.lifecycle import EXIT_DONE, EXIT_FAILED, StopSignals
from pqdesk.workers.process import Child, ChildGuard, describe_status, find_program
from pqdesk.workers.putting import ITEMS_LIMIT, Putter
from pqdesk.workers.report import Report

_CHUNK_BYTES = 64 * 1024
_LOOK_S = 0.05  # where the system has no descriptor that tells of an exit
_KILL_AFTER_S = 5.0  # between TERM and KILL
_LEFT_IN_PIPE_BYTES = 1024 * 1024  # the largest pipe: what can be left of a program that has ended

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


class CommandSource:
    """Runs a command and puts its lines. Belongs to the main thread."""

    def __init__(
        self,
        target: CommandTarget,
        form: Form | None,
        environment: Mapping[str, str],
        putter: Putter,
        report: Report,
        stop: StopSignals,
        clock: Clock,
    ) -> None:
        self._command = find_program(target.command)
        self._form = form
        self._environment = environment
        self._putter = putter
        self._report = report
        self._stop = stop
        self._clock = clock
        self._guard = ChildGuard()

    def run_for_ever(self) -> int:
        """Put each line as it comes, until the command ends."""
        status = self._run(lambda some: self._putter.put(some, is_divisible=True))
        if self._stop.is_stopping:
            return EXIT_DONE
        if status:
            self._report.warn(f"command {self._command[0]!r} ended: {describe_status(status)}")
        return status if status >= 0 else 128 - status

    def run_once(self) -> bool:
        """Put all lines when the command has ended with 0."""
        lines: list[Line] = []
        status = self._run(lambda some: lines.extend(some[: ITEMS_LIMIT + 1 - len(lines)]))
        if self._stop.is_stopping:
            return False
        if status:
            reason = describe_status(status)
        elif len(lines) > ITEMS_LIMIT:
            reason = f"more than {ITEMS_LIMIT:,} lines in one run"
        else:
            self._putter.put(lines)
            return True
        self._report.warn(f"command {self._command[0]!r}: {reason}; nothing of this run was put")
        return True

    def close(self) -> None:
        self._guard.close()

    def _run(self, take: Callable[[list[Line]], None]) -> int:
        """Its exit status; `take` gets the lines that came together. Asked to stop, it ends the command by TERM."""
        try:
            child = Child(self._command, self._environment, self._guard, has_stderr=True)
        except OSError as exc:
            self._report.warn(f"cannot run {self._command[0]!r}: {exc.strerror}")
            return EXIT_FAILED
        splitter, errors = LineSplitter(form=self._form), Printed(None, self._report)
        try:
            self._read(child, splitter, take, errors)
            errors.end()
            take(splitter.end())
        finally:
            child.close()
        if splitter.too_long:
            self._report.warn(f"{splitter.too_long} lines left out: longer than {PAYLOAD_LIMIT_BYTES:,} bytes")
        if splitter.refused:
            self._report.warn(f"{splitter.refused} lines left out: {splitter.reason}")
        return child.status

    def _read(self, child: Child, splitter: LineSplitter, take: Callable[[list[Line]], None], errors: Printed) -> None:
        assert child.stderr is not None
        feeds: tuple[tuple[IO[bytes], Callable[[bytes], None]], ...] = (
            (child.stdout, lambda chunk: take(splitter.feed(chunk))),
            (child.stderr, lambda chunk: errors.add(chunk, is_error=True)),
        )
        for pipe, _ in feeds:
            os.set_blocking(pipe.fileno(), False)
        kill_ms: int | None = None
        with selectors.DefaultSelector() as selector:
            for descriptor in (child.stdout, child.stderr, self._stop.wakeup, child.exit_descriptor):
                if descriptor is not None:
                    selector.register(descriptor, selectors.EVENT_READ)
            while not child.has_ended():
                selector.select(_LOOK_S if child.exit_descriptor is None or kill_ms is not None else None)
                for pipe, feed in feeds:
                    if chunk := _read_chunk(pipe, selector):
                        feed(chunk)
                if self._stop.wait(0) and kill_ms is None:
                    child.signal(signal.SIGTERM)
                    kill_ms = self._clock.awake_ms() + round(_KILL_AFTER_S * 1000)
                elif kill_ms is not None and self._clock.awake_ms() >= kill_ms:
                    child.signal(signal.SIGKILL)
            for pipe, feed in feeds:
                _read_rest(pipe, selector, feed)


def _read_rest(pipe: IO[bytes], selector: selectors.BaseSelector, feed: Callable[[bytes], None]) -> None:
    total = 0
    while total < _LEFT_IN_PIPE_BYTES and (chunk := _read_chunk(pipe, selector)):
        total += len(chunk)
        feed(chunk)


def _read_chunk(pipe: IO[bytes], selector: selectors.BaseSelector) -> bytes:
    """What is there, empty for nothing or the end; at the end the pipe is let go."""
    if pipe.closed:
        return b""
    chunk = pipe.read(_CHUNK_BYTES)
    if chunk == b"":
        selector.unregister(pipe)
        pipe.close()
    return chunk or b""
