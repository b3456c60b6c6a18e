"""What commands print: JSON for programs, tables and lines for people."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pqdesk.cli.visible import visible, visible_json
from pqdesk.messages.payloads import encode_payload

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 100_000  # columns for output that no terminal cuts


# --- JSON -----------------------------------------------------------------------------------------


def print_json(value: Any, *, is_compact: bool = False) -> None:
    """One JSON document, records turned into objects; in one line where `is_compact`."""
    print(visible_json(json_text(plain(value), indent=None if is_compact else 2)))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON of a JSON value, however long its integers are."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except ValueError:  # an integer of more digits than sys.get_int_max_str_digits()
        return encode_payload(value, limit_bytes=sys.maxsize)[1].decode("utf-8")


def plain(value: Any) -> Any:
    """`value` as JSON values: enums are words, instants ISO 8601 in UTC, bytes `…_base64` of their field."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain_fields({one.name: getattr(value, one.name) for one in fields(value)})
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return _plain_fields(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _plain_fields(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, bytes):
            found[f"{name}_base64"] = base64.b64encode(value).decode("ascii")
        else:
            found[name] = plain(value)
    return found


# --- for people -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `is_flexible`: on a narrow terminal this one is cut first."""

    title: str
    is_number: bool = False
    is_flexible: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a style of rich's, such as `red`; a plain str is a cell as well."""

    text: str
    style: str = ""


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Cell]]) -> None:
    """The rows under their titles; cut to the width of a terminal, whole where the output goes elsewhere."""
    console = console_for(sys.stdout)
    with console.capture() as capture:
        console.print(make_table(columns, rows))
    for line in capture.get().splitlines():
        print(line.rstrip())


def make_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Cell]], *, title: str | None = None) -> Table:
    """The same as a table of rich's, for a live view. All text is escaped and never read as markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", title=title, title_justify="left"
    )
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=None,
            min_width=8 if column.is_flexible else len(column.title),
        )
    for row in rows:
        cells = (one if isinstance(one, Cell) else Cell(one) for one in row)
        table.add_row(*(Text(visible(one.text), style=one.style) for one in cells))
    return table


def console_for(stream: Any) -> Console:
    """A console of rich's on `stream`: colours on a terminal only, none with NO_COLOR, no markup, no emoji codes."""
    from rich.console import Console

    width = None if stream.isatty() else _WIDE
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width, soft_wrap=False)


def when(at: datetime | None) -> str:
    """Local time to the second."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def count_of(number: int, thing: str) -> str:
    """`1 message`, `4,812 messages`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
