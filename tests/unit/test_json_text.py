"""JSON texts of strangers: read up to a depth that leaves Python room, whatever else is in them."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqdesk import InvalidInput
from pqdesk.messages.checks import decode_headers
from pqdesk.messages.json_text import TooDeep, check_nesting, load_json
from pqdesk.messages.payloads import PayloadKind, decode_payload, parse_json

_BOUND = 400
_TEXTS = ['"', "\\", "\\\\", '\\"', "[" * 500, "]" * 500, '"[{"', "]}\\", "[]" * 300, "ä\n\u2028[", ""]


def nested(levels: int, wrap: Callable[[Any], Any], inner: Any = 0) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: {"a": one}, lambda one: {"]": "[", "": one, "{": "}"}])
def test_as_many_levels_are_read_as_are_allowed_and_not_one_more(wrap: Callable[[Any], Any]) -> None:
    deepest = nested(_BOUND, wrap)

    assert load_json(json.dumps(deepest)) == deepest
    for text in (json.dumps(wrap(deepest)), json.dumps([1, wrap(deepest), 2], indent=1)):
        with pytest.raises(TooDeep, match="400 levels"):
            load_json(text)


@pytest.mark.parametrize("text", _TEXTS, ids=ascii)
def test_brackets_inside_of_texts_are_no_levels(text: str) -> None:
    wide = [{text: [text, [text]]} for _ in range(_BOUND)]
    for value in (wide, nested(_BOUND - 4, lambda one: [text, one, text], wide)):
        assert load_json(json.dumps(value)) == value
        assert load_json(json.dumps(value, ensure_ascii=False).encode()) == value
    with pytest.raises(TooDeep):
        load_json(json.dumps(nested(_BOUND - 2, lambda one: [text, one, text], wide)))


@settings(max_examples=30)
@given(
    st.recursive(
        st.sampled_from([0, *_TEXTS]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_TEXTS), inner),
        max_leaves=30,
    )
)
def test_a_value_in_so_many_lists_that_it_is_as_deep_as_allowed_is_read_and_in_one_more_is_not(value: Any) -> None:
    deepest = nested(_BOUND - levels_of(value), lambda one: [one], value)

    check_nesting(json.dumps(deepest).encode())
    with pytest.raises(TooDeep):
        check_nesting(json.dumps([deepest]).encode())


def levels_of(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(levels_of, members), default=0)


@pytest.mark.parametrize(
    "read",
    [
        lambda text: load_json(text),
        lambda text: decode_headers(text),
        lambda text: parse_json(text.encode(), "payload"),
        lambda text: decode_payload(PayloadKind.JSON, text.encode()),
    ],
    ids=["any", "headers", "written", "stored"],
)
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 2000 + "]" * 2000, '[{"a":' * 1000])
def test_what_is_forgotten_while_a_hostile_text_is_read_is_given_back(read: Callable[[str], Any], text: str) -> None:
    """Below the recursion limit a collection could not call what weakrefs ask for: a file would stay open for ever."""
    forgotten = called = 0

    def note() -> None:
        nonlocal called
        called += 1

    for _ in collections_at(range(900, 1010)):
        one = Forgotten()
        one.itself = one  # for the collector to find
        weakref.finalize(one, note)
        forgotten += 1
        del one
        gc.enable()
        with suppress(ValueError, InvalidInput):
            read(text)
        gc.disable()

    assert called == forgotten


class Forgotten:
    itself: Forgotten


def collections_at(allocations: range) -> Iterator[int]:
    """Have the collector come after that many allocations; what it has left to do is done at the end."""
    before = gc.get_threshold()
    gc.disable()
    gc.freeze()  # else each collection would go through all that the tests have loaded
    try:
        for number in allocations:
            gc.collect()
            gc.set_threshold(number)
            yield number
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.enable()
        gc.collect()
