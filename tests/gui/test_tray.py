"""The tray's menu and what it asks for. No platform of the tests has a tray, so its presence is made up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pqdesk.gui.theme import Theme
from pqdesk.gui.tray import Tray
from pqdesk.gui.tray_state import TrayFacts, TrayState
from pqdesk.supervision.records import WorkerState
from tests.gui.shell_fakes import FakeClock, make_queue, make_replica, make_status


@pytest.fixture
def presence() -> list[bool]:
    return [True]


@pytest.fixture
def tray(qtbot, theme: Theme, clock: FakeClock, presence: list[bool]) -> Iterator[Tray]:
    tray = Tray(theme, clock, lambda: presence[0])
    tray.start()
    tray.set_workspace("demo")
    yield tray
    tray.stop()


def texts(menu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def entry(menu, text: str):
    return next(action for action in menu.actions() if action.text() == text)


def submenu(tray: Tray):
    return entry(tray.menu, "Workers").menu()


def test_the_menu_says_how_it_is_and_offers_at_most_twelve_entries(tray: Tray) -> None:
    tray.set_facts(TrayFacts((make_queue(running=1, ready=4, failed=2),), make_status(make_replica("consumer"))))

    assert texts(tray.menu) == [
        "demo: 1 running, 4 ready, 2 failed",
        "Open PQDesk",
        "Show 2 failed messages",
        "Workers",
        "Pause all queues",
        "Quit (workers keep running)",
        "Stop workers and quit…",
    ]


def test_each_worker_can_be_started_or_stopped_and_restarted(qtbot, tray: Tray) -> None:
    stopped = make_replica("producer", WorkerState.STOPPED)
    tray.set_facts(TrayFacts((), make_status(make_replica("consumer"), stopped)))
    assert texts(submenu(tray)) == ["consumer", "producer", "Start all", "Stop all"]
    consumer, producer = (entry(submenu(tray), name).menu() for name in ("consumer", "producer"))
    assert (texts(consumer), texts(producer)) == (["Running", "Stop", "Restart"], ["Stopped", "Start", "Restart"])
    assert not entry(producer, "Restart").isEnabled()

    for signal, menu, text, name in (
        (tray.stop_asked, consumer, "Stop", "consumer"),
        (tray.restart_asked, consumer, "Restart", "consumer"),
        (tray.start_asked, producer, "Start", "producer"),
        (tray.stop_asked, submenu(tray), "Stop all", "all"),
    ):
        with qtbot.waitSignal(signal) as asked:
            entry(menu, text).trigger()
        assert asked.args == [name]


def test_replicas_are_one_entry(tray: Tray) -> None:
    pair = [
        make_replica("mail", worker="mail"),
        make_replica("mail-2", WorkerState.STOPPED, worker="mail", replica=2),
    ]
    tray.set_facts(TrayFacts((), make_status(*pair)))

    assert texts(submenu(tray)) == ["mail", "Start all", "Stop all"]
    assert texts(entry(submenu(tray), "mail").menu())[:2] == ["1 of 2 up", "Stop"]


def test_workers_that_are_gone_leave_the_menu_and_the_rest_stays_the_same_entry(tray: Tray) -> None:
    tray.set_facts(TrayFacts((), make_status(make_replica("a"), make_replica("b"))))
    kept = entry(submenu(tray), "b")

    tray.set_facts(TrayFacts((), make_status(make_replica("aa"), make_replica("b", WorkerState.STOPPED))))

    assert texts(submenu(tray)) == ["aa", "b", "Start all", "Stop all"]
    assert entry(submenu(tray), "b") is kept


def test_pausing_turns_into_resuming(qtbot, tray: Tray) -> None:
    tray.set_facts(TrayFacts((make_queue("a"), make_queue("b"))))
    with qtbot.waitSignal(tray.pause_asked) as pause:
        entry(tray.menu, "Pause all queues").trigger()
    assert pause.args == [("a", "b"), True]

    tray.set_facts(TrayFacts((make_queue("a", is_paused=True), make_queue("b", is_paused=True))))

    with qtbot.waitSignal(tray.pause_asked) as pause:
        entry(tray.menu, "Resume all queues").trigger()
    assert pause.args == [("a", "b"), False]


def test_the_picture_follows_the_state(tray: Tray, clock: FakeClock) -> None:
    assert tray.state is TrayState.IDLE
    tray.set_facts(TrayFacts((make_queue(failed=1),)))
    assert tray.state is TrayState.ATTENTION

    tray.mark_failed_seen()

    assert tray.state is TrayState.IDLE


def test_a_tray_that_vanishes_is_told(qtbot, tray: Tray, presence: list[bool]) -> None:
    assert tray.is_usable
    presence[0] = False

    with qtbot.waitSignal(tray.lost):
        tray.search()

    assert not tray.is_usable
