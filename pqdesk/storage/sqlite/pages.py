"""Pages, searches and counts, put together from short reads.

What an index or a few rows answer is one read. What has to walk the table does it in slices of ids, each a read of
its own, so that others get in between and an interrupt is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import apsw

from pqdesk.clock import Clock, to_datetime
from pqdesk.messages.looking import CappedCounts, SearchSlice
from pqdesk.messages.records import Counts, MessageRecord
from pqdesk.messages.selection import Selection
from pqdesk.storage.looking import SLICE_IDS, PageRequest
from pqdesk.storage.sqlite.connection import first_row
from pqdesk.storage.sqlite.listing import Finder, quick_ids
from pqdesk.storage.sqlite.rows import message_records
from pqdesk.storage.sqlite.sorting import sorted_ids

T = TypeVar("T")

_FIRST_SLICE_IDS, _LEAST_IDS = 25_000, 200
_LONGEST_MS = 60
_PUT_AT = "SELECT id, enqueued_us FROM pqdesk_message WHERE id >= ? ORDER BY id LIMIT 1"
_ENDS = "SELECT min(id), (SELECT max(id) FROM pqdesk_message) FROM pqdesk_message"
_ENQUEUED = "SELECT enqueued_us FROM pqdesk_message WHERE id >= ? ORDER BY id LIMIT 1"


class Parts(Protocol):
    """What a long question is put together from; each is one short read."""

    def quick_page(self, request: PageRequest) -> tuple[MessageRecord, ...] | None:
        """The page where it is quick to find, else None."""
        ...

    def page_part(
        self, request: PageRequest, from_id: int | None, size: int, limit: int
    ) -> tuple[list[MessageRecord], int | None]:
        """What one slice of ids has of a page, nearest first, and where the next slice begins."""
        ...

    def quick_count(self, selection: Selection) -> tuple[int, Counts | None]:
        """The highest id there is, and the exact counts where counters or an index tell them."""
        ...

    def count_part(self, selection: Selection, from_id: int, size: int) -> tuple[Counts, int | None]:
        """How many of one slice of ids match, and where the next slice begins."""
        ...


class Ask(Protocol):
    """Asks one part of a long question, whoever holds the connection."""

    def __call__(self, part: Callable[[Parts], T]) -> T: ...


class _Pace:
    """How many ids the next slice has: each should take some 30 ms, whatever is looked at and however large it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.size = min(_FIRST_SLICE_IDS, SLICE_IDS)
        self._began_ms = clock.awake_ms()

    def took(self) -> None:
        """A slice has been looked through."""
        now_ms = self._clock.awake_ms()
        took_ms, self._began_ms = now_ms - self._began_ms, now_ms
        if took_ms > _LONGEST_MS:
            self.size = max(self.size // 4, _LEAST_IDS)
        elif took_ms < _LONGEST_MS // 3:
            self.size = min(self.size * 2, SLICE_IDS)


def whole_page(request: PageRequest, ask: Ask, clock: Clock) -> tuple[MessageRecord, ...]:
    """The page, slice by slice where it has to be."""
    quick = ask(lambda one: one.quick_page(request))
    if quick is not None:
        return quick
    found: list[MessageRecord] = []
    next_id: int | None = None
    pace = _Pace(clock)
    while True:
        wanted, from_id = request.limit - len(found), next_id
        records, next_id = ask(lambda one: one.page_part(request, from_id, pace.size, wanted))  # noqa: B023 - at once
        pace.took()
        found += records
        if next_id is None or len(found) >= request.limit:
            return _in_order(found, request)


def quick_page(finder: Finder, request: PageRequest) -> tuple[MessageRecord, ...] | None:
    if request.sort not in ("id", "enqueued"):
        return tuple(message_records(finder.db, sorted_ids(finder, request), finder.now_us))
    below, above = _bounds(request)
    ids = quick_ids(finder, below=below, above=above, limit=request.limit)
    if ids is None:
        return None
    return _in_order(message_records(finder.db, _within(ids, below), finder.now_us), request)


def page_part(
    finder: Finder, request: PageRequest, from_id: int | None, size: int, limit: int
) -> tuple[list[MessageRecord], int | None]:
    """At most `limit` of one slice of ids, nearest first, and where the next slice begins, None at the end."""
    below, above = _bounds(request)
    start = finder.start(below=below, above=above) if from_id is None else from_id
    if start is None:
        return [], None
    part = finder.walk(start, size, limit, is_upward=above is not None)
    is_past = above is not None and below is not None and part.next_id is not None and part.next_id >= below
    records = message_records(finder.db, _within(part.ids, below), finder.now_us)
    return records, None if is_past else part.next_id


def search(finder: Finder, request: PageRequest, from_id: int | None, slice_ids: int) -> SearchSlice:
    """See `Looking.search`."""
    start = finder.start(below=request.before if from_id is None else from_id + 1, above=None)
    if start is None:
        return SearchSlice(records=(), next_id=None, scanned=0)
    part = finder.down(start, slice_ids, request.limit)
    row = first_row(finder.db, _ENQUEUED, (max(start - part.scanned + 1, 0),))
    return SearchSlice(
        records=tuple(message_records(finder.db, part.ids, finder.now_us)),
        next_id=part.next_id,
        scanned=part.scanned,
        back_to=None if row is None else to_datetime(row[0]),
    )


def whole_count(selection: Selection, most_ids: int, ask: Ask, clock: Clock) -> CappedCounts:
    """See `Looking.count`."""
    up_to, quick = ask(lambda one: one.quick_count(selection))
    if quick is not None:
        return CappedCounts(quick, up_to)
    counts, left, pace = Counts(), most_ids, _Pace(clock)
    next_id: int | None = up_to
    while left > 0 and next_id is not None:
        from_id, size = next_id, min(pace.size, left)
        found, next_id = ask(lambda one: one.count_part(selection, from_id, size))  # noqa: B023 - at once
        pace.took()
        counts += found
        left -= size
    return CappedCounts(counts, up_to, is_more=next_id is not None)


def is_counted(finder: Finder) -> bool:
    """Whether the counters of its queue and states say how many match."""
    selection = finder.selection
    return not finder.compiled.has_own_tests and not selection.is_trashed and selection.ids is None


def id_at(db: apsw.Connection, at_us: int) -> int | None:
    """The lowest id put at `at_us` or later, by halving: ids grow with time, but for a clock that was set back."""
    row = first_row(db, _ENDS)
    if row is None or row[0] is None:
        return None
    low, high = row
    while low <= high:
        middle = (low + high) // 2
        found = first_row(db, _PUT_AT, (middle,))
        if found is None or found[1] >= at_us:
            high = middle - 1
        else:
            low = found[0] + 1
    found = first_row(db, _PUT_AT, (low,))
    return None if found is None else int(found[0])


def _bounds(request: PageRequest) -> tuple[int | None, int | None]:
    """The ids that a page by id lies below and above. Above, if any, is what it begins at, going up."""
    below, above = request.before, request.after
    is_upward = request.descending == request.is_backward
    if request.cursor is not None:
        return (below, request.cursor.id) if is_upward else (request.cursor.id, above)
    return (below, 0) if is_upward and above is None and below is None else (below, above)


def _within(ids: list[int], below: int | None) -> list[int]:
    return ids if below is None else [one for one in ids if one < below]


def _in_order(records: list[MessageRecord], request: PageRequest) -> tuple[MessageRecord, ...]:
    return tuple(sorted(records, key=lambda one: one.id, reverse=request.descending))
