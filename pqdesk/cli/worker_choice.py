"""From the options given to the worker meant: what it runs, and how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click

from pqdesk.cli.worker_options import RESTARTS
from pqdesk.supervision.defined import WorkerDefinition
from pqdesk.supervision.recipes import (
    CommandRecipe,
    FolderRecipe,
    FunctionRecipe,
    OtherRecipe,
    PostRecipe,
    Recipe,
    ScheduleRecipe,
)

_OPTION_NAMES = {"url": "--post", "headers": "--post-header", "command": "a command after --"}
_WHAT = ("handler", "folder", "url", "payload")
_SETTINGS = ("every", "cron", "timezone", "missed", "concurrency", "timeout", "lease", "max_attempts", "headers")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What was given of a worker: values by the names of the options' parameters, and the words after `--`."""

    values: Mapping[str, Any]
    words: tuple[str, ...] | None


def recipe_from(given: WorkerOptions, old: Recipe | None = None) -> Recipe | None:
    """What the worker is to run; None when nothing of it was given. Raises UsageError."""
    values = {name: value for name, value in given.values.items() if value not in (None, ())}
    words = given.words
    what: dict[str, Any] = {name: _absolute(name, values[name]) for name in _WHAT if name in values}
    if words is not None:
        what["command"] = _program(words, values)
    _check_one(what)
    queues = tuple(values.get("queues", ()))
    settings = {name: values[name] for name in _SETTINGS if name in values}
    if not what and not queues and not settings:
        return None
    known = {} if old is None else {one.name: getattr(old, one.name) for one in fields(old)}
    if not what and isinstance(old, OtherRecipe):
        raise click.UsageError(
            "what this worker runs was written by hand; give the whole command after --", click.get_current_context()
        )
    what = what or {name: known[name] for name in (*_WHAT, "command") if known.get(name) is not None}
    queues = queues or known.get("queues") or ((known["queue"],) if "queue" in known else ())
    inherited = {name: known[name] for name in _SETTINGS if known.get(name) not in (None, ())}
    return _made(what, queues, settings, inherited)


def definition_from(given: WorkerOptions, base: WorkerDefinition) -> WorkerDefinition:
    """`base` with all that was given besides what it runs. Raises UsageError."""
    values = given.values
    changes: dict[str, Any] = {
        field: values[field]
        for field in ("replicas", "is_autostart", "log_bytes", "log_backups")
        if values.get(field) is not None
    }
    for option, field in (("log_size", "log_bytes"), ("stop_wait", "stop_wait_s"), ("start_wait", "start_s")):
        if values.get(option) is not None:
            changes[field] = round(values[option])
    if values.get("stop_signal") is not None:
        changes["stop_signal"] = values["stop_signal"].strip().upper().removeprefix("SIG")
    if values.get("restart") is not None:
        changes["restart"] = RESTARTS[values["restart"]]
    if values.get("directory") is not None:
        folder = Path(os.path.abspath(os.path.expanduser(values["directory"])))
        if not folder.is_dir():
            raise click.UsageError(f"{str(folder)!r} is no folder; make it first", click.get_current_context())
        changes["folder"] = folder
    changes["environment"] = {**base.environment, **dict(values.get("environment", ()))}
    changes["secrets"] = {**base.secrets, **dict(values.get("secrets", ()))}
    for name in values.get("unset", ()):
        changes["environment"].pop(name, None)
        changes["secrets"].pop(name, None)
    return replace(base, **changes)


def _check_one(what: Mapping[str, Any]) -> None:
    if len(what) > 1:
        given = " and ".join(_OPTION_NAMES.get(name, f"--{name}") for name in what)
        raise click.UsageError(f"{given} exclude each other", click.get_current_context())


def _made(what: dict[str, Any], queues: tuple[str, ...], settings: dict[str, Any], inherited: dict[str, Any]) -> Recipe:
    """`inherited`: settings that the worker has; those that still make sense stay."""
    context = click.get_current_context()
    if not what:
        raise click.UsageError("nothing to run: give --handler, --folder, --post, --payload, or -- COMMAND", context)
    if "command" in what and not queues and not settings:
        return OtherRecipe(**what)
    kind = _kind(what, settings, inherited)
    if not queues:
        raise click.UsageError("no queue named: give --queue QUEUE", context)
    if kind in (FolderRecipe, ScheduleRecipe) and len(queues) > 1:
        raise click.UsageError("a producer puts into one queue; give --queue once", context)
    known = {one.name for one in fields(kind)}
    wrong = [_OPTION_NAMES.get(name, f"--{name.replace('_', '-')}") for name in (*what, *settings) if name not in known]
    if wrong:
        raise click.UsageError(f"{', '.join(wrong)} does not go with the rest", context)
    if settings.keys() & {"every", "cron"}:  # one instead of the other
        inherited = {name: value for name, value in inherited.items() if name not in ("every", "cron", "timezone")}
    kept = {name: value for name, value in inherited.items() if name in known}
    named: dict[str, Any] = {"queues": queues} if "queues" in known else {"queue": queues[0]}
    made: Recipe = kind(**what, **named, **{**kept, **settings})
    return made


def _kind(what: Mapping[str, Any], settings: Mapping[str, Any], inherited: Mapping[str, Any]) -> type[Any]:
    if "folder" in what:
        return FolderRecipe
    has_times = bool({"every", "cron"} & {*settings, *(inherited if "url" not in what else ())})
    if has_times or "payload" in what:
        return ScheduleRecipe
    return PostRecipe if "url" in what else FunctionRecipe if "handler" in what else CommandRecipe


def _absolute(name: str, value: str) -> str:
    """A path as it is meant here: the worker runs in another folder."""
    if name == "folder":
        return os.path.abspath(os.path.expanduser(value))
    if name == "handler":
        file, sign, function = value.rpartition(":")
        if sign and file.endswith(".py") and os.path.exists(file):
            return f"{os.path.abspath(file)}:{function}"
    return value


def _program(words: tuple[str, ...], values: Mapping[str, Any]) -> tuple[str, ...]:
    is_here = "/" in words[0] and not words[0].startswith(("/", "~")) and "directory" not in values
    return (os.path.abspath(words[0]), *words[1:]) if is_here else words
