"""The log view: following and letting go, selecting and copying, finding, levels, the keyboard."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from PySide6.QtCore import QMargins, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QMenu, QVBoxLayout, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.widgets.log.lines import LINES_KEPT, LogLine, LogPlace
from pqdesk.gui.widgets.log.pane import LogPane
from tests.gui.fakes import said

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def pane(qtbot, theme):
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(700, 340)
    pane = LogPane(theme, ActionSet(page, theme, "Logs"), page)
    QVBoxLayout(page, contentsMargins=QMargins()).addWidget(pane)
    page.show()
    page.activateWindow()
    qtbot.waitExposed(page)
    return pane


@pytest.fixture
def log(pane):
    return pane.text


def lines(*numbers):
    return [LogLine(f"line {one}") for one in numbers]


def drain(qtbot, log):
    qtbot.waitUntil(lambda: log.is_settled)


def shown(log):
    """What is in sight."""
    return log._seen_text()[0].split("\n")


def press(qtbot, log, key, modifiers=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(log.mirror, key, modifiers)


def point_of(log, number, column):
    """Where a character is in the viewport."""
    row = log.lines.first_row(number) - log.verticalScrollBar().value()
    x = log._painter.body_px + column * log._painter.cell_px - log.horizontalScrollBar().value()
    return QPoint(round(x), 6 + row * log._painter.row_px + log._painter.row_px // 2)


def clipboard():
    return QGuiApplication.clipboard().text()


# --- what it shows ------------------------------------------------------------------------------------


def test_a_screen_reader_finds_a_text_called_log_with_the_lines_in_sight(qtbot, log):
    log.set_lines([LogLine("<b>not bold</b> & \x1b[31mred\x1b[0m", "consumer")])

    log.mirror.take()

    assert log.mirror.accessibleName() == "Log"
    assert log.mirror.isReadOnly()
    assert log.mirror.toPlainText() == "consumer  <b>not bold</b> & red"
    assert log.mirror.isVisible()
    assert not log.mirror.viewport().autoFillBackground()  # it would hide the lines


def test_it_is_drawn_in_both_themes_with_anything_in_it(qtbot, pane, theme):
    strange = ["\x1b[1;31mred\x1b[0m", "🎉 日本語\tx", "", "y" * 4096, "\u202e"]
    pane.set_lines([LogLine(text, "consumer", Role.ACCENT, is_error=True) for text in strange], "")
    pane._time.setChecked(True)
    pane._source.setChecked(True)
    pane.text.select_all()
    pane.find_bar.field.setText("e")

    for is_wrapped in (True, False):
        pane._wrap.setChecked(is_wrapped)
        theme.changed.emit()
        assert not pane.grab().isNull()


def test_an_empty_log_says_so(qtbot, pane):
    pane.set_lines([], "No output yet")
    assert pane.empty.isVisible()

    pane.append_lines(lines(1))

    assert not pane.empty.isVisible()


def test_time_and_source_columns_can_be_shown(qtbot, pane):
    pane.set_lines(
        [LogLine("x", "consumer", Role.ACCENT, True, datetime(2026, 11, 24, 14, 2, 7, tzinfo=UTC)), LogLine("y")], ""
    )

    pane._time.setChecked(True)
    pane._source.setChecked(True)

    assert pane.text.toPlainText() == "14:02:07  consumer  err  x\n          out  y"


# --- following ----------------------------------------------------------------------------------------


def test_the_newest_line_is_kept_in_sight(qtbot, log):
    log.append_lines(lines(*range(2000)))
    drain(qtbot, log)

    assert shown(log)[-1] == "line 1999"
    assert log.is_following


def test_scrolling_up_lets_go_and_counts_what_comes(qtbot, log):
    log.set_lines(lines(*range(200)))

    log.verticalScrollBar().setValue(50)
    log.append_lines(lines(*range(214)))
    drain(qtbot, log)

    assert not log.is_following
    assert shown(log)[0] == "line 50"
    assert log._jump.isVisible()
    assert log._jump.text() == "Jump to newest · 214 new lines"
    qtbot.mouseClick(log._jump, Qt.MouseButton.LeftButton)
    assert log.is_following
    assert not log._jump.isVisible()
    assert shown(log)[-1] == "line 213"


def test_end_follows_again(qtbot, log):
    log.set_lines(lines(*range(200)))
    log.verticalScrollBar().setValue(0)

    press(qtbot, log, Qt.Key.Key_End)

    assert log.is_following
    assert shown(log)[-1] == "line 199"


def test_a_selection_stays_in_place_and_following_goes_on_after_it(qtbot, log):
    log.set_lines(lines(*range(200)))
    log.select(LogPlace(log.lines.end - 1, 0), LogPlace(log.lines.end - 1, 8))
    before = shown(log)[0]

    log.append_lines(lines(*range(50)))
    drain(qtbot, log)
    press(qtbot, log, Qt.Key.Key_C, CONTROL)

    assert shown(log)[0] == before
    assert clipboard() == "line 199"
    assert log._jump.text() == "Jump to newest · 50 new lines"
    press(qtbot, log, Qt.Key.Key_Escape)
    assert log.is_following
    assert shown(log)[-1] == "line 49"


def test_a_flood_keeps_20000_lines_and_what_is_read_stays_in_place(qtbot, log):
    log.set_lines(lines(*range(LINES_KEPT)))
    log.verticalScrollBar().setValue(15_000)

    for first in range(0, 5000, 1250):
        log.append_lines(lines(*range(first, first + 1250)))
        drain(qtbot, log)

    assert LINES_KEPT <= len(log.lines) < LINES_KEPT + 2000
    assert shown(log)[0] == "line 15000"
    assert not log.is_following


def test_lines_that_are_dropped_make_way_at_the_top(qtbot, log):
    log.set_lines(lines(*range(LINES_KEPT)))
    log.verticalScrollBar().setValue(0)

    log.append_lines(lines(*range(3000)))
    drain(qtbot, log)

    assert shown(log)[0] == "line 3000"
    assert not log.is_following


def test_wrapping_keeps_the_line_on_top_and_the_end(qtbot, log):
    log.set_lines([LogLine(f"{one} " + "x" * 300) for one in range(100)])
    log.verticalScrollBar().setValue(40)

    log.set_wrapped(True)

    assert shown(log)[0].startswith("40 ")
    assert log.horizontalScrollBar().maximum() == 0
    log.follow()
    assert shown(log)[-1].startswith("99 ")
    log.set_wrapped(False)
    assert shown(log)[-1].startswith("99 ")
    assert log.horizontalScrollBar().maximum() > 0


def test_of_a_long_line_what_is_in_sight_is_drawn_and_places_in_it_are_found(qtbot, log):
    log.set_lines([LogLine("x" * 4000 + "end of it"), LogLine("é" * 4000 + "!")])
    bar = log.horizontalScrollBar()

    bar.setValue(bar.maximum())
    log.viewport().repaint()

    assert all(end - start < 512 for number, start, end in log._painter._layouts if number == log.lines.first)
    place = log.place_at(point_of(log, log.lines.first, 4004))
    assert place == LogPlace(log.lines.first, 4004)
    assert log.place_at(point_of(log, log.lines.first + 1, 3990)).column in range(3980, 4001)


# --- mouse and keyboard -------------------------------------------------------------------------------


def test_dragging_selects_and_copy_leaves_the_names_out(qtbot, log):
    log.set_lines([LogLine("one", "consumer", Role.ACCENT), LogLine("two", "producer")])
    log.set_columns(type(log.columns)(prefix_cells=8))
    first = log.lines.first
    view = log.viewport()

    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=point_of(log, first, 1))
    qtbot.mouseMove(view, point_of(log, first + 1, 2))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=point_of(log, first + 1, 2))

    assert log.selected_text() == "ne\ntw"
    press(qtbot, log, Qt.Key.Key_C, CONTROL)
    assert clipboard() == "ne\ntw"
    press(qtbot, log, Qt.Key.Key_C, CONTROL | SHIFT)
    assert clipboard() == "consumer  ne\nproducer  tw"


def test_a_double_click_takes_the_word_and_a_third_the_line(qtbot, log):
    log.set_lines([LogLine("completed id=7 queue=code")])
    place = point_of(log, log.lines.first, 3)

    qtbot.mouseClick(log.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(log.viewport(), Qt.MouseButton.LeftButton, pos=place)

    assert log.selected_text() == "completed"
    qtbot.mouseClick(log.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert log.selected_text() == "completed id=7 queue=code"


def test_dragging_beyond_the_edge_scrolls_on(qtbot, log):
    log.set_lines(lines(*range(200)))
    log.verticalScrollBar().setValue(0)
    view = log.viewport()

    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=point_of(log, log.lines.first, 0))
    qtbot.mouseMove(view, QPoint(50, view.height() + 40))
    qtbot.waitUntil(lambda: log.verticalScrollBar().value() > 10)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(50, view.height() + 40))

    assert log.selected_text().startswith("line 0\nline 1\n")
    assert log.selected_text().count("\n") > log.page_rows


def test_a_click_takes_the_selection_away(qtbot, log):
    log.set_lines(lines(*range(5)))
    press(qtbot, log, Qt.Key.Key_A, CONTROL)
    assert log.selected_text().count("\n") == 4

    qtbot.mouseClick(log.viewport(), Qt.MouseButton.LeftButton, pos=point_of(log, log.lines.first, 2))

    assert not log.selection
    assert log.current_line == log.lines.first


def test_arrows_go_from_line_to_line_and_select_with_shift(qtbot, log):
    log.set_lines(lines(*range(200)))

    press(qtbot, log, Qt.Key.Key_Up)
    press(qtbot, log, Qt.Key.Key_Up)
    press(qtbot, log, Qt.Key.Key_Up, SHIFT)

    assert log.lines[log.current_line].text == "line 197"
    assert log.selected_text() == "line 197\nline 198"
    assert not log.is_following
    press(qtbot, log, Qt.Key.Key_PageUp)
    assert not log.selection
    assert log.current_line < log.lines.first + 197
    press(qtbot, log, Qt.Key.Key_Home)
    assert shown(log)[0] == "line 0"


def test_the_keyboard_leaves_the_log_with_tab(qtbot, pane):
    pane.activateWindow()
    pane.text.mirror.setFocus()
    qtbot.waitUntil(pane.text.mirror.hasFocus)

    press(qtbot, pane.text, Qt.Key.Key_Tab)

    assert not pane.text.mirror.hasFocus()


def test_enter_and_ctrl_click_ask_for_the_message_of_a_line(qtbot, pane, log):
    log.set_lines([LogLine("completed id=123 queue=code"), LogLine("nothing")])
    asked = []
    pane.message_asked.connect(asked.append)

    log.set_current_line(log.lines.first)
    press(qtbot, log, Qt.Key.Key_Return)
    qtbot.mouseClick(log.viewport(), Qt.MouseButton.LeftButton, CONTROL, point_of(log, log.lines.first, 1))
    qtbot.mouseClick(log.viewport(), Qt.MouseButton.LeftButton, CONTROL, point_of(log, log.lines.first + 1, 1))

    assert asked == [123, 123]


def test_the_menu_names_the_message_and_says_what_cannot_be_done(qtbot, pane, log):
    log.set_lines([LogLine("completed id=123 queue=code")])
    asked = []
    pane.message_asked.connect(asked.append)
    log.set_current_line(log.lines.first)

    log.mirror.menu_asked.emit()
    menu = log.findChild(QMenu, "log_menu")
    texts = [(action.text(), action.isEnabled()) for action in menu.actions() if not action.isSeparator()]
    menu.actions()[0].trigger()
    menu.close()

    assert texts == [("Show message 123", True), ("Copy", False), ("Copy with names", False), ("Select all", True)]
    assert asked == [123]
    assert all(action in pane.parentWidget().actions() for action in menu.actions() if not action.isSeparator())


# --- finding ------------------------------------------------------------------------------------------


def find(qtbot, pane, text):
    qtbot.keyClicks(pane.find_bar.field, text)
    qtbot.waitUntil(lambda: not pane.find_bar.finder.is_looking)


def test_find_counts_and_goes_upwards_then_round(qtbot, pane):
    pane.set_lines(lines(1, 2, 3, 21, 4), "")

    find(qtbot, pane, "line 2")

    assert said(pane, "log_find_count") == "2 lines"
    qtbot.keyClick(pane.find_bar.field, Qt.Key.Key_Return)
    assert pane.text.lines[pane.text.current_line].text == "line 21"
    assert pane.text.selected_text() == "line 2"
    assert said(pane, "log_find_count") == "2 of 2"
    qtbot.keyClick(pane.find_bar.field, Qt.Key.Key_Return)
    qtbot.keyClick(pane.find_bar.field, Qt.Key.Key_Return)
    assert pane.text.lines[pane.text.current_line].text == "line 21"
    pane.text.mirror.setFocus()
    press(qtbot, pane.text, Qt.Key.Key_F3, SHIFT)
    assert pane.text.lines[pane.text.current_line].text == "line 2"


def test_hits_are_marked_and_the_lines_around_them_stay(qtbot, pane):
    pane.set_lines(lines(*range(5)), "")

    find(qtbot, pane, "3")

    first = pane.text.lines.first
    marks = [pane.text._marks(number, line) for number, line in pane.text.lines.numbered(first, first + 5)]
    assert [len(one) for one in marks] == [0, 0, 0, 1, 0]
    assert len(pane.text.lines) == 5


def test_what_comes_later_is_found_too(qtbot, pane):
    pane.set_lines(lines(1), "")
    find(qtbot, pane, "line")

    pane.append_lines(lines(2, 3))

    qtbot.waitUntil(lambda: said(pane, "log_find_count") == "3 lines")


def test_a_wrong_and_a_slow_expression_are_told(qtbot, pane):
    pane.set_lines([LogLine("a" * 4000 + "b")] * 300, "")
    pane.find_bar.regex.setChecked(True)

    find(qtbot, pane, "(a+")
    assert said(pane, "log_find_count") == "Bad pattern"
    find(qtbot, pane, ")+$")

    assert said(pane, "log_find_count") == "Too slow"
    assert "too many steps" in pane.findChild(QLabel, "log_find_count").toolTip()


def test_slash_in_the_log_begins_to_find_what_is_selected(qtbot, pane):
    pane.set_lines(lines(7), "")
    pane.activateWindow()
    first = pane.text.lines.first
    pane.text.select(LogPlace(first, 0), LogPlace(first, 4))

    press(qtbot, pane.text, Qt.Key.Key_Slash)

    assert pane.find_bar.field.text() == "line"
    qtbot.waitUntil(lambda: not pane.find_bar.finder.is_looking)


# --- levels and clearing ------------------------------------------------------------------------------


def choose_level(pane, text):
    pane._level.setCurrentIndex(pane._level.findText(text))


def test_a_level_hides_what_is_below_it_and_loses_nothing(qtbot, pane):
    pane.set_lines([LogLine("INFO a"), LogLine("ERROR b"), LogLine("  because")], "")

    choose_level(pane, "Error and above")
    pane.append_lines([LogLine("DEBUG c"), LogLine("CRITICAL d")])
    drain(qtbot, pane.text)

    assert pane.text.toPlainText() == "ERROR b\n  because\nCRITICAL d"
    choose_level(pane, "All levels")
    assert pane.text.toPlainText().count("\n") == 4


def test_another_level_keeps_what_is_read_in_sight(qtbot, pane):
    numbers = count()
    pane.set_lines([LogLine(f"{level} {next(numbers)}") for _ in range(300) for level in ("INFO", "ERROR")], "")
    pane.text.verticalScrollBar().setValue(200)
    assert shown(pane.text)[0] == "INFO 200"

    choose_level(pane, "Error and above")

    assert shown(pane.text)[0] == "ERROR 201"


def test_nothing_of_a_level_says_so_and_leads_back(qtbot, pane):
    pane.set_lines([LogLine("INFO a")], "")

    choose_level(pane, "Critical")
    assert pane.empty.isVisible()
    pane.empty.pressed.emit()

    assert pane._level.currentText() == "All levels"
    assert not pane.empty.isVisible()


def test_clear_view_tells_and_new_lines_appear(qtbot, pane):
    pane.set_lines(lines(1), "")
    with qtbot.waitSignal(pane.cleared):
        pane._clear.click()
    assert pane.text.toPlainText() == ""

    pane.append_lines(lines(2))
    drain(qtbot, pane.text)

    assert pane.text.toPlainText() == "line 2"
