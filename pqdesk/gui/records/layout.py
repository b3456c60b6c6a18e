"""Which columns are there and how wide: by what is usual, by what fits, and by what the user chose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QTableView

from pqdesk.gui.records.columns import Grows, RecordColumn

_REFERENCE_DIGIT_PX = 8  # what the widths of columns were chosen for


class ColumnLayout(QObject):
    """Lays out the columns of one table. It scrolls sideways only when the user widened something.

    Signals:
        fitted: How many columns were left out since they do not fit.
    """

    fitted = Signal(int)

    def __init__(self, table: QTableView, columns: Sequence[RecordColumn[Any]]) -> None:
        super().__init__(table)
        self._table, self._columns = table, columns
        self._usual: Collection[str] = [one.key for one in columns if one.is_usual]
        self._wishes: dict[int, bool] = {}
        self._widths: dict[int, int] = {}  # those that the user dragged
        self._is_fitting = False
        table.horizontalHeader().sectionResized.connect(self._on_resized)

    @property
    def first(self) -> int:
        """The leftmost column that is there."""
        header = self._table.horizontalHeader()
        shown = (at for at in range(len(self._columns)) if not self._table.isColumnHidden(at))
        return min(shown, key=header.visualIndex, default=0)

    def set_usual(self, usual: Collection[str]) -> None:
        """Show the columns of these keys unless the user chose others."""
        self._usual = usual
        self.fit()

    def wishes(self) -> Mapping[int, bool]:
        """Whether each column is wanted, by the user or else as usual."""
        return {at: self._wishes.get(at, one.key in self._usual) for at, one in enumerate(self._columns)}

    def wish(self, column: int, is_shown: bool) -> None:
        """The user wants `column`, or does not, whatever is usual."""
        self._wishes[column] = is_shown
        self.fit()

    def state(self) -> dict[str, Any]:
        """What the user chose, in plain values by the keys of columns; for settings."""
        header, keys = self._table.horizontalHeader(), [one.key for one in self._columns]
        return {
            "shown": {keys[at]: is_shown for at, is_shown in self._wishes.items()},
            "widths": {keys[at]: width for at, width in self._widths.items()},
            "order": [keys[header.logicalIndex(at)] for at in range(len(keys))],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave, now or in another version; what does not fit is passed over."""
        places = {one.key: at for at, one in enumerate(self._columns)}
        shown, widths, order = (state.get(name) for name in ("shown", "widths", "order"))
        if isinstance(shown, Mapping):
            self._wishes = {places[key]: bool(one) for key, one in shown.items() if key in places}
        if isinstance(widths, Mapping):
            least = self._table.horizontalHeader().minimumSectionSize()
            known = {key: one for key, one in widths.items() if key in places and isinstance(one, int)}
            self._widths = {places[key]: min(max(one, least), 4_000) for key, one in known.items()}
        if isinstance(order, list):
            header = self._table.horizontalHeader()
            header.blockSignals(True)
            for to, key in enumerate(key for key in order if isinstance(key, str) and key in places):
                header.moveSection(header.visualIndex(places[key]), to)
            header.blockSignals(False)
        self.fit()

    def fit(self) -> None:
        """Leave out what does not fit, and share what is left among the columns that grow."""
        wanted = [column for column, is_shown in self.wishes().items() if is_shown]
        room = self._table.viewport().width()
        left_out = 0
        for column in sorted(wanted, key=lambda at: -self._columns[at].given_up):
            is_up_to_us = self._columns[column].given_up and column not in self._wishes
            if is_up_to_us and sum(map(self._least, wanted)) > room:
                wanted.remove(column)
                left_out += 1
        self._is_fitting = True
        for column in range(len(self._columns)):
            self._table.setColumnHidden(column, column not in wanted)
        for column, width in self._shared(wanted, room).items():
            self._table.setColumnWidth(column, width)
        self._is_fitting = False
        self.fitted.emit(left_out)

    def _shared(self, wanted: Sequence[int], room: int) -> dict[int, int]:
        widths = {column: self._least(column) for column in wanted}
        growing = [at for at in wanted if self._columns[at].grows and at not in self._widths]
        spare = max(0, room - sum(widths.values()))
        weights = sum(int(self._columns[at].grows) for at in growing)
        is_wanted_more = any(self._columns[at].grows is Grows.MUCH for at in growing)
        for column in sorted(growing, key=lambda at: self._columns[at].grows):  # who takes most takes what is left
            grows = self._columns[column].grows
            more = spare * grows // weights
            if grows is Grows.SOME and is_wanted_more:
                more = min(more, widths[column])
            widths[column] += more
            spare, weights = spare - more, weights - grows
        return widths

    def _least(self, column: int) -> int:
        scale = max(1.0, self._table.fontMetrics().horizontalAdvance("0") / _REFERENCE_DIGIT_PX)
        return self._widths.get(column) or round(self._columns[column].width * scale)

    def _on_resized(self, section: int, _before: int, width: int) -> None:
        if not self._is_fitting and width:
            self._widths[section] = width
