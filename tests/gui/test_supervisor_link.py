"""supervisord's link: news once, orders passed on, refusals told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk import Workspace
from pqdesk.errors import LookOnly, SupervisorError
from pqdesk.gui.threads.orders import SaveRequest
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.defined import WorkerDefinition
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.supervision import Supervision
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
    done, news = collect(link.action_done), collect(link.status_changed)

    getattr(link, verb)("consumer")

    assert supervision.told == [(verb, "consumer")]
    assert "consumer" in done[0][0]
    assert len(news) == 1


def test_a_refusal_is_told_in_its_words(link: SupervisorLink, supervision: FakeSupervision) -> None:
    failures, done = collect(link.action_failed), collect(link.action_done)
    supervision.error = SupervisorError("supervisord does not answer")

    link.stop("all")

    assert (failures, done) == ([("supervisord does not answer",)], [])


def test_starting_the_daemon_is_told_by_its_status_alone(link: SupervisorLink, supervision: FakeSupervision) -> None:
    done = collect(link.action_done)

    link.start_daemon()

    assert supervision.told == [("ensure_running", "")]
    assert done == []


def test_the_end_of_a_shut_down_is_told_apart_from_other_orders(link: SupervisorLink, supervision) -> None:
    ended = collect(link.shut_down_ended)

    link.stop("all")
    assert ended == []
    link.shut_down()
    supervision.error = SupervisorError("it hangs")
    link.shut_down()

    assert ended == [("",), ("it hangs",)]


def test_orders_of_the_window_are_refused_where_people_may_only_look(qapp: object, tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.look_only = True
    link = SupervisorLink(lambda: Supervision(WorkspacePaths(tmp_path)))
    failures, saved, ended = collect(link.action_failed), collect(link.saved), collect(link.shut_down_ended)

    link.start("all")
    link.shut_down()
    link.save(SaveRequest(WorkerDefinition(name="second", command=("true",)), is_new=True), 7)

    assert [text.partition(" is set to ")[2] for (text,) in failures] == [
        "look only, so nothing was started; 'pqdesk look-only off' lifts that",
        "look only, so nothing was stopped; 'pqdesk look-only off' lifts that",
    ]
    assert ended == [(failures[1][0],)]
    [(token, error)] = saved
    assert (token, type(error)) == (7, LookOnly)
