"""What fills a log pane, whatever page it is on."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from pqdesk.gui.log_feed import LogFeed
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.widgets.log.pane import LogPane
from pqdesk.supervision.logs.message_lines import LinesAround
from tests.gui.fakes import said
from tests.gui.log_fakes import FakeLogs
from tests.gui.shell_fakes import make_replica

FIRST, SECOND = make_replica("pair"), make_replica("pair-2")


@pytest.fixture
def logs():
    return FakeLogs()


@pytest.fixture
def pane(qtbot, theme):
    owner = QWidget()
    qtbot.addWidget(owner)
    pane = LogPane(theme, ActionSet(owner, theme))
    qtbot.addWidget(pane)
    pane.resize(900, 400)
    pane.show()
    return pane


@pytest.fixture
def feed(pane, logs, clock):
    feed = LogFeed("here", pane, logs, clock)
    feed.set_live(True)
    feed.show_processes("pair", (FIRST, SECOND), nothing="Nobody")
    return feed


def shown(qtbot, pane):
    qtbot.waitUntil(lambda: pane.text.is_settled)
    return [line.split()[-1] for line in pane.text.toPlainText().splitlines()]


def at(ms, word):
    return f"2026-11-30T18:22:20.{ms:03d}Z {word}"


def test_the_history_of_replicas_is_merged_by_its_times(qtbot, feed, pane, logs):
    logs.tail_read.emit("here", FIRST.stdout_log, [at(2, "two"), at(4, "four")])
    logs.tail_read.emit("here", SECOND.stdout_log, [at(1, "one"), at(3, "three")])

    qtbot.waitUntil(lambda: shown(qtbot, pane) == ["one", "two", "three", "four"])


def test_what_another_asked_for_is_not_shown(qtbot, feed, pane, logs):
    logs.tail_read.emit("elsewhere", FIRST.stdout_log, ["not ours"])

    assert shown(qtbot, pane) == []


def test_choosing_the_same_again_leaves_the_place(qtbot, feed, pane, logs):
    logs.lines_read.emit(FIRST.stdout_log, [f"line {number}" for number in range(200)])
    qtbot.waitUntil(lambda: pane.text.lines.end == 200)
    pane.text.verticalScrollBar().setValue(10)

    feed.show_processes("pair", (FIRST, SECOND), nothing="Nobody")

    assert pane.text.verticalScrollBar().value() == 10


def test_choosing_anew_goes_back_from_what_stands_around_a_message(qtbot, feed, pane, logs):
    logs.lines_read.emit(FIRST.stdout_log, ["now"])
    feed.show_around(7)
    logs.around_found.emit(logs.sought_around[-1][2], LinesAround(FIRST.stdout_log, ("then",), 0))
    assert shown(qtbot, pane) == ["then"]

    feed.show_processes("pair", (FIRST, SECOND), nothing="Nobody")

    assert shown(qtbot, pane) == ["now"]
    assert feed.excerpt.isHidden()


STREAMS = {"Output and errors": "No output yet", "Output": "No output yet", "Errors": "No errors yet"}


@pytest.mark.parametrize(("stream", "words"), STREAMS.items())
def test_an_empty_log_says_what_there_is_none_of(feed, pane, stream, words):
    pane.stream.setCurrentText(stream)

    assert said(pane, "log_empty_title") == words


def test_where_nothing_is_chosen_the_page_says_why(feed, pane):
    feed.show_processes("", (), nothing="Select a worker")

    assert said(pane, "log_empty_title") == "Select a worker"
