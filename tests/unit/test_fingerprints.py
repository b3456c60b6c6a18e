"""Which errors are the same, told apart by what does not vary."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.messages.fingerprints import fingerprint, headline
from pqdesk.messages.payloads import cut_text

_TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/mail.py", line 12, in send
    deliver(message)
requests.exceptions.ConnectionError: HTTPConnectionPool(host='10.1.2.3', port=8080): Max retries exceeded

  detail that is indented
"""


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("ValueError: n is 7", "ValueError", "n is <n>"),
        ("ValueError", "ValueError", ""),
        ("boom", "", "boom"),
        ("Server says: 500", "", "Server says: <n>"),
        ("cannot open /var/lib/app/x-17.db", "", "cannot open <path>"),
        ("cannot open C:\\data\\in\\x.csv now", "", "cannot open <path> now"),
        ("order 0b9f6cde-9a3b-4d7e-8f0a-1c2d3e4f5a6b is gone", "", "order <id> is gone"),
        ("commit deadbeef42 at 0x7f3a", "", "commit <id> at <id>"),
        ("no user \"ada\" or 'bob'", "", "no user <text> or <text>"),
        ("GET https://example.com/a?b=1 failed", "", "GET <address> failed"),
        ("mail to ada@example.com bounced", "", "mail to <address> bounced"),
        ("at 2026-11-24 20:15:01.25", "", "at <n>-<n>-<n> <n>"),
        ("took  3.5\ts", "", "took <n> s"),
        (
            _TRACEBACK,
            "requests.exceptions.ConnectionError",
            "HTTPConnectionPool(host=<text>, port=<n>): Max retries exceeded",
        ),
        ("", "", ""),
    ],
)
def test_what_varies_is_left_out(text, kind, message):
    found = fingerprint(text)

    assert (found.type, found.message) == (kind, message)


def test_the_number_is_the_same_in_every_run_and_version():
    assert fingerprint("ValueError: n is 7").number == fingerprint("ValueError: n is 8").number
    assert fingerprint("ValueError: n is 7").number == 3723650494996111511
    assert fingerprint("ValueError: n is 7").number != fingerprint("TypeError: n is 7").number


def test_a_text_without_a_type_takes_the_one_it_is_given():
    assert fingerprint("its worker mail-2 died", "died").type == "died"
    assert fingerprint("ValueError: x", "died").type == "ValueError"


@given(st.text())
def test_any_text_has_a_fingerprint(text):
    assert 0 <= fingerprint(text).number < 2**63


def test_a_long_text_is_quick():
    assert fingerprint("a" * 100_000 + "\n" + "/x" * 50_000).message


def test_the_headline_of_a_traceback_is_what_was_raised():
    assert headline(_TRACEBACK, _TRACEBACK).startswith("requests.exceptions.ConnectionError: HTTP")
    assert headline("first\nsecond", "first\nsecond") == "first"


def _raised(act: Callable[[], object]) -> str:
    """What is stored of what this raises."""
    try:
        act()
    except BaseException as exc:  # noqa: BLE001 - whatever it is
        return cut_text("".join(traceback.format_exception(exc)))
    raise AssertionError("nothing was raised")


def _throw(error: BaseException) -> None:
    raise error


def _grouped(*errors: Exception, text: str = "several") -> Callable[[], object]:
    return lambda: _throw(ExceptionGroup(text, list(errors)))


def _with_notes() -> None:
    error = ValueError("what happened\n\nmore of it")
    error.add_note("TypeError: only a note")
    error.add_note("(Background on this error at: https://example.com)")
    raise error


def _chained() -> None:
    try:
        raise KeyError("inner")
    except KeyError as exc:
        raise RuntimeError("outer\n[SQL: SELECT 1]\n[parameters: ()]") from exc


def _chained_in_a_group() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as exc:
            raise ValueError("in it") from exc
    except ValueError as exc:
        raise ExceptionGroup("several", [exc]) from None


def _group_handled() -> None:
    try:
        _grouped(ValueError("a"))()
    except ExceptionGroup:
        raise OSError("while it was handled")  # noqa: B904 - that is what is tried


def _deep(depth: int) -> None:
    if depth % 2:
        _deep(depth - 1)
    elif depth:
        _deep_too(depth - 1)
    else:
        raise ValueError("far down")


def _deep_too(depth: int) -> None:
    _deep(depth)


def _task_group(error: Exception) -> Callable[[], object]:
    async def main() -> None:
        async def fail() -> None:
            raise error

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    return lambda: asyncio.run(main())


_EMBEDDED = 'it failed:\nTraceback (most recent call last):\n  File "x.py", line 1, in y\nKeyError: in there'


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (_with_notes, "ValueError: what happened"),
        (_chained, "RuntimeError: outer"),
        (_chained_in_a_group, "ExceptionGroup: several (1 sub-exception)"),
        (_group_handled, "OSError: while it was handled"),
        (_grouped(ValueError("a"), KeyError("b")), "ExceptionGroup: several (2 sub-exceptions)"),
        (_task_group(ValueError("x")), "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"),
        (lambda: _throw(ValueError("\nthe text\nmore")), "ValueError: the text"),
        (lambda: _throw(ValueError("first\n" + "more of it\n" * 20_000)), "ValueError: first"),
        (lambda: _throw(ValueError("x" * 200_000)), "ValueError: " + "x" * 288),
        (lambda: _throw(RuntimeError(_EMBEDDED)), "RuntimeError: it failed:"),
        (lambda: _deep(500), "ValueError: far down"),
        (lambda: compile("x x", "file.py", "exec"), "SyntaxError: invalid syntax"),
        (lambda: _throw(SystemExit("a: b")), "SystemExit: a: b"),
        (lambda: _throw(AssertionError()), "AssertionError"),
    ],
)
def test_an_error_is_told_by_what_happened(act: Callable[[], object], line: str) -> None:
    assert headline(_raised(act)) == line


_FRAMES = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in work\n    go(message.payload)\n'
_SQLALCHEMY = """sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed: {column}
[SQL: INSERT INTO users (name) VALUES (?)]
[parameters: ({value!r},)]
(Background on this error at: https://sqlalche.me/e/20/gkpj)
"""
_PYDANTIC = """pydantic_core._pydantic_core.ValidationError: 1 validation error for User
{field}
  {reason} [type={kind}, input_value={value!r}, input_type=str]
    For further information visit https://errors.pydantic.dev/2.11/v/{kind}
"""
_JSONSCHEMA = """jsonschema.exceptions.ValidationError: {value!r} is not of type 'integer'

Failed validating 'type' in schema['properties'][{field!r}]:
    {{'type': 'integer'}}

On instance[{field!r}]:
    {value!r}
"""


@pytest.mark.parametrize(
    ("text", "same", "other", "line"),
    [
        (
            _SQLALCHEMY,
            ({"column": "users.name", "value": "ada"}, {"column": "users.name", "value": "bob\n"}),
            {"column": "orders.key", "value": "ada"},
            "sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed: users.name",
        ),
        (
            _PYDANTIC,
            (
                {"field": "id", "reason": "Input should be an integer", "kind": "int_parsing", "value": "x"},
                {"field": "id", "reason": "Input should be an integer", "kind": "int_parsing", "value": "it's, y"},
            ),
            {"field": "name", "reason": "Field required", "kind": "missing", "value": "x"},
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for User",
        ),
        (
            _JSONSCHEMA,
            ({"field": "id", "value": "x"}, {"field": "id", "value": "y"}),
            {"field": "size", "value": "x"},
            "jsonschema.exceptions.ValidationError: 'x' is not of type 'integer'",
        ),
    ],
    ids=["sqlalchemy", "pydantic", "jsonschema"],
)
def test_errors_of_libraries_are_told_by_their_first_line_and_grouped_by_their_cause(text, same, other, line):
    first, second, third = (_FRAMES + text.format(**values) for values in (*same, other))

    assert headline(first) == line
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(first).number != fingerprint(third).number


def _in_one_place() -> None:
    raise KeyError("a")


def _in_another_place() -> None:
    raise KeyError("b")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_task_group(ValueError("a")), _task_group(TypeError("b"))),
        (_task_group(ValueError("no host")), _task_group(ValueError("no route"))),
        (_grouped(ValueError("a"), OSError("b")), _grouped(ValueError("a"), KeyError("b"))),
        (_in_one_place, _in_another_place),
        (
            lambda: _throw(ValueError("can't read, it isn't there")),
            lambda: _throw(ValueError("can't write, it isn't there")),
        ),
    ],
)
def test_two_unrelated_errors_share_no_group(one: Callable[[], object], other: Callable[[], object]) -> None:
    assert fingerprint(_raised(one)).number != fingerprint(_raised(other)).number


def test_the_same_error_is_one_group_whatever_varies():
    def fail(number: int) -> Callable[[], object]:
        return _grouped(ValueError(f"row {number}"), KeyError(f"k{number}"), text=f"batch {number}")

    assert len({fingerprint(_raised(fail(number))) for number in range(3)}) == 1


@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [
                *_FRAMES.splitlines(),
                "  | x",
                "  +-+---------------- 1 ----------------",
                "[… cut …]",
                "E: x",
                "",
                "  + Exception Group Traceback (most recent call last):",
                "During handling of the above exception, another exception occurred:",
            ]
        )
    ).map("\n".join)
)
def test_whatever_looks_like_a_traceback_has_a_headline(text):
    assert len(headline(text)) <= 300
    assert "\n" not in headline(text)
    assert 0 <= fingerprint(text).number < 2**63
