"""The dialogs: what they say, what they accept, and that Cancel is what Enter does before a loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QMessageBox, QPushButton, QWidget

from pqdesk.gui.dialogs import questions
from pqdesk.gui.dialogs.create_workspace import CreateWorkspaceDialog
from pqdesk.gui.dialogs.help import AboutDialog, ShortcutsDialog
from pqdesk.gui.theme import Theme
from pqdesk.messages.records import Counts
from pqdesk.supervision.records import WorkerState
from tests.gui.shell_fakes import make_replica, make_status


@pytest.fixture
def host(qtbot) -> QWidget:
    host = QWidget()
    qtbot.addWidget(host)
    host.show()
    return host


def press(box: QWidget, text: str) -> None:
    next(one for one in box.findChildren(QPushButton) if one.text() == text).click()


def test_removing_the_demo_asks_and_cancel_is_the_default(qtbot, host: QWidget) -> None:
    done: list[bool] = []
    box = questions.ask_remove_demo(host, "/data/demo", lambda: done.append(True))
    assert "/data/demo" in box.informativeText()
    assert "cannot be undone" in box.informativeText()
    assert box.defaultButton().text() == "Cancel"

    press(box, "Cancel")
    assert done == []

    press(questions.ask_remove_demo(host, "/data/demo", lambda: done.append(True)), "Remove the demo")
    assert done == [True]


@pytest.mark.parametrize(
    ("running", "words"),
    [(0, "No message is in hand."), (1, "1 message in hand is finished first."), (3, "3 messages in hand are")],
)
def test_stopping_says_how_many_messages_are_in_hand(qtbot, host: QWidget, running: int, words: str) -> None:
    status = make_status(make_replica("consumer"), make_replica("producer", WorkerState.STOPPED))

    box = questions.ask_stop_and_quit(host, status, Counts(running=running), lambda: None)

    assert words in box.informativeText()
    assert "consumer, and supervisord" in box.informativeText()
    box.reject()


def test_a_location_is_never_read_as_rich_text(qtbot, host: QWidget) -> None:
    box = questions.ask_remove_demo(host, "<b>/data</b>", lambda: None)

    assert "<b>/data</b>" in box.informativeText()
    assert box.textFormat().name == "PlainText"
    box.reject()


def test_a_new_workspace_needs_a_plain_name_and_a_folder(qtbot, host: QWidget, tmp_path: Path) -> None:
    dialog = CreateWorkspaceDialog(tmp_path, host)
    qtbot.addWidget(dialog)
    name, create = dialog.findChild(QLineEdit, "workspace_name_field"), dialog.findChild(QPushButton, "create_button")
    assert name is not None
    assert create is not None

    for bad in ("", " ", "a/b", "..", "."):
        name.setText(bad)
        assert not create.isEnabled(), bad

    name.setText(" jobs ")
    with qtbot.waitSignal(dialog.create_asked) as asked:
        create.click()
    assert asked.args == [tmp_path / "jobs"]


def test_about_tells_the_versions(qtbot, host: QWidget, theme: Theme) -> None:
    dialog = AboutDialog("/data/jobs", theme, host)
    qtbot.addWidget(dialog)

    text = "\n".join(label.text() for label in dialog.findChildren(QLabel))

    for word in ("SQLite", "3.", "Qt", "PySide6", "Python", "/data/jobs", "MIT"):
        assert word in text


def test_the_list_of_shortcuts(qtbot, host: QWidget, theme: Theme) -> None:
    dialog = ShortcutsDialog([("Ctrl+Q", "Quit")], theme, host)
    qtbot.addWidget(dialog)

    assert "Ctrl+Q" in [label.text() for label in dialog.findChildren(QLabel)]


def test_the_note_before_the_first_quit(qtbot, host: QWidget) -> None:
    done: list[bool] = []
    box = questions.tell_before_quit(host, lambda: done.append(True))
    assert isinstance(box, QMessageBox)

    press(box, "Quit")

    assert done == [True]
