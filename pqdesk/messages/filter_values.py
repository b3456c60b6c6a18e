"""What a term of the filter grammar takes, and what it then asks of a message. Pure.

    numbers      attempts:3   attempts:>2   priority:-5..5   id:100..200
    durations    age:>2h      ran:1s..30s
    instants     enqueued:2026-12-24   finished:>=2026-12-24T18:00   enqueued:2026-12-01..2026-12-07   finished:<1h

A name is exactly that; a worker's is that of each of its replicas. A date is that whole day, a time that minute or
second, both local unless an offset is written; a duration in place of an instant is how long ago it was, as in `age:`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pqdesk.clock import from_datetime
from pqdesk.errors import InvalidInput
from pqdesk.later import Later
from pqdesk.messages.checks import LARGEST_ID, check_name
from pqdesk.messages.durations import parse_duration
from pqdesk.messages.selection import Ago, Between, Field, Has, Is, Test
from pqdesk.messages.states import State

if TYPE_CHECKING:
    from pqdesk import zones
else:
    zones = Later("pqdesk.zones")  # which most filters have no use for

_BOUND = re.compile(r"(>=|<=|>|<)(.*)", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_DURATION = re.compile(r"[0-9].*[a-z]\s*|[0-9.]+")
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T_](\d{2}:\d{2})(:\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.IGNORECASE | re.ASCII
)


def parse_test(field: Field, value: str, is_quoted: bool) -> Test:
    """What `value` asks for in a term of `field`. Raises InvalidInput, which does not name the term."""
    return _TERMS[field][1](value, is_quoted)


def _state(value: str, _is_quoted: bool) -> Test:
    try:
        return Is(State.from_word(value.strip()).number)
    except KeyError:
        states = ", ".join(one.word for one in State)
        raise InvalidInput(f"there is no state {value!r:.80}; the states are {states}") from None


def _one_id(word: str) -> tuple[int, int]:
    digits = word.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or not 1 <= int(digits) <= LARGEST_ID:
        raise InvalidInput(f"{word!r:.80} is no id; ids are whole numbers from 1 on")
    return int(digits), int(digits)


def _one_whole(word: str) -> tuple[int, int]:
    if not _WHOLE.fullmatch(word) or not -(2**62) <= int(word) <= 2**62:
        raise InvalidInput(f"{word!r:.80} is no whole number; write 3, >2, <5 or 2..4")
    return int(word), int(word)


def _one_duration(word: str) -> tuple[int, int]:
    us = round(parse_duration(word) * 1_000_000)
    return us, us


def _instant(value: str, _is_quoted: bool) -> Test:
    bounds = [one for one in (_BOUND.sub(r"\2", value).split("..")) if one]
    if bounds and all(_DURATION.fullmatch(one) and not _INSTANT.fullmatch(one) for one in bounds):
        found = _ranged(value, _one_duration, is_single_allowed=False)
        assert isinstance(found, Between)
        return Ago(*(None if one is None else int(one) for one in (found.least, found.most)))
    return _ranged(value, _one_instant, is_single_allowed=True)


def _one_instant(word: str) -> tuple[int, int]:
    """The first and the last microsecond of a day, a minute or a second."""
    match = _INSTANT.fullmatch(word)
    try:
        if match is None:
            raise ValueError
        day, minute, second, zone = match.groups()
        written = f"{day}T{minute or '00:00'}{second or ''}{(zone or '').upper()}"
        start = datetime.fromisoformat(written)
        last = start + _length_of(minute, second) - timedelta(microseconds=1)
        return _us(start), _us(last)
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            f"{word!r:.80} is no time; write 2026-12-24, 2026-12-24T18:00, or 2h for so long ago"
        ) from None


def _length_of(minute: str | None, second: str | None) -> timedelta:
    if minute is None:
        return timedelta(days=1)
    if second is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=1) if "." in second else timedelta(seconds=1)


def _us(at: datetime) -> int:
    return from_datetime(at if at.tzinfo is not None else zones.instant_of(at, zones.find_zone(None)))


def _ranged(value: str, parse: Callable[[str], tuple[int, int]], *, is_single_allowed: bool) -> Test:
    """`value` as `>x`, `>=x`, `<x`, `<=x`, `x..y`, `x..`, `..y` or `x`; `parse` gives the first and last of an x."""
    bound = _BOUND.fullmatch(value)
    if bound:
        first, last = parse(bound[2].strip())
        return _bounded(bound[1], first, last, above=last + 1, below=first - 1)
    low, dots, high = value.partition("..")
    if dots and (low or high):
        least = parse(low)[0] if low else None
        most = parse(high)[1] if high else None
        if least is not None and most is not None and least > most:
            raise InvalidInput(f"{value!r:.80} is empty: the first is above the second")
        return Between(least, most)
    first, last = parse(value)
    if not is_single_allowed:
        raise InvalidInput(f"{value!r:.80} alone is too exact; write >{value}, <{value} or {value}..{value}")
    return Is(first) if first == last else Between(first, last)


def _name(what: str) -> Callable[[str, bool], Test]:
    return lambda value, _is_quoted: Is(check_name(value, what))


def _text(value: str, _is_quoted: bool) -> Test:
    if not value:
        raise InvalidInput("one of its values is empty")
    return Has(_without_null(value))


def _error(value: str, is_quoted: bool) -> Test:
    digits = value[1:]
    if not is_quoted and value.startswith("#") and digits.isascii() and digits.isdigit() and len(digits) < 19:
        return Is(int(digits))
    return _text(value, is_quoted)


def _value(value: str, is_quoted: bool) -> Test:
    """Exactly this number, text, true, false or null; a number may have bounds."""
    if not is_quoted:
        bound = _BOUND.fullmatch(value)
        if bound and _NUMBER.fullmatch(bound[2]):
            one = float(bound[2])
            above, below = math.nextafter(one, math.inf), math.nextafter(one, -math.inf)
            return _bounded(bound[1], one, one, above=above, below=below)
        low, dots, high = value.partition("..")
        if dots and (low or high) and all(not one or _NUMBER.fullmatch(one) for one in (low, high)):
            return Between(float(low) if low else None, float(high) if high else None)
    return Is(_without_null(value))


def _bounded(sign: str, first: float, last: float, *, above: float, below: float) -> Between:
    bounds = {">": (above, None), ">=": (first, None), "<": (None, below), "<=": (None, last)}
    return Between(*bounds[sign])


def _without_null(value: str) -> str:
    if "\0" in value:
        raise InvalidInput("a null character cannot be searched for")
    return value


def _range_of(
    parse: Callable[[str], tuple[int, int]], *, is_single_allowed: bool = True
) -> Callable[[str, bool], Test]:
    return lambda value, _is_quoted: _ranged(value, parse, is_single_allowed=is_single_allowed)


# An example of each term, and what reads its value.
_TERMS: dict[Field, tuple[str, Callable[[str, bool], Test]]] = {
    Field.ID: ("id:12,15", _range_of(_one_id)),
    Field.STATE: ("state:failed", _state),
    Field.QUEUE: ("queue:emails", _name("queue")),
    Field.TYPE: ("type:mail.send", _name("type")),
    Field.WORKER: ("worker:mail", _name("worker")),
    Field.ERROR: ("error:refused or error:#12", _error),
    Field.ATTEMPTS: ("attempts:>2", _range_of(_one_whole)),
    Field.PRIORITY: ("priority:1..9", _range_of(_one_whole)),
    Field.GROUP: ("group:customer-7", _name("group")),
    Field.KEY: ("key:invoice-4711", _name("key")),
    Field.AGE: ("age:>2h", _range_of(_one_duration, is_single_allowed=False)),
    Field.RAN: ("ran:>30s", _range_of(_one_duration, is_single_allowed=False)),
    Field.ENQUEUED: ("enqueued:2026-12-24", _instant),
    Field.FINISHED: ("finished:<1h", _instant),
    Field.PAYLOAD: ("payload:ada", _text),
    Field.VALUE: ("payload.to:ada", _value),
}
EXAMPLES = {field: example for field, (example, _) in _TERMS.items()}
