"""The Overview: what it shows, what its buttons ask for, and that it stands still while it is not live."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QTableView, QWidget

from pqdesk.gui.pages.overview import OverviewPage
from pqdesk.gui.pages.overview.queues_table import QueuesTable
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.orders import Order, Queues, Workers
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.throughput import Throughput
from pqdesk.gui.tray_state import TrayFacts
from pqdesk.gui.widgets.sparkline import nice_top
from pqdesk.gui.widgets.tile import StateTile
from pqdesk.gui.workspace_actions import WorkspaceActions
from pqdesk.messages.records import QueueRecord
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.gui.shell_fakes import FakeClock, FakeSupervision, make_health, make_queue, make_replica, make_status


class Rig:
    """A page whose threads are never started: the test says what they found."""

    def __init__(self, qtbot, theme: Theme, clock: FakeClock) -> None:
        self.reader = Reader(lambda: None)
        self.link = SupervisorLink(lambda: FakeSupervision(make_status()))  # type: ignore[arg-type,return-value]
        self.actions = WorkspaceActions(owner := QWidget(), theme)
        self.page = OverviewPage(self.reader, self.link, Throughput(self.reader, clock), self.actions, theme)
        qtbot.addWidget(owner)
        qtbot.addWidget(self.page)
        self.page.resize(1060, 700)
        self.page.show()
        self.page.set_live(True)

    def tell(self, *queues: QueueRecord, status: SupervisionStatus | None = None) -> None:
        self.reader.counts_loaded.emit(queues)
        if status is not None:
            self.link.status_changed.emit(status)
        self.page.show_health(make_health(status or make_status(), *queues))
        self.actions.show_facts(TrayFacts(queues, status))
        QApplication.processEvents()  # rows that are new are shown by their layout

    def count(self, state: str) -> str:
        label = self.page.findChild(QLabel, f"tile_{state}_count")
        assert label is not None
        return label.text()

    def tile(self, state: str) -> StateTile:
        tile = self.page.findChild(StateTile, f"tile_{state}")
        assert tile is not None
        return tile

    def button(self, text: str) -> QPushButton:
        return next(one for one in self.page.findChildren(QPushButton) if one.text() == text and one.isVisible())

    def words(self) -> list[str]:
        """What the rows of workers say."""
        return [label.text() for label in self.page.view.workers.findChildren(QLabel)]

    def cells(self) -> list[list[str]]:
        table = self.page.findChild(QTableView, "queues_table")
        assert table is not None
        model = table.model()
        return [
            [model.index(row, column).data() for column in range(model.columnCount())]
            for row in range(model.rowCount())
        ]


@pytest.fixture
def rig(qtbot, theme: Theme, clock: FakeClock) -> Rig:
    return Rig(qtbot, theme, clock)


def test_tiles_add_up_all_queues_and_say_so_to_assistive_technology(rig: Rig) -> None:
    rig.tell(make_queue("a", ready=1200, failed=1), make_queue("b", ready=34))

    assert (rig.count("ready"), rig.count("failed"), rig.count("running")) == ("1,234", "1", "0")
    assert rig.tile("ready").accessibleName() == "Ready"
    assert rig.tile("ready").accessibleDescription() == "1,234 messages"


def test_a_tile_leads_to_the_messages_in_its_state(qtbot, rig: Rig) -> None:
    with qtbot.waitSignal(rig.page.route_asked) as asked:
        rig.tile("failed").click()

    assert asked.args == [Route("messages", filter="state:failed")]


def test_the_table_of_queues_is_merged_by_name_without_a_reset(rig: Rig) -> None:
    resets: list[bool] = []
    table = rig.page.findChild(QTableView, "queues_table")
    assert table is not None
    assert table.accessibleName() == "Queues"
    table.model().modelReset.connect(lambda: resets.append(True))
    rig.tell(make_queue("a", ready=1), make_queue("c"))
    table.selectRow(1)

    rig.tell(make_queue("a", ready=2), make_queue("b", is_paused=True), make_queue("c", failed=3))

    assert [row[:3] for row in rig.cells()] == [["a", "No worker", "2"], ["b", "Paused", "0"], ["c", "Idle", "0"]]
    assert table.currentIndex().data() == "c"
    rig.tell(make_queue("c"))
    assert [row[0] for row in rig.cells()] == ["c"]
    assert resets == []


def test_a_queue_can_be_paused_from_its_menu(qtbot, rig: Rig) -> None:
    table = rig.page.findChild(QueuesTable)
    assert table is not None
    for is_paused, text in ((False, "Pause queue"), (True, "Resume queue")):
        entry = next(
            one for one in table.make_menu(make_queue("a", is_paused=is_paused)).actions() if one.text() == text
        )
        with qtbot.waitSignal(rig.page.order_asked) as asked:
            entry.trigger()
        assert asked.args == [Order("resume" if is_paused else "pause", Queues(("a",)))]


@pytest.mark.parametrize(
    ("status", "queues", "button", "signal", "args"),
    [
        (
            make_status(make_replica("p", WorkerState.CRASH_LOOPING)),
            (),
            "Show log",
            "route_asked",
            [Route("workers", subject="p")],
        ),
        (
            None,
            (make_queue('a "b"', failed=2),),
            "Show messages",
            "route_asked",
            [Route("messages", filter=r'state:failed queue:"a \"b\""')],
        ),
        (None, (make_queue("a", is_paused=True),), "Resume queue", "order_asked", [Order("resume", Queues(("a",)))]),
        (
            make_status(make_replica("p", WorkerState.STOPPED), is_running=False),
            (),
            "Start workers",
            "order_asked",
            [Order("start", Workers())],
        ),
    ],
)
def test_each_thing_that_needs_attention_has_one_button(qtbot, rig: Rig, status, queues, button, signal, args) -> None:
    rig.tell(*queues, status=status)

    with qtbot.waitSignal(getattr(rig.page, signal)) as asked:
        rig.button(button).click()

    assert asked.args == args


def test_all_quiet(rig: Rig) -> None:
    rig.tell(make_queue(completed=3), status=make_status(make_replica("consumer")))

    assert "All quiet" in [label.text() for label in rig.page.findChildren(QLabel) if label.isVisible()]


def test_start_all_and_stop_all_are_there_when_they_make_sense(qtbot, rig: Rig) -> None:
    stopped, running = make_replica("a", WorkerState.STOPPED), make_replica("b")
    rig.tell(make_queue(), status=make_status(stopped))
    assert (rig.button("Start all").isEnabled(), rig.button("Stop all").isEnabled()) == (True, False)

    rig.tell(make_queue(), status=make_status(running))
    assert (rig.button("Start all").isEnabled(), rig.button("Stop all").isEnabled()) == (False, True)

    with qtbot.waitSignal(rig.actions.order_asked) as asked:
        rig.button("Stop all").click()
    assert asked.args == [Order("stop", Workers())]


def test_what_is_not_live_stands_still_and_catches_up(rig: Rig) -> None:
    rig.tell(make_queue(ready=1), status=make_status(make_replica("a")))
    rig.page.set_live(False)

    rig.tell(make_queue(ready=2), status=make_status(make_replica("a", WorkerState.STOPPED)))
    assert rig.count("ready") == "1"
    assert "Running" in rig.words()

    rig.page.set_live(True)
    assert rig.count("ready") == "2"
    assert "Running" not in rig.words()


def test_rows_of_attention_keep_their_place_while_their_text_changes(rig: Rig) -> None:
    rig.tell(make_queue("a", failed=1), make_queue("b", failed=1))
    before = rig.button("Show messages")

    rig.tell(make_queue("a", failed=2), make_queue("b", failed=1))

    assert rig.button("Show messages") is before
    assert before.accessibleDescription() == "2 failed messages in 'a'"


@pytest.mark.parametrize(("highest", "top"), [(0, 2), (1.5, 2), (29, 40), (61, 80), (100, 100), (101, 200)])
def test_the_axis_ends_at_a_round_number(highest: float, top: float) -> None:
    assert nice_top(highest) == top
