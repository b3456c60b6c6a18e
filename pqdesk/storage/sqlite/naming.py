"""What a filter can name, and since when queues wait: found through indexes and the newest rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import apsw

from pqdesk.clock import to_datetime
from pqdesk.messages.json_text import load_json
from pqdesk.messages.looking import Names
from pqdesk.messages.payloads import PayloadKind
from pqdesk.storage.sqlite.connection import all_rows, first_row

_MOST_NAMES = 1000
_PAYLOADS = 10_000
_MOST_PATHS = 200
_DEEPEST = 3
_MOST_KEYS = 50  # of one object: a payload that is a dictionary of data has no names worth telling
_MOST_PRIORITIES = 100

_QUEUES = "SELECT name FROM pqdesk_queue WHERE NOT is_removed ORDER BY name LIMIT ?"
_TYPES = "SELECT name FROM pqdesk_type ORDER BY name LIMIT ?"
_WORKERS = """
    SELECT DISTINCT name FROM (SELECT name FROM pqdesk_owner ORDER BY id DESC LIMIT 10000)
     WHERE name <> 'detached' ORDER BY name LIMIT ?"""
_NEWEST = f"""
    SELECT payload FROM (SELECT payload, payload_kind FROM pqdesk_message ORDER BY id DESC LIMIT {_PAYLOADS})
     WHERE payload_kind = {int(PayloadKind.JSON)} AND payload IS NOT NULL"""
_READY = "SELECT id, name FROM pqdesk_queue WHERE ready > 0 OR wake_us <= ?"
_HIGHEST_PRIORITY = """
    SELECT priority, due_us FROM pqdesk_message INDEXED BY pqdesk_claimable
     WHERE queue_id = ? AND state = 2 AND line < 2 AND priority < ? ORDER BY priority DESC, id LIMIT 1"""
_FIRST_DUE = """
    SELECT min(due_us) FROM pqdesk_message INDEXED BY pqdesk_due
     WHERE queue_id = ? AND state IN (1, 4) AND due_us <= ?"""


def read_names(db: apsw.Connection) -> Names:
    """See `Looking.names`."""
    lists = ([row[0] for row in all_rows(db, sql, (_MOST_NAMES,))] for sql in (_QUEUES, _TYPES, _WORKERS))
    queues, types, workers = map(tuple, lists)
    return Names(queues, types, workers, _payload_paths(db))


def oldest_ready(db: apsw.Connection, now_us: int) -> dict[str, datetime]:
    """For each queue with something ready, when the first of it was due: one look per priority."""
    found: dict[str, datetime] = {}
    for queue_id, name in all_rows(db, _READY, (now_us,)):
        times = list(_first_of_each_priority(db, queue_id))
        due_us = all_rows(db, _FIRST_DUE, (queue_id, now_us))[0][0]
        if due_us is not None:
            times.append(due_us)
        if times:
            found[name] = to_datetime(min(times))
    return found


def _first_of_each_priority(db: apsw.Connection, queue_id: int) -> Iterator[int]:
    priority = 2**62
    for _ in range(_MOST_PRIORITIES):
        row = first_row(db, _HIGHEST_PRIORITY, (queue_id, priority))
        if row is None:
            return
        priority = row[0]
        yield row[1]


def _payload_paths(db: apsw.Connection) -> tuple[str, ...]:
    """The keys that lead to values in the newest JSON payloads, as `payload.` takes them, the frequent ones first."""
    seen: Counter[str] = Counter()
    for (data,) in all_rows(db, _NEWEST):
        try:
            seen.update(_paths(load_json(data), 1))
        except ValueError:  # damaged, or a number too long to be read
            continue
    return tuple(path for path, _ in seen.most_common(_MOST_PATHS))


def _paths(value: Any, depth: int) -> Iterator[str]:
    if not isinstance(value, dict) or len(value) > _MOST_KEYS:
        return
    for key, inner in value.items():
        written = key if _is_plain(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(inner, dict):
            if depth < _DEEPEST:
                yield from (f"{written}.{path}" for path in _paths(inner, depth + 1))
        elif len(key) <= 100 and "\0" not in key:
            yield written


def _is_plain(key: str) -> bool:
    return bool(key) and not any(character.isspace() or character in ':."' for character in key)
