"""The command line that adds the same worker. Values of secrets are not in it: it asks for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields

from pqdesk.supervision.commands import usual_restart
from pqdesk.supervision.defined import WorkerDefinition
from pqdesk.supervision.recipes import OtherRecipe, Recipe, ScheduleRecipe, recipe_of

# Where the option is not called as the field is.
_OPTIONS = {"url": "post", "headers": "post-header", "queues": "queue", "max_attempts": "max-attempts"}
_REPEATED = {"queue": "--queue", "queues": "--queue", "headers": "--post-header"}
_DEFAULTS = WorkerDefinition(name="x", command=("x",))


def add_worker_command(definition: WorkerDefinition, *, is_started: bool = True) -> str:
    """`pqdesk add-worker NAME … -- COMMAND…`, to be typed in the workspace or with -w."""
    recipe = recipe_of(definition.command)
    if isinstance(recipe, ScheduleRecipe) and recipe.every is None and recipe.cron is None:
        recipe = OtherRecipe(command=definition.command)  # over and over: no option says so
    words = ["pqdesk", "add-worker", definition.name, *_what(recipe), *_how(definition)]
    if not is_started:
        words.append("--no-start")
    command = getattr(recipe, "command", None)
    return shlex.join([*words, "--", *command] if command else words)


def _what(recipe: Recipe) -> Iterator[str]:
    for one in fields(recipe):
        value = getattr(recipe, one.name)
        if one.name == "command" or value is None:
            continue
        for each in value if isinstance(value, tuple) else (value,):
            yield from (f"--{_OPTIONS.get(one.name, one.name)}", str(each))


def _how(definition: WorkerDefinition) -> Iterator[str]:
    if definition.replicas != 1:
        yield from ("--replicas", str(definition.replicas))
    for name, value in definition.environment.items():
        yield from ("--env", f"{name}={value}")
    for name in definition.secrets:
        yield from ("--secret", name)
    if definition.folder is not None:
        yield from ("--directory", str(definition.folder))
    if definition.restart != usual_restart(definition.command):
        yield from ("--restart", definition.restart.replace(" ", "-"))
    for option, field, unit in (
        ("--stop-signal", "stop_signal", ""),
        ("--stop-wait", "stop_wait_s", "s"),
        ("--start-wait", "start_s", "s"),
        ("--log-size", "log_bytes", ""),
        ("--log-backups", "log_backups", ""),
    ):
        value = getattr(definition, field)
        if value != getattr(_DEFAULTS, field):
            yield from (option, f"{value}{unit}")
    if not definition.is_autostart:
        yield "--no-autostart"
