"""How `watch` looks: one picture of a snapshot, made with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from pqdesk.cli.looking import QUEUE_COLUMNS, STATUS_COLUMN, queue_row, status_cell
from pqdesk.cli.snapshots import Rates, Snapshot
from pqdesk.cli.tables import Cell, Column, make_table
from pqdesk.cli.visible import visible
from pqdesk.cli.workers import WORKER_COLUMNS, worker_row
from pqdesk.messages.records import QueueRecord
from pqdesk.messages.states import QueueWord
from pqdesk.services.health import Health

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
    return [Text(), *(Text(visible(one.sentence), style="bold yellow") for one in needs[:_MOST_NEEDS]), *more]


def _workers(status: SupervisionStatus, width: int) -> RenderableType:
    if not status.replicas:
        return Text("no workers", style="dim")
    return make_table(WORKER_COLUMNS, [worker_row(one) for one in status.replicas], width)
