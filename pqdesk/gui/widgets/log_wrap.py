"""Where a line of a log breaks when lines are wrapped: as terminals do it, after so many cells. Needs no Qt.

Words are not kept together: so the number of rows of 20,000 lines is known without laying any of them out.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, east_asian_width

TAB_CELLS = 8
_NO_CELL = ("Mn", "Me", "Cf")


def is_plain(text: str) -> bool:
    """Whether each character takes one cell, whatever the font falls back to."""
    return text.isascii() and "\t" not in text


def cell_count(text: str) -> int:
    """How many cells of a terminal the line takes."""
    if is_plain(text):
        return len(text)
    cells = 0
    for character in text:
        cells += TAB_CELLS - cells % TAB_CELLS if character == "\t" else _cells(character)
    return cells


def break_line(text: str, columns: int) -> list[tuple[int, int]]:
    """Start and end of each row of a line that is wrapped after `columns` cells; an empty line has one row."""
    if is_plain(text):
        return [(at, min(at + columns, len(text))) for at in range(0, len(text), columns)] or [(0, 0)]
    rows, start, used = [], 0, 0
    for at, character in enumerate(text):
        cells = TAB_CELLS - used % TAB_CELLS if character == "\t" else _cells(character)
        if used + cells > columns and at > start:
            rows.append((start, at))
            start, used = at, 0
            cells = TAB_CELLS if character == "\t" else cells
        used += cells
    return [*rows, (start, len(text))]


@lru_cache(maxsize=8192)
def _cells(character: str) -> int:
    if character < "\u0300":
        return 1
    if category(character) in _NO_CELL:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
