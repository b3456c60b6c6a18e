"""Text from strangers in a terminal and in JSON."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.cli.lines import visible, visible_json, visible_lines, visible_log_line

_HARMFUL = ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 語 🙂", "plain ä 語 🙂"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("txt\u202efdp.exe", "txt\\u202efdp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_would_act_on_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_character_of_a_harmful_category_gets_through() -> None:
    everything = map(chr, range(sys.maxunicode + 1))
    through = [hex(ord(one)) for one in everything if unicodedata.category(one) in _HARMFUL and visible(one) == one]
    assert through == []


def test_lines_keep_their_breaks_and_tabs() -> None:
    assert visible_lines("a\r\nb\tc\x1b") == "a\nb\tc\\x1b"


def test_colours_of_a_log_are_dropped_and_other_escapes_shown() -> None:
    assert visible_log_line("\x1b[1;31mred\x1b[0m \x1b]0;title\x07") == "red \\x1b]0;title\\x07"


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_means_the_same_and_holds_nothing_harmful(value: object) -> None:
    document = visible_json(json.dumps(value, ensure_ascii=False, indent=2))

    assert json.loads(document) == value
    assert all(one == "\n" or unicodedata.category(one) not in _HARMFUL for one in document)
