"""`export`: messages to a file that other programs read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.lines import remark
from pqdesk.cli.options import filter_options, filters_given
from pqdesk.cli.progress import Counter
from pqdesk.cli.settings import Settings, pass_inspection, pass_settings, require_queue
from pqdesk.errors import InvalidInput
from pqdesk.messages.counting import counted
from pqdesk.queues.operations import select
from pqdesk.services.transfer import FORMATS, file_format, write_messages

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection

_SHOWN_EVERY = 500


@command("export")
@click.argument("words", nargs=-1, required=True, metavar="[QUEUE] FILE", shell_complete=complete_queue)
@filter_options
@click.option("--format", "given", type=click.Choice(FORMATS), help="Else by the name of FILE: .csv, or JSON Lines.")
@click.option("--history", is_flag=True, help="With each attempt, and the payloads before an edit.")
@click.option("--mask/--no-mask", default=True, help="Hide values of fields named like password, token, key or secret.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@pass_inspection
@pass_settings
def export_command(
    settings: Settings,
    inspection: Inspection,
    words: tuple[str, ...],
    given: str | None,
    history: bool,
    mask: bool,
    overwrite: bool,
    **filters: Any,
) -> None:
    """Write messages to FILE, as JSON Lines or CSV.

    Oldest first; '-' is standard output. Those of QUEUE, or of all queues, that match the filters. 'import' puts them
    again, into any workspace: with all that a put can give, but not with hidden values. What became of them is in the
    file, for other programs.
    """
    if len(words) > 2:
        raise click.UsageError("name a queue and a file, or only a file", click.get_current_context())
    queue, path = (None, words[0]) if len(words) == 1 else words
    require_queue(settings, inspection, queue)
    selection = select(**filters_given(queue=queue, **filters))
    form = file_format(path, given)
    count = hidden = 0
    with _opened(path, overwrite) as file, Counter() as counter:
        for hides in write_messages(inspection, selection, file, form, has_history=history, is_masked=mask):
            count, hidden = count + 1, hidden + hides
            if count % _SHOWN_EVERY == 0:
                counter.show(f"{counted(count, 'message')} written")
    text = f"{counted(count, 'message')} written"
    if hidden:
        text += f"; in {hidden:,} of them values are hidden, by the names of their fields; --no-mask writes them"
    remark(text)


@contextmanager
def _opened(path: str, is_overwriting: bool) -> Iterator[IO[str]]:
    """A new file of mode 0600, there under its name when it is whole; or standard output."""
    if path == "-":
        yield sys.stdout
        return
    if os.path.lexists(path) and not is_overwriting:
        raise InvalidInput(f"{path!r} is there already; --overwrite replaces it")
    unfinished = f"{path}.unfinished-{os.getpid()}"
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (OSError, ValueError) as exc:
        raise InvalidInput(f"cannot write {path!r}: {getattr(exc, 'strerror', exc)}") from exc
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield file
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)
        raise
