"""How a worker runs: in how many processes, where, with what, after which ends again, and how it is asked to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pqdesk.gui.dialogs.worker import checks
from pqdesk.gui.dialogs.worker.environment_fields import EnvironmentFields
from pqdesk.gui.dialogs.worker.form_fields import ChoiceRow, NumberRow, TextRow, TickRow
from pqdesk.gui.dialogs.worker.kind_fields import ChooseFolder
from pqdesk.gui.theme import Theme
from pqdesk.supervision.definitions import MOST_REPLICAS, WorkerDefinition

_RESTARTS = (("always", "Always"), ("if it fails", "If it fails"), ("never", "Never"))
_SIGNALS = tuple(
    (name, text)
    for name, text in (
        ("TERM", "TERM: finishes first"),
        ("INT", "INT: as Ctrl+C"),
        ("HUP", "HUP"),
        ("QUIT", "QUIT"),
        ("USR1", "USR1"),
        ("USR2", "USR2"),
        ("KILL", "KILL: at once"),
    )
)
_MIB = 1024 * 1024


class RunFields(QWidget):
    """Signals:
    changed: A value is another.
    """

    changed = Signal()

    def __init__(self, theme: Theme, choose: ChooseFolder) -> None:
        super().__init__()
        self._replicas = NumberRow("Replicas", "worker_replicas", 1, MOST_REPLICAS, hint="Processes that do the same")
        self._autostart = TickRow("Start with supervisord", "worker_autostart")
        self._folder = TextRow(
            "Working folder", "worker_working_folder", "Where relative paths begin",
            placeholder="the workspace", check=checks.check_working_folder,
        )  # fmt: skip
        self._folder.offer_folder(choose)
        self._restart = ChoiceRow("Start again", "worker_restart", _RESTARTS, "When it has ended by itself")
        self._signal = ChoiceRow("Ends with", "worker_stop_signal", _SIGNALS, "The signal that asks it to end")
        self._grace = NumberRow(
            "Time to end", "worker_stop_wait", 0, 86_400, suffix=" s", hint="Then it is killed; its message runs again"
        )
        self._steady = NumberRow(
            "Counts as up", "worker_start_seconds", 0, 86_400, suffix=" s", hint="When it has run for so long"
        )
        self._log = NumberRow("Log size", "worker_log_size", 0, 10_000, suffix=" MiB", special="without end")
        self._backups = NumberRow("Old logs kept", "worker_log_backups", 0, 100)
        self.environment = EnvironmentFields(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for row in (
            self._replicas, self._autostart, self._restart, self._folder, self.environment, self._signal, self._grace,
            self._steady, self._log, self._backups,
        ):  # fmt: skip
            column.addWidget(row)
            row.changed.connect(self.changed)
        column.addStretch(1)
        self._log_bytes = _MIB

    def validate(self) -> bool:
        """Whether all of it may stay; reasons are shown."""
        return not [row for row in (self._folder, self.environment) if not row.validate()]

    def set_restart(self, policy: str) -> None:
        """What fits the kind of worker."""
        self._restart.set_value(policy)

    def show_definition(self, definition: WorkerDefinition) -> None:
        self._replicas.set_number(definition.replicas)
        self._autostart.set_on(definition.is_autostart)
        self._folder.set_text(str(definition.folder) if definition.folder is not None else "")
        self._restart.set_value(definition.restart)
        self._signal.set_value(definition.stop_signal)
        self._grace.set_number(definition.stop_wait_s)
        self._steady.set_number(definition.start_s)
        self._log_bytes = definition.log_bytes
        self._log.set_number(_mib(definition.log_bytes))
        self._backups.set_number(definition.log_backups)
        self.environment.show_variables(definition.environment, definition.secrets)

    def filled_in(self, definition: WorkerDefinition) -> WorkerDefinition:
        """`definition` with these values in place of its own."""
        is_same_size = self._log.number == _mib(self._log_bytes)  # a size that is no whole MiB stays what it is
        return replace(
            definition,
            replicas=self._replicas.number,
            is_autostart=self._autostart.is_on,
            folder=Path(self._folder.text).expanduser() if self._folder.text else None,
            restart=self._restart.value,  # type: ignore[arg-type]
            stop_signal=self._signal.value,
            stop_wait_s=self._grace.number,
            start_s=self._steady.number,
            log_bytes=self._log_bytes if is_same_size else self._log.number * _MIB,
            log_backups=self._backups.number,
            environment=self.environment.environment,
            secrets=self.environment.secrets,
        )


def _mib(size_bytes: int) -> int:
    return 0 if size_bytes <= 0 else max(1, round(size_bytes / _MIB))
