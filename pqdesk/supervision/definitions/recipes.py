"""What a person chooses for a worker without writing a command, and the command line that does it.

`command_of` and `recipe_of` are inverses: each recipe comes back from its command exactly, and a command that no
recipe describes completely is of Kind.OTHER. Nothing is looked up or run. What there is to choose is in the table of
worker_options.py.

Durations, cron lines and numbers are kept as people write them (`5m`), checked when the command is made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.supervision.records import RestartPolicy, WorkerKind
from pqdesk.worker_options import (
    CONSUMERS,
    PRODUCERS,
    Kind,
    WorkerOption,
    check_together,
    fields_of,
    fitting_kind,
    options_of,
)


class Recipe:
    """A kind of worker with the values of its options. Immutable; None, () and False are as if they were not given.

    FUNCTION, COMMAND and POST are `pqdesk consume QUEUE…` with --handler, `-- COMMAND…` or --post; FOLDER and SCHEDULE
    are `pqdesk produce QUEUE` with --folder, or with --every or --cron; OTHER is any other command, kept running.

    Attributes:
        kind: Which options there are.
        values: Those given, by field: text or a whole number, a tuple of texts where it may be repeated.
    """

    def __init__(self, kind: Kind, **values: Any) -> None:
        unknown = values.keys() - fields_of(kind)
        if unknown:
            raise TypeError(f"a {kind} worker has no {', '.join(sorted(unknown))}")
        self.kind = kind
        self.values: Mapping[str, Any] = MappingProxyType(
            {name: value for name, value in values.items() if not (value is None or value is False or value == ())}
        )

    def replaced(self, **values: Any) -> Recipe:
        """The same with these values."""
        return Recipe(self.kind, **{**self.values, **values})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and (self.kind, self.values) == (other.kind, other.values)

    def __hash__(self) -> int:
        return hash((self.kind, frozenset(self.values.items())))

    def __repr__(self) -> str:
        return f"Recipe({', '.join([str(self.kind), *(f'{name}={value!r}' for name, value in self.values.items())])})"


PROGRAM = ("pqdesk",)

_VERBS = {"consume": CONSUMERS, "produce": PRODUCERS}
_PROGRAMS = ("pqdesk", "pqdeskd")
_BECOMES_ANOTHER = ("env", "nice", "ionice", "nohup", "stdbuf", "taskset", "chrt")  # the program that it names
_OPTION_OF_PYTHON = re.compile(r"-(?:[bBdEiIOPqsSuvx]+|[bBdEiIOPqsSuvx]*[mXW].*)", re.DOTALL)  # as in python(1)
_WITH_VALUE = ("-w", "--workspace")  # of every command
_COMMON = (*_WITH_VALUE, "-v", "--verbose")
_KINDS: dict[str, WorkerKind] = {"consume": "consumer", "produce": "producer"}
_FLAGS = frozenset(row.option for row in options_of(*CONSUMERS, *PRODUCERS) if row.form == "flag") | {"-v", "--verbose"}


def check_recipe(recipe: Recipe) -> None:
    """Raises InvalidInput when something is missing, or cannot be what it is given as, with what to write instead."""
    for row in options_of(recipe.kind):
        if row.field in recipe.values:
            row.read(recipe.values[row.field])
    check_together(recipe.kind, recipe.values)


def with_own_zone(recipe: Recipe, old: Recipe | None = None) -> Recipe:
    """A cron line has the zone that it was made with, whatever zone the process has that runs it. Raises InvalidInput.

    `old`: The worker as it was; a line that nobody changed stays.
    """
    cron = recipe.values.get("cron")
    is_old = old is not None and old.values.get("cron") == cron
    if cron is None or is_old or recipe.values.get("timezone") is not None:
        return recipe
    from pqdesk.zones import local_zone_name

    return recipe.replaced(timezone=local_zone_name())


def command_of(recipe: Recipe, program: Sequence[str] = PROGRAM) -> tuple[str, ...]:
    """The command line of a recipe; `program` stands before `consume` or `produce`. Raises as check_recipe()."""
    check_recipe(recipe)
    if recipe.kind is Kind.OTHER:
        return tuple(recipe.values["command"])
    verb = next(verb for verb, kinds in _VERBS.items() if recipe.kind in kinds)
    given = [(row, recipe.values[row.field]) for row in options_of(recipe.kind) if row.field in recipe.values]
    words = [word for row, value in given if row.is_word for word in _several(value)]
    options = [word for row, value in given if not row.is_word for word in written(row, value)]
    run = recipe.values.get("command")
    return (*program, verb, *words, *options, *(("--", *run) if run else ()))


def written(row: WorkerOption, value: Any) -> Iterator[str]:
    """The words of an option that has this value; none for a command, which stands at the end."""
    if row.form == "flag":
        yield row.option.partition("/")[0 if value else 2]
    elif row.form != "words":
        for each in _several(value):
            yield from (row.option, row.written(each))


def recipe_of(command: Sequence[str]) -> Recipe:
    """The recipe whose command line this is; Kind.OTHER when it is none that a recipe describes completely."""
    program, recipe = program_and_recipe(command)
    return recipe if program == PROGRAM else Recipe(Kind.OTHER, command=tuple(command))


def program_and_recipe(command: Sequence[str]) -> tuple[tuple[str, ...], Recipe]:
    """The same for a command by hand, `nice /opt/bin/pqdesk -w DIR consume …`: what stands before, and the recipe.

    Values are not checked, so that what is wrong in one can be corrected.
    """
    found = split_program(command)
    if found is not None:
        program, verb, words = found
        try:
            return program, _read(_VERBS[verb], words)
        except (InvalidInput, KeyError, ValueError):
            pass
    return (), Recipe(Kind.OTHER, command=tuple(command))


def with_recipe(command: tuple[str, ...], recipe: Recipe) -> tuple[str, ...]:
    """`command` itself where it does what the recipe says already, else the recipe's: what nobody changed stays.

    Raises InvalidInput: as command_of().
    """
    program, known = program_and_recipe(command)
    return command if known == recipe else command_of(recipe, program or PROGRAM)


def split_program(command: Sequence[str]) -> tuple[tuple[str, ...], str, list[str]] | None:
    """Program and common options, `consume` or `produce`, the words after that; None for anything else."""
    begin = _after_program(command)
    if begin is None:
        return None
    common: list[str] = []
    remaining = iter(command[begin:])
    for word in remaining:
        if word in _VERBS:
            rest = list(remaining)
            return (*command[:begin], *common), word, rest
        if word.partition("=")[0] not in _COMMON:
            return None
        common.append(word)
        if word in _WITH_VALUE:
            common.append(next(remaining, ""))
    return None


def _after_program(command: Sequence[str]) -> int | None:
    """Where `pqdesk` or `python -m pqdesk` ends in a command line."""
    for at, word in enumerate(command):
        name = os.path.basename(word)
        if name in _PROGRAMS:
            return at + 1
        if name.startswith("python"):
            return _after_module(command, at + 1)
        if os.path.basename(command[0]) not in _BECOMES_ANOTHER:
            return None
    return None


def _after_module(command: Sequence[str], at: int) -> int | None:
    """Where `-P -X utf8 -m pqdesk` ends, the words of an interpreter from `at` on; None when it runs something else."""
    while at < len(command):
        word = command[at]
        at += 1
        if not _OPTION_OF_PYTHON.fullmatch(word):
            return None
        for place, letter in enumerate(word[1:], 2):
            if letter in "mXW":  # each takes what follows: the rest of the word, or the next one
                value = word[place:] or "".join(command[at : at + 1])
                at += not word[place:]
                if letter == "m":
                    return at if value == "pqdesk" else None
                break
    return None


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def _read(kinds: Sequence[Kind], words: list[str]) -> Recipe:
    """Raises KeyError, ValueError or InvalidInput for a command line that we would write otherwise."""
    rows = {row.option: row for row in options_of(*kinds) if not row.is_word}
    values: dict[str, Any] = {}
    queues: list[str] = []
    remaining = iter(words)
    for word in remaining:
        if word == "--":
            values["command"] = tuple(remaining)
        elif not word.startswith("-"):
            queues.append(word)
        else:
            name, has_sign, text = word.partition("=")
            row = rows[name]
            value: Any = True if row.form == "flag" else text if has_sign else next(remaining, "")
            if not value or (row.field in values and row.form != "several"):
                raise ValueError(word)
            if row.form == "number":
                value = int(value)
            values[row.field] = (*values.get(row.field, ()), value) if row.form == "several" else value
    kind = fitting_kind(values, kinds)
    if "queue" in fields_of(kind):
        [values["queue"]] = queues
    else:
        values["queues"] = tuple(queues)
    check_together(kind, values)
    return Recipe(kind, **values)


# --- what a command says about its worker ------------------------------------------------------------


def kind_of(command: Sequence[str]) -> WorkerKind:
    found = split_program(command)
    return "command" if found is None else _KINDS[found[1]]


def queues_of(command: Sequence[str]) -> tuple[str, ...]:
    """The queues of `pqdesk consume QUEUE …` and `pqdesk produce QUEUE …`; none for other commands."""
    found = split_program(command)
    if found is None:
        return ()
    queues: list[str] = []
    remaining = iter(found[2])
    for word in remaining:
        if word == "--":
            break
        if not word.startswith("-"):
            queues.append(word)
        elif word not in _FLAGS and "=" not in word:  # every other option takes the next word
            next(remaining, None)
    return tuple(queues)


def usual_restart(command: Sequence[str]) -> RestartPolicy:
    """The restart policy to propose for a command.

    A consumer never ends by itself, so that a plain `kill`, after which it ends with 0, is no reason to stay away.
    """
    return "always" if kind_of(command) == "consumer" and "--drain" not in command else "if it fails"
