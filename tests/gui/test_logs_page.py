"""The logs page over a link that says what the test wants."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton

from pqdesk.gui.pages.logs.logs_page import LogsPage
from pqdesk.gui.shell.routes import Route
from pqdesk.supervision.logs.message_lines import LinesAround
from pqdesk.supervision.records import WorkerState
from tests.gui.fakes import said
from tests.gui.log_fakes import FakeLink
from tests.gui.shell_fakes import make_replica, make_status

RUNNING = make_replica("consumer")
STOPPED = make_replica("producer", WorkerState.STOPPED)


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def page(qtbot, link, theme, clock):
    page = LogsPage(link, theme, clock)
    qtbot.addWidget(page)
    page.resize(1060, 600)
    page.show()
    qtbot.waitExposed(page)
    page.set_live(True)
    link.status_changed.emit(make_status(RUNNING, STOPPED))
    return page


def text(qtbot, page):
    qtbot.waitUntil(lambda: page.log.text.is_settled)
    return page.log.text.toPlainText()


def write_some(link):
    link.logs.tail_read.emit("logs page", RUNNING.stdout_log, ["done 1"])
    link.logs.tail_read.emit("logs page", STOPPED.stdout_log, ["put 2"])
    link.logs.lines_read.emit(RUNNING.stderr_log, ["oh"])


def test_workers_are_merged_under_their_names(qtbot, page, link):
    write_some(link)

    assert text(qtbot, page) == "consumer  done 1\nproducer  put 2\nconsumer  oh"
    assert page.log.title.text() == "All workers"


def test_lines_of_all_workers_come_in_the_order_of_their_times_history_included(qtbot, page, link):
    def at(ms, text):
        return f"2026-11-30T18:22:20.{ms:03d}Z {text}"

    link.logs.tail_read.emit("logs page", RUNNING.stdout_log, [at(2, "two"), "raw", at(4, "four")])
    link.logs.tail_read.emit("logs page", RUNNING.stderr_log, [at(3, "three"), at(5, "five")])
    link.logs.tail_read.emit("logs page", STOPPED.stdout_log, [at(1, "one"), at(6, "six")])
    link.logs.lines_read.emit(RUNNING.stdout_log, [at(7, "seven")])

    words = ["one", "two", "raw", "three", "four", "five", "six", "seven"]
    qtbot.waitUntil(lambda: [line.split()[-1] for line in text(qtbot, page).splitlines()] == words)


def test_one_worker_needs_no_name_and_both_its_streams_are_followed(qtbot, page, link):
    write_some(link)

    page.go(Route("logs", subject="consumer"))

    assert text(qtbot, page) == "done 1\noh"
    assert link.logs.followed["logs page"] == ("consumer.out.log", "consumer.err.log")
    assert page.action_set["log_open_file"].isEnabled()


def test_several_are_chosen_and_stay_chosen_by_name(qtbot, page, link):
    page._list.clearSelection()
    for row in (1, 2):
        page._list.item(row).setSelected(True)
    assert page.log.title.text() == "2 workers"

    link.status_changed.emit(make_status(RUNNING, make_replica("more"), STOPPED))

    assert [one.process for one in page._list.chosen] == ["consumer", "producer"]
    assert "more.out.log" not in link.logs.followed["logs page"]


def test_the_stream_filter_hides_and_loses_nothing(qtbot, page, link):
    page.go(Route("logs", subject="consumer"))

    page.log.stream.setCurrentText("Errors")
    write_some(link)
    assert text(qtbot, page) == "oh"
    page.log.stream.setCurrentText("Output and errors")

    assert text(qtbot, page) == "done 1\noh"


def test_going_to_another_worker_keeps_the_lines_of_the_first(qtbot, page, link):
    page.go(Route("logs", subject="consumer"))
    write_some(link)
    page.go(Route("logs", subject="producer"))
    assert text(qtbot, page) == ""

    page.go(Route("logs", subject="consumer"))

    assert text(qtbot, page) == "done 1\noh"


def test_it_follows_only_while_it_is_live(page, link):
    page.set_live(False)
    assert link.logs.followed["logs page"] == ()

    page.set_live(True)

    assert len(link.logs.followed["logs page"]) == 4


def test_what_cannot_be_read_is_told_in_its_place(qtbot, page, link):
    link.logs.failed.emit(RUNNING.stdout_log, "Permission denied")

    assert text(qtbot, page) == f"consumer  … cannot read {RUNNING.stdout_log}: Permission denied …"


def test_clearing_the_file_asks_first(qtbot, page, link):
    page.go(Route("logs", subject="consumer"))
    write_some(link)

    page.action_set["log_clear_file"].trigger()
    box = page.findChild(QMessageBox, "clear_log_dialog")
    assert link.logs.cleared == []
    next(one for one in box.findChildren(QPushButton) if one.text() == "Clear log file").click()

    assert link.logs.cleared == [("consumer.out.log", "consumer.err.log")]
    assert text(qtbot, page) == ""


def test_clear_view_stays_cleared_when_one_comes_back(qtbot, page, link):
    page.go(Route("logs", subject="consumer"))
    write_some(link)

    page.log._clear.click()
    page.go(Route("logs", subject="producer"))
    page.go(Route("logs", subject="consumer"))

    assert text(qtbot, page) == ""


def test_an_empty_workspace_says_so(qtbot, link, theme, clock):
    page = LogsPage(link, theme, clock)
    qtbot.addWidget(page)
    page.show()

    link.status_changed.emit(make_status())

    assert page.log.empty.isVisible()
    assert said(page, "log_empty_title") == "No workers defined"


def test_lines_read_now_have_a_time(qtbot, page, link):
    page.go(Route("logs", subject="consumer"))
    page.log._time.setChecked(True)

    write_some(link)

    shown = text(qtbot, page).split("\n")
    assert shown[0] == " " * 10 + "done 1"
    assert shown[1][2] == shown[1][5] == ":"


def around(page, link):
    """What the log reader answers."""
    lines = tuple(f"old {number}" for number in range(300))
    link.logs.around_found.emit(page.feed._token, LinesAround(RUNNING.stdout_log, lines, 100))


def test_what_stands_around_a_message_is_shown_until_one_goes_back(qtbot, page, link):
    write_some(link)

    page.go(Route("logs", filter="id:7", subject="consumer"))
    around(page, link)
    link.logs.lines_read.emit(RUNNING.stdout_log, ["done 2"])

    assert link.logs.sought_around == [(("consumer.out.log", "consumer.err.log"), 7, 1)]
    log = page.log.text
    assert log.lines[log.current_line].text == "old 100"
    assert not log.is_following
    assert "done 2" not in text(qtbot, page)
    assert page.feed.excerpt.isVisible()
    page.feed.excerpt.pressed.emit()
    assert text(qtbot, page) == "done 1\noh\ndone 2"
    assert not page.feed.excerpt.isVisible()
    assert log.is_following


def test_the_newest_line_is_not_the_end_of_what_is_shown_around_a_message(qtbot, page, link):
    write_some(link)
    page.go(Route("logs", filter="id:7", subject="consumer"))
    around(page, link)

    qtbot.keyClick(page.log.text.mirror, Qt.Key.Key_End)

    assert text(qtbot, page) == "done 1\noh"


def test_a_message_without_lines_is_told(qtbot, page, link):
    told = []
    page.told.connect(lambda text, _is_error: told.append(text))

    page.go(Route("logs", filter="id:7", subject="consumer"))
    link.logs.around_found.emit(page.feed._token, None)

    assert told == ["No line names message 7 in the log of consumer"]
    assert not page.feed.excerpt.isVisible()


def test_an_answer_to_an_older_question_is_dropped(qtbot, page, link):
    page.go(Route("logs", filter="id:7", subject="consumer"))
    page.go(Route("logs", filter="id:8", subject="consumer"))

    link.logs.around_found.emit(1, LinesAround(RUNNING.stdout_log, ("old",), 0))

    assert not page.feed.excerpt.isVisible()


def test_a_line_leads_to_its_message(qtbot, page, link):
    page.go(Route("logs", subject="consumer"))
    link.logs.lines_read.emit(RUNNING.stdout_log, ["completed id=123 queue=code"])
    text(qtbot, page)

    with qtbot.waitSignal(page.route_asked) as asked:
        page.log.text.set_current_line(page.log.text.lines.first)
        qtbot.keyClick(page.log.text.mirror, Qt.Key.Key_Return)

    assert asked.args == [Route("messages", filter="id:123")]
