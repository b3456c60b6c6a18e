"""What logs in the window are made of: colours of terminals, what is kept, rows, what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk.gui.log_feed import LogBuffer
from pqdesk.gui.palette import Role
from pqdesk.gui.widgets.ansi import Stretch, parse_ansi
from pqdesk.gui.widgets.astral import code_points, units
from pqdesk.gui.widgets.log.choosing import Sought
from pqdesk.gui.widgets.log.lines import LINES_KEPT, LogLine, LogLines, break_line, cell_count

OUT, ERR = Path("/logs/a.out.log"), Path("/logs/a.err.log")


@pytest.mark.parametrize(
    ("line", "text", "stretches"),
    [
        ("plain", "plain", ()),
        ("\x1b[31mred\x1b[0m plain", "red plain", (Stretch(0, 3, Role.ERROR, False),)),
        (
            "a \x1b[1;32mok\x1b[22m!\x1b[m.",
            "a ok!.",
            (Stretch(2, 2, Role.HEALTHY, True), Stretch(4, 1, Role.HEALTHY, False)),
        ),
        ("\x1b[38;5;196mx\x1b[38;2;1;2;3my\x1b[93mz", "xyz", (Stretch(2, 1, Role.WARNING, False),)),
        ("\x1b[7;40mx", "x", ()),
        ("\x1b[;;999mx", "x", ()),
        ("\x1b]0;title\x07", "␛]0;title\x07", ()),
    ],
)
def test_terminal_colours_become_roles(line, text, stretches):
    assert parse_ansi(line) == (text, stretches)


def merged(buffer):
    return [(path, kept.text) for path, kept in buffer.merged_lines([OUT, ERR])]


def test_several_files_are_merged_in_the_order_their_lines_came():
    buffer = LogBuffer()
    buffer.add(OUT, ["a"])
    buffer.add(ERR, ["b"])
    buffer.add(OUT, ["c"])

    assert merged(buffer) == [(OUT, "a"), (ERR, "b"), (OUT, "c")]


def test_only_the_newest_lines_are_kept():
    buffer = LogBuffer()

    buffer.add(OUT, map(str, range(LINES_KEPT + 5)))
    buffer.add(ERR, map(str, range(7)))

    assert len(buffer.lines(OUT)) == LINES_KEPT
    assert buffer.lines(OUT)[0] == "5"
    assert len(merged(buffer)) == LINES_KEPT
    assert merged(buffer)[-8:-6] == [(OUT, "20004"), (ERR, "0")]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("abcdefghij", ["abcdefghij"]),
        ("abcdefghijk", ["abcdefghij", "k"]),
        ("日本語日本語", ["日本語日本", "語"]),
        ("a\tbc", ["a\tbc"]),
        ("a\tbcd", ["a\tbc", "d"]),
        ("e\u0301" * 11, ["e\u0301" * 10, "e\u0301"]),
    ],
)
def test_lines_break_after_so_many_cells(text, rows):
    assert [text[start:end] for start, end in break_line(text, 10)] == rows


def test_cells_are_counted_as_terminals_do():
    assert [cell_count(text) for text in ("abc", "日本", "a\tb", "e\u0301", "🎉")] == [3, 4, 9, 1, 2]


def test_places_in_text_are_counted_as_qt_does():
    text = "a🎉b"

    assert [units(text, at) for at in range(4)] == [0, 1, 3, 4]
    assert [code_points(text, unit) for unit in (0, 1, 3, 4)] == [0, 1, 2, 3]


def numbered(*numbers):
    return [LogLine(f"{one}") for one in numbers]


def test_numbers_of_lines_stay_while_old_ones_are_dropped():
    lines = LogLines()
    lines.append(numbered(*range(LINES_KEPT)))
    assert lines.drop_oldest() == 0

    lines.append(numbered(*range(LINES_KEPT, LINES_KEPT + 3000)))

    assert lines.drop_oldest() == 3000
    assert (lines.first, lines.end, len(lines)) == (3000, LINES_KEPT + 3000, LINES_KEPT)
    assert lines[3000].text == "3000"
    assert 2999 not in lines


def test_rows_of_wrapped_lines_are_counted_through_dropping():
    lines = LogLines()
    lines.wrap(10)
    lines.append([LogLine("x" * 25), *numbered(*range(LINES_KEPT + 2000))])
    assert lines.row_count == LINES_KEPT + 2003

    assert lines.drop_oldest() == 2003
    lines.append([LogLine("y" * 11)])

    assert lines.row_count == LINES_KEPT + 2
    assert lines.place_of(0) == (lines.first, 0)
    assert lines.place_of(lines.row_count - 1) == (lines.end - 1, 1)
    assert lines.first_row(lines.end) == lines.row_count
    lines.wrap(None)
    assert lines.row_count == len(lines)


def test_plain_text_is_found_whatever_its_case():
    sought = Sought("Ab", is_regex=False)

    assert sought.is_in("xxAB")
    assert sought.spans("ab.AB.a") == [(0, 2), (3, 5)]
    assert not Sought("", is_regex=False)


def test_an_expression_is_found_at_its_characters():
    sought = Sought(r"id=\d+", is_regex=True)

    assert sought.spans("🎉 id=7, ID=8") == [(2, 6), (8, 12)]
    assert not sought.is_in("id=x")


def test_a_wrong_expression_finds_nothing_and_says_why():
    sought = Sought("(", is_regex=True)

    assert not sought
    assert sought.problem.startswith("not a regular expression: ")


def test_an_expression_that_backtracks_for_ever_gives_up():
    sought = Sought("(a+)+$", is_regex=True)

    assert not sought.is_in("a" * 4000 + "b")

    assert sought.is_slow
    assert sought.is_in("aaa")


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("completed id=7 queue=code attempt=1", 7),
        ("id=12 queue=code attempt=1: no", 12),
        ("\x1b[31mfailed\x1b[0m id=9", 9),
        ("grid=7 uuid=7 id=x pid=4", None),
        ("message 12 was sent", None),
    ],
)
def test_a_line_names_its_message(text, message_id):
    assert LogLine(text).message_id == message_id
