"""Hostile text becomes visible, payloads are shown exactly, long lines are cut."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.gui.visible_text import (
    LONGEST_LINE,
    cut_chunks,
    json_chunks,
    payload_chunks,
    shorten_middle,
    take,
    visible_line,
    visible_text,
    wrap_chunks,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
        ("a\nb\tc", "a␊b␉c"),
        ("\x00\x1b]0;x\x07", "␀␛]0;x␇"),
        ("\x7f\x85", "␡\\u0085"),
        ("ab\u202etxt.exe", "ab\\u202Etxt.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200Bwidth\\uFEFF"),
        ("lone \ud800", "lone \\uD800"),
        ("tag \U000e0041", "tag \\U000E0041"),
    ],
)
def test_a_line_shows_every_character(text, shown):
    assert visible_line(text) == shown


def test_text_keeps_its_line_ends_and_tabs():
    assert visible_text("a\r\nb\n\tc\rd") == "a\nb\n\tc␍d"


@given(st.text())
def test_nothing_invisible_is_left(text):
    shown = visible_line(text)

    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in shown)
    assert not any(unicodedata.bidirectional(one) in ("LRO", "RLO", "LRE", "RLE", "LRI", "RLI", "PDF") for one in shown)


@given(JSON)
def test_json_means_the_same_as_before(value):
    shown = "".join(payload_chunks([value]))

    assert json.loads(shown) == [value]
    assert "".join(json_chunks([value])) == json.dumps([value], indent=2, ensure_ascii=False)


def test_numbers_are_shown_as_they_are():
    huge = 10**5000 + 1

    shown = "".join(payload_chunks({"id": 12345678901234567890, "ratio": 0.1, "huge": huge}))

    assert '"id": 12345678901234567890' in shown
    assert '"ratio": 0.1' in shown
    assert f'"huge": 1{"0" * 4999}1\n' in shown


def test_a_direction_mark_in_json_is_shown_as_its_escape():
    assert "".join(payload_chunks({"name": "a\u202eb\x7f"})) == '{\n  "name": "a\\u202eb\\u007f"\n}'


def test_bytes_are_a_hex_dump():
    lines = "".join(payload_chunks(bytes(range(65, 91)))).splitlines()

    assert lines[0] == "00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP"
    assert lines[1].endswith("QRSTUVWXYZ")
    assert len(lines) == 2


def test_a_huge_payload_is_taken_bit_by_bit():
    whole = "".join(payload_chunks({"n": ["x" * 1000, *range(500)]}))

    text, rest = take(cut_chunks(payload_chunks({"n": ["x" * 1000, *range(500)]}), 100), 150)

    assert 150 <= len(text) < 250
    assert rest is not None
    assert text + "".join(rest) == whole
    assert take(iter(["all"]), 3) == ("all", None)


def test_long_lines_are_cut():
    text = "short\n" + "x" * (2 * LONGEST_LINE + 5)

    lines = "".join(wrap_chunks([text])).split("\n")

    assert [len(line) for line in lines] == [5, LONGEST_LINE, LONGEST_LINE, 5]
    assert "".join(wrap_chunks(["short"])) == "short"


@given(st.lists(st.text(alphabet="ab\n")))
def test_cutting_lines_does_not_depend_on_how_the_text_comes(chunks):
    wrapped = "".join(wrap_chunks(chunks, 3))

    assert wrapped == "".join(wrap_chunks(["".join(chunks)], 3))
    assert all(len(line) <= 3 for line in wrapped.split("\n"))
    assert wrapped.replace("\n", "") == "".join(chunks).replace("\n", "")


def test_the_middle_is_left_out():
    assert shorten_middle("1234567890", 10) == "1234567890"
    assert shorten_middle("1234567890123", 9) == "1234…0123"
