"""What a command line gives away: others see it in the list of processes, and the shell's history keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pqdesk.cli.lines import remark
from pqdesk.messages.masking import is_secret_name

_GIVEN = re.compile(r"(?:--?)?([A-Za-z_][\w.\-]*)=(.+)", re.DOTALL)
_OPTION = re.compile(r"--?([A-Za-z_][\w.\-]*)")
_NO_SECRET = re.compile(r"[-{@/.].*|\d*|.*\$[\w{].*", re.DOTALL)  # an option, a place, a file, a number, a variable


def warn_of_secrets(command: Sequence[str], environment: Iterable[str]) -> None:
    """Say on stderr what of a worker looks like a secret that others can read, and how to give it instead.

    Args:
        environment: The names of its variables that are no secrets.
    """
    for name in dict.fromkeys(names_of_secrets(command)):
        remark(
            f"warning: {name!r} looks like a secret, and others can read it in the list of processes; let the program "
            "read it from a variable, and give that with --secret NAME"
        )
    for name in environment:
        if is_secret_name(name):
            remark(f"warning: variable {name} looks like a secret; --secret {name} keeps it in a file of its own")


def warn_of_typed(name: str) -> None:
    """Say on stderr that the value of a secret stood on the command line."""
    remark(
        f"warning: the value of {name} stood on the command line, where others and the shell's history see it; "
        f"--secret {name} alone reads it from standard input"
    )


def names_of_secrets(words: Sequence[str]) -> Iterator[str]:
    """The options and settings among `words` that are named like secrets and have a value of their own."""
    for word, following in zip(words, (*words[1:], ""), strict=True):
        given, option = _GIVEN.fullmatch(word), _OPTION.fullmatch(word)
        if given is not None:
            name, value = given.groups()
        elif option is not None:
            name, value = option[1], following
        else:
            continue
        if is_secret_name(name) and not _NO_SECRET.fullmatch(value):
            yield name
