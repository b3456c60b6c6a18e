"""Places in text: Qt counts UTF-16 units, Python characters. They differ after an emoji. Needs no Qt."""

from __future__ import annotations


def units(text: str, column: int) -> int:
    """UTF-16 units before the `column`-th character."""
    return column if text.isascii() else column + sum(one > "\uffff" for one in text[:column])


def code_points(text: str, unit: int) -> int:
    """Characters before the `unit`-th UTF-16 unit."""
    if text.isascii() or max(text) <= "\uffff":
        return unit
    seen = 0
    for at, character in enumerate(text):
        if seen >= unit:
            return at
        seen += 2 if character > "\uffff" else 1
    return len(text)
