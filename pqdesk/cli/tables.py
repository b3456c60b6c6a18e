"""Tables for people, made with rich: as wide as the terminal, or whole where the output goes elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pqdesk.cli.lines import visible
from pqdesk.clock import local_time

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_WIDE = 100_000  # columns for output that no terminal cuts
_GAP = 2
_LEAST = 8  # what a column is never cut below


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Only a flexible one is cut on a narrow terminal; an optional one is left out when empty.

    Where that is not enough, columns of nothing but zeros are left out, then optional ones, the last first.
    """

    title: str
    is_number: bool = False
    is_flexible: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a style of rich's, such as `red`; a plain str is a cell as well."""

    text: str
    style: str = ""


Row = Sequence[str | Cell]


def print_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """The rows under their titles."""
    print_picture(lambda width: make_table(columns, rows, width))


def print_picture(picture: Callable[[int], RenderableType]) -> None:
    """What `picture` makes for the width of stdout, without the blanks that fill its lines."""
    console = console_for(sys.stdout)
    with console.capture() as capture:
        console.print(picture(console.width), crop=False, overflow="ignore", no_wrap=True)
    for line in capture.get().splitlines():
        print(line.rstrip())


def make_table(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Table:
    """The same as a table of rich's, for a live view. All text is escaped and never read as markup."""
    from rich.table import Table
    from rich.text import Text

    grid = [[one if isinstance(one, Cell) else Cell(one) for one in row] for row in rows]
    shown = [at for at, one in enumerate(columns) if not one.is_optional or any(row[at].text for row in grid)]
    needed = {at: max([len(columns[at].title), *(_cells(row[at]) for row in grid)]) for at in shown}
    shown = _kept(columns, grid, needed, width)
    texts = [[Text(visible(row[at].text), style=row[at].style) for at in shown] for row in grid]
    columns = [columns[at] for at in shown]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column, cells in zip(columns, fit(columns, [needed[at] for at in shown], width), strict=True):
        justify: Any = "right" if column.is_number else "left"
        table.add_column(Text(column.title), justify=justify, no_wrap=True, overflow="ellipsis", width=cells)
    for row in texts:
        table.add_row(*row)
    return table


def _cells(cell: Cell) -> int:
    from rich.cells import cell_len

    return cell_len(visible(cell.text))


def _kept(columns: Sequence[Column], grid: Sequence[Sequence[Cell]], needed: dict[int, int], width: int) -> list[int]:
    """Which of the columns that need room are shown: as many as fit `width` when the flexible ones are cut."""
    kept = list(needed)
    says_nothing = [at for at in kept if columns[at].is_number and all(row[at].text in ("0", "") for row in grid)]
    optional = [at for at in kept if columns[at].is_optional and at not in says_nothing]
    leaving = [*optional, *says_nothing]  # from the end
    while leaving and _least(columns, needed, kept) > width:
        kept.remove(leaving.pop())
    return kept


def _least(columns: Sequence[Column], needed: dict[int, int], kept: Sequence[int]) -> int:
    widths = (min(needed[at], _LEAST) if columns[at].is_flexible else needed[at] for at in kept)
    return sum(widths) + _GAP * (len(kept) - 1)


def fit(columns: Sequence[Column], needed: Sequence[int], width: int) -> list[int]:
    """The width of each column: as needed, but the widest flexible ones cut until all fit `width`, if they can."""
    widths = list(needed)
    excess = sum(widths) + _GAP * (len(widths) - 1) - width
    flexible = [at for at, column in enumerate(columns) if column.is_flexible and widths[at] > _LEAST]
    while excess > 0 and flexible:
        widest = max(flexible, key=lambda at: widths[at])
        widths[widest] -= 1
        excess -= 1
        flexible = [at for at in flexible if widths[at] > _LEAST]
    return widths


def console_for(stream: Any) -> Console:
    """A console of rich's on `stream`: colours on a terminal only, none with NO_COLOR, no markup, no emoji codes."""
    from rich.console import Console

    width = None if stream.isatty() else _WIDE
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width, soft_wrap=False)


def when(at: datetime | None) -> str:
    """Local time to the second."""
    return "" if at is None else local_time(at).strftime("%Y-%m-%d %H:%M:%S")
