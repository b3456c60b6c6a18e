"""The options that describe a worker, for `add-worker` and `edit-worker`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pqdesk.cli.options import DURATION

R = TypeVar("R")

RESTARTS = {"always": "always", "if-it-fails": "if it fails", "never": "never"}

_UNITS = {"": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}


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
            return super().convert(value, param, ctx)
        if sys.stdin.isatty():
            return name, click.prompt(name, hide_input=True, err=True)
        return name, sys.stdin.read().removesuffix("\n")


class SizeType(click.ParamType[int]):
    """`1MB`, `500KB`, `0`; bytes as an int."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d{1,12})\s*([KMG]B)?", str(value).strip().upper())
        if match is None:
            self.fail(f"{value!r} is no size; write it like 1MB or 500KB", param, ctx)
        return int(match[1]) * _UNITS[match[2] or ""]


_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--handler", metavar="MODULE_OR_FILE:FUNCTION", help="Call this Python function."),
    click.option("--queue", "queues", multiple=True, metavar="QUEUE", help="Take from it, or put into it; may repeat."),
    click.option("--folder", metavar="DIR", help="Watch this folder: a message per new or changed file."),
    click.option("--post", "url", metavar="URL", help="Send each message there by HTTP POST."),
    click.option(
        "--post-header", "headers", multiple=True, metavar="NAME=VALUE",
        help="For --post; with $NAME as the value it comes from the worker's variables.",
    ),
    click.option("--payload", metavar="TEXT", help="With --every or --cron: put this each time."),
    click.option("--every", metavar="DURATION", help="Run so often, and put what comes of it."),
    click.option("--cron", metavar="FIELDS", help="Run at these times: '*/10 * * * *'."),
    click.option("--timezone", metavar="NAME", help="For --cron: 'Europe/Berlin'; else the machine's."),
    click.option("--missed", type=click.Choice(["once", "skip", "all"]), help="What becomes of runs slept through."),
    click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Messages at once in each process."),
    click.option("--timeout", metavar="DURATION", help="The longest that one message may take."),
    click.option("--lease", metavar="DURATION", help="How long a dead machine keeps a message."),
    click.option("--max-attempts", type=click.IntRange(1), metavar="N", help="Where neither message nor queue says."),
    click.option("--replicas", type=int, metavar="N", help="How many processes."),
    click.option("--env", "environment", type=VariableType(), multiple=True, metavar="NAME=VALUE", help="A variable."),
    click.option(
        "--secret", "secrets", type=SecretType(), multiple=True, metavar="NAME[=VALUE]",
        help="A variable kept in a file of its own (0600); without a value it is read from standard input.",
    ),
    click.option("--directory", metavar="DIR", help="Where it runs; else in the workspace."),
    click.option("--restart", type=click.Choice(list(RESTARTS)), help="After which ends it is started again."),
    click.option("--stop-signal", metavar="SIGNAL", help="What asks it to end; TERM by default."),
    click.option("--stop-wait", type=DURATION, metavar="DURATION", help="After that it is killed; 30s by default."),
    click.option("--start-wait", type=DURATION, metavar="DURATION", help="How long it must stay up to be started."),
    click.option("--log-size", type=SizeType(), metavar="SIZE", help="Rotate logs there; 1MB by default, 0: never."),
    click.option("--log-backups", type=int, metavar="N", help="How many old logs are kept; 3 by default."),
    click.option("--autostart/--no-autostart", "is_autostart", default=None, help="Whether supervisord starts it."),
)  # fmt: skip


def worker_options(function: Callable[..., R]) -> Callable[..., R]:
    """All options that describe a worker; their values come as keyword arguments."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
