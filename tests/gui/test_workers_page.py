"""The workers page over a supervision that says what the test wants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QPushButton, QTableView, QWidget

from pqdesk.errors import SupervisorError
from pqdesk.gui.announcer import Announcer
from pqdesk.gui.pages.workers.worker_rows import WorkerFacts
from pqdesk.gui.pages.workers.workers_table import COLUMNS, WorkersTable
from pqdesk.gui.shell.actions import ActionSet
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import Activity, Order
from pqdesk.gui.threads.reader import Answer
from pqdesk.gui.widgets.toast import Toast
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import LastExit, SupervisionStatus, WorkerState
from tests.gui.fakes import said
from tests.gui.shell_fakes import make_queue, make_replica, make_status
from tests.gui.worker_fakes import WorkersRig

RUNNING = make_replica("consumer", queues=("code", "text"), command="pqdesk consume code text")
STOPPED = make_replica("producer", WorkerState.STOPPED, kind="producer")
LOOPING = make_replica(
    "importer",
    WorkerState.CRASH_LOOPING,
    exit_text="exit status 1",
    restarts_last_hour=7,
    restarts_total=9,
    last_exit=LastExit(1, None, datetime(2026, 11, 24, tzinfo=UTC)),
)
PAIR = [make_replica("pair", worker="pair"), make_replica("pair-2", worker="pair", replica=2, pid=99)]


@pytest.fixture
def rig(qtbot, theme, clock):
    rig = WorkersRig(theme, clock, RUNNING, LOOPING, STOPPED)
    yield rig
    rig.close()


@pytest.fixture
def page(rig):
    return rig.page


@pytest.fixture
def drain(qtbot):
    def wait(pane):
        qtbot.waitUntil(lambda: pane.text.is_settled)

    return wait


def press(qtbot, page, name):
    button = page.findChild(QPushButton, name)
    assert button is not None, name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def trigger(page, name):
    action = page.findChild(QAction, f"action_{name}")
    assert action is not None
    assert action.isEnabled(), f"{name} is not enabled: {action.toolTip()}"
    action.trigger()


def dialog(page, name) -> QDialog:
    return next(one for one in page.findChildren(QDialog, name) if one.isVisible())


def choose(qtbot, box, text):
    """Press the button `text` of a question."""
    button = next(one for one in box.findChildren(QPushButton) if one.text() == text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


# --- the table --------------------------------------------------------------------------------------


def test_the_table_reads_as_shown(rig, page):
    assert page.findChild(QTableView, "workers").accessibleName() == "Workers"
    shown = rig.cells("consumer")
    assert (shown["State"], shown["PID"], shown["Up for"], shown["Queues"]) == (
        "Running",
        "4321",
        "3 min 05 s",
        "code, text",
    )
    assert (rig.cells("importer")["State"], rig.cells("importer")["Restarts"]) == ("Crash-looping", "7 / 9")


def test_rows_are_merged_and_the_selection_stays(rig, page):
    page.go(Route("workers", subject="producer"))
    resets = []
    page.table.model().modelReset.connect(lambda: resets.append(1))

    rig.tell(replace(STOPPED, state=WorkerState.STARTING), RUNNING)
    rig.tell(RUNNING, make_replica("new"), replace(STOPPED, state=WorkerState.RUNNING))

    assert rig.names() == ["consumer", "new", "producer"]
    assert page.table.selected_workers.targets == ("producer",)
    assert not resets


def test_the_model_is_consistent_through_changes(qtbot, theme):
    page = QWidget()
    qtbot.addWidget(page)
    table = WorkersTable(theme, ActionSet(page, theme), page)
    model = table.model()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    a, b, c = (make_replica(name) for name in "abc")
    a2, a3 = (make_replica(f"a-{number}", worker="a", replica=number) for number in (2, 3))

    for replicas in ([a], [a, b], [c, b, a], [a, a2, b], [b], [], [a, a2, a3, c], [c, a], [b, a, c], [a, a2]):
        table.show_facts(WorkerFacts(now=datetime.now(UTC), replicas=replicas))
        shown = [model.row_at(row).record for row in range(model.rowCount())]
        assert [one for row in shown if not row.is_group for one in row.replicas] == replicas
    assert tester.model() is model


def test_replicas_fold_away_and_come_back(rig, page):
    rig.tell(*PAIR)
    page.go(Route("workers", subject="pair"))
    page.table.setFocus()

    QTest.keyClick(page.table, Qt.Key.Key_Left)
    assert rig.names() == ["pair"]
    QTest.keyClick(page.table, Qt.Key.Key_Right)
    assert rig.names() == ["pair", "pair", "pair-2"]


def test_the_menu_of_a_worker_has_what_is_done_to_workers_only(rig, page):
    rig.tell(*PAIR)
    page.go(Route("workers", subject="pair"))

    page.table.customContextMenuRequested.emit(page.table.visualRect(page.table.currentIndex()).center())

    menu = QApplication.activePopupWidget()
    names = {one.objectName() for one in menu.actions() if not one.isSeparator()}
    menu.close()
    assert "action_restart" in names
    assert not [one for one in names if one.startswith("action_log_")]


def test_a_click_on_the_message_in_hand_leads_to_it(qtbot, rig, page):
    rig.reader.answered.emit(Answer(rig.page.controller._hands_ticket, {4321: ("consumer", (17,))}))
    assert rig.cells("consumer")["Now running"] == "17"
    place = page.table.visualRect(
        page.table.model().index(0, [one.key for one in COLUMNS].index("now_running"))
    ).center()

    with qtbot.waitSignal(page.route_asked) as asked:
        qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=place)

    assert asked.args == [Route("messages", filter="id:17")]


def test_only_what_can_be_seen_is_measured(rig, page):
    assert rig.link._usage_of == {"consumer", "importer", "producer"}

    page.set_live(False)

    assert rig.link._usage_of == frozenset()


# --- orders -----------------------------------------------------------------------------------------


def test_buttons_fit_the_state_of_the_selected_worker(qtbot, rig, page):
    def enabled():
        return [page.buttons[name].isEnabled() for name in ("start", "stop", "restart")]

    page.go(Route("workers", subject="consumer"))
    assert enabled() == [False, True, True]
    press(qtbot, page, "stop_button")
    rig.tell(replace(RUNNING, state=WorkerState.STOPPING, stop_wait_s=10, stop_deadline_s=3.0))
    assert (enabled(), page.buttons["stop"].text()) == ([False, True, False], "Stop now")
    assert rig.cells("consumer")["State"] == "Stopping… 7 s of 10"
    assert "It is stopping" in page.buttons["start"].toolTip()
    press(qtbot, page, "stop_button")
    rig.tell(replace(RUNNING, state=WorkerState.STOPPED))
    press(qtbot, page, "start_button")

    assert rig.told == [("stop", "consumer"), ("stop_now", "consumer"), ("start", "consumer")]


def test_a_row_of_a_worker_acts_on_all_its_replicas_and_one_of_a_replica_on_that(qtbot, rig, page):
    rig.tell(*PAIR, STOPPED)
    page.table.selectAll()
    press(qtbot, page, "stop_button")
    page.go(Route("workers", subject="pair-2"))
    press(qtbot, page, "restart_button")

    assert rig.told == [("stop", "pair"), ("restart", "pair-2")]


def test_start_all_and_stop_all_tell_how_far_they_are(qtbot, rig, page):
    press(qtbot, page, "start_all_button")
    rig.tell(*PAIR)
    press(qtbot, page, "stop_all_button")
    rig.tell(replace(PAIR[0], state=WorkerState.STOPPED), replace(PAIR[1], state=WorkerState.STOPPING))

    assert rig.told == [("start", "all"), ("stop", "all")]
    assert page.findChild(QLabel, "workers_activity_text").text() == "Stopping 2 processes: 1 stopped"
    rig.tell(*[replace(one, state=WorkerState.STOPPED) for one in PAIR])
    assert not page.activity.isVisible()


def test_what_supervisord_is_waited_for_is_said_after_a_second(rig, page, clock):
    rig.link.waiting_changed.emit("Stopping consumer")
    assert not page.activity.isVisible()

    clock.advance(3)
    page.controller._on_tick()

    assert page.findChild(QLabel, "workers_activity_text").text() == "Waiting for supervisord: Stopping consumer… 3 s"
    rig.link.waiting_changed.emit("")
    assert not page.activity.isVisible()


def test_signals_are_sent_at_once_but_for_kill_which_is_asked_about(qtbot, rig, page):
    page.go(Route("workers", subject="consumer"))
    trigger(page, "signal_hup")
    trigger(page, "signal_kill")
    assert rig.told == [("signal", "consumer", "HUP")]

    choose(qtbot, dialog(page, "kill_dialog"), "Send KILL")

    assert rig.told[-1] == ("signal", "consumer", "KILL")


def test_enable_at_start_shows_how_it_is_and_changes_it(rig, page):
    page.go(Route("workers", subject="consumer"))
    assert page.findChild(QAction, "action_autostart").isChecked()

    trigger(page, "autostart")

    assert rig.told == [("set_autostart", "consumer", False)]


def test_scaling_says_what_will_happen_before_it_does(qtbot, rig, page):
    page.go(Route("workers", subject="consumer"))
    trigger(page, "scale")
    scale = dialog(page, "scale_dialog")
    story = scale.findChild(QLabel, "scale_story")
    assert not scale.findChild(QPushButton, "do_scale").isEnabled()

    scale.findChild(object, "scale_replicas").setValue(3)

    assert story.text() == "2 more replicas will start; running ones are not touched."
    qtbot.mouseClick(scale.findChild(QPushButton, "do_scale"), Qt.MouseButton.LeftButton)
    assert rig.told == [("scale", "consumer", 3)]


def test_removing_what_is_stopped_is_not_asked_about_and_can_be_undone(qtbot, rig, page):
    toast, asked = Toast(page._theme, page), []
    announcer = Announcer(rig.reader, Actor(lambda: None), rig.link, toast, rig.clock)
    announcer.order_asked.connect(asked.append)
    rig.supervision.keep(WorkerDefinition(name="producer", command=("true",)))
    rig.supervision.leaves = 7
    page.go(Route("workers", subject="producer"))

    trigger(page, "remove")

    assert rig.told == [("remove", "producer")]
    assert said(toast, "toast_text") == "Removed producer; what is in hand is finished first"
    toast.findChild(QPushButton, "toast_undo").click()
    assert asked == [Order("undo", Activity(7))]
    announcer.silence()


def test_removing_what_runs_is_asked_about(qtbot, rig, page):
    rig.supervision.keep(WorkerDefinition(name="consumer", command=("true",)))
    page.go(Route("workers", subject="consumer"))
    trigger(page, "remove")
    assert rig.told == []

    choose(qtbot, dialog(page, "remove_worker_dialog"), "Remove")

    assert rig.told == [("remove", "consumer")]


def test_a_replica_alone_cannot_be_removed_and_the_reason_is_told(rig, page):
    rig.tell(*PAIR)
    page.go(Route("workers", subject="pair-2"))

    action = page.findChild(QAction, "action_remove")
    assert not action.isEnabled()
    assert "Scale" in action.toolTip()


# --- supervisord and alarms -------------------------------------------------------------------------


def test_without_supervisord_it_can_be_started(qtbot, rig, page):
    rig.tell(status=make_status(STOPPED, is_running=False))
    assert page.banner.isVisible()

    press(qtbot, page, "workers_banner_button")

    assert rig.told == [("ensure_running", "")]
    rig.tell(RUNNING)
    assert not page.banner.isVisible()


def test_a_foreign_supervisord_cannot_be_started(rig, page):
    rig.tell(status=SupervisionStatus(False, "foreign", 7, (STOPPED,), "another one is on the socket"))

    assert said(page, "workers_banner_text") == "Cannot reach supervisord: another one is on the socket"
    assert not page.findChild(QPushButton, "workers_banner_button").isVisible()


def test_a_supervisord_of_another_version_can_be_restarted(qtbot, rig, page):
    rig.tell(status=replace(make_status(RUNNING), is_outdated=True, version="0.1"))

    press(qtbot, page, "workers_banner_button")

    assert rig.told == [("restart_daemon", "")]


def test_no_workers(qtbot, rig, page):
    rig.tell()

    assert page.empty.isVisible()
    assert said(page, "workers_empty_title") == "No workers defined"
    assert not page.log.isVisible()
    press(qtbot, page, "workers_empty_button")
    dialog(page, "worker_dialog").close()


def test_an_applications_file_has_no_workers_and_the_page_says_why(rig, page, clock):
    page.forbid_adding()
    rig.tell()
    for _ in range(2):
        rig.tell_queues(make_queue("mail", ready=2))
        clock.advance(4)

    assert not page.add.isEnabled()
    assert "application's own file" in said(page, "workers_empty_text")
    assert not page.alarm.isVisible()


def test_a_queue_without_a_worker_is_an_alarm_that_leads_to_a_new_worker(qtbot, rig, page, clock):
    rig.tell_queues(make_queue("mail", ready=2))
    clock.advance(3)
    rig.tell_queues(make_queue("mail", ready=2))
    assert "2 messages of 'mail' wait" in said(page, "workers_alarm_text")

    press(qtbot, page, "workers_alarm_button")

    assert dialog(page, "worker_dialog")._form._fields[1].findChild(QLineEdit, "worker_queues").text() == "mail"
    dialog(page, "worker_dialog").close()
    rig.tell_queues(make_queue("mail", ready=0))
    assert not page.alarm.isVisible()


def test_a_worker_that_cannot_be_read_is_told_and_no_dialog_opens(qtbot, rig, page):
    page.go(Route("workers", subject="consumer"))

    with qtbot.waitSignal(page.told) as told:
        trigger(page, "edit")

    assert "no worker 'consumer'" in told.args[0]


# --- trouble and the log ----------------------------------------------------------------------------


def test_trouble_is_explained_with_three_ways_on(qtbot, rig, page):
    rig.supervision.keep(WorkerDefinition(name="importer", command=("pqdesk", "consume", "q", "--", "true")))
    page.go(Route("workers", subject="importer"))
    rig.link.logs.tail_read.emit(
        "workers page", LOOPING.stderr_log, ["Traceback…", "ModuleNotFoundError: No module named 'requests'"]
    )

    assert page.trouble.isVisible()
    assert said(page, "trouble_title") == "importer: crash-looping"
    assert "Python cannot find the module requests" in page.trouble._cause.text()
    assert "No module named 'requests'" in page.trouble._last.toPlainText()
    press(qtbot, page, "stop_retrying")
    assert rig.told == [("stop", "importer")]
    with qtbot.waitSignal(page.route_asked) as asked:
        press(qtbot, page, "open_full_log")
    assert asked.args == [Route("logs", subject="importer")]
    press(qtbot, page, "edit_command")
    assert dialog(page, "worker_dialog").windowTitle() == "Edit importer"
    dialog(page, "worker_dialog").close()
    page.go(Route("workers", subject="consumer"))
    assert not page.trouble.isVisible()


def test_an_edit_that_fails_can_be_taken_back(qtbot, rig, page):
    before = WorkerDefinition(name="importer", command=("pqdesk", "consume", "q", "--", "true"))
    rig.supervision.keep(before)
    page.go(Route("workers", subject="importer"))
    button = page.findChild(QPushButton, "undo_edit")
    assert not button.isVisible()

    trigger(page, "edit")
    dialog(page, "worker_dialog").findChild(QPushButton, "save_worker").click()
    rig.link.logs.tail_read.emit("workers page", LOOPING.stderr_log, ["Traceback…"])

    assert button.isVisible()
    press(qtbot, page, "undo_edit")
    assert rig.told == [("change", "importer"), ("previous", "importer"), ("change", "importer")]


def test_the_log_of_the_selected_worker_is_followed(rig, page, drain):
    page.go(Route("workers", subject="consumer"))
    assert rig.followed[-1] == ("consumer.out.log", "consumer.err.log")

    logs = rig.link.logs
    logs.tail_read.emit("workers page", RUNNING.stdout_log, ["1", "2"])
    logs.tail_read.emit("logs page", RUNNING.stdout_log, ["0", "1", "2"])
    logs.lines_read.emit(RUNNING.stdout_log, ["3"])
    logs.lines_read.emit(RUNNING.stderr_log, ["oh"])

    for stream, text in (("Output and errors", "1\n2\n3\noh"), ("Output", "1\n2\n3"), ("Errors", "oh")):
        page.log.stream.setCurrentText(stream)
        drain(page.log)
        assert page.log.text.toPlainText() == text


def test_the_log_of_a_worker_is_that_of_its_replicas_under_their_names(rig, page, drain):
    rig.tell(*PAIR)
    page.go(Route("workers", subject="pair"))
    rig.link.logs.lines_read.emit(PAIR[0].stdout_log, ["one"])
    rig.link.logs.lines_read.emit(PAIR[1].stdout_log, ["two"])
    drain(page.log)

    assert page.log.text.toPlainText() == "pair    one\npair-2  two"
    page.go(Route("workers", subject="pair-2"))
    drain(page.log)
    assert page.log.text.toPlainText() == "two"


def test_switching_workers_keeps_what_was_read(rig, page, drain):
    page.go(Route("workers", subject="consumer"))
    rig.link.logs.tail_read.emit("workers page", RUNNING.stdout_log, ["1", "2"])
    page.go(Route("workers", subject="producer"))
    page.go(Route("workers", subject="consumer"))
    rig.link.logs.tail_read.emit("workers page", RUNNING.stdout_log, ["3"])
    drain(page.log)

    assert page.log.text.toPlainText() == "1\n2\n3"


def test_nothing_is_followed_while_it_cannot_be_seen(rig, page):
    page.go(Route("workers", subject="consumer"))
    page.set_live(False)

    assert rig.followed[-1] == ()


def test_a_refusal_ends_the_progress(qtbot, rig, page):
    rig.tell(*PAIR)
    rig.supervision.error = SupervisorError("it does not answer")

    press(qtbot, page, "stop_all_button")

    assert not page.activity.isVisible()
