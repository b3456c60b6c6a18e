"""Why and when processes ended, from supervisord's own log.

Its interface does not tell: the exit status is 0 while it backs off, restarts are not counted, and who looks only now
and then misses most of them. The log has a line for each (supervisor/process.py, Subprocess.finish).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pqdesk.supervision.logs import tail_lines

_LINES = 2_000
_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} [A-Z]+ "
    r"(?:(?P<ended>exited): (?P<exited>\S+) \((?P<how>.*); (?P<expected>expected|not expected)\)"
    r"|success: (?P<succeeded>\S+) entered RUNNING"
    r"|stopped: (?P<stopped>\S+) \()"
)


@dataclass(frozen=True, slots=True)
class Exits:
    """What the log tells of one process since it was last stopped on purpose.

    Attributes:
        unexpected: When it ended without being asked, oldest first; aware, whole seconds.
        failures: Of these, how many since it was last up for long enough to count as started.
        how: How it last ended: "exit status 3", "terminated by SIGKILL"; None if it did not.
    """

    unexpected: tuple[datetime, ...] = ()
    failures: int = 0
    how: str | None = None


class ExitJournal:
    """The exits of all processes, read anew when the log has changed. Belongs to one thread."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._seen: tuple[int, int] | None = None
        self._exits: dict[str, Exits] = {}

    def refresh(self) -> None:
        """Read the log's end if it has changed; a log that cannot be read tells nothing."""
        try:
            info = os.stat(self._log)
            if (info.st_ino, info.st_size) == self._seen:
                return
            self._seen = info.st_ino, info.st_size
            self._exits = exits_of(tail_lines(self._log, _LINES))
        except OSError:
            self._exits, self._seen = {}, None

    def of(self, process: str) -> Exits:
        """By supervisord's name for the process, without its group."""
        return self._exits.get(process, Exits())


def exits_of(lines: Iterable[str]) -> dict[str, Exits]:
    """The exits of each process in `lines` of supervisord's log, oldest first."""
    exits: dict[str, Exits] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        if match["ended"]:
            exits[match["exited"]] = _with(exits.get(match["exited"], Exits()), match)
        elif match["succeeded"]:
            before = exits.get(match["succeeded"], Exits())
            exits[match["succeeded"]] = Exits(before.unexpected, 0, before.how)
        else:
            exits.pop(match["stopped"], None)
    return exits


def _with(before: Exits, match: re.Match[str]) -> Exits:
    if match["expected"] == "expected":
        return Exits(before.unexpected, before.failures, match["how"])
    at = datetime.fromisoformat(match["at"]).astimezone(UTC)  # written in local time
    return Exits((*before.unexpected, at), before.failures + 1, match["how"])
