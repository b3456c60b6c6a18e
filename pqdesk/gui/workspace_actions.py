"""What can be done to the workspace as a whole: the same actions in the menus, on pages and in the tray."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.shell.actions import Action, ActionSet, Menu
from pqdesk.gui.shell.routes import FAILED
from pqdesk.gui.theme import Theme
from pqdesk.gui.things_menu import ThingsMenu, schedules_as_things, workers_as_things
from pqdesk.gui.threads.actor import TEST_QUEUE
from pqdesk.gui.threads.orders import Order, Queues, Schedules, Workers
from pqdesk.gui.tray_state import TrayFacts
from pqdesk.supervision.records import WorkerState

SHOW_FAILED = Action("show_failed", "Show failed messages", Menu.MESSAGE, icon="failed", tip="In Messages", group=2)
WORKERS = Action("workers", "Workers", Menu.TRAY)
START_ALL = Action(
    "start_all", "Start all", Menu.WORKER, icon="start", tip="Start every worker that does not run", group=4
)
STOP_ALL = Action(
    "stop_all",
    "Stop all",
    Menu.WORKER,
    icon="stop",
    tip="Stop every worker; each finishes the message in hand first",
    back="Undo starts them again",
    group=4,
)
PAUSE_ALL = Action("pause_all", "Pause all queues", Menu.QUEUE, icon="paused", back="Undo takes it back", group=1)
SCHEDULES = Action("schedules", "Schedules", Menu.QUEUE, group=1)
TEST = Action("test_message", "Send a test message", Menu.QUEUE, icon="plus", tip="Put one", group=2)


class WorkspaceActions(ActionSet):
    """Outlives workspaces.

    Signals:
        order_asked: An Order.
        route_asked: A Route; the window shall come to the front with it.
    """

    order_asked = Signal(object)
    route_asked = Signal(object)

    def __init__(self, owner: QWidget, theme: Theme) -> None:
        super().__init__(owner, theme)
        self._facts = TrayFacts()
        self.add(SHOW_FAILED, self._show_failed, self._why_not_failed, says=self._say_failed)
        self.add(START_ALL, partial(self._order, "start", "all"), partial(self._why_not, _rests, "Every worker runs"))
        self.add(STOP_ALL, partial(self._order, "stop", "all"), partial(self._why_not, _is_up, "No worker runs"))
        self.add(PAUSE_ALL, self._pause, self._why_not_pause, says=self._say_pause)
        self.add(TEST, self._test, lambda: "" if self._facts.is_readable else "The queue file cannot be read")
        self._workers = ThingsMenu("Workers", theme, owner, (self[START_ALL.name], self[STOP_ALL.name]))
        self._workers.asked.connect(self._order)
        self.add(WORKERS, why_not=partial(self._why_not, lambda _: True, ""), qt=self._workers.menuAction())
        self._schedules = ThingsMenu("Schedules", theme, owner)
        self._schedules.asked.connect(lambda action, name: self.order_asked.emit(Order(action, Schedules((name,)))))
        why_not = lambda: "" if self._facts.schedules else "There are no schedules here"  # noqa: E731
        self.add(SCHEDULES, why_not=why_not, qt=self._schedules.menuAction())

    def show_facts(self, facts: TrayFacts) -> None:
        """How the workspace is by now."""
        if facts != self._facts:
            self._facts = facts
            self._workers.show_things(workers_as_things(facts.replicas))
            self._schedules.show_things(schedules_as_things(facts.schedules))
            self.refresh()

    def _order(self, verb: str, worker: str) -> None:
        self.order_asked.emit(Order(verb, Workers((worker,))))

    def _why_not(self, suits: Callable[[WorkerState], bool], reason: str) -> str:
        if not self._facts.replicas:
            return "No workers are defined here"
        return "" if any(suits(one.state) for one in self._facts.replicas) else reason

    def _show_failed(self) -> None:
        self.route_asked.emit(FAILED)

    def _why_not_failed(self) -> str:
        return "" if self._facts.counts.failed else "No message has failed"

    def _say_failed(self) -> str:
        failed = self._facts.counts.failed
        return f"Show {format_count(failed, 'failed message')}" if failed else "No failed messages"

    def _pause(self) -> None:
        self.order_asked.emit(Order("resume" if self._facts.are_all_paused else "pause", Queues()))

    def _why_not_pause(self) -> str:
        return "" if self._facts.queues else "There are no queues yet"

    def _say_pause(self) -> str:
        return "Resume all queues" if self._facts.are_all_paused else PAUSE_ALL.verb

    def _test(self) -> None:
        self.order_asked.emit(Order("test_message", Queues((TEST_QUEUE,))))


def _rests(state: WorkerState) -> bool:
    return state.is_at_rest


def _is_up(state: WorkerState) -> bool:
    return state.is_up
