"""How `watch` looks: one picture of a snapshot, made with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from pqdesk.cli.looking import QUEUE_COLUMNS, queue_row
from pqdesk.cli.snapshots import Rates, Snapshot
from pqdesk.cli.tables import Cell, Column, make_table
from pqdesk.cli.visible import visible
from pqdesk.cli.workers import WORKER_COLUMNS, worker_row
from pqdesk.messages.records import QueueRecord

if TYPE_CHECKING:
    from pqdesk.supervision.records import SupervisionStatus

_RATE_COLUMNS = (Column("Put/s", is_number=True), Column("Done/s", is_number=True))
_DAEMON_STYLES = {"running": "green", "not running": "dim", "stopping": "yellow"}


def render(snapshot: Snapshot, width: int, *, is_live: bool = True) -> RenderableType:
    """The whole picture, from the title to the hint how to leave."""
    parts: list[RenderableType] = [_title(snapshot), Text()]
    if snapshot.problem is not None:
        parts += [Text(visible(snapshot.problem), style="bold red"), Text()]
    parts += [_queues(snapshot, width), Text(), _workers(snapshot.status, width)]
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
    rows = [_row(one, snapshot.rates.get(one.name, Rates())) for one in snapshot.queues]
    if len(rows) > 1:
        put = sum(one.put for one in snapshot.rates.values())
        completed = sum(one.completed for one in snapshot.rates.values())
        rows.append(_row(QueueRecord("all", False, snapshot.total), Rates(put=put, completed=completed)))
    return make_table((*QUEUE_COLUMNS, *_RATE_COLUMNS), rows, width)


def _row(record: QueueRecord, rates: Rates) -> list[str | Cell]:
    return [*queue_row(record), _rate(rates.put), _rate(rates.completed)]


def _rate(per_second: float) -> Cell:
    if per_second < 0.05:
        return Cell("0", "dim")
    return Cell(f"{per_second:.1f}" if per_second < 9.95 else f"{per_second:,.0f}")


def _workers(status: SupervisionStatus, width: int) -> RenderableType:
    if not status.replicas:
        return Text("no workers", style="dim")
    return make_table(WORKER_COLUMNS, [worker_row(one) for one in status.replicas], width)
