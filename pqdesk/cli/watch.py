"""`watch`: queues, rates and workers, live in a terminal; elsewhere one snapshot."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark
from pqdesk.cli.settings import Settings, pass_settings, require_workspace_or_workers
from pqdesk.cli.snapshots import RateMeter, Snapshot, Watcher
from pqdesk.cli.tables import console_for, print_picture
from pqdesk.cli.watch_view import render
from pqdesk.paths import demo_workspace

_REFRESH_S = 0.5
_SNAPSHOT_S = 1.0  # between the two looks that a rate needs
_DEMO_WITHIN_S = 20.0


@command("watch", has_json=True)
@click.option("--demo", is_flag=True, help="Make the demo's workspace, start its workers, and watch them.")
@pass_settings
def watch_command(settings: Settings, demo: bool) -> None:
    """Show queues, rates and workers, live.

    Twice a second until Ctrl-C; without a terminal once. Looking changes nothing, and the workers go on when this ends.
    """
    if demo:
        _start_demo(settings)
    require_workspace_or_workers(settings)
    with Watcher(settings.paths) as watcher:
        try:
            if settings.is_json or not sys.stdout.isatty():
                _show_once(watcher, settings, _DEMO_WITHIN_S if demo else 0.0)
            else:
                _show_live(watcher)
        finally:
            if demo:
                remark(f"the demo's workers go on; stop them with: {settings.command} stop all")


def _start_demo(settings: Settings) -> None:
    """Never in $PQDESK_WORKSPACE: the demo's workers do not belong among somebody's own."""
    from pqdesk.demo import write_demo
    from pqdesk.services.workers import workers_of

    if settings.workspace is None:
        settings.workspace = str(demo_workspace())
    write_demo(settings.paths)
    workers_of(settings.paths, "cli").start("all")


def _show_once(watcher: Watcher, settings: Settings, life_within_s: float) -> None:
    """Two looks for the rates, the second one printed; a demo gets time to complete something."""
    meter = RateMeter()
    snapshot = _look(watcher, meter)
    tries = max(1, round(life_within_s / _SNAPSHOT_S))
    for _ in range(tries):
        time.sleep(_SNAPSHOT_S)
        snapshot = _look(watcher, meter)
        if snapshot.total.completed:
            break
    if settings.is_json:
        print_json(snapshot.as_json())
    else:
        print_picture(lambda width: render(snapshot, width, is_live=False))


def _look(watcher: Watcher, meter: RateMeter) -> Snapshot:
    return meter.with_rates(watcher.look())


def _show_live(watcher: Watcher) -> None:
    from rich.live import Live

    meter = RateMeter()
    console = console_for(sys.stdout)
    snapshot = _look(watcher, meter)
    with (
        _ended_by_term(),
        Live(render(snapshot, console.width), console=console, screen=True, auto_refresh=False) as live,
    ):
        try:
            while True:
                live.update(render(snapshot, console.width), refresh=True)
                time.sleep(_REFRESH_S)
                snapshot = _look(watcher, meter)
        finally:
            live.stop()
            print_picture(lambda width: render(snapshot, width, is_live=False))


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """A TERM leaves by way of an exception, so that the terminal gets its own screen back."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
