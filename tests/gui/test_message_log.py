"""The tab Log of a message: its lines, and the way to the logs page."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton, QTabWidget

from pqdesk.clock import SystemClock
from pqdesk.gui.pages.messages.messages_page import MessagesPage
from pqdesk.gui.shell.routes import Route
from pqdesk.messages.states import State
from pqdesk.supervision.logs.message_lines import FoundLine, FoundLines
from tests.gui.fakes import said
from tests.gui.log_fakes import FakeLink
from tests.gui.message_files import MessageFile, make_messages
from tests.gui.shell_fakes import make_replica, make_status

CONSUMER, PRODUCER = make_replica("consumer"), make_replica("producer")
BOTH_LOGS = ("producer.out.log", "producer.err.log", "consumer.out.log", "consumer.err.log")


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def file(qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "consumer")
    make_messages(tmp_path / "w", 8)
    file = MessageFile(tmp_path / "w")
    file.turn(State.RUNNING, 8)
    yield file
    file.close()


@pytest.fixture
def page(qtbot, link, file, theme, clock):
    clock.advance(SystemClock().wall_us() / 1e6 - clock.wall_us() / 1e6)
    page = MessagesPage(file.reader, file.actor, theme, clock, link)
    qtbot.addWidget(page)
    page.resize(1300, 700)
    page.show()
    qtbot.waitExposed(page)
    page.set_live(True)
    file.tell()
    qtbot.waitUntil(lambda: page.table.model().rowCount() == 8)
    link.status_changed.emit(make_status(CONSUMER, PRODUCER))
    return page


def show_log(qtbot, page, message_id):
    page.table.choose(message_id)
    qtbot.waitUntil(lambda: page.detail.shown_id == message_id)
    tabs = page.findChild(QTabWidget, "detail_tabs")
    tabs.setCurrentWidget(page.detail.log)


def answer(link, *lines, **values):
    token = link.logs.searched[-1][2]
    found = tuple(FoundLine(path, text) for path, text in lines)
    link.logs.message_searched.emit(token, FoundLines(found, **values))


def test_the_lines_of_the_message_are_shown_under_the_names_of_their_workers(qtbot, page, link):
    show_log(qtbot, page, 7)
    assert link.logs.searched[-1][:2] == (BOTH_LOGS, 7)

    answer(link, (PRODUCER.stdout_log, "put id=7"), (CONSUMER.stdout_log, "completed id=7"))

    assert page.detail.log.text.toPlainText() == "producer  put id=7\nconsumer  completed id=7"
    assert page.detail.log._caption.text() == "2 lines"


def test_a_replica_that_is_gone_since_has_left_its_log(qtbot, page, link):
    """The message's attempt was of `consumer`, which was scaled down or removed."""
    link.status_changed.emit(make_status(PRODUCER))
    show_log(qtbot, page, 7)
    assert link.logs.searched[-1][0] == BOTH_LOGS

    answer(link, (CONSUMER.stdout_log, "completed id=7"))

    assert page.detail.log.text.toPlainText() == "consumer  completed id=7"


def test_nothing_is_searched_before_the_tab_is_seen(qtbot, page, link):
    page.table.choose(7)
    qtbot.waitUntil(lambda: page.detail.shown_id == 7)

    assert link.logs.searched == []


def test_no_lines_and_what_was_not_searched_are_told(qtbot, page, link):
    show_log(qtbot, page, 7)

    answer(link, skipped_bytes=3 * 1024 * 1024)

    assert page.detail.log._empty.isVisible()
    assert said(page, "message_log_empty_title") == "No line names message 7"
    assert said(page, "message_log_empty_text") == "the oldest 3.0 MiB not searched"


def test_another_message_leaves_nothing_of_the_one_before(qtbot, page, link):
    show_log(qtbot, page, 7)
    answer(link, (CONSUMER.stdout_log, "completed id=7"))
    before = link.logs.searched[-1][2]

    show_log(qtbot, page, 8)
    link.logs.message_searched.emit(before, FoundLines((FoundLine(CONSUMER.stdout_log, "completed id=7"),)))

    assert page.detail.log.text.toPlainText() == ""
    assert link.logs.searched[-1][1] == 8


def test_while_a_message_runs_its_lines_are_looked_for_again(qtbot, page, link):
    show_log(qtbot, page, 8)
    answer(link, (CONSUMER.stdout_log, "begun id=8"))
    before = len(link.logs.searched)

    for _ in range(3):
        page.controller._on_detail_tick()

    assert len(link.logs.searched) == before + 1


def test_a_button_leads_to_the_logs_at_that_time(qtbot, page, link):
    show_log(qtbot, page, 7)
    answer(link, (PRODUCER.stdout_log, "put id=7"), (CONSUMER.stdout_log, "completed id=7"))

    with qtbot.waitSignal(page.route_asked) as asked:
        page.findChild(QPushButton, "open_in_logs").click()

    assert asked.args == [Route("logs", filter="id:7", subject="consumer")]


def test_a_workspace_without_workers_has_no_logs(qtbot, page, link):
    link.status_changed.emit(make_status())

    show_log(qtbot, page, 7)

    assert said(page, "message_log_empty_title") == "No logs"
    assert link.logs.searched == []
