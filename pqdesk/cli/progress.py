"""How far something is, on stderr where that is a terminal; elsewhere nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from pqdesk.cli.tables import console_for

if TYPE_CHECKING:
    from rich.progress import Progress

    from pqdesk.services.line_batches import Batch


class Counter:
    """A line that counts, gone when the block is left; it is there from the first text on."""

    def __init__(self, *, is_shown: bool = True) -> None:
        self._is_shown = is_shown and sys.stderr.isatty()
        self._progress: Progress | None = None

    def show(self, text: str) -> None:
        if not self._is_shown:
            return
        if self._progress is None:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()]
            self._progress = Progress(*columns, console=console_for(sys.stderr), transient=True)
            self._progress.start()
            self._progress.add_task("", total=None)
        self._progress.update(self._progress.task_ids[0], description=text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._progress is not None:
            self._progress.stop()


@contextmanager
def progress_bar(descriptor: int) -> Iterator[Callable[[Batch], None]]:
    """How much of a file is read, to be called with each batch of its lines."""
    if not sys.stderr.isatty():
        yield lambda batch: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    size = os.fstat(descriptor).st_size or None
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console_for(sys.stderr), redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task("Reading", total=size)

        def show(batch: Batch) -> None:
            progress.update(task, completed=batch.read_bytes, description=f"{batch.last_line:,} lines are put")

        yield show
