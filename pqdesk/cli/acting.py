"""What all commands have in common that act on messages: progress while it goes on, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, result_of, say, say_error
from pqdesk.cli.settings import Settings, opened_workspace
from pqdesk.cli.tables import console_for, count_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pqdesk.messages.aliases import OnProgress
    from pqdesk.messages.records import Outcome
    from pqdesk.workspace import Workspace
dry_run = click.option("--dry-run", is_flag=True, help="Only tell how many it would be.")


Operation = Callable[["Workspace", "OnProgress"], "Outcome"]


def act(settings: Settings, done: str, operation: Operation, **how: Any) -> int:
    """Call `operation` on the workspace, and tell what became of the messages; `done` says what they are now.

    `how`: the options of `report`. Returns the exit code.
    """
    with opened_workspace(settings) as workspace, _progress(settings, done) as on_progress:
        outcome = operation(workspace, on_progress)
    with result_of(_summary(outcome, count_of(outcome.done, "message"), done, how.get("is_dry_run", False))):
        report(settings, outcome, done, **how)
    return ExitCode.FAILED if outcome.errors else ExitCode.DONE


def report(
    settings: Settings,
    outcome: Outcome,
    done: str,
    *,
    unit: str = "message",
    is_dry_run: bool = False,
    has_new_ids: bool = False,
    is_for_good: bool = False,
) -> None:
    """What an action did, in one line and one more per error; nothing to do is no error.

    With `has_new_ids` the ids of what was made are the result, one a line, and the rest is said beside it. What is
    done `is_for_good` is no matter for undo.
    """
    if settings.is_json:
        print_json(outcome)
        return
    tell = say
    if has_new_ids:
        tell = remark
        for message_id in outcome.new_ids:
            print(message_id)
    text = _summary(outcome, count_of(outcome.done, unit), done, is_dry_run)
    if outcome.activity_id is not None and outcome.done and not (outcome.note or is_for_good) and sys.stdout.isatty():
        text += f"; undo: {settings.command} undo {outcome.activity_id}"
    tell(text)
    for error in outcome.errors:
        say_error(error)


def _summary(outcome: Outcome, messages: str, done: str, is_dry_run: bool) -> str:
    text = f"{messages} would be {done}" if is_dry_run else f"{messages} {done}"
    if outcome.skipped:
        text += f"; {_skipped(outcome)}"
    if outcome.note:
        text += f"; {outcome.note}"
    return text


def _skipped(outcome: Outcome) -> str:
    """`1 left as it is (running)`, `37 left as they are (34 running, 3 key in use)`."""
    if outcome.skipped == 1:
        return f"1 left as it is ({', '.join(outcome.reasons)})"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in outcome.reasons.items())
    return f"{outcome.skipped:,} left as they are ({reasons})"


@contextmanager
def _progress(settings: Settings, done: str) -> Iterator[OnProgress]:
    """Tells how far it is, on a terminal, once it takes more than a batch; a stop says what is done."""
    shown = _Progress(done, is_shown=sys.stderr.isatty() and not settings.is_json)
    try:
        with shown:
            yield shown.tell
    except BaseException as exc:
        if shown.done and not getattr(exc, "__notes__", ()):
            exc.add_note(f"{count_of(shown.done, 'message')} {done} before that; see: {settings.command} activity")
        raise


class _Progress:
    """A line on stderr that counts."""

    def __init__(self, done: str, *, is_shown: bool) -> None:
        self.done = 0
        self._word, self._is_shown = done, is_shown
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def tell(self, done: int, skipped: int) -> None:
        self.done = done
        if not self._is_shown:
            return
        if self._progress is None:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()]
            self._progress = Progress(*columns, console=console_for(sys.stderr), transient=True)
            self._progress.start()
            self._task = self._progress.add_task("", total=None)
        assert self._task is not None
        text = f"{count_of(done, 'message')} {self._word}" + (f", {skipped:,} skipped" if skipped else "")
        self._progress.update(self._task, description=text)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._progress is not None:
            self._progress.stop()
