"""The options that describe a worker, for `add-worker` and `edit-worker`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from pqdesk.cli.options import ID
from pqdesk.cli.telltales import warn_of_typed
from pqdesk.errors import InvalidInput
from pqdesk.worker_options import CONSUMERS, PRODUCERS, RUN_OPTIONS, Kind, WorkerOption, options_of

R = TypeVar("R")

OF_RUN = "run_"  # before the names of parameters that are about how a worker runs


class VariableType(click.ParamType[tuple[str, str]]):
    """`NAME=value`; the value may hold more `=`."""

    name = "variable"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        if not sign or not name:
            self.fail(f"{value!r} is no variable; write it like TOKEN=abc", param, ctx)
        return name, text


class SecretType(VariableType):
    """The same; `NAME` or `NAME=-` takes the value from standard input, which leaves no trace in the shell."""

    name = "secret"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        if sign and text != "-":
            converted = super().convert(value, param, ctx)
            warn_of_typed(name)
            return converted
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
    click.option("--env", "environment", type=VariableType(), multiple=True, metavar="NAME=VALUE", help="A variable."),
    click.option(
        "--secret", "secrets", type=SecretType(), multiple=True, metavar="NAME[=VALUE]",
        help="A variable kept in a file of its own (0600); without a value it is read from standard input.",
    ),
)  # fmt: skip


def try_options(function: Callable[..., R]) -> Callable[..., R]:
    """What one message is, on which the work is tried."""
    return _declared(
        (
            click.option(
                "--try", "sample", metavar="PAYLOAD", help="Work once on this payload; no message is taken or put."
            ),
            click.option("--try-message", "message_id", type=ID, metavar="ID", help="The same on a copy of a message."),
        )
    )(function)


def loop_options(*kinds: Kind) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """The options of `consume` or `produce`; their values come as the worker takes them."""
    rows = (row for row in options_of(*kinds) if not row.is_word and row.form != "words")
    return _declared(_option(row, row.field, is_read=True) for row in rows)


def worker_options(function: Callable[..., R]) -> Callable[..., R]:
    """All options that describe a worker. Their values come as keyword arguments, those of what it does as written."""
    options = {
        row.option: _option(row, row.field, is_read=False)
        for row in reversed(options_of(*CONSUMERS, *PRODUCERS))
        if row.form != "words"
    }
    runs = (_option(row, OF_RUN + row.field, is_read=True) for row in RUN_OPTIONS)
    return _declared((*reversed(options.values()), *runs, *_OTHERS))(function)


def _declared(options: Iterable[Callable[..., Any]]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    def declare(function: Callable[..., R]) -> Callable[..., R]:
        for option in reversed([*options]):
            function = option(function)
        return function

    return declare


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
