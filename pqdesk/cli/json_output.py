"""What commands print: JSON of records for programs, safe for a terminal too, else a line or a table for people."""

from __future__ import annotations

import json
from binascii import b2a_base64
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pqdesk.cli.lines import remark, say
from pqdesk.cli.visible import visible_json
from pqdesk.messages.payloads import json_of_any_size

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


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON of a JSON value, however long its integers are."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except ValueError:  # an integer of more digits than sys.get_int_max_str_digits()
        return json_of_any_size(value)


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
            found[f"{name}_base64"] = b2a_base64(value, newline=False).decode("ascii")
        else:
            found[name] = plain(value)
    return found
