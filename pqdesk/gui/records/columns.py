"""One column of a table of records: what it shows, how wide it is, how it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Generic, TypeVar

from pqdesk.gui.palette import Role

T = TypeVar("T")


class Grows(IntEnum):
    """Which share of the spare room a column takes, by what it holds; the number is its weight."""

    NOT = 0  # states, numbers, times
    SOME = 1  # names, at most twice their width while others want more
    MUCH = 4  # payloads, errors


@dataclass(frozen=True, slots=True, eq=False)
class RecordColumn(Generic[T]):
    """Functions of a record; those left out do nothing.

    Attributes:
        key: What settings know it by.
        text: What a cell shows at a moment, complete; the view may elide it.
        width: Pixels at the reference text size: the least it has.
        ink: The role of the text's colour, or a function of the record and the text.
        icon: Name and role of a picture before the text; None for none.
        tip: What the tooltip says where the cell shows less; empty for the text itself.
        is_timed: Whether the text depends on what time it is.
        is_link: The cell leads somewhere: pressing it is told as `link_followed`.
        is_strong: The text is bold.
        indent: Pixels before the picture.
        given_up: The columns with the highest numbers are left out first where not all fit; 0 never.
        is_usual: It is there unless somebody says otherwise.
    """

    key: str
    title: str
    text: Callable[[T, datetime], str]
    width: int
    grows: Grows = Grows.NOT
    is_right: bool = False
    is_fixed_font: bool = False
    is_cut_in_middle: bool = False
    ink: Role | Callable[[T, str], Role] = Role.TEXT
    icon: Callable[[T], tuple[str, Role] | None] | None = None
    tip: Callable[[T], str] | None = None
    header_tip: str = ""
    is_timed: Callable[[T], bool] | None = None
    is_link: Callable[[T], bool] | None = None
    is_strong: Callable[[T], bool] | None = None
    indent: Callable[[T], int] | None = None
    given_up: int = 0
    is_usual: bool = True
