"""Which messages are selected, by id: rows come and go, the ids stay until the user chooses others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QObject, Signal

from pqdesk.gui.pages.messages.message_table_model import MessageTableModel
from pqdesk.messages.states import State

_Flag = QItemSelectionModel.SelectionFlag


class SelectedMessages(QObject):
    """Keeps the ids beside a QItemSelectionModel, which forgets rows that leave the window.

    Signals:
        changed: Other messages are selected, or the state of one that is has changed.
    """

    changed = Signal()

    def __init__(self, model: MessageTableModel, selection: QItemSelectionModel) -> None:
        super().__init__()
        self._model = model
        self._selection = selection
        self._states: dict[int, State] = {}
        self._is_restoring = False
        selection.selectionChanged.connect(self._on_selection_changed)
        model.about_to_change.connect(self._on_about_to_change)
        model.has_changed.connect(self._on_model_changed)

    @property
    def states(self) -> Mapping[int, State]:
        """The state last seen of each selected message, by id."""
        return self._states

    def replace_all(self) -> None:
        """The next choice of the user replaces the whole selection, rows out of sight included."""
        shown = {message_id for message_id in self._states if self._model.position_of(message_id) is not None}
        self._states = {message_id: state for message_id, state in self._states.items() if message_id in shown}

    def forget(self, ids: frozenset[int]) -> None:
        """These are no longer there to be selected."""
        if ids & self._states.keys():
            self._states = {one: state for one, state in self._states.items() if one not in ids}
            self.changed.emit()

    def clear(self) -> None:
        self._selection.clearSelection()
        if self._states:
            self._states = {}
            self.changed.emit()

    def _on_selection_changed(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        if self._is_restoring:
            return
        for ranges, is_selected in ((deselected, False), (selected, True)):
            for position in _positions(ranges):
                row = self._model.row_at(position)
                if is_selected:
                    self._states[row.id] = row.state
                else:
                    self._states.pop(row.id, None)
        self.changed.emit()

    def _on_about_to_change(self) -> None:
        self._is_restoring = True  # Qt deselects rows that are removed; they may come back

    def _on_model_changed(self) -> None:
        chosen = QItemSelection()
        states = {}
        for message_id, state in self._states.items():
            position = self._model.position_of(message_id)
            if position is not None:
                state = self._model.row_at(position).state
                index = self._model.index(position, 0)
                if not self._selection.isSelected(index):
                    chosen.select(index, index)
            states[message_id] = state
        if not chosen.isEmpty():
            self._selection.select(chosen, _Flag.Select | _Flag.Rows)
        self._is_restoring = False
        if states != self._states:
            self._states = states
            self.changed.emit()


def _positions(ranges: QItemSelection) -> Iterator[int]:
    for at in range(ranges.size()):
        part = ranges.at(at)
        yield from range(part.top(), part.bottom() + 1)
