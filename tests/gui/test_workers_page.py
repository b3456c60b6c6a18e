"""The workers and logs pages over a link that says what the test wants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QPushButton, QTableView

from pqdesk.gui.pages.logs.logs_page import LogsPage
from pqdesk.gui.pages.workers.likely_cause import likely_cause
from pqdesk.gui.pages.workers.workers_model import WorkerColumn, WorkersModel
from pqdesk.gui.pages.workers.workers_page import WorkersPage
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.gui.shell_fakes import make_replica, make_status


class FakeLogs(QObject):
    tail_read = Signal(str, object, object)
    lines_read = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.followed: dict[str, tuple[str, ...]] = {}

    @Slot(str, object)
    def follow(self, who, paths):
        self.followed[who] = tuple(path.name for path in paths)


class FakeLink(QObject):
    status_changed = Signal(object)
    action_failed = Signal(str)
    action_done = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.logs = FakeLogs()
        self.told: list[tuple[str, str]] = []

    @Slot(str)
    def start(self, name):
        self.told.append(("start", name))

    @Slot(str)
    def stop(self, name):
        self.told.append(("stop", name))

    @Slot(str)
    def restart(self, name):
        self.told.append(("restart", name))

    @Slot()
    def start_daemon(self):
        self.told.append(("start_daemon", ""))

    @Slot()
    def poll(self):
        pass


RUNNING = make_replica("consumer", queues=("code", "text"), command="pqdesk consume code text")
STOPPED = make_replica("producer", WorkerState.STOPPED)
LOOPING = make_replica("importer", WorkerState.CRASH_LOOPING, exit_text="exit status 1", restarts=7)


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def page(qtbot, link, theme, clock):
    page = WorkersPage(link, theme, clock)
    qtbot.addWidget(page)
    page.resize(1060, 700)
    page.show()
    qtbot.waitExposed(page)
    page.set_live(True)
    link.status_changed.emit(make_status(RUNNING, LOOPING, STOPPED))
    return page


@pytest.fixture
def drain(qtbot):
    def wait(pane):
        qtbot.waitUntil(lambda: not pane.text._pending)

    return wait


def cells(page, row):
    model = page.table.model()
    return [model.data(model.index(row, column)) for column in range(model.columnCount())]


def press(qtbot, page, name):
    button = page.findChild(QPushButton, f"{name}_button")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_table_reads_as_shown(page):
    assert page.findChild(QTableView, "workers").accessibleName() == "Workers"
    assert cells(page, 0) == [
        "consumer",
        "Running",
        "4321",
        "3 min 05 s",
        "0",
        "",
        "code, text",
        "pqdesk consume code text",
    ]
    assert cells(page, 1)[:6] == ["importer", "Crash-looping", "", "", "7", "exit status 1"]


def test_rows_are_merged_and_the_selection_stays(qtbot, page, link):
    page.show_worker("producer")
    resets = []
    page.table.model().modelReset.connect(lambda: resets.append(1))

    link.status_changed.emit(make_status(replace(STOPPED, state=WorkerState.STARTING), RUNNING))
    link.status_changed.emit(make_status(RUNNING, make_replica("new"), replace(STOPPED, state=WorkerState.RUNNING)))

    assert [cells(page, row)[0] for row in range(3)] == ["consumer", "new", "producer"]
    assert [one.process for one in page.selected()] == ["producer"]
    assert not resets


def test_the_model_is_consistent_through_changes(qtbot, theme):
    model = WorkersModel(theme)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    a, b, c = (make_replica(name) for name in "abc")

    for replicas in ([a], [a, b], [c, b, a], [b], [], [a, c], [c, a], [b, a, c]):
        model.merge(replicas)
        assert [model.replica(row) for row in range(model.rowCount())] == replicas
    assert tester.model() is model


def test_buttons_fit_the_state_of_the_selected_worker(qtbot, page, link):
    page.show_worker("consumer")
    assert [page.buttons[name].isEnabled() for name in ("start", "stop", "restart")] == [False, True, True]
    press(qtbot, page, "stop")
    link.status_changed.emit(make_status(replace(RUNNING, state=WorkerState.STOPPING)))
    assert [page.buttons[name].isEnabled() for name in ("start", "stop", "restart")] == [False, False, False]
    assert "It is stopping" in page.buttons["start"].toolTip()
    link.status_changed.emit(make_status(replace(RUNNING, state=WorkerState.STOPPED)))
    press(qtbot, page, "start")

    assert link.told == [("stop", "consumer"), ("start", "consumer")]


def test_start_all_and_stop_all(qtbot, page, link):
    press(qtbot, page, "start_all")
    press(qtbot, page, "stop_all")

    assert link.told == [("start", "all"), ("stop", "all")]


def test_a_stopping_worker_counts_the_seconds(page, link, clock):
    link.status_changed.emit(make_status(replace(RUNNING, state=WorkerState.STOPPING)))
    assert cells(page, 0)[WorkerColumn.STATE] == "Stopping…"

    clock.advance(7)
    page.controller._on_tick()

    assert cells(page, 0)[WorkerColumn.STATE] == "Stopping… 7 s"


def test_without_supervisord_it_can_be_started(qtbot, page, link):
    link.status_changed.emit(make_status(STOPPED, is_running=False))
    assert page.banner.isVisible()

    button = page.findChild(QPushButton, "workers_banner_button")
    assert button.text() == "Start supervisord"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    assert link.told == [("start_daemon", "")]
    link.status_changed.emit(make_status(RUNNING))
    assert not page.banner.isVisible()


def test_a_foreign_supervisord_cannot_be_started(page, link):
    link.status_changed.emit(SupervisionStatus(False, "foreign", 7, (STOPPED,), "another one is on the socket"))

    assert page.banner._text.text() == "Cannot reach supervisord: another one is on the socket"
    assert not page.findChild(QPushButton, "workers_banner_button").isVisible()


def test_no_workers(page, link):
    link.status_changed.emit(make_status())

    assert page.empty.isVisible()
    assert page.empty._title.text() == "No workers defined"


def test_the_log_of_the_selected_worker_is_followed(qtbot, page, link, drain):
    page.show_worker("consumer")
    assert link.logs.followed["workers page"] == ("consumer.out.log", "consumer.err.log")

    link.logs.tail_read.emit("workers page", RUNNING.stdout_log, ["1", "2"])
    link.logs.tail_read.emit("logs page", RUNNING.stdout_log, ["0", "1", "2"])
    link.logs.lines_read.emit(RUNNING.stdout_log, ["3"])
    link.logs.lines_read.emit(RUNNING.stderr_log, ["oh"])
    drain(page.log)

    assert page.log.text.toPlainText() == "1\n2\n3"
    page.stream.setCurrentText("Errors")
    assert page.log.text.toPlainText() == "oh"


def test_switching_workers_keeps_what_was_read(qtbot, page, link, drain):
    page.show_worker("consumer")
    link.logs.tail_read.emit("workers page", RUNNING.stdout_log, ["1", "2"])
    page.show_worker("producer")
    page.show_worker("consumer")
    link.logs.tail_read.emit("workers page", RUNNING.stdout_log, ["2", "3"])
    drain(page.log)

    assert page.log.text.toPlainText() == "1\n2\n3"


def test_nothing_is_followed_while_it_cannot_be_seen(page, link):
    page.show_worker("consumer")
    page.set_live(False)

    assert link.logs.followed["workers page"] == ()


def test_trouble_is_explained(qtbot, page, link):
    page.show_worker("importer")
    link.logs.tail_read.emit(
        "workers page", LOOPING.stderr_log, ["Traceback…", "ModuleNotFoundError: No module named 'requests'"]
    )

    assert page.trouble.isVisible()
    assert page.trouble._title.text() == "importer: crash-looping"
    assert "Python cannot find the module requests" in page.trouble._cause.text()
    assert "No module named 'requests'" in page.trouble._last.toPlainText()
    qtbot.mouseClick(page.findChild(QPushButton, "stop_retrying"), Qt.MouseButton.LeftButton)
    assert link.told == [("stop", "importer")]
    page.show_worker("consumer")
    assert not page.trouble.isVisible()


@pytest.mark.parametrize(
    ("exit_text", "lines", "cause"),
    [
        ("can't find command '/no/such'", [], "The command was not found"),
        ("exit status 127", [], "The command was not found"),
        ("exit status 126", [], "Permission denied"),
        ("exit status 1", ["OSError: [Errno 98] Address already in use"], "The port it wants is taken"),
        ("exit status 1", ["ModuleNotFoundError: No module named 'x.y'", ""], "cannot find the module x.y"),
        ("terminated by SIGKILL", [], "Something killed it"),
        ("exit status 0", [], "ends by itself"),
        ("exit status 3", ["nothing known"], ""),
        (None, [], ""),
    ],
)
def test_the_likely_cause_in_words(exit_text, lines, cause):
    said = likely_cause(exit_text, lines)

    assert cause in said
    assert bool(cause) == bool(said)


def test_the_logs_page_merges_workers_under_their_names(qtbot, link, theme, drain):
    page = LogsPage(link, theme)
    qtbot.addWidget(page)
    page.show()
    page.set_live(True)
    link.status_changed.emit(make_status(RUNNING, STOPPED))
    link.logs.tail_read.emit("logs page", RUNNING.stdout_log, ["done 1"])
    link.logs.tail_read.emit("logs page", STOPPED.stdout_log, ["put 2"])
    link.logs.lines_read.emit(RUNNING.stderr_log, ["oh"])
    drain(page._log)
    assert page._log.text.toPlainText() == "consumer  done 1\nproducer  put 2\nconsumer  oh"

    page._list.setCurrentRow(2)

    assert page._log.text.toPlainText() == "producer  put 2"
    assert link.logs.followed["logs page"] == ("producer.out.log", "producer.err.log")
    link.status_changed.emit(make_status(RUNNING, make_replica("more"), STOPPED))
    assert page._list.currentItem().text() == "producer"
