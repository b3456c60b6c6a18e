"""What a filter means, told in plain Python over the whole record of a message: what the engines are held to."""

from __future__ import annotations

import json
import re
from typing import Any

from pqdesk.clock import from_datetime
from pqdesk.messages.payloads import encode_payload
from pqdesk.messages.records import MessageDetail
from pqdesk.messages.selection import Ago, Between, Field, Has, Is, Selection, Term, Test


def matches(detail: MessageDetail, selection: Selection, now_us: int, error_id: int | None = None) -> bool:
    """Whether the message is one of `selection`; `error_id` is its kind of error."""
    return (
        detail.is_trashed == selection.is_trashed
        and (selection.ids is None or detail.id in selection.ids)
        and selection.queue in (None, detail.queue)
        and (not selection.states or detail.state in selection.states)
        and selection.type in (None, detail.type)
        and (selection.search is None or _has_text(detail, selection.search))
        and all(_is_true(detail, term, now_us, error_id) for term in selection.terms)
    )


def _is_true(detail: MessageDetail, term: Term, now_us: int, error_id: int | None) -> bool:
    return any(_passes(detail, term, test, now_us, error_id) for test in term.tests) != term.is_negated


def _passes(detail: MessageDetail, term: Term, test: Test, now_us: int, error_id: int | None) -> bool:
    if term.field is Field.VALUE:
        return any(_is_value(value, test) for value in _at(detail.payload, term.path))
    if isinstance(test, Has):
        look = {Field.TEXT: _has_text, Field.PAYLOAD: _payload_has, Field.ERROR: _error_has}[term.field]
        return look(detail, test.text)
    value = _value(detail, term.field, now_us, error_id)
    if value is None:
        return False
    if isinstance(test, Is) and term.field is Field.WORKER:
        return re.fullmatch(re.escape(str(test.value)) + r"(-[0-9]+)?", value) is not None
    if isinstance(test, Is):
        return bool(value == test.value)
    low, high = (test.least_us, test.most_us) if isinstance(test, Ago) else (test.least, test.most)
    number = now_us - value if isinstance(test, Ago) else value
    return (low is None or number >= low) and (high is None or number <= high)


def _value(detail: MessageDetail, field: Field, now_us: int, error_id: int | None) -> Any:
    return {
        Field.ID: lambda: detail.id,
        Field.STATE: lambda: int(detail.state),
        Field.QUEUE: lambda: detail.queue,
        Field.TYPE: lambda: detail.type,
        Field.WORKER: lambda: detail.worker,
        Field.ERROR: lambda: error_id,
        Field.ATTEMPTS: lambda: detail.attempt,
        Field.PRIORITY: lambda: detail.priority,
        Field.GROUP: lambda: detail.group,
        Field.KEY: lambda: detail.key,
        Field.AGE: lambda: now_us - from_datetime(detail.enqueued_at),
        Field.RAN: lambda: _ran_us(detail, now_us),
        Field.ENQUEUED: lambda: from_datetime(detail.enqueued_at),
        Field.FINISHED: lambda: None if detail.finished_at is None else from_datetime(detail.finished_at),
    }[field]()


def _ran_us(detail: MessageDetail, now_us: int) -> int | None:
    newest = next((one for one in detail.attempts if one.attempt == detail.attempt), None)
    if newest is None or newest.started_at is None:
        return None
    ended_us = now_us if newest.ended_at is None else from_datetime(newest.ended_at)
    return ended_us - from_datetime(newest.started_at)


def _has_text(detail: MessageDetail, text: str) -> bool:
    names = (detail.key or "", detail.type or "")
    return _payload_has(detail, text) or _error_has(detail, text) or any(_contains(one, text) for one in names)


def _payload_has(detail: MessageDetail, text: str) -> bool:
    _, data = encode_payload(detail.payload)
    if isinstance(detail.payload, bytes):
        return text.encode() in data or _contains(data.split(b"\0")[0].decode("utf-8", "replace"), text)
    stored = data.decode()
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    return _contains(stored, text) or (not isinstance(detail.payload, str) and _contains(stored, written))


def _error_has(detail: MessageDetail, text: str) -> bool:
    return any(_contains(one.error or "", text) for one in detail.attempts)


def _contains(text: str, part: str) -> bool:
    return _folded(part) in _folded(text)


def _folded(text: str) -> str:
    """A–Z as a–z, and nothing else."""
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in text)


def _at(value: Any, path: tuple[str, ...]) -> list[Any]:
    """The values at `path`: a key of digits is one of an object, or a place in a list."""
    if isinstance(value, str | bytes) and not path:
        return [value]
    for key in path:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return []
    return [value]


def _is_value(value: Any, test: Test) -> bool:
    if isinstance(test, Between):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (test.least is None or value >= test.least) and (test.most is None or value <= test.most)
    assert isinstance(test, Is)
    if isinstance(value, str):
        return value == test.value
    if json.dumps(value, ensure_ascii=False, separators=(",", ":")) == test.value:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        number = float(test.value)
    except ValueError:
        return False
    return "_" not in str(test.value) and abs(number) <= 2**53 and number == value
