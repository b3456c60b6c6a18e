"""Pages in another order than by id: from the index that has that order, or of few messages.

An order that an index has is read from a cursor on, both ways, without sorting: once per queue (and state), merged.
Rows of one value are in order of id, so a page never repeats or loses a row, however many share a value. For any
other order at most 10,000 messages are looked at; what would sort a large table is refused.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pqdesk.errors import InvalidInput
from pqdesk.messages.looking import SORTS, Cursor
from pqdesk.messages.states import State
from pqdesk.storage.looking import PageRequest
from pqdesk.storage.sqlite.connection import all_rows, only_value
from pqdesk.storage.sqlite.listing import FEW, Finder
from pqdesk.storage.sqlite.terms import RAN_US

_DUE = """
    FROM pqdesk_message m INDEXED BY pqdesk_due
   WHERE m.queue_id = :queue AND m.state IN (1, 4) AND m.due_us > :now"""
_FINISHED = """
    FROM pqdesk_message m INDEXED BY pqdesk_final WHERE m.state >= 5 AND m.queue_id = :queue AND m.state = :state"""
_CLAIMABLE = """
    FROM pqdesk_message m INDEXED BY pqdesk_claimable WHERE m.queue_id = :queue AND m.state = 2 AND m.line < 2"""
# Ready, but not in the order of claims: behind the head of its group or the one with its key, or not promoted yet.
_NOT_CLAIMABLE = """
    SELECT id, priority FROM pqdesk_message INDEXED BY pqdesk_group_wait WHERE queue_id = ?1 AND line = 2 AND state = 2
    UNION ALL
    SELECT id, priority FROM pqdesk_message INDEXED BY pqdesk_after WHERE queue_id = ?1 AND line = 3 AND state = 2
    UNION ALL
    SELECT id, priority FROM pqdesk_message INDEXED BY pqdesk_due
     WHERE queue_id = ?1 AND state IN (1, 4) AND due_us <= ?2 LIMIT ?3"""
_TOTAL = """
    SELECT coalesce(sum(scheduled + ready + running + retrying + completed + failed + cancelled), 0)
      FROM pqdesk_queue"""
_HIGHEST = 2**63 - 1

# What each order compares. Text is compared as bytes; nothing comes before everything.
_VALUES = {
    "due": "m.due_us",
    "finished": "m.finished_us",
    "priority": "m.priority",
    "state": "abs(m.state)",
    "queue": "(SELECT name FROM pqdesk_queue WHERE id = m.queue_id)",
    "type": "(SELECT name FROM pqdesk_type WHERE id = m.type_id)",
    "attempts": "m.attempt",
    "group": 'm."group"',
    "key": "m.key",
    "worker": "(SELECT name FROM pqdesk_owner WHERE id = m.owner_id)",
    "size": "length(coalesce(m.payload, (SELECT payload FROM pqdesk_payload WHERE id = m.id)))",
    "ran": f"({RAN_US})",
}
Key = tuple[Any, int]


@dataclass(frozen=True, slots=True)
class _Order:
    """Which way values and ids go while a page is read; ids of one value may go the other way."""

    is_falling: bool
    are_ids_falling: bool

    @classmethod
    def of(cls, request: PageRequest) -> _Order:
        """Of messages with one priority the lowest id is claimed first, so there the ids rise while values fall."""
        is_falling = request.descending != request.is_backward
        return cls(is_falling, is_falling != (request.sort == "priority"))

    def key(self, row: Key) -> tuple[bool, Any, int]:
        """What sorts rows this way: numbers, or text where `few` needs no such key."""
        value = row[0] if row[0] is not None else 0
        sign = -1 if self.is_falling else 1
        return (row[0] is not None) != self.is_falling, value * sign, row[1] * (-1 if self.are_ids_falling else 1)


def sorted_ids(finder: Finder, request: PageRequest) -> list[int]:
    """The ids of the page asked for, in the order asked for. Raises InvalidInput for what would sort a large table."""
    if request.sort not in _VALUES:
        raise InvalidInput(f"there is no order {request.sort!r:.80}; there are {', '.join(SORTS)}")
    order = _Order.of(request)
    streams = _streams(finder, request, order)
    rows = _of_few(finder, request, order) if streams is None else heapq.merge(*streams, key=order.key)
    ids = [row[1] for row in islice(rows, request.limit)]
    return ids[::-1] if request.is_backward else ids


def _streams(finder: Finder, request: PageRequest, order: _Order) -> list[Iterator[Key]] | None:
    """Rows in order, each stream from one part of an index; None where no index has this order."""
    selection = finder.selection
    states = frozenset(selection.states)
    if selection.is_trashed or selection.ids is not None or not states:
        return None
    chunk = max(request.limit // max(len(finder.queues), 1), 8)

    def read(source: str, queue_id: int, state: State | None = None) -> Iterator[Key]:
        values = {"queue": queue_id} if state is None else {"queue": queue_id, "state": state.number}
        return _read(finder, request, order, source, values, chunk)

    if request.sort == "due" and states <= {State.SCHEDULED, State.RETRYING}:
        return [
            read(_DUE, row[0]) for row in finder.queues if row[State.SCHEDULED.number] or row[State.RETRYING.number]
        ]
    if request.sort == "finished" and all(state.is_final for state in states):
        return [
            read(_FINISHED, row[0], state) for row in finder.queues for state in selection.states if row[state.number]
        ]
    if request.sort == "priority" and states == {State.READY} and selection.queue is not None and finder.queues:
        queue_id = finder.queues[0][0]
        others = all_rows(finder.db, _NOT_CLAIMABLE, (queue_id, finder.now_us, FEW + 1))
        if len(others) <= FEW:
            priorities: dict[int, int] = dict(others)
            rows = [(priorities[one], one) for one in finder.matching(list(priorities))]
            return [read(_CLAIMABLE, queue_id), iter(_beyond(rows, request.cursor, order))]
    return None


def _read(
    finder: Finder, request: PageRequest, order: _Order, source: str, values: dict[str, Any], chunk: int
) -> Iterator[Key]:
    """The rows of one part of an index beyond the cursor: first those of its own value, then the others.

    Two statements, each of which is one range of the index: together as one condition they would be a scan.
    """
    value, ids = _VALUES[request.sort], "DESC" if order.are_ids_falling else "ASC"
    ways = f"{value} {'DESC' if order.is_falling else 'ASC'}, m.id {ids}"
    tests = finder.compiled.where
    same = f"SELECT {value}, m.id {source} AND {value} = :at AND m.id {'<' if order.are_ids_falling else '>'} :id"
    same += f" AND {tests} ORDER BY {ways} LIMIT :limit"
    beyond = f"SELECT {value}, m.id {source} AND {value} {'<' if order.is_falling else '>'} :at"
    beyond += f" AND {tests} ORDER BY {ways} LIMIT :limit"
    start = f"SELECT {value}, m.id {source} AND {tests} ORDER BY {ways} LIMIT :limit"
    bound = {**finder.compiled.values, **values, "limit": chunk}
    rows: list[Key]
    if request.cursor is None:
        rows = all_rows(finder.db, start, bound)
        yield from rows
        if len(rows) < chunk:
            return
        at, message_id = rows[-1]
    else:
        at, message_id = request.cursor.value, request.cursor.id
    while True:
        rows = all_rows(finder.db, same, {**bound, "at": at, "id": message_id})
        yield from rows
        if len(rows) < chunk:
            rows = all_rows(finder.db, beyond, {**bound, "at": at})
            yield from rows
            if len(rows) < chunk:
                return
        at, message_id = rows[-1]


def _beyond(rows: Iterable[Key], cursor: Cursor | None, order: _Order) -> list[Key]:
    keys = sorted(rows, key=order.key)
    if cursor is None:
        return keys
    edge = order.key((cursor.value, cursor.id))
    return [row for row in keys if order.key(row) > edge]


def _of_few(finder: Finder, request: PageRequest, order: _Order) -> list[Key]:
    """All that match, sorted, when they are few. Text and nothing sort as SQLite sorts them."""
    value = _VALUES[request.sort]
    sql = f"SELECT {value}, m.id FROM pqdesk_message m WHERE m.id IN (SELECT value FROM json_each(:ids))"
    ids = json.dumps(_few(finder, request))
    rows: list[Key] = all_rows(finder.db, sql, {"now": finder.now_us, "ids": ids})
    rows.sort(key=lambda row: row[1], reverse=order.are_ids_falling)
    rows.sort(key=lambda row: _comparable(row[0]), reverse=order.is_falling)
    if request.cursor is None:
        return rows
    edge, at = _comparable(request.cursor.value), request.cursor.id

    def is_beyond(row: Key) -> bool:
        own = _comparable(row[0])
        if own == edge:
            return row[1] < at if order.are_ids_falling else row[1] > at
        return own < edge if order.is_falling else own > edge

    return [row for row in rows if is_beyond(row)]


def _few(finder: Finder, request: PageRequest) -> list[int]:
    found = finder.few()
    if found is None and only_value(finder.db, _TOTAL) <= FEW:
        start = finder.start(below=None, above=None)
        found = [] if start is None else finder.down(start, _HIGHEST, FEW + 1).ids
    if found is None:
        cheap = {
            "due": "; by due, scheduled and retrying ones are always in order",
            "finished": "; by finished, completed, failed and cancelled ones are always in order",
            "priority": "; by priority, the ready ones of one queue are always in order",
        }.get(request.sort, "")
        raise InvalidInput(f"filter to fewer than {FEW:,} messages to sort them by {request.sort}{cheap}")
    return found


def _comparable(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    return (2, value.encode()) if isinstance(value, str) else (1, value)
