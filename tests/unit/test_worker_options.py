"""The table of what a worker is: every option goes the whole way, and what the worker refuses is refused before."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from typing import Any

import click
import pytest

from pqdesk.cli.loops import consume_command, produce_command
from pqdesk.cli.settings import Settings
from pqdesk.cli.worker_choice import WorkerOptions, definition_from, recipe_from
from pqdesk.cli.worker_definitions import add_worker_command
from pqdesk.errors import InvalidInput
from pqdesk.gui.dialogs.worker.as_command import add_worker_command as as_command
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import (
    Recipe,
    command_of,
    program_and_recipe,
    recipe_of,
    with_recipe,
)
from pqdesk.worker_options import CONSUMERS, OPTIONS, PRODUCERS, RUN_OPTIONS, Kind, WorkerOption, options_of
from pqdesk.workers.command_consumer import CommandTarget
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.folder import FolderTarget
from pqdesk.workers.post_target import PostTarget
from pqdesk.workers.producer import run_producer

_GOOD: dict[str, Any] = {
    "handler": "mail.py:send",
    "command": ("sha256sum", "-b"),
    "url": "http://localhost:8000/x",
    "headers": ("Authorization=Bearer $TOKEN", "X-A=b=c"),
    "folder": "/srv/in",
    "payload": '{"a": 1}',
    "queues": ("a", "b"),
    "queue": "a",
    "concurrency": 3,
    "max_attempts": 7,
    "timeout": "1h30m",
    "lease": "90s",
    "every": "5m",
    "cron": "*/10 * * * * *",
    "seconds": True,
    "form": "text",
    "timezone": "Europe/Berlin",
    "missed": "skip",
}
_WHAT = {Kind.FUNCTION: "handler", Kind.COMMAND: "command", Kind.POST: "url", Kind.FOLDER: "folder"}
_TARGETS: dict[Kind, Any] = {Kind.COMMAND: CommandTarget, Kind.POST: PostTarget, Kind.FOLDER: FolderTarget}
_LOOPS: dict[Kind, Callable[..., int]] = {
    **dict.fromkeys(CONSUMERS, run_consumer),
    **dict.fromkeys(PRODUCERS, run_producer),
}


def _example(row: WorkerOption) -> Any:
    if row.field in _GOOD:
        return _GOOD[row.field]
    return {"flag": True, "number": 2, "several": ("x", "y")}.get(row.form, "2s")


def _full(kind: Kind, what: str, when: str | None) -> Recipe:
    """A worker with every option that goes with these."""
    values = {row.field: _example(row) for row in options_of(kind) if row.group is None or row.field in (what, when)}
    return Recipe(
        kind, **{name: value for name, value in values.items() if name not in ("seconds", "timezone") or when == "cron"}
    )


_FULL = [
    *(_full(kind, what, None) for kind, what in _WHAT.items()),
    *(_full(Kind.SCHEDULE, what, when) for what in ("handler", "command", "payload") for when in ("every", "cron")),
]


@pytest.mark.parametrize("recipe", _FULL, ids=lambda recipe: f"{recipe.kind}-{len(recipe.values)}")
def test_every_option_goes_to_the_command_line_and_back(recipe: Recipe) -> None:
    command = command_of(recipe)
    told = shlex.split(as_command(WorkerDefinition(name="w", command=command)))

    assert recipe_of(command) == recipe
    loop = consume_command if recipe.kind in CONSUMERS else produce_command
    assert _parsed(loop, command[2:])
    given = _parsed(add_worker_command, told[2:])
    assert recipe_from(given) == recipe


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.group != "what" and not row.is_word])
def test_what_is_given_has_somebody_who_takes_it(row: WorkerOption) -> None:
    """Of a kind that has it alone the target, else the loop."""
    for kind in row.kinds:
        own = _TARGETS.get(kind) if row.kinds == (kind,) else None
        assert row.field in inspect.signature(own or _LOOPS[kind]).parameters


def test_every_option_of_how_a_worker_runs_goes_to_the_command_line_and_back() -> None:
    usual = WorkerDefinition(name="w", command=("sleep", "1"))
    other: dict[str, Any] = {"number": 5, "flag": False, "text": "INT"}
    values = {row.field: other[row.form] for row in RUN_OPTIONS if row.form in other}
    wanted = WorkerDefinition(name="w", command=("sleep", "1"), **{**values, "restart": "never"})

    given = _parsed(add_worker_command, shlex.split(as_command(wanted))[2:])

    assert definition_from(given, usual) == wanted


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--post", "http://ada:pw@localhost/", "would show its password"),
        ("--post", "https://ada@example.com/x", "user name"),
        ("--post", "http://example.com/ä", "no address"),
        ("--post-header", "Host=x", "cannot be set"),
        ("--post-header", "Content-Length=1", "cannot be set"),
        ("--post-header", "PQDesk-Id=1", "cannot be set"),
        ("--post-header", "A B=1", "cannot be set"),
        ("--post-header", "A=ä", "printable ASCII"),
        ("--cron", "99 * * * *", "cannot be used"),
        ("--cron", "0 0 31 2 *", "cannot be used"),
        ("--timezone", "Berlin", "no time zone"),
        ("--handler", "mail.py", "a colon and the function"),
        ("--handler", "mail.py:", "a colon and the function"),
        ("--handler", "mail:2x", "no name of a function"),
        ("--every", "0s", "above zero"),
        ("--timeout", "soon", "no duration"),
        ("--lease", "200y", "no duration"),
        ("--lease", "40000d", "100 years"),
        ("--concurrency", "1001", "1 to 1,000"),
        ("--concurrency", "0", "1 to 1,000"),
        ("--max-attempts", "2147483648", "whole number"),
        ("--missed", "sometimes", "none of once, skip, all"),
        ("--queue", "a\tb", "cannot have"),
        ("--queue", "q" * 256, "1 to 255"),
    ],
)
def test_what_the_worker_refuses_is_refused_where_it_is_written_down(option: str, value: str, reason: str) -> None:
    with pytest.raises(click.UsageError) as told:
        _parsed(add_worker_command, (option, value))

    assert reason in told.value.format_message()
    [row] = {row.option: row for row in OPTIONS if row.option == option}.values()
    with pytest.raises(InvalidInput, match=reason):
        row.check(value)


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("/opt/x/bin/pqdesk consume a --handler m:f", "/opt/x/bin/pqdesk"),
        ("pqdesk -w /x consume a --handler m:f", "pqdesk -w /x"),
        ("pqdesk --workspace=/x -v consume a --handler=m:f", "pqdesk --workspace=/x -v"),
        ("python3 -m pqdesk consume a --handler m:f", "python3 -m pqdesk"),
        ("/v/bin/python -P -X utf8 -m pqdesk consume a --handler m:f", "/v/bin/python -P -X utf8 -m pqdesk"),
        ("python3.12 -Xutf8 -Wd -um pqdesk -w W consume a --handler m:f", "python3.12 -Xutf8 -Wd -um pqdesk -w W"),
        ("nice python3 -Ibmpqdesk consume a --handler m:f", "nice python3 -Ibmpqdesk"),
        ("env A=1 /opt/pqdesk/pqdeskd consume a --handler m:f", "env A=1 /opt/pqdesk/pqdeskd"),
        ("nice -n 5 /opt/bin/pqdesk consume a --handler m:f", "nice -n 5 /opt/bin/pqdesk"),
        ("env A=b pqdesk consume a --handler m:f", "env A=b pqdesk"),
    ],
)
def test_of_a_command_by_hand_the_program_stays_and_the_options_are_understood(command: str, program: str) -> None:
    words = tuple(command.split())

    found, recipe = program_and_recipe(words)
    changed = with_recipe(words, recipe.replaced(timeout="5s"))

    assert found == tuple(program.split())
    assert recipe.values == {"handler": "m:f", "queues": ("a",)}
    assert with_recipe(words, recipe) is words
    assert changed == (*program.split(), "consume", "a", "--handler", "m:f", "--timeout", "5s")


@pytest.mark.parametrize(
    "command",
    [
        *("sh -c pqdesk", "wrapper pqdesk consume a -- x", "pqdesk --unheard-of consume a -- x", "pqdesk -w consume"),
        *("python3 work.py -m pqdesk consume a -- x", "python3 - -m pqdesk consume a", "python3 -c pqdesk consume a"),
        *("python3 -m other pqdesk consume a", "python3 -X -m pqdesk consume a", "python3 -um", "python3"),
    ],
)
def test_a_command_of_another_program_is_not_taken_for_ours(command: str) -> None:
    assert program_and_recipe(command.split())[1].kind is Kind.OTHER


def test_a_wrong_value_in_a_file_can_be_corrected() -> None:
    """What cannot be run can be read, so that an edit changes the one word."""
    command = ("pqdesk", "produce", "a", "--payload", "x", "--cron", "61 * * * *")

    recipe = recipe_of(command)

    assert recipe.kind is Kind.SCHEDULE
    with pytest.raises(InvalidInput, match="cannot be used"):
        command_of(recipe)
    assert command_of(recipe.replaced(cron="1 * * * *"))[-1] == "1 * * * *"


def _parsed(command: click.Command, words: Any) -> WorkerOptions:
    """As the command gets them. Raises UsageError."""
    context = command.make_context("x", ["w", *words] if words[0].startswith("-") else [*words], obj=Settings())
    behind = next((value for name, value in context.meta.items() if name.endswith("words")), None)
    return WorkerOptions(context.params, None if behind is None else tuple(behind))
