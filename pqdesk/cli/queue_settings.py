"""`pause`, `resume`, `configure`: what is stored with a queue and holds for all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pqdesk.cli.command import command
from pqdesk.cli.completing import complete_queue
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import say
from pqdesk.cli.options import DURATION, RATE, declared
from pqdesk.cli.settings import Settings, opened_workspace, pass_settings, pass_workspace
from pqdesk.cli.tables import Column, print_table
from pqdesk.messages.defaults import DEFAULT_KEEP_COMPLETED_S, DEFAULT_LEASE_S, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_DEATHS
from pqdesk.messages.durations import format_duration
from pqdesk.messages.records import QueueConfiguration

if TYPE_CHECKING:
    from pqdesk.workspace import Workspace

_DEFAULT = "default"
_STANDS = {(False, True): "is paused", (False, False): "goes on", (True, True): "are paused", (True, False): "go on"}


class OrDefault(click.ParamType[Any]):
    """A value of another type, or the word `default`, which takes the stored value away."""

    def __init__(self, inner: click.ParamType[Any]) -> None:
        self.name = inner.name
        self._inner = inner

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return _DEFAULT if value == _DEFAULT else self._inner.convert(value, param, ctx)


# Option, how it is read (None: as it is written), metavar, help, and what holds by default.
_SETTINGS: tuple[tuple[str, click.ParamType[Any] | None, str, str, str], ...] = (
    ("max-attempts", click.INT, "N", "Deliveries before a message has failed.", f"{DEFAULT_MAX_ATTEMPTS}"),
    ("lease", DURATION, "DURATION", "How long a taken message is kept for one.", format_duration(DEFAULT_LEASE_S)),
    ("backoff", None, "TEXT", "Wait after a failure: exponential, linear:BASE or fixed:BASE:CAP.", "exponential"),
    ("timeout", DURATION, "DURATION", "The longest that a handler may take.", "none"),
    ("concurrency", click.INT, "N", "How many may run at once, everywhere.", "no limit"),
    ("group-concurrency", click.INT, "N", "How many of one group at once.", "1"),
    ("rate", RATE, "N/DURATION", "At most so many begin in such a time: 100/1m.", "no limit"),
    ("max-size", click.INT, "N", "Unfinished messages before put waits.", "no limit"),
    ("max-deaths", click.INT, "N", "Deaths of its process before it has failed.", f"{DEFAULT_MAX_DEATHS}"),
    (
        *("keep-completed", DURATION, "DURATION", "How long completed ones stay."),
        format_duration(DEFAULT_KEEP_COMPLETED_S),
    ),
    ("keep-failed", DURATION, "DURATION", "How long failed ones stay.", "for ever"),
    ("failed-to", None, "QUEUE", "Where messages go that have failed; 'default': they stay.", "they stay"),
)
_setting_options = declared(
    *(
        click.option(f"--{name}", type=None if kind is None else OrDefault(kind), metavar=metavar, help=text)
        for name, kind, metavar, text, _ in _SETTINGS
    )
)
_ALL = click.option("--all", "is_all", is_flag=True, help="Every queue there is.")


@command("pause")
@click.argument("queue", required=False, shell_complete=complete_queue)
@_ALL
@pass_settings
def pause_command(settings: Settings, queue: str | None, is_all: bool) -> None:
    """Stop giving out messages of QUEUE. What runs goes on, and so does putting."""
    _pause(settings, queue, is_all, is_paused=True)


@command("resume")
@click.argument("queue", required=False, shell_complete=complete_queue)
@_ALL
@pass_settings
def resume_command(settings: Settings, queue: str | None, is_all: bool) -> None:
    """Give out messages of QUEUE again."""
    _pause(settings, queue, is_all, is_paused=False)


def _pause(settings: Settings, queue: str | None, is_all: bool, *, is_paused: bool) -> None:
    if is_all is (queue is not None):
        raise click.UsageError("give a queue, or --all")
    with opened_workspace(settings, makes=is_paused and not is_all) as workspace:
        which = workspace if queue is None else workspace.queue(queue)
        (which.pause if is_paused else which.resume)()
    say(f"{'all queues' if queue is None else f'queue {queue}'} {_STANDS[queue is None, is_paused]}")


@command("remove-queue")
@click.argument("queue", shell_complete=complete_queue)
@pass_workspace
def remove_queue_command(workspace: Workspace, queue: str) -> None:
    """Remove QUEUE, which has to be empty. Its settings go with it; 'undo' brings them back."""
    workspace.remove_queue(queue)
    say(f"queue {queue} is removed")


@command("configure", has_json=True)
@click.argument("queue", shell_complete=complete_queue)
@_setting_options
@pass_settings
def configure_command(settings: Settings, queue: str, **values: Any) -> None:
    """Set or show how QUEUE works.

    The settings hold for all processes; 'default' takes one back. Without options they are shown.
    """
    changes = {name: None if value == _DEFAULT else value for name, value in values.items() if value is not None}
    with opened_workspace(settings, makes=bool(changes)) as workspace:
        opened = workspace.queue(queue)
        if changes:
            opened.configure(**changes)
        configuration = opened.configuration
    if settings.is_json:
        print_json(configuration)
    else:
        print_table((Column("Setting"), Column("Value"), Column("")), _rows(configuration))


def _rows(configuration: QueueConfiguration) -> list[tuple[str, str, str]]:
    rows = []
    for name, _, _, _, default in _SETTINGS:
        title, value = name.replace("-", " "), getattr(configuration, name.replace("-", "_"))
        rows.append((title, default, "default") if value is None else (title, _shown(value), ""))
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:,} in {format_duration(value[1])}"
    return format_duration(value) if isinstance(value, float) else str(value)
