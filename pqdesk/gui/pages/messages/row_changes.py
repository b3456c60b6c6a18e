"""The smallest set of row operations that turns one list of rows into another. Needs no Qt.

A model that applies them keeps the selection, the current row and the scroll offset of its views; a reset would
drop all three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    """What is compared: `id` places a row. The same object before and after means that nothing changed in it."""

    @property
    def id(self) -> int: ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Insert(Generic[R]):
    """Put `rows` before row `first`."""

    first: int
    rows: Sequence[R]


@dataclass(frozen=True, slots=True)
class Remove:
    """Take out `count` rows from `first` on."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Update(Generic[R]):
    """Put `rows` in place of as many from `first` on; their ids are the same."""

    first: int
    rows: Sequence[R]


def row_changes(old: Sequence[R], new: Sequence[R]) -> Iterator[Insert[R] | Remove | Update[R]]:
    """Changes that make `old` into `new`, to be applied one after the other, each to the outcome of those before.

    Both are in falling order of id, without repeats. One pass; neighbours share one change.
    """
    at_old = at_new = at = 0  # `at` counts in the rows as they are after the changes so far
    while at_old < len(old) or at_new < len(new):
        count = _run(old, at_old, _id_at(new, at_new))
        if count:
            yield Remove(at, count)
            at_old += count
            continue
        count = _run(new, at_new, _id_at(old, at_old))
        if count:
            yield Insert(at, new[at_new : at_new + count])
            at_new += count
            at += count
            continue
        same, changed = _common(old, at_old, new, at_new)
        if changed:
            yield Update(at + same, new[at_new + same : at_new + same + changed])
        at_old += same + changed
        at_new += same + changed
        at += same + changed


def _id_at(rows: Sequence[Row], at: int) -> int:
    return rows[at].id if at < len(rows) else -1  # below any id


def _run(rows: Sequence[Row], at: int, above: int) -> int:
    """How many of `rows` from `at` on have ids above `above`."""
    end = at
    while end < len(rows) and rows[end].id > above:
        end += 1
    return end - at


def _common(old: Sequence[R], at_old: int, new: Sequence[R], at_new: int) -> tuple[int, int]:
    """Of the rows in both from here on: how many are equal, and how many after those differ."""
    longest = min(len(old) - at_old, len(new) - at_new)
    same = 0
    while same < longest and old[at_old + same] is new[at_new + same]:
        same += 1
    end = same
    while end < longest and old[at_old + end].id == new[at_new + end].id:
        if old[at_old + end] is new[at_new + end]:
            break
        end += 1
    return same, end - same
