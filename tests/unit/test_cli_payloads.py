"""Payloads as they are written on a command line."""

from __future__ import annotations

from typing import Any

import pytest

from pqdesk.errors import InvalidInput
from pqdesk.messages.written import Form, parse_payload


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ("hello", "hello"),
        ('"hello"', "hello"),
        ("12", "12"),
        ("3.10", "3.10"),
        ("1234e56", "1234e56"),
        ("007", "007"),
        ("-0", "-0"),
        ("null", "null"),
        ("true\n", "true\n"),
        ("\ufeff{}", "\ufeff{}"),
        ('"3.10"', "3.10"),
        ('"open', '"open'),
        ('["3.10"]\r\n', ["3.10"]),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ('[{"a": {"b": 1, "b": 1}}]', '[{"a": {"b": 1, "b": 1}}]'),
        ('{"a": 1e999}', '{"a": 1e999}'),
        ("", ""),
        ("hello\n", "hello\n"),
        (' {"a": 1}\n', {"a": 1}),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ("{'a': 1}", "{'a': 1}"),
    ],
)
def test_an_object_an_array_or_a_quoted_string_is_json_and_all_else_text(written: str, value: Any) -> None:
    assert (type(parsed := parse_payload(written.encode(), None)), parsed) == (type(value), value)


def test_an_integer_may_have_any_number_of_digits() -> None:
    assert parse_payload(b"9" * 5000, "json") == 10**5000 - 1
    assert parse_payload(b"[%s]" % (b"9" * 5000), None) == [10**5000 - 1]


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 50_000, b"[" * 100_000 + b"]" * 100_000])
def test_what_is_nested_beyond_reading_is_refused_and_not_taken_for_text(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="payload is nested more than 200 levels deep"):
        parse_payload(data, None)


@pytest.mark.parametrize(
    ("data", "form", "value"),
    [(b"12", "text", "12"), (b"12", "bytes", b"12"), (b"\xff\0", "bytes", b"\xff\0"), (b"12", "json", 12)],
)
def test_a_form_decides(data: bytes, form: Form, value: Any) -> None:
    parsed = parse_payload(data, form)

    assert (type(parsed), parsed) == (type(value), value)


@pytest.mark.parametrize("form", [None, "text", "json"])
def test_what_is_not_utf8_has_to_be_named_bytes(form: Form | None) -> None:
    with pytest.raises(InvalidInput, match="line 7 is not UTF-8 at byte 1; use --as bytes"):
        parse_payload(b"a\xff", form, what="line 7")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("{", "not JSON"),
        ("NaN", "no JSON value"),
        ("1e999", "too large"),
        ("[" * 100_000, "more than 200 levels deep"),
        ('{"a": 1, "a": 2}', "the key 'a' twice"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' twice"),
        ('[1, {"b:": 1, "b:": 2}]', "the key 'b:' twice"),
        ('{"a": ":", "a": 2}', "the key 'a' twice"),
    ],
    ids=["open", "constant", "large", "deep", "twice", "within", "in an array", "with colons"],
)
def test_what_is_said_to_be_json_has_to_be(written: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_payload(written.encode(), "json")
