"""Which messages an order is about, a batch at a time, by id upwards: so that groups keep their order.

The set is frozen: nothing above the highest id at the start is come to. Reads are short and between the batches'
transactions, so that whoever works in this process can claim meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pqdesk.messages.selection import Selection
from pqdesk.storage.operating import Order
from pqdesk.storage.sqlite.actions import BATCH, DEFAULT_STATES, OF_TRASH
from pqdesk.storage.sqlite.connection import Translating
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.erasing import highest_id
from pqdesk.storage.sqlite.listing import Finder

_SLICE_IDS = 50_000  # looked through at once: 10 to 25 ms
_FROM_INDEX = 200_000


def batches(engine: Engine, order: Order) -> Iterator[Sequence[int]]:
    """Ids, at most 1,000 at a time; none where a stretch of the table was looked through and nothing matched."""
    if order.selection.ids is not None:
        yield from _cut(sorted(set(order.selection.ids)))
        return
    selection = replace(
        order.selection,
        states=order.selection.states or DEFAULT_STATES[order.action],
        is_trashed=order.action in OF_TRASH,
    )
    with engine.locked() as db, Translating(engine.path):
        highest = highest_id(db)
    if order.up_to is not None:
        highest = min(highest, order.up_to)
    for ids in _matching(engine, selection, highest):
        yield from _cut(ids)


def _matching(engine: Engine, selection: Selection, highest: int) -> Iterator[list[int]]:
    """What matches when it is come to, in lists of any length."""
    next_id: int | None = 0
    while next_id is not None and next_id <= highest:
        with engine.locked() as db, Translating(engine.path):
            finder = Finder(db, selection, engine.clock.wall_us())
            rest = _rest(finder, next_id, highest)
            if rest is None:
                part = finder.up(next_id, min(_SLICE_IDS, highest - next_id + 1), BATCH)
                ids, next_id = part.ids, part.next_id
            else:
                ids, next_id = rest, None if len(rest) < _FROM_INDEX else rest[-1] + 1
        yield ids


def _rest(finder: Finder, lowest: int, highest: int) -> list[int] | None:
    """All that match from `lowest` to `highest`, where an index or the counters make that quick; else None."""
    found = finder.few()
    if found is None:
        found = finder.from_indexes(below=None, above=lowest - 1, limit=_FROM_INDEX)
    return None if found is None else sorted(one for one in found if lowest <= one <= highest)


def _cut(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    if not ids:
        yield ids
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
