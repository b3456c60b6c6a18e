"""The table of workers: its columns, which rows can be seen, folding the replicas of a worker."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from pqdesk.gui.pages.workers.selected_workers import SelectedWorkers
from pqdesk.gui.pages.workers.worker_rows import WorkerFacts, WorkerRow, worker_rows
from pqdesk.gui.palette import WORKER_LOOKS, Role
from pqdesk.gui.records import Grows, RecordColumn, RecordModel, RecordTable
from pqdesk.gui.shell.actions import Action, ActionSet
from pqdesk.gui.theme import Theme

_STEP_PX = 22
_ARROW_PX = 24


def _column(key: str, title: str, width: int, grows: Grows = Grows.NOT, **looks: Any) -> RecordColumn[WorkerRow]:
    return RecordColumn(
        key, title, lambda row, _now: row.cells[key], width, grows, tip=lambda row: row.tips.get(key, ""), **looks
    )


def _arrow(row: WorkerRow) -> tuple[str, Role] | None:
    return None if row.is_folded is None else ("chevron-right" if row.is_folded else "chevron-down", Role.MUTED)


COLUMNS = (
    _column(
        "name",
        "Name",
        144,
        Grows.SOME,
        icon=_arrow,
        indent=lambda row: row.steps * _STEP_PX,
        is_strong=lambda row: row.is_group,
    ),
    _column(
        "state",
        "State",
        164,
        icon=lambda row: WORKER_LOOKS[row.state],
        ink=lambda row, _text: WORKER_LOOKS[row.state][1],
    ),
    _column("pid", "PID", 66, is_right=True, ink=Role.MUTED, given_up=4),
    _column("up_for", "Up for", 92, is_right=True, ink=Role.MUTED),
    _column("cpu", "CPU %", 58, is_right=True, header_tip="Of one core, child processes included", given_up=1),
    _column("memory", "Memory", 82, is_right=True, header_tip="Resident, child processes included", given_up=2),
    _column(
        "restarts",
        "Restarts",
        76,
        is_right=True,
        ink=Role.MUTED,
        header_tip="By supervisord, not asked for: in the last hour / in all",
    ),
    _column(
        "last_exit",
        "Last exit",
        148,
        Grows.MUCH,
        ink=lambda row, _text: Role.ERROR if row.state.is_in_trouble else Role.MUTED,
    ),
    _column("queues", "Queues", 100, Grows.SOME, ink=Role.MUTED, given_up=3),
    _column(
        "now_running",
        "Now running",
        96,
        is_right=True,
        is_link=lambda row: bool(row.message_ids),
        header_tip="The message in hand; click to show it",
    ),
    _column("rate", "Rate/s", 64, is_right=True, header_tip="Messages per second of its queues"),
)


HIDE_REPLICAS = Action("hide_replicas", "Hide the replicas", None, ("Left",), widget="table")
SHOW_REPLICAS = Action("show_replicas", "Show the replicas", None, ("Right",), widget="table")


class WorkersTable(RecordTable[WorkerRow]):
    """Signals:
    messages_asked: Ids of messages in hand whose link was followed.
    """

    messages_asked = Signal(object)

    def __init__(self, theme: Theme, actions: ActionSet, parent: QWidget | None = None) -> None:
        """`actions` of its page get those of the table too."""
        model = RecordModel(COLUMNS, lambda row: row.key, phrase=lambda row: row.phrase, heading=(0, 1))
        super().__init__(model, theme, "workers", "Workers", parent)
        model.setParent(self)
        self._facts: WorkerFacts | None = None
        self._folded: frozenset[str] = frozenset()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.link_followed.connect(lambda _column, row: self.messages_asked.emit(row.message_ids))
        self.opened.connect(self._toggle_fold)
        self._actions = actions
        actions.add(HIDE_REPLICAS, partial(self._fold, True))
        actions.add(SHOW_REPLICAS, partial(self._fold, False))

    def show_facts(self, facts: WorkerFacts) -> None:
        self._facts = facts
        self.show_records(worker_rows(facts, self._folded))

    def show_worker(self, name: str) -> bool:
        """Select the worker called so, or the process, and nothing else; whether it is there."""
        rows = [row.record for row in self._records.rows]
        is_there = [row for row in rows if row.target == name]
        is_part = [row for row in rows if any(one.process == name for one in row.replicas)]
        for row in (is_there or is_part)[:1]:
            self.choose(row.key)
            self.scrollTo(self.currentIndex())
        return bool(is_there or is_part)

    def show_first(self) -> None:
        """Select the first row unless another is."""
        if self._records.rows and not self.selectionModel().hasSelection():
            self.choose(self._records.rows[0].id)

    @property
    def selected_workers(self) -> SelectedWorkers:
        """The selected rows, from top to bottom."""
        chosen = self.selected.records
        return SelectedWorkers(tuple(chosen[row.id] for row in self._records.rows if row.id in chosen))

    def visible_processes(self) -> frozenset[str]:
        """Of the rows that can be seen; a worker's row stands for all its replicas."""
        first, last = self.visible_range()
        rows = self._records.rows[first : last + 1]
        return frozenset(one.process for row in rows for one in row.record.replicas)

    # --- folding ----------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        place = event.position().toPoint()
        row = self.record_at(place)
        is_arrow = place.x() < self.columnViewportPosition(0) + _ARROW_PX and self.columnAt(place.x()) == 0
        if row is not None and is_arrow and event.button() == Qt.MouseButton.LeftButton and not event.modifiers():
            self._toggle_fold(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._actions.press(event, "table"):
            super().keyPressEvent(event)

    def _fold(self, is_folded: bool) -> None:
        """Hide the replicas of the current row, or show them."""
        at = self.currentIndex()
        row = self._records.row_at(at.row()).record if at.isValid() else None
        if row is not None and row.is_folded is not is_folded:
            self._toggle_fold(row)

    def _toggle_fold(self, row: WorkerRow) -> None:
        if row.is_group and self._facts is not None:
            self._folded ^= {row.worker}
            self.show_records(worker_rows(self._facts, self._folded), at_once=True)
