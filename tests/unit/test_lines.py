"""A command's output, cut into lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.workers.command_consumer import output_value
from pqdesk.workers.command_producer import LineSplitter


def split(*chunks, limit_bytes=100):
    splitter = LineSplitter(limit_bytes)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return [*lines, *splitter.end()], splitter.too_long


def test_line_ends_are_left_out_and_the_last_line_needs_none():
    assert split(b"one\ntwo\r\n\nthree") == (["one", "two", "", "three"], 0)


def test_a_line_is_read_as_put_reads_it():
    lines = [b"3.10", b'{"a": 1}', b"[1]", b'"4"', b"null", b"{open", b" {} "]

    assert split(*[line + b"\n" for line in lines])[0] == ["3.10", {"a": 1}, [1], "4", "null", "{open", {}]


def test_lines_that_are_not_what_they_are_said_to_be_are_left_out_and_counted():
    splitter = LineSplitter(100, "json")

    assert [*splitter.feed(b'1\nno\n"x"\n'), *splitter.end()] == [1, "x"]
    assert (splitter.refused, splitter.reason[:20]) == (1, "the line is not JSON")


def test_line_that_is_not_utf8_stays_bytes():
    assert split(b"\xff\xfe\nplain\n") == ([b"\xff\xfe", "plain"], 0)


@pytest.mark.parametrize("chunk", [b"x" * 101 + b"\nok\n", b"x" * 1000 + b"\nok\n"])
def test_line_that_no_payload_can_hold_is_left_out(chunk):
    assert split(chunk) == (["ok"], 1)
    assert split(*(chunk[start : start + 7] for start in range(0, len(chunk), 7))) == (["ok"], 1)


def test_line_of_just_the_limit_is_kept():
    assert split(b"x" * 100 + b"\r\n") == (["x" * 100], 0)


def test_endless_line_takes_no_memory():
    splitter = LineSplitter(100)
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []

    assert len(splitter._rest) <= 101
    assert splitter.end() == []
    assert splitter.too_long == 1


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r", codec="utf-8"))), st.integers(1, 9))
def test_chunks_do_not_matter(lines, size):
    data = "".join(f"{line}\n" for line in lines).encode()

    assert split(*(data[start : start + size] for start in range(0, len(data), size)), limit_bytes=10_000) == (lines, 0)


def test_cut_output_ends_with_a_whole_character():
    assert output_value("aä".encode()[:2], is_cut=True) == "a"
    assert output_value("aä".encode()[:2]) == b"a\xc3"
    assert output_value(b"\xff", is_cut=True) == b"\xff"
