"""`watch`: queues, rates and workers, live in a terminal; elsewhere one snapshot."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from pqdesk.cli.command import command
from pqdesk.cli.json_output import print_json
from pqdesk.cli.lines import remark, visible
from pqdesk.cli.looking import QUEUE_COLUMNS, STATUS_COLUMN, queue_row, status_cell
from pqdesk.cli.settings import Settings, pass_settings, require_workspace_or_workers
from pqdesk.cli.snapshots import Snapshot, Watcher
from pqdesk.cli.tables import Cell, Column, console_for, make_table, print_picture
from pqdesk.cli.workers import WORKER_COLUMNS, worker_row
from pqdesk.messages.records import QueueRecord
from pqdesk.messages.states import QueueWord
from pqdesk.paths import demo_workspace
from pqdesk.services.health import Health
from pqdesk.services.rates import Rates

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
    snapshot = watcher.look()
    tries = max(1, round(life_within_s / _SNAPSHOT_S))
    for _ in range(tries):
        time.sleep(_SNAPSHOT_S)
        snapshot = watcher.look()
        if snapshot.total.completed:
            break
    if settings.is_json:
        print_json(snapshot.as_json())
    else:
        print_picture(lambda width: render(snapshot, width, is_live=False))


def _show_live(watcher: Watcher) -> None:
    from rich.live import Live

    console = console_for(sys.stdout)
    snapshot = watcher.look()
    with (
        _ended_by_term(),
        Live(render(snapshot, console.width), console=console, screen=True, auto_refresh=False) as live,
    ):
        try:
            while True:
                live.update(render(snapshot, console.width), refresh=True)
                time.sleep(_REFRESH_S)
                snapshot = watcher.look()
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


if TYPE_CHECKING:
    from pqdesk.supervision.records import SupervisionStatus

_RATE_COLUMNS = (Column("Put/s", is_number=True), Column("Done/s", is_number=True))
_MOST_NEEDS = 5
_DAEMON_STYLES = {"running": "green", "not running": "dim", "stopping": "yellow"}


def render(snapshot: Snapshot, width: int, *, is_live: bool = True) -> RenderableType:
    """The whole picture, from the title to the hint how to leave."""
    parts: list[RenderableType] = [_title(snapshot), Text()]
    if snapshot.problem is not None:
        parts += [Text(visible(snapshot.problem), style="bold red"), Text()]
    parts += [_queues(snapshot, width), Text(), _workers(snapshot.status, width)]
    parts += _needs(snapshot.health)
    if snapshot.status.problem is not None:
        parts += [Text(), Text(visible(snapshot.status.problem), style="yellow")]
    if is_live:
        parts += [Text(), Text("Ctrl-C ends this view; the workers go on.", style="dim")]
    return Group(*parts)


def _title(snapshot: Snapshot) -> Text:
    status = snapshot.status
    return Text.assemble(
        ("PQDesk  ", "bold"),
        visible(str(snapshot.paths.location)),
        "  supervisord ",
        (status.state_word, _DAEMON_STYLES.get(status.state_word, "red")),
        overflow="ellipsis",
        no_wrap=True,
    )


def _queues(snapshot: Snapshot, width: int) -> RenderableType:
    if not snapshot.queues:
        return Text("no queues yet", style="dim")
    words = snapshot.health.words
    rows = [_row(one, snapshot.rates.get(one.name, Rates()), words[one.name]) for one in snapshot.queues]
    if len(rows) > 1:
        put = sum(one.put for one in snapshot.rates.values())
        completed = sum(one.completed for one in snapshot.rates.values())
        rows.append(_row(QueueRecord("all", False, snapshot.total), Rates(put=put, completed=completed), None))
    return make_table((*QUEUE_COLUMNS, *_RATE_COLUMNS, STATUS_COLUMN), rows, width)


def _row(record: QueueRecord, rates: Rates, word: QueueWord | None) -> list[str | Cell]:
    return [*queue_row(record), _rate(rates.put), _rate(rates.completed), status_cell(word)]


def _rate(per_second: float) -> Cell:
    if per_second < 0.05:
        return Cell("0", "dim")
    return Cell(f"{per_second:.1f}" if per_second < 9.95 else f"{per_second:,.0f}")


def _needs(health: Health) -> list[RenderableType]:
    """What needs a person, worst first; what somebody paused stands in the table."""
    needs = [one for one in health.needs if not one.is_wish]
    if not needs:
        return []
    more = [Text(f"and {len(needs) - _MOST_NEEDS} more; see: pqdesk doctor")] if len(needs) > _MOST_NEEDS else []
    told = ("; ".join(filter(None, (one.sentence, one.todo))) for one in needs[:_MOST_NEEDS])
    return [Text(), *(Text(visible(text), style="bold yellow") for text in told), *more]


def _workers(status: SupervisionStatus, width: int) -> RenderableType:
    if not status.replicas:
        return Text("no workers", style="dim")
    return make_table(WORKER_COLUMNS, [worker_row(one) for one in status.replicas], width)
