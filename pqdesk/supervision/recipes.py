"""What a person chooses for a worker without writing a command, and the command line that does it.

`command_of` and `recipe_of` are inverses: each recipe comes back from its command exactly, and a command that no
recipe describes completely is an OtherRecipe. Pure; nothing is looked up or run.

Durations, cron lines and numbers are kept as people write them (`5m`), checked when the command is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from pqdesk.errors import InvalidInput
from pqdesk.messages.durations import parse_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRecipe:
    """A Python function is called once per message: `pqdesk consume QUEUE… --handler FILE:FUNCTION`.

    Attributes:
        concurrency: Messages at once in this process.
        timeout, lease: Durations such as `30s`.
    """

    handler: str
    queues: tuple[str, ...]
    concurrency: int | None = None
    timeout: str | None = None
    lease: str | None = None
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecipe:
    """A command is run once per message, the payload on its standard input: `pqdesk consume QUEUE… -- COMMAND…`."""

    command: tuple[str, ...]
    queues: tuple[str, ...]
    concurrency: int | None = None
    timeout: str | None = None
    lease: str | None = None
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRecipe:
    """Each message is sent by HTTP POST: `pqdesk consume QUEUE… --post URL`.

    Attributes:
        headers: `Name=value`; with `$NAME` as the value it is taken from the environment, as a secret should be.
    """

    url: str
    queues: tuple[str, ...]
    headers: tuple[str, ...] = ()
    concurrency: int | None = None
    timeout: str | None = None
    lease: str | None = None
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRecipe:
    """A message per new or changed file: `pqdesk produce QUEUE --folder DIR`."""

    folder: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecipe:
    """Something is run at times and what it gives is put: `pqdesk produce QUEUE --every 5m …`.

    Attributes:
        handler, command, payload: Exactly one of them. A command puts a message per line that it prints; `payload`
            is the same message each time, JSON if it parses, else text.
        every, cron: At most one of them; without either, a command or function is run once.
        timezone: For `cron`: `Europe/Berlin`; None is the machine's.
        missed: `once`, `skip` or `all`: what becomes of runs missed while the machine slept; None is `once`.
    """

    queue: str
    handler: str | None = None
    command: tuple[str, ...] | None = None
    payload: str | None = None
    every: str | None = None
    cron: str | None = None
    timezone: str | None = None
    missed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRecipe:
    """Any other command, kept running."""

    command: tuple[str, ...]


Recipe = FunctionRecipe | CommandRecipe | PostRecipe | FolderRecipe | ScheduleRecipe | OtherRecipe

_PROGRAM = "pqdesk"
_HEADER = "--post-header"  # the only option that may be repeated
_MISSED = ("once", "skip", "all")
# Option → field, in the order in which they are written.
_CONSUME = {
    "--concurrency": "concurrency",
    "--timeout": "timeout",
    "--lease": "lease",
    "--max-attempts": "max_attempts",
}
_TIMES = {"--every": "every", "--cron": "cron", "--timezone": "timezone", "--missed": "missed"}
_NUMBERS = ("concurrency", "max_attempts")
_DURATIONS = ("timeout", "lease", "every")


def command_of(recipe: Recipe) -> tuple[str, ...]:
    """The command line of a recipe.

    Raises:
        InvalidInput: Something is missing, or cannot be what it is given as; which, and what to write instead.
    """
    _check(recipe)
    match recipe:
        case OtherRecipe():
            return recipe.command
        case FunctionRecipe():
            return (_PROGRAM, "consume", *recipe.queues, "--handler", recipe.handler, *_written(recipe, _CONSUME))
        case PostRecipe():
            headers = [word for one in recipe.headers for word in (_HEADER, one)]
            return (_PROGRAM, "consume", *recipe.queues, "--post", recipe.url, *headers, *_written(recipe, _CONSUME))
        case CommandRecipe():
            return (_PROGRAM, "consume", *recipe.queues, *_written(recipe, _CONSUME), "--", *recipe.command)
        case FolderRecipe():
            return (_PROGRAM, "produce", recipe.queue, "--folder", recipe.folder)
        case ScheduleRecipe():
            return _schedule_command(recipe)


def recipe_of(command: Sequence[str]) -> Recipe:
    """The recipe whose command line this is; OtherRecipe when it is none that a recipe describes completely."""
    other = OtherRecipe(command=tuple(command))
    if len(command) < 3 or command[0] != _PROGRAM:
        return other
    make = {"consume": _consume_recipe, "produce": _produce_recipe}.get(command[1])
    words = list(command[2:])
    run = None
    if "--" in words:
        at = words.index("--")
        words, run = words[:at], tuple(words[at + 1 :])
    try:
        queues, options, headers = _split(words)
        found = make(queues, options, run) if make is not None else other
        if headers:
            found = replace(found, headers=headers) if isinstance(found, PostRecipe) else other
        command_of(found)  # a command that we would not write ourselves stays as it is
    except (InvalidInput, KeyError, ValueError):
        return other
    return found


def with_recipe(command: tuple[str, ...], recipe: Recipe) -> tuple[str, ...]:
    """`command` itself where it does what the recipe says already, else the recipe's: what nobody changed stays.

    Raises:
        InvalidInput: As command_of().
    """
    return command if recipe_of(command) == recipe else command_of(recipe)


def _schedule_command(recipe: ScheduleRecipe) -> tuple[str, ...]:
    start = (_PROGRAM, "produce", recipe.queue)
    times = _written(recipe, _TIMES)
    if recipe.handler is not None:
        return (*start, "--handler", recipe.handler, *times)
    if recipe.payload is not None:
        return (*start, "--payload", recipe.payload, *times)
    return (*start, *times, "--", *(recipe.command or ()))


def _consume_recipe(queues: tuple[str, ...], options: dict[str, str], run: tuple[str, ...] | None) -> Recipe:
    handler, url = options.pop("--handler", None), options.pop("--post", None)
    values = _read(options, _CONSUME)
    if (handler is None) + (url is None) + (run is None) != 2:
        raise ValueError("one of handler, address and command")
    if handler is not None:
        return FunctionRecipe(handler=handler, queues=queues, **values)
    if url is not None:
        return PostRecipe(url=url, queues=queues, **values)
    return CommandRecipe(command=run or (), queues=queues, **values)


def _produce_recipe(queues: tuple[str, ...], options: dict[str, str], run: tuple[str, ...] | None) -> Recipe:
    [queue] = queues
    handler, folder, payload = (options.pop(f"--{name}", None) for name in ("handler", "folder", "payload"))
    values = _read(options, _TIMES)
    if folder is not None:
        if handler is not None or payload is not None or run is not None or values:
            raise ValueError("a folder and something else")
        return FolderRecipe(folder=folder, queue=queue)
    return ScheduleRecipe(queue=queue, handler=handler, payload=payload, command=run, **values)


def _split(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """The positional words, the value of each option, and the headers.

    Raises ValueError for an option without a value, or given twice.
    """
    positional: list[str] = []
    headers: list[str] = []
    options: dict[str, str] = {}
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-"):
            positional.append(word)
            continue
        name, has_sign, value = word.partition("=")
        value = value if has_sign else next(remaining, "")
        if not value or name in options:
            raise ValueError(word)
        if name == _HEADER:
            headers.append(value)
        else:
            options[name] = value
    return tuple(positional), options, tuple(headers)


def _written(recipe: Recipe, options: Mapping[str, str]) -> list[str]:
    words = []
    for option, name in options.items():
        value = getattr(recipe, name)
        if value is not None:
            words += [option, str(value)]
    return words


def _read(options: Mapping[str, str], known: Mapping[str, str]) -> dict[str, Any]:
    """By the names of fields. Raises KeyError for an option that is not known, ValueError for no number."""
    values: dict[str, Any] = {known[option]: text for option, text in options.items()}
    return {name: int(value) if name in _NUMBERS else value for name, value in values.items()}


# --- what cannot be --------------------------------------------------------------------------------


def _check(recipe: Recipe) -> None:
    if isinstance(recipe, OtherRecipe | CommandRecipe):
        _check_command(recipe.command)
    if isinstance(recipe, OtherRecipe):
        return
    for queue in [recipe.queue] if isinstance(recipe, FolderRecipe | ScheduleRecipe) else recipe.queues or ("",):
        _check_word(queue, "the name of a queue")
    if isinstance(recipe, FunctionRecipe):
        _check_word(recipe.handler, "the function")
    elif isinstance(recipe, PostRecipe):
        _check_url(recipe.url)
        for header in recipe.headers:
            if not header.partition("=")[0].strip() or "=" not in header:
                raise InvalidInput(f"{header!r} is no header; write it like Authorization=$TOKEN")
    elif isinstance(recipe, FolderRecipe):
        _check_word(recipe.folder, "the folder")
    elif isinstance(recipe, ScheduleRecipe):
        _check_schedule(recipe)
    for name in {one.name for one in fields(recipe)}:
        value = getattr(recipe, name)
        if value is not None and name in _NUMBERS and not (isinstance(value, int) and value >= 1):
            raise InvalidInput(f"{name.replace('_', ' ')} is {value!r}; use a whole number from 1 on, or nothing")
        if value is not None and name in _DURATIONS:
            _check_duration(value, name)


def _check_schedule(recipe: ScheduleRecipe) -> None:
    given = [one for one in (recipe.handler, recipe.command, recipe.payload) if one is not None]
    if len(given) != 1:
        raise InvalidInput("a schedule runs one thing: a function, a command or a fixed payload; give one of them")
    if recipe.handler is not None:
        _check_word(recipe.handler, "the function")
    if recipe.command is not None:
        _check_command(recipe.command)
    if recipe.payload is not None and (not recipe.payload or "\n" in recipe.payload):
        raise InvalidInput("a fixed payload is one line; write JSON in one line, or run a command instead")
    if recipe.payload is not None and recipe.every is None and recipe.cron is None:
        raise InvalidInput("a fixed payload is put so often or at times: give one of the two")
    if recipe.every is not None and recipe.cron is not None:
        raise InvalidInput("a schedule runs every so often or by cron, not both; leave one of them out")
    for name in ("cron", "timezone"):
        value = getattr(recipe, name)
        if value is not None:
            _check_word(value, name)
    if recipe.timezone is not None and recipe.cron is None:
        raise InvalidInput("a time zone belongs to a cron line; leave it out")
    if recipe.missed is not None and recipe.missed not in _MISSED:
        raise InvalidInput(f"missed runs are {recipe.missed!r}; use one of {', '.join(_MISSED)}")


def _check_word(word: str, what: str) -> None:
    if not word.strip():
        raise InvalidInput(f"{what} is missing; fill it in")
    if word.startswith("-"):
        raise InvalidInput(f"{what} {word!r} begins with '-', which reads as an option; write it otherwise")


def _check_command(command: Sequence[str]) -> None:
    if not command or not command[0].strip():
        raise InvalidInput("the command is missing; give a program and its arguments")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or any(character.isspace() for character in url):
        raise InvalidInput(f"{url!r} is no address to post to; write it like http://localhost:8000/messages")


def _check_duration(text: str, name: str) -> None:
    if text.startswith("-") or parse_duration(text) <= 0:
        raise InvalidInput(f"{name} {text!r} must be above zero; write it like 250ms, 10s, 5m or 2h")
