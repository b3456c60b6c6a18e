"""A Selection as SQL: what is asked of each row `m` of pqdesk_message. No value is ever part of the SQL text.

Text is compared by LIKE, for which A–Z count the same in either case and no other letters do: that is what SQLite
does fastest, 6 million payloads of 100 bytes a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pqdesk.messages.payloads import PayloadKind
from pqdesk.messages.selection import Ago, Between, Field, Has, Is, Selection, Term, Test
from pqdesk.messages.states import State

_JSON, _BYTES = int(PayloadKind.JSON), int(PayloadKind.BYTES)
_PLAIN = re.compile(r"[A-Za-z0-9 _.@:+-]+")  # characters that JSON has no other way to write, in what we write
_CANONICAL = re.compile(r"0|-?[1-9][0-9]*")  # how JSON writes an integer
_PLAIN_DIGITS = 15  # a float of more is written with an exponent
_EXACT = 2**53  # below this an integer and its float are the same
_MOST_INDEXES = 3  # keys of digits in a path: each doubles the paths that are tried

STATE_TEST = {
    State.SCHEDULED: "({state} = 1 AND m.due_us > :now)",
    State.READY: "({state} = 2 OR ({state} IN (1, 4) AND m.due_us <= :now))",
    State.RUNNING: "{state} = 3",
    State.RETRYING: "({state} = 4 AND m.due_us > :now)",
    State.COMPLETED: "{state} = 5",
    State.FAILED: "{state} = 6",
    State.CANCELLED: "{state} = 7",
}
_PAYLOAD = "coalesce(m.payload, (SELECT payload FROM pqdesk_payload WHERE id = m.id))"
_PAYLOAD_TEXT = f"CAST({_PAYLOAD} AS TEXT)"
_NAMED = {
    Field.QUEUE: "m.queue_id IN (SELECT id FROM pqdesk_queue WHERE name = {value})",
    Field.TYPE: "m.type_id IN (SELECT id FROM pqdesk_type WHERE name = {value})",
    Field.WORKER: """m.owner_id IN (
        SELECT id FROM pqdesk_owner WHERE name = {value} OR (
               substr(name, 1, length({value}) + 1) = {value} || '-'
               AND substr(name, length({value}) + 2) GLOB '[0-9]*'
               AND substr(name, length({value}) + 2) NOT GLOB '*[^0-9]*'))""",  # its replicas: mail, mail-2, …
    Field.GROUP: 'm."group" = {value}',
    Field.KEY: "m.key = {value}",
    Field.ERROR: "m.error_id = {value}",
}
# How long the newest attempt took: the message's own row tells of a running and of a completed one.
RAN_US = """
    CASE abs(m.state)
      WHEN 3 THEN CASE WHEN m.started_us > 0 THEN :now - m.started_us END
      WHEN 5 THEN CASE WHEN m.started_us > 0 THEN m.finished_us - m.started_us END
      ELSE (SELECT a.ended_us - a.started_us FROM pqdesk_attempt a
             WHERE a.message_id = m.id AND a.attempt = m.attempt AND a.started_us > 0) END"""
_NUMBERS = {
    Field.ID: "m.id",
    Field.ATTEMPTS: "m.attempt",
    Field.PRIORITY: "m.priority",
    Field.AGE: ":now - m.enqueued_us",
    Field.RAN: f"({RAN_US})",
    Field.ENQUEUED: "m.enqueued_us",
    Field.FINISHED: "CASE WHEN abs(m.state) >= 5 AND m.finished_us > 0 THEN m.finished_us END",
}
# Whether an attempt of it failed with this text: of one message by a look into the other table; of a slice of ids by
# going through that table's part once, which is twice as quick where most have failed, and for nothing where none have.
_ERROR_LIKE = """
    EXISTS (SELECT 1 FROM pqdesk_attempt a WHERE a.message_id = m.id AND a.error LIKE {like} ESCAPE '\\')"""
_ERROR_LIKE_IN_SLICE = """
    m.id IN (SELECT a.message_id FROM pqdesk_attempt a
              WHERE a.message_id BETWEEN :lowest AND :highest AND a.error LIKE {like} ESCAPE '\\')"""


class Compiled:
    """The tests of one selection and the values bound to them. `has_own_tests`: more than queue and states;
    `reads_payloads`: one of them looks into payloads.

    `values` holds `:now`; whoever runs the SQL adds what else it names. With `is_sliced` it is for the ids from
    `:lowest` to `:highest` only.
    """

    def __init__(self, selection: Selection, now_us: int, *, is_sliced: bool = False) -> None:
        self._error_like = _ERROR_LIKE_IN_SLICE if is_sliced else _ERROR_LIKE
        self.values: dict[str, Any] = {"now": now_us}
        self._state = "-m.state" if selection.is_trashed else "m.state"
        self.tests = list(self._tests(selection))
        others = (selection.type, selection.search)
        texts = (Field.TEXT, Field.PAYLOAD, Field.VALUE)
        self.reads_payloads = selection.search is not None or any(term.field in texts for term in selection.terms)
        self.has_own_tests = any(one is not None for one in others) or bool(selection.terms)

    @property
    def where(self) -> str:
        return " AND ".join(self.tests)

    @property
    def counts(self) -> str:
        """The columns of a SELECT: how many rows are in each state."""
        return ", ".join(f"count(*) FILTER (WHERE {self._is_in(state)})" for state in State)

    def _is_in(self, state: State) -> str:
        return STATE_TEST[state].format(state=self._state)

    def _tests(self, selection: Selection) -> Iterator[str]:
        yield "m.state < 0" if selection.is_trashed else "m.state > 0"
        if selection.queue is not None:
            yield self._term(Term(Field.QUEUE, (Is(selection.queue),)))
        if selection.states:
            yield self._term(Term(Field.STATE, tuple(Is(state.number) for state in selection.states)))
        if selection.type is not None:
            yield self._term(Term(Field.TYPE, (Is(selection.type),)))
        numbers: list[Term] = []
        texts: list[Term] = []
        for term in selection.terms:  # what is quick to answer goes first
            (texts if term.field in (Field.TEXT, Field.PAYLOAD, Field.VALUE, Field.ERROR) else numbers).append(term)
        yield from map(self._term, numbers)
        if selection.search is not None:
            yield self._term(Term(Field.TEXT, (Has(selection.search),)))
        yield from map(self._term, texts)

    def _term(self, term: Term) -> str:
        if term.field is Field.VALUE:
            joined = self._values_at(term)
        else:
            joined = " OR ".join(self._test(term.field, test) for test in term.tests)
        return f"({joined}) IS NOT TRUE" if term.is_negated else f"({joined})"

    def _test(self, field: Field, test: Test) -> str:
        match test:
            case Has(text):
                return self._has(field, text)
            case Is(value) if field is Field.STATE:
                return self._is_in(State.from_number(int(value)))
            case Is(value) if field in _NAMED:
                return _NAMED[field].format(value=self._bind(value))
            case Is(value):
                return f"{_NUMBERS[field]} = {self._bind(value)}"
            case Between(least, most):
                return self._between(_NUMBERS[field], least, most)
            case Ago(least, most):
                return self._between(f":now - ({_NUMBERS[field]})", least, most)

    def _between(self, number: str, least: float | None, most: float | None) -> str:
        tests = [] if least is None else [f"{number} >= {self._bind(least)}"]
        tests += [] if most is None else [f"{number} <= {self._bind(most)}"]
        return f"({' AND '.join(tests) or '1'})"

    def _has(self, field: Field, text: str) -> str:
        if field is Field.ERROR:
            return self._error_like.format(like=self._like(text))
        payload = self._payload_has(text)
        if field is Field.PAYLOAD:
            return payload
        like = self._like(text)
        return f"""(
            {payload} OR m.key LIKE {like} ESCAPE '\\'
            OR m.type_id IN (SELECT id FROM pqdesk_type WHERE name LIKE {like} ESCAPE '\\')
            OR {self._error_like.format(like=like)})"""

    def _payload_has(self, text: str) -> str:
        """Also as JSON writes it, and in what is not text, where LIKE would stop at the first null byte."""
        tests = [f"{_PAYLOAD_TEXT} LIKE {self._like(text)} ESCAPE '\\'"]
        written = json.dumps(text, ensure_ascii=False)[1:-1]
        if written != text:
            tests.append(f"(m.payload_kind = {_JSON} AND {_PAYLOAD_TEXT} LIKE {self._like(written)} ESCAPE '\\')")
        data = self._bind(text.encode("utf-8", "surrogatepass"))
        tests.append(f"(m.payload_kind <> {_JSON} AND instr({_PAYLOAD}, {data}))")
        return f"({' OR '.join(tests)})"

    def _values_at(self, term: Term) -> str:
        """A value inside a JSON payload. What does not have its text anywhere is never parsed, which costs most."""
        needles = [_needle(test) for test in term.tests]
        has_text = [f"instr({_PAYLOAD}, {self._bind(needle)})" for needle in needles if needle is not None]
        values = " OR ".join(self._value(path, test) for path in _paths(term.path) for test in term.tests)
        may_have = f"({' OR '.join(has_text)}) AND " if len(has_text) == len(needles) else ""
        return f"m.payload_kind = {_JSON} AND {may_have}json_valid({_PAYLOAD_TEXT}) AND ({values})"

    def _value(self, path: str, test: Test) -> str:
        """One value; `json_valid` was asked before."""
        where = self._bind(path)
        kind = f"json_type({_PAYLOAD_TEXT}, {where})"
        value, raw = f"({_PAYLOAD_TEXT} ->> {where})", f"({_PAYLOAD_TEXT} -> {where})"
        if isinstance(test, Between):
            return f"({kind} IN ('integer', 'real') AND {self._between(value, test.least, test.most)})"
        assert isinstance(test, Is), test
        assert isinstance(test.value, str), test
        text = self._bind(test.value)
        tests = [f"({kind} = 'text' AND {value} = {text})", f"({kind} <> 'text' AND {raw} = {text})"]
        number = _number(test.value)
        if number is not None:
            tests.append(f"({kind} IN ('integer', 'real') AND {value} = {self._bind(number)})")
        return f"({' OR '.join(tests)})"

    def _like(self, text: str) -> str:
        """A pattern for what contains `text`. A null ends a pattern, so text with one matches nothing this way."""
        if "\0" in text:
            return self._bind(None)
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return self._bind(f"%{escaped}%")

    def _bind(self, value: Any) -> str:
        for name, bound in self.values.items():
            if name != "now" and type(bound) is type(value) and bound == value:
                return f":{name}"
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _needle(test: Test) -> bytes | None:
    """What every JSON text with this value has in it; None where it may be written in more than one way."""
    if not isinstance(test, Is) or not isinstance(test.value, str):
        return None
    text = test.value
    is_plain = bool(_PLAIN.fullmatch(text))
    is_written_so = _number(text) is None or (len(text) <= _PLAIN_DIGITS and text.lstrip("-").isdigit())
    is_canonical = not text.lstrip("-").isdigit() or _CANONICAL.fullmatch(text) is not None
    return text.encode() if is_plain and is_written_so and is_canonical else None


def _number(text: str) -> float | None:
    """`text` as a number that SQLite compares exactly; None when it is none, or too large for that."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= _EXACT and text.strip() == text and text.isascii() and "_" not in text else None


def _paths(keys: tuple[str, ...]) -> list[str]:
    """As SQLite writes paths; a key of digits may be a place in a list (sqlite.org/json1.html#jpath)."""
    choices: list[Callable[[str], list[str]]] = []
    indexes = 0
    for key in keys:
        is_index = key.isascii() and key.isdigit() and len(key) < 10 and indexes < _MOST_INDEXES
        indexes += is_index
        choices.append(_either if is_index else _label)
    paths = ["$"]
    for choose, key in zip(choices, keys, strict=True):
        paths = [path + step for path in paths for step in choose(key)]
    return paths


def _label(key: str) -> list[str]:
    return ["." + json.dumps(key, ensure_ascii=False)]


def _either(key: str) -> list[str]:
    return [*_label(key), f"[{int(key)}]"]
