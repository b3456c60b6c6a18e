"""`logs`: what workers wrote, and what they are writing."""

from __future__ import annotations

import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_log
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import visible_log_line
from pqdesk.cli.settings import Settings, pass_settings
from pqdesk.cli.workers import replicas_named
from pqdesk.clock import SystemClock
from pqdesk.log_records import merged, stamp, time_of
from pqdesk.services.workers import workers_of
from pqdesk.supervision.logs.levels import Level, LevelReader
from pqdesk.supervision.logs.log_files import LogFollower, all_lines, tail_lines, without_colours
from pqdesk.supervision.logs.message_lines import MessageFilter

_LOOK_S = 0.2
_SUPERVISORD = "supervisord"
_LEVELS = click.Choice([level.name.lower() for level in Level], case_sensitive=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; None stands for any. Upper and lower case are the same, as in the window."""

    pattern: re.Pattern[str] | None = None
    lowest: Level | None = None
    message_id: int | None = None

    @classmethod
    def parse(cls, grep: str | None, regex: bool, level: str | None, message_id: int | None) -> Wanted:
        """From the options. Raises click.UsageError for what cannot be understood."""
        if regex and grep is None:
            raise click.UsageError("--regex says how --grep is meant: give --grep too")
        pattern = None
        if grep is not None:
            try:
                pattern = re.compile(grep if regex else re.escape(grep), re.IGNORECASE)
            except re.error as exc:
                raise click.UsageError(f"--grep {grep!r} is not a regular expression: {exc}") from exc
        return cls(pattern, None if level is None else Level[level.upper()], message_id)

    @property
    def is_any(self) -> bool:
        """Every line will do."""
        return self == Wanted()


class LineFilter:
    """Of the lines of one stream in their order, those that are wanted."""

    def __init__(self, wanted: Wanted, *, is_error: bool) -> None:
        self._wanted = wanted
        self._levels = LevelReader(is_error=is_error)
        self._about = None if wanted.message_id is None else MessageFilter(wanted.message_id)

    def passes(self, line: str) -> bool:
        wanted = self._wanted
        plain = without_colours(line)
        is_high = wanted.lowest is None or self._levels.read(plain) >= wanted.lowest
        is_about = self._about is None or self._about.passes(plain)
        return is_high and is_about and (wanted.pattern is None or wanted.pattern.search(plain) is not None)


@dataclass(frozen=True, slots=True)
class Log:
    """One file, and whose it is."""

    process: str
    path: Path
    is_error: bool = False


@command("logs", has_json=True)
@click.argument("name", metavar="NAME|all|supervisord", shell_complete=complete_log)
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
@click.option("--stdout", is_flag=True, help="The lines per message; without --level and --message, the default.")
@click.option("--stderr", is_flag=True, help="Warnings and tracebacks; with --stdout, both.")
@click.option("--grep", metavar="TEXT", help="Only lines with this text, in upper or lower case.")
@click.option("--regex", is_flag=True, help="The text of --grep is a regular expression.")
@click.option("--level", type=_LEVELS, help="Only lines of this level and above.")
@click.option("--message", "message_id", type=click.IntRange(1), metavar="ID", help="Only lines about this message.")
@pass_settings
def logs_command(
    settings: Settings, name: str, follow: bool, count: int, stdout: bool, stderr: bool, **asked: Any
) -> None:
    """Show the log of a worker or all. With --json, an object per line.

    Lines of several logs come in the order of their times, which are UTC.

    -n counts the lines that are shown; --grep, --level and --message look for them in all that is kept of the log,
    with -f in its newest MiB.
    """
    wanted = Wanted.parse(**asked)
    is_both = (wanted.lowest is not None or wanted.message_id is not None) and not stdout and not stderr
    streams = [is_error for is_error, is_asked in ((False, stdout), (True, stderr)) if is_asked or is_both] or [False]
    logs = _logs(settings, name, streams)
    processes = [one.process for one in logs]
    printer = Printer(is_json=settings.is_json, width=max(map(len, processes)) if len(set(processes)) > 1 else 0)
    if follow:
        with ExitStack() as stack:
            followed = [stack.enter_context(closing(Followed(log, count, wanted))) for log in logs]
            while True:
                follow_once(followed, printer)
    filters = [LineFilter(wanted, is_error=log.is_error) for log in logs]
    lines = [list(_last(log, count, one, is_any=wanted.is_any)) for log, one in zip(logs, filters, strict=True)]
    printer.print_all(list(zip(logs, lines, strict=True)))


def _last(log: Log, count: int, chosen: LineFilter, *, is_any: bool) -> Iterable[str]:
    """The last `count` wanted lines; which they are is known only after looking at all."""
    if is_any:
        return tail_lines(log.path, count)
    return deque((line for line in all_lines(log.path) if chosen.passes(line)), maxlen=count)


def _logs(settings: Settings, name: str, streams: Sequence[bool]) -> list[Log]:
    """`streams`: whether stderr is meant, for each that is asked for."""
    if name == _SUPERVISORD:
        return [Log(name, settings.paths.logs / "supervisord.log")]
    replicas = replicas_named(settings, workers_of(settings.paths), name)
    return [
        Log(one.process, one.stderr_log if is_error else one.stdout_log, is_error)
        for one in replicas
        for is_error in streams
    ]


def follow_once(followed: Sequence[Followed], printer: Printer) -> None:
    """Print what is new in these logs; a pause where that is nothing. A line without a time has that of its reading."""
    now = stamp(SystemClock().wall_us()).rstrip()
    printer.print_all([(one.log, list(one.read())) for one in followed], now)
    sys.stdout.flush()
    if not any(one.has_read for one in followed):
        time.sleep(_LOOK_S)


class Followed:
    """The wanted lines of a log that grows; at first the last `count` of them, looked for in its newest MiB."""

    def __init__(self, log: Log, count: int, wanted: Wanted) -> None:
        self.log = log
        self.has_read = False
        self._filter = LineFilter(wanted, is_error=log.is_error)
        self._follower = LogFollower(log.path, from_end_lines=count if wanted.is_any else sys.maxsize)
        self._most: int | None = count

    def read(self) -> Iterable[str]:
        """What has come; `has_read` tells whether there was anything at all."""
        lines = self._follower.read()
        self.has_read = bool(lines)
        passing = deque(filter(self._filter.passes, lines), maxlen=self._most)
        self._most = None
        return passing

    def close(self) -> None:
        self._follower.close()


class Printer:
    """Prints lines of logs in the order of their times; with a `width`, each after the name of its process."""

    def __init__(self, *, is_json: bool, width: int) -> None:
        self._is_json = is_json
        self._width = width

    def print_all(self, sources: Sequence[tuple[Log, Sequence[str]]], otherwise: str = "") -> None:
        """`otherwise`: the time of the lines of a log that has none; they come first unless that is given."""
        for log, line in merged(sources, otherwise):
            if self._is_json:
                stream, at = "stderr" if log.is_error else "stdout", time_of(line)
                text = line if at is None else line[len(at) + 1 :]
                told = {"process": log.process, "stream": stream} | ({} if at is None else {"time": at})
                print_json({**told, "line": text}, is_compact=True)
            elif self._width:
                print(f"{log.process:<{self._width}} | {visible_log_line(line)}")
            else:
                print(visible_log_line(line))
