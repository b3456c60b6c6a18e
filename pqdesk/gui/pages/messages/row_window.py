"""The window of rows that the message table holds: at most 4,000 of however many there are. Needs no Qt, does no I/O.

Rows are in falling order of id. The window grows at the edge the user scrolls to and gives up rows at the other. While
it is *followed*, it is the newest page and nothing else. While it is not, nothing is put between the rows that are
there: what is new is *held* and counted, what no longer matches stays as *gone* for a few seconds.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from pqdesk.gui.records.rows import Row, reuse_rows
from pqdesk.messages.records import MessageRecord

PAGE_ROWS = 500
LONGEST = 4_000
GONE_STAYS_MS = 5_000
_MOST_GONE = 200
_Row = Row[MessageRecord]


class RowWindow:
    """Which rows there are, and what is known of those above, below and between them.

    Attributes:
        rows: Replaced, never changed, by each method.
        has_older, has_newer: Whether there may be rows below the last, or known ones above the first.
        rows_above: How many known rows are above the first.
        newest_seen: The largest id that was ever shown; anything above it is new.
    """

    def __init__(self) -> None:
        self.rows: Sequence[_Row] = ()
        self.has_older = False
        self.has_newer = False
        self.rows_above = 0
        self.newest_seen = 0
        self._held_between: set[int] = set()
        self._held_above = 0
        self._left: set[int] = set()

    @property
    def held(self) -> int:
        """How many new rows wait to be taken in."""
        return self._held_above + len(self._held_between)

    def clear(self) -> None:
        """Forget everything: another filter."""
        self.__init__()  # type: ignore[misc]

    def show_head(self, page: Sequence[MessageRecord], now_ms: int) -> None:
        """Show the newest page, as asked for with PAGE_ROWS."""
        rows = reuse_rows(self.rows, page, _id_of)
        self.has_older = len(page) == PAGE_ROWS
        lowest = page[-1].id if self.has_older else 0
        self.rows = _merged(rows, self._gone(lowest, float("inf"), {row.id for row in rows}, now_ms))
        self.has_newer, self.rows_above = False, 0
        self.newest_seen = max(self.newest_seen, page[0].id if page else 0)
        self._held_between.clear()
        self._held_above = 0

    def add_older(self, page: Sequence[MessageRecord]) -> None:
        """Put a page that was asked for below the last row there; give up the first rows where it gets too long."""
        self.has_older = len(page) == PAGE_ROWS
        last = self.rows[-1].id if self.rows else 0
        rows = [*self.rows, *(Row(record.id, record) for record in page if record.id < last)]
        surplus = max(0, len(rows) - LONGEST)
        self.rows = rows[surplus:]
        self.rows_above += surplus
        self.has_newer = self.has_newer or surplus > 0

    def add_newer(self, page: Sequence[MessageRecord]) -> None:
        """Put a page that was asked for above the first row there, but nothing that is new."""
        first = self.rows[0].id if self.rows else 0
        known = [Row(record.id, record) for record in page if first < record.id <= self.newest_seen]
        self.has_newer = len(page) == PAGE_ROWS and len(known) == len(page) and known[0].id < self.newest_seen
        self.rows_above = max(0, self.rows_above - len(known)) if self.has_newer else 0
        rows = [*known, *self.rows]
        self.has_older = self.has_older or len(rows) > LONGEST
        self.rows = rows[:LONGEST]

    def refresh(self, page: Sequence[MessageRecord], *, top: int, limit: int, now_ms: int) -> None:
        """Bring rows from id `top` downwards up to date: `page` was asked for from there, at most `limit`."""
        lowest = page[-1].id if len(page) == limit else 0
        in_range = {row.id: row for row in self.rows if lowest <= row.id <= top}
        fresh = {row.id: row for row in reuse_rows(in_range.values(), page, _id_of)}
        bottom = self.rows[-1].id if self.rows and self.has_older else 0
        self._held_between = {one for one in self._held_between if not lowest <= one <= top}
        self._held_between |= {one for one in fresh if one not in in_range and bottom < one <= self.newest_seen}
        gone = {row.id: row for row in self._gone(lowest, top, fresh, now_ms)}
        self.rows = [
            row if row.id not in in_range else fresh.get(row.id) or gone[row.id]
            for row in self.rows
            if row.id not in in_range or row.id in fresh or row.id in gone
        ]

    def count_newer(self, count: int) -> None:
        """`count` rows above `newest_seen` match by now."""
        self._held_above = count

    def gone_ids(self) -> tuple[int, ...]:
        """The rows that no longer match and are still shown."""
        return tuple(row.id for row in self.rows if row.gone_ms is not None)

    def take_left(self) -> frozenset[int]:
        """The rows that were taken out since the last call because they no longer match."""
        left, self._left = frozenset(self._left), set()
        return left

    def tell_gone(self, page: Sequence[MessageRecord]) -> None:
        """What has become of rows that no longer match."""
        records = {record.id: record for record in page}
        self.rows = [
            Row(row.id, records[row.id], row.gone_ms)
            if row.gone_ms is not None and row.id in records and records[row.id] != row.record
            else row
            for row in self.rows
        ]

    def drop(self, ids: Container[int]) -> None:
        """Take out rows that the user removed."""
        self.rows = [row for row in self.rows if row.id not in ids]

    def expire(self, now_ms: int) -> bool:
        """Take out rows that have been gone for long enough; whether there were any."""
        rows = [row for row in self.rows if row.gone_ms is None or now_ms - row.gone_ms < GONE_STAYS_MS]
        if len(rows) == len(self.rows):
            return False
        self._left |= {row.id for row in self.rows} - {row.id for row in rows}
        self.rows = rows
        return True

    def _gone(self, lowest: int, top: float, fresh: Container[int], now_ms: int) -> Sequence[_Row]:
        """The rows of that range that no longer match, as such; the newest few where they are many."""
        gone = [row for row in self.rows if lowest <= row.id <= top and row.id not in fresh]
        self._left |= {row.id for row in gone[_MOST_GONE:]}
        return [row if row.gone_ms is not None else Row(row.id, row.record, now_ms) for row in gone[:_MOST_GONE]]


def _merged(one: Iterable[_Row], other: Sequence[_Row]) -> Sequence[_Row]:
    return sorted([*one, *other], key=lambda row: -row.id) if other else list(one)


def _id_of(record: MessageRecord) -> int:
    return record.id
