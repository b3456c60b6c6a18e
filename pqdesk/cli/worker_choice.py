"""From the options given to the worker meant: what it runs, and how."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any, NoReturn

import click

from pqdesk.cli.worker_options import OF_RUN
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import Recipe, usual_restart, with_own_zone
from pqdesk.worker_options import (
    CONSUMERS,
    PRODUCERS,
    RUN_OPTIONS,
    Kind,
    WorkerOption,
    check_one_thing,
    fields_of,
    fitting_kind,
    options_of,
)

_ROWS = {row.field: row for row in options_of(*CONSUMERS, *PRODUCERS)}
_WHAT = [row for row in _ROWS.values() if row.group == "what"]
_WHEN = [row.field for row in _ROWS.values() if row.group == "when"]
_CRON_ONLY = ("seconds", "timezone")
_DEFAULTS = {one.name: one.default for one in dataclass_fields(WorkerDefinition)}


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What was given of a worker: values by the names of the options' parameters, and the words after `--`."""

    values: Mapping[str, Any]
    words: tuple[str, ...] | None


def recipe_from(given: WorkerOptions, old: Recipe | None = None) -> Recipe | None:
    """What the worker is to run; None when nothing of it was given. Raises UsageError."""
    values = {name: value for name, value in given.values.items() if name in _ROWS and value not in (None, (), False)}
    queues, unset = values.pop("queues", ()), _unset_of(given.values, _ROWS.values())
    if given.words is not None:
        values["command"] = _program(given.words, given.values)
    if not values and not queues and not unset:
        return None
    for row in unset:
        if row.group == "what" or row.is_word:
            _refuse(f"{row.option} is what the worker does; give another, it cannot be taken away")
        if row.field in values:
            _refuse(f"{row.option} is given and taken away; do one of it")
    what = [row for row in _WHAT if row.field in values]
    if old is not None and old.kind is Kind.OTHER:
        if not what:
            _refuse("what this worker runs was written by hand; give the whole command after --")
        old = None
    if old is None and not queues and [*values] == ["command"]:
        return Recipe(Kind.OTHER, **values)
    gone = {row.field for row in unset}
    known = {} if old is None else {name: value for name, value in old.values.items() if name not in gone}
    old_queues = known.pop("queues", ()) or tuple(filter(None, (known.pop("queue", None),)))
    if what or old is None:
        check_one_thing(what, _WHAT)
        known = {name: value for name, value in known.items() if _ROWS[name] not in _WHAT}
    is_timed = not values.keys().isdisjoint(_WHEN)
    if is_timed:  # one instead of the other
        known = {name: value for name, value in known.items() if name not in (*_WHEN, *_CRON_ONLY)}
    kinds = (*CONSUMERS, *PRODUCERS) if what or is_timed or old is None else (old.kind,)
    asked = {*values, *(name for name in known if _ROWS[name] in _WHAT)}
    kind = fitting_kind(asked, kinds, inherited=known, old=None if old is None else old.kind)
    kept = {name: value for name, value in known.items() if name in fields_of(kind)}
    return with_own_zone(Recipe(kind, **{**kept, **values, **_named(kind, queues or old_queues)}), old)


def definition_from(given: WorkerOptions, base: WorkerDefinition) -> WorkerDefinition:
    """`base` with all that was given besides what it runs. Raises UsageError."""
    values = given.values
    changes: dict[str, Any] = {
        row.field: values[OF_RUN + row.field] for row in RUN_OPTIONS if values.get(OF_RUN + row.field) is not None
    }
    for row in _unset_of(values, RUN_OPTIONS):
        default = usual_restart(base.command) if row.field == "restart" else _DEFAULTS[row.field]
        changes.setdefault(row.field, default)
    folder = changes.get("folder")
    if folder is not None and not folder.is_dir():
        _refuse(f"{str(folder)!r} is no folder; make it first")
    if "restart" in changes:
        changes["breaks_policy"] = False
    changes["environment"] = {**base.environment, **dict(values.get("environment", ()))}
    changes["secrets"] = {**base.secrets, **dict(values.get("secrets", ()))}
    for name in values.get("unset", ()):
        changes["environment"].pop(name, None)
        changes["secrets"].pop(name, None)
    return replace(base, **changes)


def _unset_of(values: Mapping[str, Any], rows: Iterable[WorkerOption]) -> list[WorkerOption]:
    """Those of `rows` that are to be as if they had never been given; a name without dashes is that of a variable."""
    asked = [word for word in values.get("unset", ()) if word.startswith("--")]
    for word in asked:
        if not any(word in row.option.split("/") for row in (*_ROWS.values(), *RUN_OPTIONS)):
            _refuse(f"{word} is no option of a worker; see: pqdesk edit-worker --help")
    return [row for row in rows if not set(asked).isdisjoint(row.option.split("/"))]


def _refuse(why: str) -> NoReturn:
    raise click.UsageError(why, click.get_current_context())


def _named(kind: Kind, queues: tuple[str, ...]) -> dict[str, Any]:
    if not queues:
        _refuse("no queue named: give --queue QUEUE")
    if kind in CONSUMERS:
        return {"queues": queues}
    if len(queues) > 1:
        _refuse("a producer puts into one queue; give --queue once")
    return {"queue": queues[0]}


def _program(words: tuple[str, ...], values: Mapping[str, Any]) -> tuple[str, ...]:
    is_here = "/" in words[0] and not words[0].startswith(("/", "~")) and values.get(f"{OF_RUN}folder") is None
    return (os.path.abspath(words[0]), *words[1:]) if is_here else words
