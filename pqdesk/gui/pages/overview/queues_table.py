"""The queues with their counts, as a table on the Overview."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractItemView, QMenu, QWidget

from pqdesk.gui.formatting import format_number
from pqdesk.gui.pages.overview.queue_actions import QueueActions
from pqdesk.gui.palette import Role
from pqdesk.gui.records import Grows, RecordColumn, RecordModel, RecordTable
from pqdesk.gui.shell.actions import fill_menu
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import visible_line
from pqdesk.messages.records import QueueRecord
from pqdesk.messages.states import QueueWord, State

_INKS = {QueueWord.PAUSED: Role.PAUSED, QueueWord.STALLED: Role.WARNING, QueueWord.NO_WORKER: Role.WARNING}
_LONGEST_SHOWN = 8


class SeenQueue(NamedTuple):
    """A queue, and how it is as far as is known."""

    queue: QueueRecord
    word: QueueWord | None

    def count(self, state: State) -> int:
        return self.queue.counts.of(state)


def _count(state: State, width: int, given_up: int = 0) -> RecordColumn[SeenQueue]:
    usual = Role.ERROR if state is State.FAILED else Role.TEXT
    return RecordColumn(
        state.word,
        state.word.capitalize(),
        lambda seen, _now: format_number(seen.count(state)),
        width,
        is_right=True,
        ink=lambda seen, _text: usual if seen.count(state) else Role.MUTED,
        given_up=given_up,
    )


COLUMNS: tuple[RecordColumn[SeenQueue], ...] = (
    RecordColumn("name", "Queue", lambda seen, _now: visible_line(seen.queue.name), 110, Grows.MUCH),
    RecordColumn(
        "status",
        "Status",
        lambda seen, _now: seen.word or "",
        100,
        icon=lambda seen: ("paused", Role.PAUSED) if seen.queue.is_paused else None,
        ink=lambda seen, _text: Role.MUTED if seen.word is None else _INKS.get(seen.word, Role.MUTED),
    ),
    _count(State.READY, 68),
    _count(State.RUNNING, 78, 2),
    _count(State.RETRYING, 80, 3),
    _count(State.FAILED, 68),
    _count(State.COMPLETED, 96, 1),
)


class QueuesTable(RecordTable[SeenQueue]):
    """A row per queue, in the order given; as high as its rows, up to a few. The actions are about the selected one."""

    def __init__(self, actions: QueueActions, theme: Theme, parent: QWidget | None = None) -> None:
        model = RecordModel(COLUMNS, lambda seen: seen.queue.name, phrase=_phrase)
        super().__init__(model, theme, "queues_table", "Queues", parent)
        model.setParent(self)
        self._actions = actions
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.opened.connect(lambda _: actions["show_queue"].trigger())
        self.selected.changed.connect(self._tell_selected)
        model.has_changed.connect(self._tell_selected)
        self.customContextMenuRequested.connect(self._show_menu)
        model.has_changed.connect(self._fit_height)
        self._fit_height()

    def make_menu(self, queue: QueueRecord) -> QMenu:
        """What can be done to `queue`."""
        self._actions.set_queue(queue)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        fill_menu(menu, list(self._actions))
        return menu

    def _tell_selected(self) -> None:
        seen = next(iter(self.selected.records.values()), None)
        self._actions.set_queue(None if seen is None else seen.queue)

    def _show_menu(self, point: QPoint) -> None:
        seen = self.record_at(point)
        if seen is not None:
            menu = self.make_menu(seen.queue)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.viewport().mapToGlobal(point))

    def _fit_height(self) -> None:
        rows = min(max(self.model().rowCount(), 1), _LONGEST_SHOWN)
        self.setFixedHeight(self.verticalHeader().defaultSectionSize() * rows + self.horizontalHeader().height() + 2)


def _phrase(seen: SeenQueue) -> str:
    counts = (f"{format_number(seen.count(state))} {state.word}" for state in State if seen.count(state))
    return ", ".join(filter(None, (visible_line(seen.queue.name), (seen.word or "").lower(), *counts)))
