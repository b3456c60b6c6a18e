"""Reading back what was kept: the file is the user's, so any value may be of any type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def numbers(value: object) -> dict[str, int]:
    """The numbers above zero in a JSON object, by name."""
    return {name: one for name, one in mapping(value).items() if type(one) is int and 0 < one < 100_000}
