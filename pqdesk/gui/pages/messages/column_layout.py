"""Which columns are there and how wide: by the view, by what fits, and by what the user chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QTableView

from pqdesk.gui.pages.messages.columns import EXPENDABLE, LOOKS, Column, usual_columns
from pqdesk.gui.shell.kept import mapping, numbers
from pqdesk.messages.states import State

_REFERENCE_DIGIT_PX = 8  # what the widths in LOOKS were chosen for


class ColumnLayout(QObject):
    """Lays out the columns of one table. It scrolls sideways only when the user widened something.

    Signals:
        fitted: How many columns were left out since they do not fit.
    """

    fitted = Signal(int)

    def __init__(self, table: QTableView) -> None:
        super().__init__(table)
        self._table = table
        self._states: tuple[State, ...] = ()
        self._wishes: dict[Column, bool] = {}
        self._widths: dict[Column, int] = {}  # those that the user dragged
        self._is_fitting = False
        table.horizontalHeader().sectionResized.connect(self._on_resized)

    @property
    def first(self) -> Column:
        """The leftmost column that is there."""
        header = self._table.horizontalHeader()
        shown = [column for column in Column if not self._table.isColumnHidden(column)]
        return min(shown, key=header.visualIndex, default=Column.STATE)

    def set_view(self, states: tuple[State, ...]) -> None:
        """Show the columns that a view of `states` has."""
        self._states = states
        self.fit()

    def wishes(self) -> Mapping[Column, bool]:
        """Whether each column is wanted, by the user or else by the view."""
        usual = usual_columns(self._states)
        return {column: self._wishes.get(column, column in usual) for column in Column}

    def wish(self, column: Column, is_shown: bool) -> None:
        """The user wants `column`, or does not, in all views."""
        self._wishes[column] = is_shown
        self.fit()

    def state(self) -> dict[str, Any]:
        """What the user chose, by the names of columns; for settings."""
        header = self._table.horizontalHeader()
        return {
            "shown": {column.name: is_shown for column, is_shown in self._wishes.items()},
            "widths": {column.name: width for column, width in self._widths.items()},
            "order": [Column(header.logicalIndex(at)).name for at in range(len(Column))],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave, now or in another version; what does not fit is passed over."""
        names = Column.__members__
        self._wishes = {names[key]: one is True for key, one in mapping(state.get("shown")).items() if key in names}
        self._widths = {names[key]: one for key, one in numbers(state.get("widths")).items() if key in names}
        order = state.get("order")
        known = (
            [names[key] for key in order if isinstance(key, str) and key in names] if isinstance(order, list) else []
        )
        header = self._table.horizontalHeader()
        for to, column in enumerate(known):
            header.moveSection(header.visualIndex(column), to)
        self.fit()

    def fit(self) -> None:
        """Leave out what does not fit, and share what is left among the columns that stretch."""
        wanted = [column for column, is_shown in self.wishes().items() if is_shown]
        room = self._table.viewport().width()
        left_out = 0
        for column in EXPENDABLE:
            is_up_to_us = column in wanted and column not in self._wishes
            if is_up_to_us and sum(map(self._least, wanted)) > room:
                wanted.remove(column)
                left_out += 1
        self._is_fitting = True
        for column in Column:
            self._table.setColumnHidden(column, column not in wanted)
        for column, width in self._shared(wanted, room).items():
            self._table.setColumnWidth(column, width)
        self._is_fitting = False
        self.fitted.emit(left_out)

    def _shared(self, wanted: list[Column], room: int) -> dict[Column, int]:
        widths = {column: self._least(column) for column in wanted}
        stretching = [column for column in wanted if not LOOKS[column].width and column not in self._widths]
        spare = max(0, room - sum(widths.values()))
        for at, column in enumerate(stretching):
            widths[column] += spare * (at + 1) // len(stretching) - spare * at // len(stretching)
        return widths

    def _least(self, column: Column) -> int:
        scale = max(1.0, self._table.fontMetrics().horizontalAdvance("0") / _REFERENCE_DIGIT_PX)
        return self._widths.get(column) or round((LOOKS[column].width or LOOKS[column].least) * scale)

    def _on_resized(self, section: int, _before: int, width: int) -> None:
        if not self._is_fitting and width:
            self._widths[Column(section)] = width
