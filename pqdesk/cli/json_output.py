"""What commands print: JSON of records for programs, safe for a terminal too, else a line or a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pqdesk.cli.lines import remark, say, visible_json
from pqdesk.messages.plain_json import json_text, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pqdesk.cli.settings import Settings
    from pqdesk.cli.tables import Column, Row

T = TypeVar("T")


def tell(settings: Settings, value: Any, text: str) -> None:
    """What came of a command: `value` as JSON, or this line for people."""
    if settings.is_json:
        print_json(value)
    else:
        say(text)


def tell_all(
    settings: Settings, records: Sequence[T], columns: Sequence[Column], row: Callable[[T], Row], nothing: str
) -> None:
    """Records as JSON, or as a table for people; `nothing` is said of none."""
    from pqdesk.cli.tables import print_table

    if settings.is_json:
        print_json(records)
    elif records:
        print_table(columns, [row(one) for one in records])
    else:
        remark(nothing)


def print_json(value: Any, *, is_compact: bool = False) -> None:
    """One JSON document, records turned into objects; in one line where `is_compact`."""
    print(visible_json(json_text(plain(value), indent=None if is_compact else 2)))
