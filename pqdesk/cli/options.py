"""What may be written as an argument: durations, instants, states, headers; ids or a filter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from pqdesk.cli.payloads import FORMS
from pqdesk.errors import InvalidInput
from pqdesk.messages.checks import LARGEST_ID
from pqdesk.messages.durations import parse_duration
from pqdesk.messages.states import State
from pqdesk.worker_checks import check_seconds

P = ParamSpec("P")
R = TypeVar("R")

_ID_DIGITS = 20


class DurationType(click.ParamType[float]):
    """`250ms`, `10s`, `5m`, `2h`; seconds as a float."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(value)
        except InvalidInput as exc:
            self.fail(str(exc), param, ctx)


class InstantType(click.ParamType[datetime]):
    """ISO 8601; without an offset it is local time, and where the clocks pass over it the moment when they do."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            from pqdesk.zones import find_zone, instant_of  # its libraries take longer to load than most commands

            return at if at.tzinfo is not None else instant_of(at, find_zone(None))
        except InvalidInput as exc:
            self.fail(str(exc), param, ctx)
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is no time; write it like 2026-12-24T18:00 (local) or 2026-12-24T18:00+01:00", param, ctx
            )


class StatesType(click.ParamType[tuple[State, ...]]):
    """`failed` or `failed,retrying`."""

    name = "state"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[State, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(State.from_word(word.strip()) for word in value.split(","))
        except KeyError:
            words = ", ".join(state.word for state in State)
            self.fail(f"{value!r} is no state; the states are {words}", param, ctx)


class HeaderType(click.ParamType[tuple[str, str]]):
    """`Name=value`; the value may hold more `=`."""

    name = "header"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        if not sign or not name:
            self.fail(f"{value!r} is no header; write it like Trace-Id=4711", param, ctx)
        return name, text


class RateType(click.ParamType[tuple[int, float]]):
    """`100/1m`: so many in such a time, in seconds."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, float]:
        if isinstance(value, tuple):
            return value
        number, _, period = value.partition("/")
        try:
            return int(number), parse_duration(period)
        except ValueError:  # InvalidInput is one
            self.fail(f"{value!r} is no rate; write it like 100/1m: a number of messages and a time", param, ctx)


class IdType(click.ParamType[int]):
    """The id of a message."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        word = str(value)
        if not (word.isascii() and word.isdigit()) or not 1 <= int(word[:_ID_DIGITS]) <= LARGEST_ID:
            self.fail(f"{word!r:.80} is no id; ids are whole numbers from 1 on", param, ctx)
        return int(word)


DURATION = DurationType()
INSTANT = InstantType()
STATES = StatesType()
HEADER = HeaderType()
RATE = RateType()
FORM = click.Choice(FORMS)
SECONDS = click.option(
    "--seconds", is_flag=True, default=None, help="The --cron expression has six fields, of which the first is seconds."
)


def check_cron(expression: str | None, has_seconds: bool | None) -> None:
    """Raise InvalidInput for a number of fields that is hardly meant."""
    if expression is not None:
        check_seconds(expression, has_seconds=bool(has_seconds))
    elif has_seconds:
        raise click.UsageError("--seconds goes with --cron", click.get_current_context())


no_mask = click.option(
    "--no-mask", "is_unmasked", is_flag=True, help="Show values of fields named like password, token, key or secret."
)
ID = IdType()


fail_if_any = click.option(
    "--fail-if-any", "is_failing", is_flag=True, help="Exit 1 if there are any: for cron and scripts."
)


def filter_options(function: Callable[P, R]) -> Callable[P, R]:
    """--state, --type, --search and --where, as listings and actions take them."""
    for option in reversed(
        [
            click.option("--state", type=STATES, metavar="STATE[,…]", help="Only messages in these states."),
            click.option("--type", "type_", metavar="TEXT", help="Only messages of this type."),
            click.option("--search", metavar="TEXT", help="Only messages with this text in payload, type, key, error."),
            click.option("--where", metavar="FILTER", help="A filter as in the window: 'attempts:>2 age:<2h refused'."),
        ]
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Chosen:
    """The messages that a command is about: ids, or else the filters given, as the Workspace's actions take them."""

    ids: tuple[int, ...] | None
    filters: dict[str, Any]


def queue_and_filter_options(function: Callable[P, R]) -> Callable[P, R]:
    """--queue beside the options of `filter_options`."""
    queue = click.option("--queue", metavar="QUEUE", help="All messages of this queue that match.")
    return queue(filter_options(function))


def ids_or_filter(function: Callable[..., R]) -> Callable[..., R]:
    """Call `function` with a Chosen from `ID …` or the filter options; neither or both is wrong usage."""

    @click.argument("ids", nargs=-1, metavar="[ID…]")
    @queue_and_filter_options
    @wraps(function)
    def choose(
        *args: Any,
        ids: tuple[str, ...],
        queue: str | None,
        state: tuple[State, ...] | None,
        type_: str | None,
        search: str | None,
        where: str | None,
        **kwargs: Any,
    ) -> R:
        filters = filters_given(queue=queue, state=state, type_=type_, search=search, where=where)
        return function(*args, chosen_from(ids, filters), **kwargs)

    return choose


def filters_given(
    *,
    queue: str | None,
    state: tuple[State, ...] | None,
    type_: str | None,
    search: str | None,
    where: str | None,
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
