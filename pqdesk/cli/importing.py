"""`import`: the messages of a file are put anew, in batches, so that a stop says exactly where to go on."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, say, say_error
from pqdesk.cli.progress import progress_bar
from pqdesk.cli.put_lines import BATCH_LINES, interrupt_deferred, line_batches, opened
from pqdesk.cli.settings import Settings, opened_workspace, pass_settings
from pqdesk.cli.tables import count_of
from pqdesk.cli.transfer import FORMATS, Format, as_outgoing, file_format, from_cells, is_over
from pqdesk.errors import InvalidInput
from pqdesk.messages.aliases import OnConflict
from pqdesk.messages.payloads import parse_json
from pqdesk.messages.records import Outgoing
from pqdesk.queues.outgoing import checked_outgoing

if TYPE_CHECKING:
    from pqdesk.workspace import Workspace

_LINE_BYTES = 128 * 1024 * 1024  # a payload of 16 MiB, each byte of it escaped
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the file, by its number from 1 on; `fields` or the `problem` with it."""

    number: int
    fields: Any = None
    problem: str | None = None


@dataclass(slots=True)
class Total:
    """What came of the entries so far. `next_number`: the first that is not put yet."""

    next_number: int = 1
    put: int = 0
    valid: int = 0
    finished: int = 0
    problems: list[str] = field(default_factory=list)
    invalid: int = 0

    def refuse(self, number: int, problem: str) -> None:
        self.invalid += 1
        if len(self.problems) < _SHOWN:
            self.problems.append(f"message {number:,}: {problem}")


@command("import", has_json=True)
@click.argument("file")
@click.option(
    "--queue",
    metavar="QUEUE",
    shell_complete=complete_queue,
    help="Put all of them into this queue, instead of those they are from.",
)
@click.option("--format", "given", type=click.Choice(FORMATS), help="Else by the name of FILE: .csv, or JSON Lines.")
@click.option("--all", "has_finished", is_flag=True, help="Put those, too, that are finished or have expired.")
@click.option(
    "--on-conflict",
    type=click.Choice(["raise", "keep", "replace"]),
    default="raise",
    help="When a key is in use: stop, leave that message out, or replace the other.",
)
@click.option("--skip-invalid", is_flag=True, help="Leave out what cannot be put, instead of stopping there.")
@click.option("--from-message", type=click.IntRange(1), default=1, metavar="N", help="The first message to put.")
@click.option("--dry-run", is_flag=True, help="Only tell how many are valid, and what is wrong with the others.")
@pass_settings
def import_command(
    settings: Settings,
    file: str,
    queue: str | None,
    given: str | None,
    has_finished: bool,
    on_conflict: OnConflict,
    skip_invalid: bool,
    from_message: int,
    dry_run: bool,
) -> int:
    """Put the messages of FILE, JSON Lines or CSV.

    As 'export' writes them; '-' is standard input. They are new messages, due when they were to be due. In batches of
    1,000, each one transaction; a message that cannot be put stops before its batch and tells how to go on.
    """
    total = Total(next_number=from_message)
    importer = _Importer(total, queue, on_conflict, has_finished=has_finished, is_lenient=skip_invalid or dry_run)
    try:
        with opened(file) as descriptor, _workspace(settings, dry_run) as workspace:
            for entries in _batches(descriptor, file_format(file, given), from_message):
                importer.take(entries, workspace)
    except BaseException as exc:
        if not dry_run:
            exc.add_note(_standing(total, from_message))
        raise
    return _report(settings, total, is_dry_run=dry_run)


class _Importer:
    """Judges batches of entries and puts what is good."""

    def __init__(
        self, total: Total, queue: str | None, on_conflict: OnConflict, *, has_finished: bool, is_lenient: bool
    ) -> None:
        self._total, self._queue, self._on_conflict = total, queue, on_conflict
        self._has_finished, self._is_lenient = has_finished, is_lenient

    def take(self, entries: list[Entry], workspace: Workspace | None) -> None:
        """Put the valid ones in one transaction; without a workspace only judge."""
        total, now = self._total, datetime.now(UTC)
        messages = [one for entry in entries if (one := self._judged(entry, now)) is not None]
        total.valid += len(messages)
        if workspace is not None:
            with interrupt_deferred():  # else nobody could tell whether the batch is put
                if messages:
                    workspace.queue(str(messages[0].queue)).put_many(messages)
                total.put += len(messages)
                total.next_number = entries[-1].number + 1

    def _judged(self, entry: Entry, now: datetime) -> Outgoing | None:
        """The message to put; None for one that is left out. Raises InvalidInput, naming it."""
        try:
            if entry.problem is not None:
                raise InvalidInput(entry.problem)
            if isinstance(entry.fields, dict) and not self._has_finished and is_over(entry.fields, now):
                self._total.finished += 1
                return None
            message = as_outgoing(entry.fields, queue=self._queue, on_conflict=self._on_conflict, now=now)
            checked_outgoing(message, "")
        except InvalidInput as exc:
            if not self._is_lenient:
                raise InvalidInput(f"message {entry.number:,}: {exc}") from exc
            self._total.refuse(entry.number, str(exc))
            return None
        return message


def _batches(descriptor: int, form: Format, first: int) -> Iterator[list[Entry]]:
    """The entries from number `first` on, at most 1,000 at once."""
    if form == "csv":
        entries = (entry for entry in _csv_entries(descriptor) if entry.number >= first)
        while batch := list(islice(entries, BATCH_LINES)):
            yield batch
        return
    with progress_bar(descriptor) as show:
        for lines in line_batches(descriptor, from_line=first, line_limit_bytes=_LINE_BYTES):
            numbered = enumerate(lines.lines, lines.first_line)
            yield [_entry(number, partial(parse_json, line, "it")) for number, line in numbered]
            show(lines)


def _entry(number: int, read: Callable[[], Any]) -> Entry:
    try:
        return Entry(number, read())
    except InvalidInput as exc:
        return Entry(number, problem=str(exc))


def _csv_entries(descriptor: int) -> Iterator[Entry]:
    csv.field_size_limit(_LINE_BYTES)
    with open(os.dup(descriptor), encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        rows = csv.reader(text)
        try:
            titles = next(rows, [])
        except csv.Error as exc:
            raise InvalidInput(f"its first line is no CSV: {exc}") from exc
        if "payload" not in titles:
            raise InvalidInput("its first line has no title 'payload'; the titles are those that export writes")
        for number in count(1):
            try:
                row = next(rows, None)
            except csv.Error as exc:
                yield Entry(number, problem=f"it is no CSV: {exc}")
                continue
            if row is None:
                return
            if len(row) != len(titles):
                yield Entry(number, problem=f"it has {len(row)} cells, and the first line has {len(titles)}")
            else:
                yield _entry(number, partial(from_cells, dict(zip(titles, row, strict=True))))


@contextmanager
def _workspace(settings: Settings, is_dry_run: bool) -> Iterator[Workspace | None]:
    if is_dry_run:
        yield None
        return
    with opened_workspace(settings, makes=True) as workspace:
        yield workspace


def _standing(total: Total, first: int) -> str:
    if total.next_number == first:
        return "nothing was put"
    done = f"{count_of(total.put, 'message')} put"
    return f"{done}; put the rest with --from-message {total.next_number}"


def _report(settings: Settings, total: Total, *, is_dry_run: bool) -> int:
    """Tell what came of it; the exit code."""
    if settings.is_json:
        print_json(total)
    else:
        what = f"{total.valid:,} valid" if is_dry_run else f"{count_of(total.put, 'message')} put"
        if total.invalid:
            what += f", {total.invalid:,} not"
        if total.finished:
            what += f"; {total.finished:,} that were finished are left out (--all puts them, too)"
        say(what)
        for problem in total.problems:
            say_error(problem)
        if total.invalid > len(total.problems):
            remark(f"and {total.invalid - len(total.problems):,} more")
    return ExitCode.FAILED if total.invalid else ExitCode.DONE
