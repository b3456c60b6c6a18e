"""Why, when and how often processes ended, from the lines of supervisord's own log. Pure.

Its interface does not tell: the exit status is 0 while it backs off, restarts are not counted, and who looks only now
and then misses most of them. The log has a line for each (supervisor/process.py, Subprocess.finish).
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.supervision.records import LastExit
from pqdesk.zones import find_zone, instant_of

_LINE = re.compile(
    r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}),[0-9]{3} [A-Z]+ "
    r"(?:exited: (?P<exited>\S+) \((?P<how>.*); (?P<expected>expected|not expected)\)"
    r"|success: (?P<succeeded>\S+) entered RUNNING"
    r"|stopped: (?P<stopped>\S+) \((?P<stopped_how>.*)\)"
    r"|spawned: '(?P<spawned>\S+)' with pid"
    r"|gave up: (?P<given_up>\S+) entered FATAL"
    r"|supervisord started with pid (?P<begun>\d{1,10}))"
)
_CODE = re.compile(r"exit status ([0-9]{1,9})\b")
_SIGNAL = re.compile(r"terminated by (?:SIG([A-Z0-9+]{1,20})|signal ([0-9]{1,9})\b)")
_HOUR = timedelta(hours=1)
_AT_ONCE = timedelta(seconds=3)  # supervisord starts again at its next look, a second later for each failure
_MOST_ENDS, _MOST_RESTARTS = 20, 5_000
_MOST_COUNTED = 10**12


@dataclass(frozen=True, slots=True)
class Exits:
    """What the log tells of one process.

    Attributes:
        unexpected: When it ended without being asked, oldest first, since it was last stopped on purpose; aware,
            whole seconds. The newest few.
        failures: Of these, how many since it was last up for long enough to count as started.
        how: How it last ended: "exit status 3", "terminated by SIGKILL"; None if it did not, or was stopped.
        last: How and when it last ended, also when it was stopped.
        restarts: When supervisord started it again by itself, of the last hour before the log's newest line.
        restarts_total: How often that was, ever.
        ended_at: When it ended, unless it was started or stopped since.
    """

    unexpected: tuple[datetime, ...] = ()
    failures: int = 0
    how: str | None = None
    last: LastExit | None = None
    restarts: tuple[datetime, ...] = ()
    restarts_total: int = 0
    ended_at: datetime | None = None


class Journal:
    """Takes lines in as they come, and knows what they tell of each process.

    Their times are those of the zone that supervisord was started in, which need not be this process's: `zone_of` tells
    its name, from the pid of a supervisord and what its log says of when it began; None where that cannot be told.
    `zone_name` is that of the newest lines; None: this machine's.
    """

    def __init__(self, zone_of: Callable[[int, datetime], str | None] = lambda _pid, _at: None) -> None:
        self._processes: dict[str, Exits] = {}
        self._zone_of = zone_of
        self._zone = _zone_called(None)
        self.zone_name: str | None = None

    def take(self, lines: Iterable[str]) -> None:
        """More lines of the log, older ones before newer ones."""
        for line in lines:
            match = _LINE.match(line)
            try:
                if match is not None:
                    self._take(match)
            except (ValueError, OverflowError):  # no instant, or a number without end: no line of supervisord's
                continue

    def of(self, process: str) -> Exits:
        """By supervisord's name for the process, without its group."""
        return self._processes.get(process, Exits())

    def dump(self) -> dict[str, Any]:
        """As JSON values, for load()."""
        return {name: _dumped(one) for name, one in self._processes.items()}

    def load(self, dumped: Mapping[str, Any], zone_name: str | None = None) -> None:
        """Go on from there. Raises ValueError, KeyError, TypeError when it is no dump."""
        self._processes = {name: _loaded(one) for name, one in dumped.items()}
        self._be_in(zone_name)

    def _be_in(self, zone_name: str | None) -> None:
        self.zone_name, self._zone = zone_name, _zone_called(zone_name)

    def _take(self, match: re.Match[str]) -> None:
        written = datetime.fromisoformat(match["at"])
        if match["begun"]:
            self._be_in(self._zone_of(int(match["begun"]), written))
            # What it starts from now on was not running under it before.
            self._processes = {name: replace(one, ended_at=None) for name, one in self._processes.items()}
            return
        at = instant_of(written, self._zone)
        name = match["exited"] or match["succeeded"] or match["stopped"] or match["spawned"] or match["given_up"]
        one = self._processes.get(name, Exits())
        if match["exited"]:
            one = _ended(one, at, match["how"], is_expected=match["expected"] == "expected")
        elif match["succeeded"]:
            one = replace(one, failures=0)
        elif match["spawned"]:
            one = _started(one, at)
        elif match["stopped"]:
            last = last_exit(match["stopped_how"], at, is_expected=True)
            one = replace(one, ended_at=None, unexpected=(), failures=0, how=None, last=last)
        else:
            one = replace(one, ended_at=None)
        self._processes[name] = one


def _zone_called(name: str | None) -> tzinfo:
    """As the C library has it where there is none: supervisord writes its log with that."""
    try:
        return find_zone(name)
    except InvalidInput:
        return UTC


def last_exit(how: str, at: datetime, *, is_expected: bool) -> LastExit | None:
    """`how` in supervisord's words; None when they are none of those known."""
    code = _CODE.match(how)
    if code is not None:
        return LastExit(int(code[1]), None, at, is_expected)
    by = _SIGNAL.match(how)
    return None if by is None else LastExit(None, by[1] or _signal_name(int(by[2])), at, is_expected)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def _ended(one: Exits, at: datetime, how: str, *, is_expected: bool) -> Exits:
    one = replace(one, how=how, ended_at=at, last=last_exit(how, at, is_expected=is_expected))
    if is_expected:
        return one
    return replace(one, unexpected=(*one.unexpected, at)[-_MOST_ENDS:], failures=one.failures + 1)


def _started(one: Exits, at: datetime) -> Exits:
    """A start after an end counts as a restart, unless it came so late that somebody must have asked for it."""
    is_late = one.ended_at is None or at - one.ended_at > _AT_ONCE + timedelta(seconds=one.failures)
    one = replace(one, ended_at=None)
    if is_late:
        return one
    restarts = (*(then for then in one.restarts if at - then < _HOUR), at)[-_MOST_RESTARTS:]
    return replace(one, restarts=restarts, restarts_total=one.restarts_total + 1)


def _dumped(one: Exits) -> dict[str, Any]:
    last = one.last
    return asdict(one) | {
        "unexpected": [at.isoformat() for at in one.unexpected],
        "last": None if last is None else [last.code, last.signal, last.at.isoformat(), last.is_expected],
        "restarts": [at.isoformat() for at in one.restarts],
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }


def _loaded(dumped: Mapping[str, Any]) -> Exits:
    how, ended_at = dumped["how"], dumped["ended_at"]
    if not isinstance(how, str | None):
        raise TypeError("how it ended is no text")
    return Exits(
        unexpected=tuple(map(_instant, dumped["unexpected"]))[-_MOST_ENDS:],
        failures=_count(dumped["failures"]),
        how=how,
        last=_loaded_exit(dumped["last"]),
        restarts=tuple(map(_instant, dumped["restarts"]))[-_MOST_RESTARTS:],
        restarts_total=_count(dumped["restarts_total"]),
        ended_at=None if ended_at is None else _instant(ended_at),
    )


def _loaded_exit(last: Any) -> LastExit | None:
    if last is None:
        return None
    code, name, at, is_expected = last
    if not isinstance(code, int | None) or not isinstance(name, str | None) or (code is None) == (name is None):
        raise TypeError("it ended neither by a code nor by a signal")
    return LastExit(code, name, _instant(at), is_expected is True)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone")
    return instant.astimezone(UTC)


def _count(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number < _MOST_COUNTED:
        raise ValueError("no count")
    return number
