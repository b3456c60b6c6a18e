"""`add-worker`, `edit-worker`, `remove-worker`, `scale`: what the workers of this workspace are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from pqdesk.cli.command import DashesCommand, command, command_words
from pqdesk.cli.completing import complete_worker
from pqdesk.cli.exits import ExitCode
from pqdesk.cli.json_output import print_json, tell
from pqdesk.cli.lines import remark, say
from pqdesk.cli.options import declared
from pqdesk.cli.settings import Settings, pass_settings, require_workspace_or_workers
from pqdesk.cli.worker_choice import WorkerOptions, definition_from, recipe_from
from pqdesk.cli.worker_options import OF_RUN, try_options, warn_of_secrets, worker_options
from pqdesk.cli.worker_settling import START_S, has_started, progress_lines, report, settled
from pqdesk.messages.plain_json import plain
from pqdesk.services.workers import Supervision, workers_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import command_of, program_and_recipe, usual_restart, with_recipe
from pqdesk.supervision.processes.try_out import trial_story
from pqdesk.supervision.records import Saved, TryOut

_RUNS = (
    "What it runs is one of: a Python function (--handler with --queue); a command per message (--queue with "
    "-- COMMAND); HTTP POST per message (--post with --queue); a folder to watch (--folder with --queue); something on "
    "a schedule (--every or --cron with --queue and --handler, --payload or -- COMMAND); or any other command."
)
_LOOKS = ("is_test", "sample", "message_id", "is_preview")
_looks = declared(
    click.option("--test", "is_test", is_flag=True, help="Try it and save nothing; a command of your own really runs."),
    try_options,
    click.option("--preview", "is_preview", is_flag=True, help="Show the file, and save nothing."),
)


@command("add-worker", has_json=True, cls=DashesCommand, options_metavar="[OPTIONS]", epilog=_RUNS)
@click.argument("name", metavar="NAME [-- COMMAND…]")
@worker_options
@click.option("--start/--no-start", "is_start", default=True, help="Start it at once; the default.")
@click.option("--no-wait", is_flag=True, help="Return before it has come up.")
@click.option("--replace", "is_replacing", is_flag=True, help="In place of the worker of this name, if there is one.")
@_looks
@pass_settings
def add_worker_command(
    settings: Settings, name: str, is_start: bool, no_wait: bool, is_replacing: bool, **values: Any
) -> int:
    """Add a worker, and start it.

    Whether it could start is checked before: its function, program, folder and variables.
    """
    given = _given(values)
    recipe = recipe_from(given)
    if recipe is None:
        raise click.UsageError(f"nothing to run. {_RUNS}")
    words = command_of(recipe)
    base = WorkerDefinition(name=name, command=words, restart=usual_restart(words))
    definition = definition_from(given, base)
    supervision = workers_of(settings.paths, "cli")
    looked = _look(settings, supervision, definition, **{name: values[name] for name in _LOOKS})
    if looked is not None:
        return looked
    warn_of_secrets(definition.command, definition.environment)
    saved = supervision.add(definition, start=is_start, is_replacing=is_replacing)
    at_rest = f"{name}: added, not started" if not is_start else None
    return _tell(settings, supervision, name, saved, at_rest, wait_s=0.0 if no_wait else START_S)


@command("edit-worker", has_json=True, cls=DashesCommand, options_metavar="[OPTIONS]", epilog=_RUNS)
@click.argument("name", metavar="NAME [-- COMMAND…]", shell_complete=complete_worker)
@worker_options
@click.option(
    "--unset", multiple=True, metavar="NAME", help="Take this variable, secret or --option away again; may repeat."
)
@click.option("--undo", "is_undo", is_flag=True, help="Take the last change back.")
@_looks
@pass_settings
def edit_worker_command(settings: Settings, name: str, is_undo: bool, **values: Any) -> int:
    """Change a worker, and restart what that changes.

    What is not given stays as it is. Processes that are not changed are not touched. What could not start is refused,
    and the worker runs on as it is.
    """
    require_workspace_or_workers(settings)
    supervision = workers_of(settings.paths, "cli")
    old = supervision.previous_definition(name) if is_undo else supervision.definition(name)
    given = _given(values)
    recipe = recipe_from(given, program_and_recipe(old.command)[1])
    definition = definition_from(given, old)
    if recipe is not None:
        words = with_recipe(old.command, recipe)
        restart = (
            usual_restart(words) if values[f"{OF_RUN}restart"] is None and words != old.command else definition.restart
        )
        definition = replace(definition, command=words, restart=restart)
    warn_of_secrets(definition.command, definition.environment)
    looked = _look(settings, supervision, definition, **{name: values[name] for name in _LOOKS})
    if looked is not None:
        return looked
    saved = supervision.change(definition, on_progress=progress_lines(settings, "restarted"))
    code = _tell(settings, supervision, name, saved, f"{name}: saved, nothing had to be restarted")
    if code != ExitCode.DONE and saved.restarting:
        remark(f"it was well before? Take the change back: {settings.command} edit-worker {name} --undo")
    return code


@command("remove-worker", has_json=True)
@click.argument("name", metavar="NAME", shell_complete=complete_worker)
@click.option("--undo", "is_undo", is_flag=True, help="Bring back the worker of this name that was removed last.")
@pass_settings
def remove_worker_command(settings: Settings, name: str, is_undo: bool) -> int:
    """Take a worker out, or bring it back.

    It finishes the message in hand first. Its logs stay, and --undo brings it back.
    """
    require_workspace_or_workers(settings)
    supervision = workers_of(settings.paths, "cli")
    if is_undo:
        saved = supervision.bring_back(supervision.removed_worker(name))
        return _tell(settings, supervision, name, saved, f"{name}: back, not started")
    removed = supervision.remove(name, on_progress=progress_lines(settings, "ended"))
    told = {"removed": removed.name, "file": removed.file, "running": removed.running}
    tell(settings, told, f"{name}: removed; bring it back with: {settings.command} remove-worker {name} --undo")
    return ExitCode.DONE


@command("scale", has_json=True)
@click.argument("name", metavar="NAME", shell_complete=complete_worker)
@click.argument("count", metavar="N", type=int)
@pass_settings
def scale_command(settings: Settings, name: str, count: int) -> int:
    """Run a worker in N processes; the others are not touched.

    Of too many, those with the highest numbers finish the message in hand and end.
    """
    require_workspace_or_workers(settings)
    supervision = workers_of(settings.paths, "cli")
    saved = supervision.scale(name, count, on_progress=progress_lines(settings, "ended"))
    return _tell(settings, supervision, name, saved, None)


def _given(values: dict[str, Any]) -> WorkerOptions:
    words = command_words()
    return WorkerOptions(values, None if words is None else tuple(words))


def _look(
    settings: Settings,
    supervision: Supervision,
    definition: WorkerDefinition,
    *,
    is_test: bool,
    sample: str | None,
    message_id: int | None,
    is_preview: bool,
) -> int | None:
    """Try the worker, or show its file, and save nothing; None when neither was asked for."""
    if not (is_test or is_preview or sample is not None or message_id is not None):
        return None
    if is_preview and not is_test and sample is None and message_id is None:
        text = supervision.definition_preview(definition)
        _tell_lines(settings, text, {"text": text})
        return ExitCode.DONE
    if not settings.is_json and definition.kind != "command":
        remark(trial_story(definition.kind, sample, message_id))
    outcome = supervision.try_out(definition, sample=sample, message_id=message_id)
    _tell_lines(settings, outcome.output, {**plain(outcome), "is_still_running": outcome.is_still_running})
    if not settings.is_json:
        remark(_outcome_line(outcome))
    return ExitCode.DONE if outcome.is_good else ExitCode.FAILED


def _tell_lines(settings: Settings, text: str, value: Any) -> None:
    if settings.is_json:
        print_json(value)
    else:
        for line in text.splitlines():
            say(line)


def _outcome_line(outcome: TryOut) -> str:
    if outcome.verdict is not None:
        return f"{outcome.verdict}; nothing was saved"
    if outcome.is_still_running:
        return "it was still running after three seconds, and was ended; nothing was saved"
    how = f"exit code {outcome.exit_code}" if outcome.signal is None else f"signal {outcome.signal}"
    return "; ".join(filter(None, (f"it ended with {how}", outcome.likely_cause, "nothing was saved")))


def _tell(
    settings: Settings,
    supervision: Supervision,
    name: str,
    saved: Saved,
    at_rest: str | None,
    *,
    wait_s: float = START_S,
) -> int:
    """How the worker's processes are, once those that were started have come up or not."""
    if saved.problem is not None:
        remark(saved.problem)
    before = [one for one in supervision.status().replicas if one.worker == name]
    started = [one for one in before if one.process in saved.restarting]
    now = {one.process: (one, is_settled) for one, is_settled in settled(supervision, started, has_started, wait_s)}
    if not started and at_rest is not None and not settings.is_json:
        say(at_rest)
        code = int(ExitCode.DONE)
    else:
        code = report(
            settings, [now.get(one.process, (one, True)) for one in before], is_asked_only=not started or not wait_s
        )
    return code if saved.problem is None else ExitCode.FAILED
