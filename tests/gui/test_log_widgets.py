"""Logs in the window: colours of terminals, what is kept, following and letting go."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor

from pqdesk.gui.palette import Role
from pqdesk.gui.widgets.ansi import Stretch, parse_ansi
from pqdesk.gui.widgets.log_buffer import LINES_KEPT, LogBuffer, new_of_tail
from pqdesk.gui.widgets.log_pane import LogPane
from pqdesk.gui.widgets.log_text import LogLine, LogText

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


def test_a_file_followed_again_gives_only_what_is_new():
    buffer = LogBuffer()
    buffer.add_tail(OUT, ["1", "2", "3"])

    news = buffer.add_tail(OUT, ["2", "3", "4"])

    assert list(news) == ["4"]
    assert buffer.lines(OUT) == ["1", "2", "3", "4"]


def test_a_gap_is_marked():
    assert list(new_of_tail(["1", "2"], ["7", "8"])) == ["… lines in between are in the file …", "7", "8"]
    assert list(new_of_tail([], ["7"])) == ["7"]
    assert list(new_of_tail(["1"], [])) == []


def test_several_files_are_merged_in_the_order_their_lines_came():
    buffer = LogBuffer()
    buffer.add(OUT, ["a"])
    buffer.add(ERR, ["b"])
    buffer.add(OUT, ["c"])

    assert buffer.merged([OUT, ERR]) == [(OUT, "a"), (ERR, "b"), (OUT, "c")]


def test_only_the_newest_lines_are_kept():
    buffer = LogBuffer()

    buffer.add(OUT, map(str, range(LINES_KEPT + 5)))

    assert len(buffer.lines(OUT)) == LINES_KEPT
    assert buffer.lines(OUT)[0] == "5"


@pytest.fixture
def log(qtbot, theme):
    log = LogText(theme)
    qtbot.addWidget(log)
    log.resize(600, 300)
    log.show()
    qtbot.waitExposed(log)
    return log


def lines(*numbers):
    return [LogLine(f"line {one}") for one in numbers]


def drain(qtbot, log):
    qtbot.waitUntil(lambda: not log._pending, timeout=20_000)


def top_line(log):
    return log.firstVisibleBlock().text()


def test_it_is_called_log_and_shows_plain_text(qtbot, log):
    log.append_lines([LogLine("<b>not bold</b> & \x1b[31mred\x1b[0m")])
    drain(qtbot, log)

    assert log.accessibleName() == "Log"
    assert log.isReadOnly()
    assert log.toPlainText() == "<b>not bold</b> & red"
    formats = log.document().firstBlock().layout().formats()
    assert [(one.start, one.length) for one in formats] == [(18, 3)]


def test_the_newest_line_is_kept_in_sight(qtbot, log):
    log.append_lines(lines(*range(2000)))
    drain(qtbot, log)

    assert log.verticalScrollBar().value() == log.verticalScrollBar().maximum() > 0
    assert log.is_following


def test_scrolling_up_lets_go_and_counts_what_comes(qtbot, log):
    log.append_lines(lines(*range(200)))
    drain(qtbot, log)

    log.verticalScrollBar().setValue(50)
    before = top_line(log)
    log.append_lines(lines(*range(214)))
    drain(qtbot, log)

    assert not log.is_following
    assert top_line(log) == before
    assert log._jump.isVisible()
    assert log._jump.text() == "Jump to newest · 214 new lines"
    qtbot.mouseClick(log._jump, Qt.MouseButton.LeftButton)
    assert log.is_following
    assert not log._jump.isVisible()
    assert log.verticalScrollBar().value() == log.verticalScrollBar().maximum()


def test_end_follows_again(qtbot, log):
    log.append_lines(lines(*range(200)))
    drain(qtbot, log)
    log.verticalScrollBar().setValue(0)

    qtbot.keyClick(log, Qt.Key.Key_End)

    assert log.is_following


def test_a_selection_stays_in_sight_and_following_goes_on_after_it(qtbot, log):
    log.append_lines(lines(*range(200)))
    drain(qtbot, log)
    cursor = log.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.select(QTextCursor.SelectionType.LineUnderCursor)
    log.setTextCursor(cursor)
    before = log.verticalScrollBar().value()

    log.append_lines(lines(*range(50)))
    drain(qtbot, log)

    assert log.verticalScrollBar().value() == before
    assert log.textCursor().selectedText() == "line 199"
    cursor.clearSelection()
    log.setTextCursor(cursor)
    assert log.is_following
    assert log.verticalScrollBar().value() == log.verticalScrollBar().maximum()


def test_a_flood_keeps_20000_lines_and_what_is_read_stays_in_place(qtbot, log):
    log.append_lines(lines(*range(LINES_KEPT)))
    drain(qtbot, log)
    log.verticalScrollBar().setValue(15_000)
    before = top_line(log)

    for first in range(0, 5000, 1250):
        log.append_lines(lines(*range(first, first + 1250)))
        drain(qtbot, log)

    assert log.document().blockCount() <= LINES_KEPT + 200
    assert top_line(log) == before
    assert not log.is_following


def test_what_is_copied_leaves_the_names_out(qtbot, log):
    log.append_lines([LogLine("one", "consumer", Role.ACCENT), LogLine("two", "producer")])
    drain(qtbot, log)
    assert log.toPlainText() == "consumer  one\nproducer  two"

    log.selectAll()

    assert log.createMimeDataFromSelection().text() == "one\ntwo"


def test_a_new_theme_colours_the_lines_anew(qtbot, log, theme):
    log.append_lines([LogLine("\x1b[31mred")])
    drain(qtbot, log)

    theme.changed.emit()

    assert log.toPlainText() == "red"
    assert log.document().firstBlock().layout().formats()


def test_find_marks_every_hit_in_sight_and_goes_to_the_next(qtbot, theme):
    pane = LogPane(theme)
    qtbot.addWidget(pane)
    pane.resize(700, 400)
    pane.show()
    qtbot.waitExposed(pane)
    pane.set_lines(lines(1, 2, 3, 21), "No output yet")

    qtbot.keyClicks(pane._find, "line 2")

    assert len(pane.text.extraSelections()) == 2
    qtbot.keyClick(pane._find, Qt.Key.Key_Return)
    assert pane.text.textCursor().selectedText() == "line 2"
    assert pane.text.textCursor().blockNumber() == 3


def test_an_empty_log_says_so(qtbot, theme):
    pane = LogPane(theme)
    qtbot.addWidget(pane)
    pane.show()
    pane.set_lines([], "No output yet")
    assert pane.empty.isVisible()

    pane.append_lines(lines(1))

    assert not pane.empty.isVisible()
