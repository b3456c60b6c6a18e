"""supervisord's link: news once, orders passed on, refusals told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from pqdesk import Workspace
from pqdesk.errors import LookOnly, SupervisorError
from pqdesk.gui.dialogs.first_start import FirstStartDialog
from pqdesk.gui.notices import describe_done
from pqdesk.gui.threads.orders import Order, SaveRequest, Workers
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.paths import WorkspacePaths
from pqdesk.services.workers import workers_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import WorkerState
from tests.gui.shell_fakes import FakeSupervision, make_replica, make_status


@pytest.fixture
def supervision() -> FakeSupervision:
    return FakeSupervision(make_status(make_replica("consumer")))


@pytest.fixture
def link(qapp: object, supervision: FakeSupervision) -> SupervisorLink:
    return SupervisorLink(lambda: supervision)  # type: ignore[arg-type,return-value]


def collect(signal) -> list:
    seen: list = []
    signal.connect(lambda *values: seen.append(values))
    return seen


def test_the_same_news_is_told_once(link: SupervisorLink, supervision: FakeSupervision) -> None:
    news = collect(link.status_changed)
    link.poll()
    link.poll()
    assert news == [(supervision.answer,)]

    supervision.answer = make_status(make_replica("consumer", WorkerState.STOPPED))
    link.poll()

    assert len(news) == 2


def test_it_looks_often_only_while_somebody_watches_or_something_changes(
    link: SupervisorLink, supervision: FakeSupervision
) -> None:
    link.begin()
    assert link.interval_ms == 5_000
    link.set_watched(True)
    assert link.interval_ms == 500
    link.set_watched(False)

    supervision.answer = make_status(make_replica("consumer", WorkerState.STOPPING))
    link.poll()

    assert link.interval_ms == 500
    link.finish()


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_orders_are_passed_on_and_the_news_follows(link: SupervisorLink, supervision: FakeSupervision, verb) -> None:
    began, done, news = collect(link.began), collect(link.done), collect(link.status_changed)
    order, supervision.activity_id = Order(verb, Workers(("consumer",))), 7

    link.carry_out(order)

    assert supervision.told == [(verb, "consumer")]
    assert began == [(order,)]
    assert [one.order for (one,) in done] == [order]
    assert len(news) == 1


def test_a_refusal_is_told_in_its_words(link: SupervisorLink, supervision: FakeSupervision) -> None:
    done = collect(link.done)
    supervision.error = SupervisorError("supervisord does not answer")

    link.carry_out(Order("stop", Workers()))

    assert [describe_done(one) for (one,) in done] == ["supervisord does not answer"]


def test_an_error_that_nobody_expected_is_told_too(link: SupervisorLink, supervision: FakeSupervision) -> None:
    done = collect(link.done)
    supervision.error = RuntimeError("oops")  # type: ignore[assignment]

    link.carry_out(Order("stop", Workers()))

    assert [str(one.error) for (one,) in done] == ["oops"]


def test_starting_the_daemon_is_told_by_its_status_alone(link: SupervisorLink, supervision: FakeSupervision) -> None:
    done = collect(link.done)

    link.carry_out(Order("start_daemon", Workers()))

    assert supervision.told == [("ensure_running", "")]
    assert [describe_done(one) for (one,) in done] == [""]


def test_the_end_of_a_shut_down_is_told_apart_from_other_orders(link: SupervisorLink, supervision) -> None:
    ended = collect(link.shut_down_ended)

    link.carry_out(Order("stop", Workers()))
    assert ended == []
    link.shut_down()
    supervision.error = SupervisorError("it hangs")
    link.shut_down()

    assert ended == [("",), ("it hangs",)]


def test_orders_of_the_window_are_refused_where_people_may_only_look(qapp: object, tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.look_only = True
    link = SupervisorLink(lambda: workers_of(WorkspacePaths(tmp_path)))
    done, saved, ended = collect(link.done), collect(link.saved), collect(link.shut_down_ended)

    link.carry_out(Order("start", Workers()))
    link.shut_down()
    link.save(SaveRequest(WorkerDefinition(name="second", command=("true",)), is_new=True), 7)

    assert [text.partition(" is set to ")[2] for text in (describe_done(done[0][0]), ended[0][0])] == [
        "look only, so nothing was started; 'pqdesk look-only off' lifts that",
        "look only, so nothing was stopped; 'pqdesk look-only off' lifts that",
    ]
    [(token, error)] = saved
    assert (token, type(error)) == (7, LookOnly)


PLANNED = WorkerDefinition(name="mail", command=("curl", "http://example.com/x"), replicas=2, folder=Path("/srv"))


@pytest.mark.parametrize("verb", ["start", "restart", "scale", "undo_edit", "restart_daemon", "start_daemon"])
def test_what_somebody_else_wrote_is_shown_before_it_runs_for_the_first_time(
    link: SupervisorLink, supervision: FakeSupervision, verb: str
) -> None:
    supervision.unseen = (PLANNED,)
    found, order = collect(link.first_start_found), Order(verb, Workers(("mail",), 1))

    link.carry_out(order)

    assert found == [((PLANNED,), order)]
    assert supervision.told == []


def test_it_runs_when_it_was_seen_and_is_not_asked_about_again(
    link: SupervisorLink, supervision: FakeSupervision
) -> None:
    supervision.unseen = (PLANNED,)
    found = collect(link.first_start_found)

    link.carry_out_seen(Order("start", Workers(("mail",))))
    link.carry_out(Order("start", Workers()))

    assert found == []
    assert supervision.told == [("start", "mail"), ("start", "all")]


def test_stopping_asks_nothing(link: SupervisorLink, supervision: FakeSupervision) -> None:
    supervision.unseen = (PLANNED,)

    link.carry_out(Order("stop", Workers()))

    assert supervision.told == [("stop", "all")]


def test_a_worker_of_ones_own_starts_no_others_unseen(link: SupervisorLink, supervision: FakeSupervision) -> None:
    supervision.unseen = (PLANNED,)
    found = collect(link.first_start_found)
    mine = WorkerDefinition(name="mine", command=("true",))

    link.save(SaveRequest(mine, is_new=True, is_started=True), 1)

    assert [one[1].target.names for one in found] == [("mine",)]
    assert [one[:2] for one in supervision.told] == [("add", mine)]


def test_the_dialog_shows_each_command_as_it_is(qtbot, theme) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    hostile = WorkerDefinition(name="<b>x</b>", command=("sh", "-c", "a\u202eb\nc"), is_autostart=False)
    dialog = FirstStartDialog("/srv/w", (PLANNED, hostile), theme, parent)
    dialog.open()

    shown = dialog.findChild(QPlainTextEdit).toPlainText()
    assert "mail, 2 processes, starts with supervisord\n    curl http://example.com/x\n    in /srv" in shown
    assert "<b>x</b>\n    sh -c 'a\\u202Eb␊c'" in shown
    with qtbot.waitSignal(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)  # Enter must not run anything
