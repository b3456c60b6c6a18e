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
from pqdesk.cli.options import Chosen
from pqdesk.cli.progress import Counter
from pqdesk.cli.settings import Settings, opened_workspace
from pqdesk.messages.counting import counted

if TYPE_CHECKING:
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
    with result_of(_summary(outcome, counted(outcome.done, "message"), done, how.get("is_dry_run", False))):
        report(settings, outcome, done, **how)
    return ExitCode.FAILED if outcome.errors else ExitCode.DONE


def act_on(
    settings: Settings,
    action: str,
    done: str,
    chosen: Chosen,
    is_dry_run: bool,
    *,
    has_new_ids: bool = False,
    is_for_good: bool = False,
    **values: Any,
) -> int:
    """The same for an action of the Workspace's on the messages chosen, with what it takes besides."""

    def operation(workspace: Workspace, on_progress: OnProgress) -> Outcome:
        call: Callable[..., Outcome] = getattr(workspace, action)
        return call(chosen.ids, **chosen.filters, **values, dry_run=is_dry_run, on_progress=on_progress)

    return act(settings, done, operation, is_dry_run=is_dry_run, has_new_ids=has_new_ids, is_for_good=is_for_good)


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
    text = _summary(outcome, counted(outcome.done, unit), done, is_dry_run)
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
    count = 0
    with Counter(is_shown=not settings.is_json) as counter:

        def tell(number: int, skipped: int) -> None:
            nonlocal count
            count = number
            counter.show(f"{counted(number, 'message')} {done}" + (f", {skipped:,} skipped" if skipped else ""))

        try:
            yield tell
        except BaseException as exc:
            if count and not getattr(exc, "__notes__", ()):
                exc.add_note(f"{counted(count, 'message')} {done} before that; see: {settings.command} activity")
            raise
