"""Which messages a selection is about, found without ever counting or sorting a large table.

Rows come by id. Where an index or the counters say that few rows can match, those are taken and tested; else the
table is walked in slices of ids, where dense selections fill a page at once. What is due by now counts as ready.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from pqdesk.messages.records import Counts
from pqdesk.messages.selection import Field, Is, Selection, Term
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.connection import Row, all_rows, first_row, only_value
from pqdesk.storage.sqlite.terms import Compiled

FEW = 10_000
_MANY = 200_000  # so many ids of an index are looked through in about 20 ms
_AT_ONCE = 1000
_FIRST_IDS = 20_000  # walked before anything else is thought of: a dense selection fills its page from them

# One SELECT of ids per state. ?1 is the queue's id, ?2 the time; the literals make SQLite see that the partial
# index covers the rows.
_FROM_INDEX = {
    State.SCHEDULED: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_due
         WHERE queue_id = ?1 AND state IN (1, 4) AND due_us > ?2 AND state = 1""",
    State.READY: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_claimable WHERE queue_id = ?1 AND state = 2 AND line < 2
        UNION ALL
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_group_wait WHERE queue_id = ?1 AND line = 2 AND state = 2
        UNION ALL
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_after WHERE queue_id = ?1 AND line = 3 AND state = 2
        UNION ALL
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_due
         WHERE queue_id = ?1 AND state IN (1, 4) AND due_us <= ?2""",
    State.RUNNING: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_running WHERE state = 3 AND queue_id = ?1 AND ?2 > 0""",
    State.RETRYING: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_due
         WHERE queue_id = ?1 AND state IN (1, 4) AND due_us > ?2 AND state = 4""",
    State.COMPLETED: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_final
         WHERE state >= 5 AND queue_id = ?1 AND state = 5 AND ?2 > 0""",
    State.FAILED: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_final
         WHERE state >= 5 AND queue_id = ?1 AND state = 6 AND ?2 > 0""",
    State.CANCELLED: """
        SELECT id FROM pqdesk_message INDEXED BY pqdesk_final
         WHERE state >= 5 AND queue_id = ?1 AND state = 7 AND ?2 > 0""",
}
_IN_TRASH = "SELECT id FROM pqdesk_message INDEXED BY pqdesk_trash WHERE trashed_us IS NOT NULL LIMIT ?"
_OF_ERROR = """
    SELECT id FROM pqdesk_message INDEXED BY pqdesk_error_of WHERE error_id = ? AND error_id IS NOT NULL LIMIT ?"""
_QUEUES = """
    SELECT id, scheduled, ready, running, retrying, completed, failed, cancelled FROM pqdesk_queue
     WHERE ?1 IS NULL OR name = ?1"""
_NEXT_BELOW = "SELECT max(id) FROM pqdesk_message WHERE id BETWEEN 0 AND ?"
_NEXT_ABOVE = "SELECT min(id) FROM pqdesk_message WHERE id >= ?"
_HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Part:
    """What one slice of ids held. `next_id`: where to go on, None at the end of the table."""

    ids: list[int]
    next_id: int | None
    scanned: int


class Finder:
    """Finds the messages of one selection at one time, inside the reads of one connection."""

    def __init__(self, db: apsw.Connection, selection: Selection, now_us: int) -> None:
        self.db, self.selection, self.now_us = db, selection, now_us
        self.compiled = Compiled(selection, now_us)
        self._sliced = Compiled(selection, now_us, is_sliced=True)
        self._queues: list[Row] | None = None

    @property
    def queues(self) -> list[Row]:
        """(id, count of state 1, …, 7) of the queues it is about."""
        if self._queues is None:
            self._queues = all_rows(self.db, _QUEUES, (self.selection.queue,))
        return self._queues

    @property
    def states(self) -> tuple[State, ...]:
        return self.selection.states or tuple(State)

    def counted(self) -> int:
        """How many messages are in its queues and states; what is due is counted under the state it still has."""
        counted = set(self.states)
        if State.READY in counted:
            counted |= {State.SCHEDULED, State.RETRYING}
        return sum(row[state.number] for row in self.queues for state in counted)

    def few(self) -> list[int] | None:
        """Every id that matches, unordered, when few can; else None."""
        candidates = self._candidates()
        if candidates is None:
            return None
        return self.matching(list(dict.fromkeys(candidates)))

    def first_of_few(self, *, below: int | None, above: int | None, limit: int) -> list[int] | None:
        """At most `limit` ids below or above an id, nearest first, when few can match; else None."""
        candidates = self._candidates()
        if candidates is None:
            return None
        ordered = _in_order(candidates, below, above)
        found: list[int] = []
        for start in range(0, len(ordered), _AT_ONCE):
            found += self.matching(ordered[start : start + _AT_ONCE])
            if len(found) >= limit:
                break
        return found[:limit]

    def matching(self, ids: list[int]) -> list[int]:
        """Those of `ids` that match, in their order."""
        sql = f"""
            SELECT m.id FROM pqdesk_message m
             WHERE m.id IN (SELECT value FROM json_each(:ids)) AND {self.compiled.where}"""
        found = {row[0] for row in all_rows(self.db, sql, {**self.compiled.values, "ids": json.dumps(ids)})}
        return [one for one in ids if one in found]

    def from_indexes(self, *, below: int | None, above: int | None, limit: int) -> list[int] | None:
        """The same from the indexes of its states, for a selection of states and queue alone that is not too large."""
        selection = self.selection
        is_plain = not self.compiled.has_own_tests and not selection.is_trashed and selection.ids is None
        if not is_plain or (not selection.states and selection.queue is None) or self.counted() > _MANY:
            return None
        bound, order = ("id > ?4", "ASC") if above is not None else ("id < ?4", "DESC")
        edge = above if above is not None else _HIGHEST if below is None else below
        found = [
            row[0]
            for queue in self.queues
            for state in self.states
            for row in all_rows(
                self.db,
                f"SELECT id FROM ({_FROM_INDEX[state]}) WHERE {bound} ORDER BY id {order} LIMIT ?3",
                (queue[0], self.now_us, limit, edge),
            )
        ]
        return sorted(found, reverse=above is None)[:limit]

    def down(self, from_id: int, size: int, limit: int) -> Part:
        """At most `limit` that match among the `size` ids from `from_id` down, highest first."""
        lowest = max(from_id - size + 1, 0)
        ids = self._between(lowest, from_id, limit, "DESC")
        if len(ids) == limit:
            return Part(ids, ids[-1] - 1 if ids[-1] > 0 else None, from_id - ids[-1] + 1)
        return Part(ids, only_value(self.db, _NEXT_BELOW, (lowest - 1,)), from_id - lowest + 1)

    def up(self, from_id: int, size: int, limit: int) -> Part:
        """The same from `from_id` up, lowest first."""
        highest = min(from_id + size - 1, _HIGHEST)
        ids = self._between(from_id, highest, limit, "ASC")
        if len(ids) == limit:
            return Part(ids, ids[-1] + 1 if ids[-1] < _HIGHEST else None, ids[-1] - from_id + 1)
        above = None if highest == _HIGHEST else only_value(self.db, _NEXT_ABOVE, (highest + 1,))
        return Part(ids, above, highest - from_id + 1)

    def count_few(self) -> Counts | None:
        """How many match, when few can; else None."""
        candidates = self._candidates()
        if candidates is None:
            return None
        sql = f"""
            SELECT {self.compiled.counts} FROM pqdesk_message m
             WHERE m.id IN (SELECT value FROM json_each(:ids)) AND {self.compiled.where}"""
        return Counts(*all_rows(self.db, sql, {**self.compiled.values, "ids": json.dumps(list(candidates))})[0])

    def count_down(self, from_id: int, size: int) -> tuple[Counts, int | None]:
        """How many match among the `size` ids from `from_id` down; where to go on."""
        lowest = max(from_id - size + 1, 0)
        sql = f"""
            SELECT {self._sliced.counts} FROM pqdesk_message m NOT INDEXED
             WHERE m.id BETWEEN :lowest AND :highest AND {self._sliced.where}"""
        values = {**self._sliced.values, "lowest": lowest, "highest": from_id}
        return Counts(*all_rows(self.db, sql, values)[0]), only_value(self.db, _NEXT_BELOW, (lowest - 1,))

    def walk(self, from_id: int, size: int, limit: int, *, is_upward: bool) -> Part:
        return self.up(from_id, size, limit) if is_upward else self.down(from_id, size, limit)

    def start(self, *, below: int | None, above: int | None) -> int | None:
        """The id to walk from: the nearest there is; None when there is none."""
        if above is not None:
            row = first_row(self.db, _NEXT_ABOVE, (above + 1,)) if above < _HIGHEST else None
        else:
            row = first_row(self.db, _NEXT_BELOW, (_HIGHEST if below is None else below - 1,))
        return None if row is None else row[0]

    def _between(self, lowest: int, highest: int, limit: int, order: str) -> list[int]:
        sql = f"""
            SELECT m.id FROM pqdesk_message m NOT INDEXED
             WHERE m.id BETWEEN :lowest AND :highest AND {self._sliced.where} ORDER BY m.id {order} LIMIT :limit"""
        values = {**self._sliced.values, "lowest": lowest, "highest": highest, "limit": limit}
        return [row[0] for row in all_rows(self.db, sql, values)]

    def _candidates(self) -> Iterable[int] | None:
        """At most FEW ids among which all that match are; None when there may be more."""
        selection = self.selection
        if selection.ids is not None:
            return selection.ids
        ids = next((_ids_of(term) for term in selection.terms if _ids_of(term) is not None), None)
        if ids is not None:
            return ids
        error = next((_error_of(term) for term in selection.terms if _error_of(term) is not None), None)
        if error is not None:
            found = [row[0] for row in all_rows(self.db, _OF_ERROR, (error, FEW + 1))]
            if len(found) <= FEW:
                return found
        if selection.is_trashed:
            found = [row[0] for row in all_rows(self.db, _IN_TRASH, (FEW + 1,))]
            return found if len(found) <= FEW else None
        if not selection.states and selection.queue is None:
            return None
        if self.counted() > FEW:
            return None
        return [
            found[0]
            for row in self.queues
            for state in self.states
            for found in all_rows(self.db, _FROM_INDEX[state], (row[0], self.now_us))
        ]


def quick_ids(finder: Finder, *, below: int | None, above: int | None, limit: int) -> list[int] | None:
    """At most `limit` ids by id, nearest first, where that is quick; None when the table has to be walked."""
    found = finder.first_of_few(below=below, above=above, limit=limit)
    if found is not None:
        return found
    start = finder.start(below=below, above=above)
    if start is None:
        return []
    first = _FIRST_IDS if not finder.compiled.reads_payloads else _FIRST_IDS // 20  # which may be large
    part = finder.walk(start, first, limit, is_upward=above is not None)
    if part.next_id is None or len(part.ids) == limit:
        return part.ids
    return finder.from_indexes(below=below, above=above, limit=limit)


def _error_of(term: Term) -> int | None:
    """The group of errors that a term asks for, if it asks for one and nothing else."""
    if term.field is not Field.ERROR or term.is_negated or len(term.tests) != 1:
        return None
    test = term.tests[0]
    return int(test.value) if isinstance(test, Is) else None


def _ids_of(term: Term) -> list[int] | None:
    """The ids that a term names, if it names some and nothing else."""
    if term.field is not Field.ID or term.is_negated:
        return None
    ids = [int(test.value) for test in term.tests if isinstance(test, Is)]
    return ids if len(ids) == len(term.tests) else None


def _in_order(ids: Iterable[int], below: int | None, above: int | None) -> list[int]:
    """The ids beyond the bound, those nearest to it first."""
    if above is not None:
        return sorted({one for one in ids if one > above})
    return sorted({one for one in ids if below is None or one < below}, reverse=True)
