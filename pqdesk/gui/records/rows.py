"""Rows of a table, and the smallest set of operations that turns one list of rows into another. Needs no Qt.

A model that applies them keeps the selection, the current row and the scroll offset of its views; a reset would
drop all three.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar

from pqdesk.gui.records.columns import RecordColumn

T = TypeVar("T")


class Row(Generic[T]):
    """A record and the texts of its cells, made when first asked for and kept.

    Rows are replaced, never changed, except for the texts that time changes.

    Attributes:
        id: Places and recognises it; anything hashable.
        gone_ms: The moment (awake time) from which on it no longer belonged here; None while it does.
    """

    __slots__ = ("_now", "_texts", "gone_ms", "id", "record")

    def __init__(self, row_id: Any, record: T, gone_ms: int | None = None) -> None:
        self.id = row_id
        self.record = record
        self.gone_ms = gone_ms
        self._texts: dict[RecordColumn[T], str] = {}
        self._now: datetime | None = None

    def text(self, column: RecordColumn[T], now: datetime) -> str:
        """What the cell shows at `now`."""
        if now is not self._now:  # a new look at the clock; only texts that depend on it are made again
            for one in [one for one in self._texts if one.is_timed is not None and one.is_timed(self.record)]:
                del self._texts[one]
            self._now = now
        text = self._texts.get(column)
        if text is None:
            text = self._texts[column] = column.text(self.record, now)
        return text


def reuse_rows(old: Iterable[Row[T]], records: Sequence[T], id_of: Callable[[T], Hashable]) -> list[Row[T]]:
    """A row for each record: the one of `old` where it says the same, so that it need not be painted again."""
    known = {row.id: row for row in old}
    rows = []
    for record in records:
        row_id = id_of(record)
        row = known.get(row_id)
        if row is None or row.gone_ms is not None or row.record != record:
            row = Row(row_id, record)
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class Insert(Generic[T]):
    """Put `rows` before row `first`."""

    first: int
    rows: Sequence[Row[T]]


@dataclass(frozen=True, slots=True)
class Remove:
    """Take out `count` rows from `first` on."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Update(Generic[T]):
    """Put `rows` in place of as many from `first` on; their ids are the same."""

    first: int
    rows: Sequence[Row[T]]


def row_changes(old: Sequence[Row[T]], new: Sequence[Row[T]]) -> Iterator[Insert[T] | Remove | Update[T]]:
    """Changes that make `old` into `new`, to be applied one after the other, each to the outcome of those before.

    Both are without repeats. The same object in both means that nothing changed in it; a row that has moved is taken
    out and put in again. One pass; neighbours share one change.
    """
    at = _same(old, 0, new, 0)  # counts in the rows as they are after the changes so far
    at_old = at_new = at
    if at == len(old) == len(new):
        return
    wanted = {row.id for row in new[at:]}
    there = {row.id for row in old[at:]}
    while at_old < len(old) or at_new < len(new):
        following = new[at_new].id if at_new < len(new) else None
        count = 0
        for row in islice(old, at_old, None):
            if row.id in wanted and (row.id == following or following not in there):
                break
            there.discard(row.id)
            count += 1
        if count:
            yield Remove(at, count)
            at_old += count
            continue
        for row in islice(new, at_new, None):
            if row.id in there:
                break
            count += 1
        if count:
            yield Insert(at, new[at_new : at_new + count])
            at_new += count
            at += count
            continue
        same = _same(old, at_old, new, at_new)
        changed = _changed(old, at_old + same, new, at_new + same)
        if changed:
            yield Update(at + same, new[at_new + same : at_new + same + changed])
        at_old, at_new, at = (one + same + changed for one in (at_old, at_new, at))


def _same(old: Sequence[Row[T]], at_old: int, new: Sequence[Row[T]], at_new: int) -> int:
    """How many rows from here on are in both unchanged."""
    longest = min(len(old) - at_old, len(new) - at_new)
    count = 0
    while count < longest and old[at_old + count] is new[at_new + count]:
        count += 1
    return count


def _changed(old: Sequence[Row[T]], at_old: int, new: Sequence[Row[T]], at_new: int) -> int:
    """How many from here on are in both, but changed."""
    longest = min(len(old) - at_old, len(new) - at_new)
    count = 0
    while count < longest and old[at_old + count].id == new[at_new + count].id:
        if old[at_old + count] is new[at_new + count]:
            break
        count += 1
    return count
