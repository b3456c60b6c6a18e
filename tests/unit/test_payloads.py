"""JSON, text and bytes to bytes and back."""

from __future__ import annotations

import enum
import math
from typing import Any

import pytest

from pqdesk import InvalidInput
from pqdesk.messages.payloads import decode_payload, encode_payload

_KEEPS: list[Any] = [
    None, True, False, 0, -1, 2**63, -(2**64), 10**700, 10**5000, 1.5, -0.0, 1e308, "", "text", "ü🎉\u2028\x00", b"",
    b"\x00\xff", [], {}, [1, "two", None, 3.0, True], {"a": {"b": [{"c": 10**5000}]}}, {"": "", "ü": "\\\"\n"}, [[[]]],
    {"n": [10**4299, -1]},
]  # fmt: skip


@pytest.mark.parametrize("value", _KEEPS, ids=lambda value: repr(value)[:20] if not _is_huge(value) else "huge")
def test_values_come_back_exactly_as_given(value: Any) -> None:
    found = decode_payload(*encode_payload(value))

    assert (type(found), found) == (type(value), value)


def test_tuples_come_back_as_lists_and_numbers_of_enums_as_numbers() -> None:
    level = enum.IntEnum("level", {"LOW": 3})

    assert decode_payload(*encode_payload({"a": (1, (2, level.LOW))})) == {"a": [1, [2, 3]]}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (math.nan, "contains nan"), ({"a": [math.inf]}, "contains inf"),
        ({1: 2}, "has the key 1"), ([{None: 1}], "has the key None"),
        ({"a": {1, 2}}, "contains a set"), (object(), "contains a object"),
        ("\ud800", "lone surrogate"), ({"a": "\ud800"}, "lone surrogate"),
    ],
)  # fmt: skip
def test_what_json_cannot_hold_is_refused(value: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        encode_payload(value)


def test_json_is_nested_two_hundred_levels_at_most() -> None:
    nested: list[Any] = []
    for _ in range(199):
        nested = [nested]

    assert decode_payload(*encode_payload(nested)) == nested
    with pytest.raises(InvalidInput, match="more than 200 levels"):
        encode_payload([nested])


@pytest.mark.parametrize("text", [' {"a": 1}\n', "\t[1]", '"x" '])
def test_json_with_white_space_around_it_is_read(text: str) -> None:
    assert decode_payload(0, text.encode()) in ({"a": 1}, [1], "x")


@pytest.mark.parametrize("text", ["", "{", "[1] 2", "nothing"])
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"char|data"):
        decode_payload(0, text.encode())


def _is_huge(value: Any) -> bool:
    return (isinstance(value, int) and value.bit_length() > 1000) or isinstance(value, dict)
