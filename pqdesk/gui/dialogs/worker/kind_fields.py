"""The fields that are asked for each kind of worker, and the recipe that they make; kinds.py lists the kinds."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pqdesk.gui.dialogs.worker.form_fields import ChoiceRow, TextRow, TickRow
from pqdesk.gui.dialogs.worker.option_rows import ChooseFolder, OptionRow
from pqdesk.gui.widgets.layouts import vbox
from pqdesk.supervision.definitions.recipes import Recipe, with_own_zone
from pqdesk.worker_options import Kind, options_of

_GROUPS = {"what": "What is put", "when": "When"}
_NEVER = ("", "Over and over")


class KindFields(QWidget):
    """The rows of one kind, and where one of several options is to be chosen, a row for that.

    Signals:
        changed: A value is another.
    """

    changed = Signal()

    def __init__(self, kind: Kind, choose: ChooseFolder) -> None:
        super().__init__()
        self._kind = kind
        self._rows: dict[str, OptionRow] = {}
        self._chosen: dict[str, ChoiceRow] = {}
        self._shown: Recipe | None = None
        self._unasked: dict[str, Any] = {}  # what the form has no field for; kept
        self._column = vbox(on=self, spacing=10)
        for option in options_of(kind):
            if option.group is not None and option.offer and option.group not in self._chosen:
                offered = [(one.field, one.offer) for one in options_of(kind) if one.group == option.group]
                nothing = [_NEVER] if option.group == "when" else []
                choice = ChoiceRow(_GROUPS[option.group], f"worker_{option.group}", (*offered, *nothing))
                self._chosen[option.group] = choice
                self._add(choice)
            if option.label:
                is_needed = option.group is not None or option.is_word
                asked = OptionRow(option, f"worker_{option.field}", choose, is_needed=is_needed)
                self._rows[option.field] = asked
                self._add(asked.row)
        self._column.addStretch(1)
        self.changed.connect(self._show_asked)
        self._show_asked()

    def _add(self, row: Any) -> None:
        self._column.addWidget(row)
        row.changed.connect(self.changed)

    @property
    def first_field(self) -> QWidget:
        field: QWidget = next(iter(self._rows.values())).row.field
        return field

    def validate(self) -> bool:
        """Whether all that is asked now may stay; reasons are shown."""
        return not [one for one in self._asked() if not one.row.validate()]

    def insist(self) -> None:
        """Blame empty fields too."""
        for one in self._asked():
            if isinstance(one.row, TextRow):
                one.row.insist()

    def problem_field(self) -> QWidget | None:
        """The first whose value cannot be."""
        return next((one.row.field for one in self._asked() if not one.row.validate()), None)

    def recipe(self) -> Recipe:
        """Of fields that are valid."""
        values = {one.option.field: self._given(one) for one in self._asked()}
        return with_own_zone(Recipe(self._kind, **self._unasked, **values), self._shown)

    def show_recipe(self, recipe: Recipe) -> None:
        """Fill the fields."""
        self._shown = recipe
        self._unasked = {name: value for name, value in recipe.values.items() if name not in self._rows}
        for name, one in self._rows.items():
            one.value = recipe.values.get(name)
        for group, choice in self._chosen.items():
            of_group = [one.field for one in options_of(self._kind) if one.group == group]
            choice.set_value(next((name for name in of_group if name in recipe.values), ""))
        self._show_asked()

    def set_queue(self, queue: str) -> None:
        """The queue that a worker is wanted for."""
        for name, value in (("queues", (queue,) if queue else None), ("queue", queue or None)):
            if name in self._rows:
                self._rows[name].value = value

    def proposed_name(self) -> str:
        """A name that says what it does; empty when nothing is known yet."""
        if self._kind in (Kind.POST, Kind.SCHEDULE):
            queue = self._text("queues").partition(",")[0].strip() or self._text("queue")
            return f"{self._kind}-{queue}" if queue else ""
        if self._kind is Kind.FUNCTION:
            return self._text("handler").rpartition(":")[2]
        if self._kind is Kind.FOLDER:
            folder = self._text("folder").rstrip("/").rpartition("/")[2]
            return f"watch-{folder}" if folder else ""
        command = self._rows["command"]
        return command.value[0].rpartition("/")[2] if self._text("command") and command.row.validate() else ""

    def _text(self, name: str) -> str:
        row = self._rows[name].row if name in self._rows else None
        return row.text if isinstance(row, TextRow) else ""

    def _given(self, one: OptionRow) -> Any:
        """Its value; None where that is what holds anyway."""
        if isinstance(one.row, TickRow):
            return one.value
        first = next(iter(one.option.choices or ("",)))
        value = str(one.value) if one.option.form == "folder" else one.value
        return None if not value or (one.option.choices is not None and value == first) else value

    def _asked(self) -> list[OptionRow]:
        return [one for one in self._rows.values() if one.row.is_asked]

    def _show_asked(self) -> None:
        chosen = {choice.value for choice in self._chosen.values()}
        for one in self._rows.values():
            option = one.option
            if option.offer:
                one.row.set_asked(option.field in chosen)
            elif option.needs:
                one.row.set_asked(bool(chosen & {*option.needs}))
