"""Records as JSON values, and the text of such values."""

from __future__ import annotations

import json
from binascii import b2a_base64
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pqdesk.messages.payloads import json_of_any_size


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
