"""How a worker runs: in how many processes, where, with what, after which ends again, and how it is asked to end."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pqdesk.gui.dialogs.worker.environment_fields import EnvironmentFields
from pqdesk.gui.dialogs.worker.option_rows import ChooseFolder, OptionRow
from pqdesk.gui.theme import Theme
from pqdesk.gui.widgets.layouts import vbox
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.worker_options import RUN_OPTIONS, WorkerOption


class RunFields(QWidget):
    """Signals:
    changed: A value is another.
    """

    changed = Signal()

    def __init__(self, theme: Theme, choose: ChooseFolder) -> None:
        super().__init__()
        self._rows = {
            one.field: OptionRow(
                one, f"worker_{one.option[2:].partition('/')[0].replace('-', '_')}", choose, is_needed=False
            )
            for one in RUN_OPTIONS
        }
        self.environment = EnvironmentFields(theme)
        column = vbox(on=self, spacing=10)
        for name, one in self._rows.items():
            column.addWidget(one.row)
            one.row.changed.connect(self.changed)
            if name == "folder":
                column.addWidget(self.environment)
        self.environment.changed.connect(self.changed)
        column.addStretch(1)

    def validate(self) -> bool:
        """Whether all of it may stay; reasons are shown."""
        return all([self.environment.validate(), *(one.row.validate() for one in self._rows.values())])

    def set_restart(self, policy: str) -> None:
        """What fits the kind of worker."""
        self._rows["restart"].value = policy

    def show_definition(self, definition: WorkerDefinition) -> None:
        for name, one in self._rows.items():
            one.value = getattr(definition, name)
        self.environment.show_variables(definition.environment, definition.secrets)

    def filled_in(self, definition: WorkerDefinition) -> WorkerDefinition:
        """`definition` with these values in place of its own."""
        values = {name: one.value for name, one in self._rows.items()}
        return replace(definition, **values, environment=self.environment.environment, secrets=self.environment.secrets)


def _name(option: WorkerOption) -> str:
    return f"worker_{option.option[2:].partition('/')[0].replace('-', '_')}"
