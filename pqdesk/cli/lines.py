"""Single lines for people: the result on stdout, remarks and errors on stderr. Needs no extra."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pqdesk.cli.visible import visible

_LONGEST, _END = 2000, 500


def say(text: str) -> None:
    """A line for people on stdout."""
    print(visible(text))


@contextmanager
def result_of(done: str) -> Iterator[None]:
    """Print in here what came of something that is `done`: where that cannot be written, the error says so."""
    try:
        yield
        sys.stdout.flush()
    except OSError as exc:
        exc.add_note(done)
        raise


def remark(text: str) -> None:
    """A line beside the result, on stderr, so that the result stays clean for a pipe."""
    print(visible(text), file=sys.stderr)


def say_error(text: str) -> None:
    """One line on stderr, in the form of every error of every command; of a very long one both ends."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _END]} … {text[-_END:]}"
    line = f"pqdesk: error: {visible(text)}"
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # stderr is closed or full: the exit code has to say it all
        pass
