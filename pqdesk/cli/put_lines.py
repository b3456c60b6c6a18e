"""`put --lines`: batches of lines, each put in one transaction, so that a stop says exactly where to go on."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from pqdesk.cli.json_output import print_json
from pqdesk.cli.line_batches import Batch, line_batches
from pqdesk.cli.payloads import Form, parse_payload
from pqdesk.cli.settings import Settings, opened_workspace
from pqdesk.cli.tables import console_for
from pqdesk.errors import InvalidInput
from pqdesk.messages.payloads import PAYLOAD_LIMIT_BYTES, encode_payload
from pqdesk.queues.queue import Queue

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def put_lines(
    settings: Settings, name: str, path: str, *, from_line: int, form: Form | None, options: dict[str, Any]
) -> None:
    """Put a message with these options of `put_many` for each line of the file at `path`; `-` is standard input.

    Raises:
        InvalidInput: The file cannot be read, or a line is bad: nothing of its batch is put.
        PQDeskError: A batch cannot be put. Whatever stops it, a note on the exception tells how to go on.
    """
    with opened(path) as descriptor, opened_workspace(settings, makes=True) as workspace:
        queue = workspace.queue(name)
        putter = _LinePutter(queue, settings, form, options, next_line=from_line)
        try:
            with progress_bar(descriptor) as progress:
                for batch in line_batches(descriptor, from_line=from_line, line_limit_bytes=PAYLOAD_LIMIT_BYTES):
                    putter.put(batch)
                    progress.show(batch)
        except BaseException as exc:
            exc.add_note(putter.put_so_far)
            raise


class _LinePutter:
    """Puts batches and knows the first line that is not put yet."""

    def __init__(
        self, queue: Queue, settings: Settings, form: Form | None, options: dict[str, Any], *, next_line: int
    ) -> None:
        self._queue = queue
        self._settings = settings
        self._form = form
        self._options = options
        self._first_line = self._next_line = next_line

    def put(self, batch: Batch) -> None:
        """Put the lines of `batch`, all or none, and print their ids."""
        numbered = enumerate(batch.lines, batch.first_line)
        payloads = [parse_payload(line, self._form, what=f"line {number}") for number, line in numbered]
        with interrupt_deferred():  # else nobody could tell whether the batch is put
            ids = self._put(payloads, batch.first_line)
            self._next_line = batch.last_line + 1
        if self._settings.is_json:
            for message_id in ids:
                print_json({"id": message_id}, is_compact=True)
        else:
            print(*ids, sep="\n")
        sys.stdout.flush()

    def _put(self, payloads: list[Any], first_line: int) -> list[int]:
        try:
            return self._queue.put_many(payloads, **self._options)
        except InvalidInput:
            for number, payload in enumerate(payloads, first_line):
                encode_payload(payload, what=f"line {number}")  # names the line, where put_many counts items
            raise

    @property
    def put_so_far(self) -> str:
        """What is put by now, and how to put the rest."""
        if self._next_line == self._first_line:
            return "nothing was put"
        done = f"lines {self._first_line:,} to {self._next_line - 1:,} are put"
        return f"{done}; put the rest with --from-line {self._next_line}"


class _Progress:
    """A bar on stderr, where that is a terminal; else nothing."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def show(self, batch: Batch) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task, completed=batch.read_bytes, description=f"{batch.last_line:,} lines are put"
            )


@contextmanager
def progress_bar(descriptor: int) -> Iterator[_Progress]:
    if not sys.stderr.isatty():
        yield _Progress()
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    size = os.fstat(descriptor).st_size or None
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console_for(sys.stderr), redirect_stdout=sys.stdout.isatty()) as progress:
        yield _Progress(progress, progress.add_task("Reading", total=size))


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
