"""Starting and stopping every worker at once: the same two actions on each page that has workers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal

from pqdesk.gui.shell.actions import Action, ActionSet, Menu
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState

START_ALL = Action(
    "start_all",
    "Start all",
    Menu.WORKER,
    icon="start",
    tip="Start every worker that does not run",
    group=4,
    is_anywhere=True,
)
STOP_ALL = Action(
    "stop_all",
    "Stop all",
    Menu.WORKER,
    icon="stop",
    tip="Stop every worker; each finishes the message in hand first",
    back="Undo starts them again",
    group=4,
    is_anywhere=True,
)


class AllWorkers(ActionSet):
    """Signals:
    start_all_asked, stop_all_asked: Chosen.
    """

    start_all_asked = Signal()
    stop_all_asked = Signal()

    _replicas: tuple[ReplicaRecord, ...] = ()

    def add_all_workers(self) -> None:
        """Begin to offer both."""
        self.add(
            START_ALL,
            self.start_all_asked.emit,
            lambda: self._why_not(lambda state: state.is_at_rest, "Every worker runs"),
        )
        self.add(STOP_ALL, self.stop_all_asked.emit, lambda: self._why_not(_is_up, "No worker runs"))

    def show_status(self, status: SupervisionStatus) -> None:
        """How the workers are."""
        self._replicas = status.replicas
        self.refresh()

    def _why_not(self, suits: Callable[[WorkerState], bool], reason: str) -> str:
        if not self._replicas:
            return "No workers are defined here"
        return "" if any(suits(one.state) for one in self._replicas) else reason


def _is_at_rest(state: WorkerState) -> bool:
    return state.is_at_rest


def _is_up(state: WorkerState) -> bool:
    return state.is_up
