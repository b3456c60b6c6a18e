"""The command line that adds the same worker. Values of secrets are not in it: it asks for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import Recipe, recipe_of, usual_restart, written
from pqdesk.worker_options import RUN_OPTIONS, Kind, options_of


def add_worker_command(definition: WorkerDefinition, *, is_started: bool = True) -> str:
    """`pqdesk add-worker NAME … -- COMMAND…`, to be typed in the workspace or with -w."""
    recipe = recipe_of(definition.command)
    if recipe.kind is Kind.SCHEDULE and not {"every", "cron"} & recipe.values.keys():
        recipe = Recipe(Kind.OTHER, command=definition.command)  # over and over: no option says so
    what = [
        word
        for row in options_of(recipe.kind)
        if row.field in recipe.values
        for word in written(row, recipe.values[row.field])
    ]
    words = ["pqdesk", "add-worker", definition.name, *what, *_how(definition)]
    if not is_started:
        words.append("--no-start")
    command = recipe.values.get("command")
    return shlex.join([*words, "--", *command] if command else words)


def _how(definition: WorkerDefinition) -> Iterator[str]:
    usual = WorkerDefinition(name="x", command=(), restart=usual_restart(definition.command))
    for row in RUN_OPTIONS:
        value = getattr(definition, row.field)
        if value != getattr(usual, row.field):
            yield from written(row, value)
    for name, value in definition.environment.items():
        yield from ("--env", f"{name}={value}")
    for name in definition.secrets:
        yield from ("--secret", name)
    if not definition.is_autostart:
        yield "--no-autostart"
