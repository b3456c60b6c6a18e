"""The options that describe a worker, for `add-worker` and `edit-worker`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from pqdesk.cli.lines import remark
from pqdesk.cli.options import ID, Written, declared, pair_of
from pqdesk.errors import InvalidInput
from pqdesk.messages.masking import is_secret_name
from pqdesk.worker_options import CONSUMERS, PRODUCERS, RUN_OPTIONS, Kind, WorkerOption, options_of

R = TypeVar("R")

OF_RUN = "run_"  # before the names of parameters that are about how a worker runs


_variable = pair_of("variable", "TOKEN=abc")


def _secret(text: str) -> tuple[str, str]:
    """The same; `NAME` or `NAME=-` takes the value from standard input, which leaves no trace in the shell."""
    name, sign, value = text.partition("=")
    if sign and value != "-":
        pair = _variable(text)
        warn_of_typed(name)
        return pair
    if sys.stdin.isatty():
        return name, click.prompt(name, hide_input=True, err=True)
    return name, sys.stdin.read().removesuffix("\n")


class OptionType(click.ParamType[Any]):
    """A value of the table, checked as the worker checks it: what the worker takes, or as it is written down."""

    def __init__(self, row: WorkerOption, *, is_read: bool) -> None:
        self.name = row.field
        self._row = row
        self._is_read = is_read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            here = value if self._is_read else self._row.here(value)
            read = self._row.check(here)
        except InvalidInput as exc:
            self.fail(str(exc), param, ctx)
        return read if self._is_read or self._row.form == "number" else here

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(one) for one in self._row.choices or () if one.startswith(incomplete)]


_OTHERS = (
    click.option(
        "--env", "environment", type=Written("variable", _variable), multiple=True, metavar="NAME=VALUE",
        help="A variable.",
    ),
    click.option(
        "--secret", "secrets", type=Written("secret", _secret), multiple=True, metavar="NAME[=VALUE]",
        help="A variable kept in a file of its own (0600); without a value it is read from standard input.",
    ),
)  # fmt: skip
# What one message is, on which the work is tried.
try_options = declared(
    click.option("--try", "sample", metavar="PAYLOAD", help="Work once on this payload; no message is taken or put."),
    click.option("--try-message", "message_id", type=ID, metavar="ID", help="The same on a copy of a message."),
)


def loop_options(*kinds: Kind) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """The options of `consume` or `produce`; their values come as the worker takes them."""
    rows = (row for row in options_of(*kinds) if not row.is_word and row.form != "words")
    return declared(*(_option(row, row.field, is_read=True) for row in rows))


def worker_options(function: Callable[..., R]) -> Callable[..., R]:
    """All options that describe a worker. Their values come as keyword arguments, those of what it does as written."""
    options = {
        row.option: _option(row, row.field, is_read=False)
        for row in reversed(options_of(*CONSUMERS, *PRODUCERS))
        if row.form != "words"
    }
    runs = (_option(row, OF_RUN + row.field, is_read=True) for row in RUN_OPTIONS)
    return declared(*reversed(options.values()), *runs, *_OTHERS)(function)


def _option(row: WorkerOption, parameter: str, *, is_read: bool) -> Callable[..., Any]:
    if row.form == "flag":
        return click.option(row.option, parameter, is_flag=True, default=None, help=row.help)
    return click.option(
        row.option,
        parameter,
        type=OptionType(row, is_read=is_read),
        multiple=row.form == "several",
        metavar=row.metavar or ("TEXT" if row.choices is None else f"[{'|'.join(row.choices)}]"),
        help=row.help,
    )


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
