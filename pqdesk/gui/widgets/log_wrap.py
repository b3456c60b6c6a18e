"""Where a line of a log breaks when lines are wrapped: as terminals do it, after so many cells. Needs no Qt.

Words are not kept together: so the number of rows of 20,000 lines is known without laying any of them out.
"""

from __future__ import annotations

from unicodedata import category, east_asian_width

TAB_CELLS = 8
_NO_CELL = ("Mn", "Me", "Cf")


def cell_count(text: str) -> int:
    """How many cells of a terminal the line takes."""
    if text.isascii() and "\t" not in text:
        return len(text)
    cells = 0
    for character in text:
        cells += _cells(character, cells)
    return cells


def break_line(text: str, columns: int) -> list[tuple[int, int]]:
    """Start and end of each row of a line that is wrapped after `columns` cells; an empty line has one row."""
    if len(text) <= columns and text.isascii() and "\t" not in text:
        return [(0, len(text))]
    if text.isascii() and "\t" not in text:
        return [(at, min(at + columns, len(text))) for at in range(0, len(text), columns)]
    rows, start, used = [], 0, 0
    for at, character in enumerate(text):
        cells = _cells(character, used)
        if used + cells > columns and at > start:
            rows.append((start, at))
            start, used = at, 0
            cells = _cells(character, 0)
        used += cells
    return [*rows, (start, len(text))]


def _cells(character: str, before: int) -> int:
    if character == "\t":
        return TAB_CELLS - before % TAB_CELLS
    if character < "\u0300":
        return 1
    if category(character) in _NO_CELL:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
