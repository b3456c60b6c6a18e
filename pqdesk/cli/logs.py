"""`logs`: what workers wrote, and what they are writing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.cli.visible import visible_log_line
from pqdesk.cli.workers import replicas_named
from pqdesk.supervision.logs import LogFollower, tail_lines
from pqdesk.supervision.supervision import Supervision

_LOOK_S = 0.2
_SUPERVISORD = "supervisord"


@dataclass(frozen=True, slots=True)
class _Log:
    """One file, and whose it is."""

    process: str
    path: Path


@command("logs", has_json=True)
@click.argument("name", metavar="NAME|all|supervisord")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added, until Ctrl-C.")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    metavar="LINES",
    help="The last so many lines.",
)
@click.option("--stderr", is_flag=True, help="Warnings and tracebacks instead of the lines per message.")
@pass_settings
def logs_command(settings: Settings, name: str, follow: bool, count: int, stderr: bool) -> None:
    """Show the log of a worker or all. With --json, an object per line."""
    logs = _logs(settings, name, is_error=stderr)
    processes = [one.process for one in logs]
    printer = _Printer(is_json=settings.is_json, width=max(map(len, processes)) if len(processes) > 1 else 0)
    if follow:
        _follow(logs, count, printer)
    else:
        for log in logs:
            printer.print(log, tail_lines(log.path, count))


def _logs(settings: Settings, name: str, *, is_error: bool) -> list[_Log]:
    if name == _SUPERVISORD:
        return [_Log(name, settings.paths.logs / "supervisord.log")]
    replicas = replicas_named(settings, Supervision(settings.paths), name)
    return [_Log(one.process, one.stderr_log if is_error else one.stdout_log) for one in replicas]


def _follow(logs: Sequence[_Log], count: int, printer: _Printer) -> None:
    with ExitStack() as stack:
        followed = [(log, stack.enter_context(closing(LogFollower(log.path, from_end_lines=count)))) for log in logs]
        while True:
            has_read = False
            for log, follower in followed:
                lines = follower.read()
                has_read = has_read or bool(lines)
                printer.print(log, lines)
            sys.stdout.flush()
            if not has_read:
                time.sleep(_LOOK_S)


class _Printer:
    """Prints lines of logs; with a `width`, each after the name of its process."""

    def __init__(self, *, is_json: bool, width: int) -> None:
        self._is_json = is_json
        self._width = width

    def print(self, log: _Log, lines: Iterable[str]) -> None:
        for line in lines:
            if self._is_json:
                print_json({"process": log.process, "line": line}, is_compact=True)
            elif self._width:
                print(f"{log.process:<{self._width}} | {visible_log_line(line)}")
            else:
                print(visible_log_line(line))
