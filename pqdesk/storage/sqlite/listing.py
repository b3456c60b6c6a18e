"""Which messages a selection is about, found without ever counting or sorting a large table.

Rows come by id, newest first. Where the counters say that few rows are in the wanted states, they are taken from
the partial indexes of those states and sorted; else the table is walked from its end, where dense states fill a
page at once. What is due by now counts as ready.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw

from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.connection import Row, all_rows

_FEW = 10_000

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
_STATE_TEST = {
    State.SCHEDULED: "(m.state = 1 AND m.due_us > :now)",
    State.READY: "(m.state = 2 OR (m.state IN (1, 4) AND m.due_us <= :now))",
    State.RUNNING: "m.state = 3",
    State.RETRYING: "(m.state = 4 AND m.due_us > :now)",
    State.COMPLETED: "m.state = 5",
    State.FAILED: "m.state = 6",
    State.CANCELLED: "m.state = 7",
}
_SEARCH_TEST = """
    (CAST(coalesce(m.payload, (SELECT payload FROM pqdesk_payload WHERE id = m.id)) AS TEXT) LIKE :like ESCAPE '\\'
     OR m.key LIKE :like ESCAPE '\\'
     OR (SELECT name FROM pqdesk_type WHERE id = m.type_id) LIKE :like ESCAPE '\\'
     OR EXISTS (SELECT 1 FROM pqdesk_attempt a WHERE a.message_id = m.id AND a.error LIKE :like ESCAPE '\\'))"""
_IN_TRASH = "SELECT id FROM pqdesk_message INDEXED BY pqdesk_trash WHERE trashed_us IS NOT NULL LIMIT ?"
_QUEUES = """
    SELECT id, scheduled, ready, running, retrying, completed, failed, cancelled FROM pqdesk_queue
     WHERE ?1 IS NULL OR name = ?1"""


def select_ids(
    db: apsw.Connection,
    selection: Selection,
    *,
    now_us: int,
    below: int | None = None,
    above: int | None = None,
    limit: int,
) -> list[int]:
    """At most `limit` ids: those below `below`, highest first, or those next above `above`, lowest first."""
    queues = all_rows(db, _QUEUES, (selection.queue,))
    if not queues:
        return []
    values: dict[str, Any] = {"now": now_us, "limit": limit}
    tests = list(_tests(selection, queues, values))
    if below is not None:
        values["below"] = below
        tests.append("m.id < :below")
    if above is not None:
        values["above"] = above
        tests.append("m.id > :above")
    order = "DESC" if above is None else "ASC"
    source = _few_ids(db, selection, queues, now_us)
    if source is not None:
        few = sorted(source, reverse=above is None)
        return _filter_few(db, few, tests, values, limit)
    where = " AND ".join(tests) or "1"
    sql = f"SELECT m.id FROM pqdesk_message m NOT INDEXED WHERE {where} ORDER BY m.id {order} LIMIT :limit"
    return [row[0] for row in all_rows(db, sql, values)]


def _tests(selection: Selection, queues: list[Row], values: dict[str, Any]) -> Iterator[str]:
    yield "m.state < 0" if selection.is_trashed else "m.state > 0"
    if selection.queue is not None:
        values["queue"] = queues[0][0]
        yield "m.queue_id = :queue"
    if selection.states:
        tests = [_STATE_TEST[state] for state in selection.states]
        joined = " OR ".join(tests)
        yield f"({joined.replace('m.state', '-m.state')})" if selection.is_trashed else f"({joined})"
    if selection.type is not None:
        values["type"] = selection.type
        yield "m.type_id = (SELECT id FROM pqdesk_type WHERE name = :type)"
    if selection.search is not None:
        escaped = selection.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values["like"] = f"%{escaped}%"
        yield _SEARCH_TEST


def _few_ids(db: apsw.Connection, selection: Selection, queues: list[Row], now_us: int) -> list[int] | None:
    """All ids of the wanted states, when the counters say that there are few; else None."""
    if selection.ids is not None:
        return list(selection.ids)
    if selection.is_trashed:
        found = [row[0] for row in all_rows(db, _IN_TRASH, (_FEW,))]
        return found if len(found) < _FEW else None
    if not selection.states and selection.queue is None:
        return None
    states = selection.states or tuple(State)
    counted = set(states)
    if State.READY in states:  # what is due is counted under the state it still has
        counted |= {State.SCHEDULED, State.RETRYING}
    if sum(row[state] for row in queues for state in counted) > _FEW:
        return None
    return [
        found[0] for row in queues for state in states for found in all_rows(db, _FROM_INDEX[state], (row[0], now_us))
    ]


def _filter_few(db: apsw.Connection, ids: list[int], tests: list[str], values: dict[str, Any], limit: int) -> list[int]:
    sql = f"SELECT 1 FROM pqdesk_message m WHERE m.id = :id AND {' AND '.join(tests)}"
    del values["limit"]
    found: list[int] = []
    for message_id in ids:
        if len(found) == limit:
            break
        if db.execute(sql, {**values, "id": message_id}).fetchone():
            found.append(message_id)
    return found
