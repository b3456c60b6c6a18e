"""Which records are selected, by id: rows come and go, the ids stay until the user chooses others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QObject, Signal

from pqdesk.gui.records.model import RecordModel

T = TypeVar("T")
_Flag = QItemSelectionModel.SelectionFlag


class SelectedRecords(QObject, Generic[T]):
    """Keeps the ids beside a QItemSelectionModel, which forgets rows that are taken out and put in again.

    Signals:
        changed: Other records are selected, or one that is says something else.
    """

    changed = Signal()

    def __init__(self, model: RecordModel[T], selection: QItemSelectionModel, *, is_whole: bool) -> None:
        """`is_whole`: what is not in the model is not there, so it is not selected either."""
        super().__init__()
        self._model, self._selection, self._is_whole = model, selection, is_whole
        self._records: dict[Any, T] = {}
        self._is_restoring = False
        selection.selectionChanged.connect(self._on_selection_changed)
        model.about_to_change.connect(self._on_about_to_change)
        model.has_changed.connect(self._on_model_changed)

    @property
    def records(self) -> Mapping[Any, T]:
        """Each selected record by its id, as it was last seen."""
        return self._records

    def replace_all(self) -> None:
        """The next choice of the user replaces the whole selection, rows out of sight included."""
        self._records = {one: seen for one, seen in self._records.items() if self._model.position_of(one) is not None}

    def forget(self, ids: Collection[Any]) -> None:
        """These are no longer there to be selected."""
        if not self._records.keys().isdisjoint(ids):
            self._records = {one: seen for one, seen in self._records.items() if one not in ids}
            self.changed.emit()

    def clear(self) -> None:
        self._selection.clearSelection()
        if self._records:
            self._records = {}
            self.changed.emit()

    def _on_selection_changed(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        if self._is_restoring:
            return
        for ranges, is_selected in ((deselected, False), (selected, True)):
            for position in _positions(ranges):
                row = self._model.row_at(position)
                if is_selected:
                    self._records[row.id] = row.record
                else:
                    self._records.pop(row.id, None)
        self.changed.emit()

    def _on_about_to_change(self) -> None:
        self._is_restoring = True  # Qt deselects rows that are removed; they may come back

    def _on_model_changed(self) -> None:
        chosen, records = QItemSelection(), {}
        for row_id, seen in self._records.items():
            position = self._model.position_of(row_id)
            if position is not None:
                seen = self._model.row_at(position).record
                index = self._model.index(position, 0)
                if not self._selection.isSelected(index):
                    chosen.select(index, index)
            if position is not None or not self._is_whole:
                records[row_id] = seen
        if not chosen.isEmpty():
            self._selection.select(chosen, _Flag.Select | _Flag.Rows)
        self._is_restoring = False
        if records != self._records:
            self._records = records
            self.changed.emit()


def _positions(ranges: QItemSelection) -> Iterator[int]:
    for at in range(ranges.size()):
        part = ranges.at(at)
        yield from range(part.top(), part.bottom() + 1)
