"""What may be written as an argument: durations, instants, states, headers; ids or a filter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

import click

from pqdesk.cli.completing import complete_queue
from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import LARGEST_ID, check_states
from pqdesk.messages.durations import parse_duration
from pqdesk.messages.states import State
from pqdesk.messages.written import FORMS

R = TypeVar("R")

_ID_DIGITS = 20


class Written(click.ParamType[Any]):
    """What `read` makes of a text; what it refuses by InvalidInput is wrong usage."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value) if isinstance(value, str) else value
        except InvalidInput as exc:
            self.fail(str(exc), param, ctx)


def _instant(text: str) -> datetime:
    """ISO 8601; without an offset it is local time, and where the clocks pass over it the moment when they do."""
    try:
        at = datetime.fromisoformat(text)
        from pqdesk.zones import find_zone, instant_of  # its libraries take longer to load than most commands

        return at if at.tzinfo is not None else instant_of(at, find_zone(None))
    except InvalidInput:
        raise
    except (ValueError, OverflowError, OSError):
        how = "write it like 2026-12-24T18:00 (local) or 2026-12-24T18:00+01:00"
        raise InvalidInput(f"{text!r} is no time; {how}") from None


def _states(text: str) -> tuple[State, ...]:
    return check_states([word.strip() for word in text.split(",")])


def pair_of(what: str, example: str) -> Callable[[str], tuple[str, str]]:
    """Reads `Name=value`; the value may hold more `=`."""

    def read(text: str) -> tuple[str, str]:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InvalidInput(f"{text!r} is no {what}; write it like {example}")
        return name, value

    return read


def _rate(text: str) -> tuple[int, float]:
    number, _, period = text.partition("/")
    try:
        return int(number), parse_duration(period)
    except ValueError:  # InvalidInput is one
        raise InvalidInput(f"{text!r} is no rate; write it like 100/1m: a number of messages and a time") from None


def _id(word: str) -> int:
    if not (word.isascii() and word.isdigit()) or not 1 <= int(word[:_ID_DIGITS]) <= LARGEST_ID:
        raise InvalidInput(f"{word!r:.80} is no id; ids are whole numbers from 1 on")
    return int(word)


DURATION = Written("duration", parse_duration)  # in seconds
INSTANT = Written("time", _instant)
STATES = Written("state", _states)
HEADER = Written("header", pair_of("header", "Trace-Id=4711"))
RATE = Written("rate", _rate)
ID = Written("id", _id)
FORM = click.Choice(FORMS)
SECONDS = click.option(
    "--seconds", is_flag=True, default=None, help="The --cron expression has six fields, of which the first is seconds."
)


def check_cron(expression: str | None, has_seconds: bool | None) -> None:
    """Raise InvalidInput for a number of fields that is hardly meant."""
    if expression is not None:
        from pqdesk.worker_checks import check_seconds  # of workers, which most commands are not about

        check_seconds(expression, has_seconds=bool(has_seconds))
    elif has_seconds:
        raise click.UsageError("--seconds goes with --cron", click.get_current_context())


def declared(*options: Callable[..., Any]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """These options in their order, as one decorator."""

    def declare(function: Callable[..., R]) -> Callable[..., R]:
        for option in reversed(options):
            function = option(function)
        return function

    return declare


no_mask = click.option(
    "--no-mask", "is_unmasked", is_flag=True, help="Show values of fields named like password, token, key or secret."
)
fail_if_any = click.option(
    "--fail-if-any", "is_failing", is_flag=True, help="Exit 1 if there are any: for cron and scripts."
)
filter_options = declared(
    click.option("--state", type=STATES, metavar="STATE[,…]", help="Only messages in these states."),
    click.option("--type", "type_", metavar="TEXT", help="Only messages of this type."),
    click.option("--search", metavar="TEXT", help="Only messages with this text in payload, type, key, error."),
    click.option("--where", metavar="FILTER", help="A filter as in the window: 'attempts:>2 age:<2h refused'."),
)
queue_and_filter_options = declared(
    click.option(
        "--queue", metavar="QUEUE", shell_complete=complete_queue, help="All messages of this queue that match."
    ),
    filter_options,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The messages that a command is about: ids, or else the filters given, as the Workspace's actions take them."""

    ids: tuple[int, ...] | None
    filters: dict[str, Any]


def ids_or_filter(function: Callable[..., R]) -> Callable[..., R]:
    """Call `function` with a Chosen from `ID …` or the filter options; neither or both is wrong usage."""

    @click.argument("ids", nargs=-1, metavar="[ID…]")
    @queue_and_filter_options
    @wraps(function)
    def choose(*args: Any, ids: tuple[str, ...], **given: Any) -> R:
        filters = {name: given.pop(name) for name in ("queue", "state", "type_", "search", "where")}
        return function(*args, chosen_from(ids, filters_given(**filters)), **given)

    return choose


def filters_given(
    *, queue: str | None, state: tuple[State, ...] | None, type_: str | None, search: str | None, where: str | None
) -> dict[str, Any]:
    """The filters that are there, as the Workspace's actions take them. Raises UsageError for an empty one."""
    given = {"queue": queue, "state": state, "type": type_, "search": search, "where": where}
    filters = {name: value for name, value in given.items() if value is not None}
    for name, value in filters.items():
        if isinstance(value, str) and not value.strip():  # an unset shell variable must not mean all messages
            raise click.UsageError(f"--{name} is empty", click.get_current_context())
    return filters


def chosen_from(words: tuple[str, ...], filters: dict[str, Any], *, is_needed: bool = True) -> Chosen:
    """The ids written in `words`, or else what matches the filters. Raises UsageError for both, and for neither."""
    if words and filters:
        raise click.UsageError("ids and filters exclude each other", click.get_current_context())
    if is_needed and not words and not filters:
        raise click.UsageError(
            "no messages named: give ids, or --queue, --state, --type, --search, --where for all that match",
            click.get_current_context(),
        )
    return Chosen(_all_ids(words) if words else None, filters)


def _all_ids(words: tuple[str, ...]) -> tuple[int, ...]:
    """The ids written in `words`, where `-` stands for those on standard input."""
    written: list[str] = []
    for word in words:
        written.extend(sys.stdin.read().split() if word == "-" else [word])
    return tuple(dict.fromkeys(ID.convert(word, None, click.get_current_context()) for word in written))
