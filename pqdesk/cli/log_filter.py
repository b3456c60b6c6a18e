"""Which lines `logs` prints: those with a text, of a level and above, about a message."""

from __future__ import annotations

import re
from dataclasses import dataclass

import click

from pqdesk.supervision.logs.levels import Level, LevelReader
from pqdesk.supervision.logs.log_files import without_colours
from pqdesk.supervision.logs.message_lines import MessageFilter


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; None stands for any. Upper and lower case are the same, as in the window."""

    pattern: re.Pattern[str] | None = None
    lowest: Level | None = None
    message_id: int | None = None

    @classmethod
    def parse(cls, grep: str | None, is_regex: bool, level: str | None, message_id: int | None) -> Wanted:
        """From the options. Raises click.UsageError for what cannot be understood."""
        if is_regex and grep is None:
            raise click.UsageError("--regex says how --grep is meant: give --grep too")
        pattern = None
        if grep is not None:
            try:
                pattern = re.compile(grep if is_regex else re.escape(grep), re.IGNORECASE)
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
