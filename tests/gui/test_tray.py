"""The tray's menu and what it asks for. No platform of the tests has a tray, so its presence is made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from pqdesk.gui.shell.routes import FAILED
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Order, Queues, Workers
from pqdesk.gui.tray import Tray
from pqdesk.gui.tray_state import TrayFacts, TrayState
from pqdesk.gui.workspace_actions import WorkspaceActions
from pqdesk.messages.records import QueueRecord
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.gui.shell_fakes import FakeClock, make_queue, make_replica, make_status


@pytest.fixture
def presence() -> list[bool]:
    return [True]


class Rig(NamedTuple):
    """The tray over the workspace's actions; `asked` are the orders and routes that came of them."""

    tray: Tray
    actions: WorkspaceActions
    asked: list[object]

    def tell(self, *queues: QueueRecord, status: SupervisionStatus | None = None) -> None:
        facts = TrayFacts(queues, status)
        self.tray.set_facts(facts)
        self.actions.show_facts(facts)


@pytest.fixture
def rig(qtbot, theme: Theme, clock: FakeClock, presence: list[bool]) -> Iterator[Rig]:
    owner = QWidget()
    qtbot.addWidget(owner)
    actions, asked = WorkspaceActions(owner, theme), []
    actions.order_asked.connect(asked.append)
    actions.route_asked.connect(asked.append)
    groups = [[QAction("Open PQDesk", owner), actions["show_failed"]], [actions["workers"], actions["pause_all"]]]
    tray = Tray(groups, clock, lambda: presence[0])
    tray.start()
    tray.set_workspace("demo")
    yield Rig(tray, actions, asked)
    tray.stop()


@pytest.fixture
def tray(rig: Rig) -> Tray:
    return rig.tray


def texts(menu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def entry(menu, text: str):
    return next(action for action in menu.actions() if action.text() == text)


def submenu(tray: Tray):
    return entry(tray.menu, "Workers").menu()


def test_the_menu_says_how_it_is_and_offers_what_the_window_does(rig: Rig) -> None:
    rig.tell(make_queue(running=1, ready=4, failed=2), status=make_status(make_replica("consumer")))

    assert texts(rig.tray.menu) == [
        "demo: 1 running, 4 ready, 2 failed",
        "Open PQDesk",
        "Show 2 failed messages",
        "Workers",
        "Pause all queues",
    ]
    entry(rig.tray.menu, "Show 2 failed messages").trigger()
    assert rig.asked == [FAILED]


def test_what_makes_no_sense_is_not_offered(rig: Rig) -> None:
    rig.tell(make_queue(completed=2), status=make_status())

    offered = {text: entry(rig.tray.menu, text).isEnabled() for text in ("No failed messages", "Workers")}
    assert offered == {"No failed messages": False, "Workers": False}


def test_a_notice_that_is_clicked_leads_to_its_route(qtbot, tray: Tray) -> None:
    tray.tell("2 messages failed", FAILED)

    with qtbot.waitSignal(tray.route_asked) as asked:
        tray._icon.messageClicked.emit()
    assert asked.args == [FAILED]


def test_each_worker_can_be_started_or_stopped_and_restarted(rig: Rig) -> None:
    rig.tell(status=make_status(make_replica("consumer"), make_replica("producer", WorkerState.STOPPED)))
    menu = submenu(rig.tray)
    assert texts(menu) == ["consumer", "producer", "Start all", "Stop all"]
    consumer, producer = (entry(menu, name).menu() for name in ("consumer", "producer"))
    assert (texts(consumer), texts(producer)) == (["Running", "Stop", "Restart"], ["Stopped", "Start", "Restart"])
    assert not entry(producer, "Restart").isEnabled()

    for at, text in ((consumer, "Stop"), (consumer, "Restart"), (producer, "Start"), (menu, "Stop all")):
        entry(at, text).trigger()

    orders = (("stop", "consumer"), ("restart", "consumer"), ("start", "producer"), ("stop", "all"))
    assert rig.asked == [Order(verb, Workers((name,))) for verb, name in orders]


def test_replicas_are_one_entry(rig: Rig) -> None:
    pair = [
        make_replica("mail", worker="mail"),
        make_replica("mail-2", WorkerState.STOPPED, worker="mail", replica=2),
    ]
    rig.tell(status=make_status(*pair))

    assert texts(submenu(rig.tray)) == ["mail", "Start all", "Stop all"]
    assert texts(entry(submenu(rig.tray), "mail").menu())[:2] == ["1 of 2 up", "Stop"]


def test_workers_that_are_gone_leave_the_menu_and_the_rest_stays_the_same_entry(rig: Rig) -> None:
    rig.tell(status=make_status(make_replica("a"), make_replica("b")))
    kept = entry(submenu(rig.tray), "b")

    rig.tell(status=make_status(make_replica("aa"), make_replica("b", WorkerState.STOPPED)))

    assert texts(submenu(rig.tray)) == ["aa", "b", "Start all", "Stop all"]
    assert entry(submenu(rig.tray), "b") is kept


def test_pausing_turns_into_resuming(rig: Rig) -> None:
    rig.tell(make_queue("a"), make_queue("b"))
    entry(rig.tray.menu, "Pause all queues").trigger()

    rig.tell(make_queue("a", is_paused=True), make_queue("b", is_paused=True))
    entry(rig.tray.menu, "Resume all queues").trigger()

    assert rig.asked == [Order("pause", Queues()), Order("resume", Queues())]


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
