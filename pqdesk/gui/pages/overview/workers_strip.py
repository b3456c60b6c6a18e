"""The workers at a glance: state, name, how long they have been up."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from pqdesk.gui.formatting import format_uptime
from pqdesk.gui.palette import WORKER_LOOKS
from pqdesk.gui.theme import Theme, set_look
from pqdesk.gui.visible_text import as_entry, as_tooltip
from pqdesk.gui.widgets.buttons import make_button
from pqdesk.gui.widgets.labels import PlainLabel
from pqdesk.gui.widgets.layouts import hbox, vbox
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus


class WorkerRow(QWidget):
    """One replica; its name leads to the Workers page."""

    def __init__(self, theme: Theme, process: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = QLabel(self)
        self.name_button = make_button(
            as_entry(process), f"strip_{process}", self, look="link", description="Show this worker"
        )
        self._word = PlainLabel("", self)
        self._uptime = PlainLabel(
            "", self, look="muted", alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        hbox(self._icon, self.name_button, None, self._word, self._uptime, on=self, spacing=6)
        self._uptime.setMinimumWidth(self.fontMetrics().horizontalAdvance("23 min 59 s") + 4)

    def show_replica(self, replica: ReplicaRecord) -> None:
        self._uptime.setText(format_uptime(replica.uptime_s) if replica.uptime_s is not None else "")
        icon, role = WORKER_LOOKS[replica.state]
        self._theme.picture(self._icon, icon, role)
        set_look(self._word, role.name, "ink")
        self._word.setText(replica.state.word)
        self._word.setToolTip(as_tooltip(replica.exit_text or replica.description))


class WorkersStrip(QWidget):
    """A row per replica.

    Signals:
        worker_chosen: The name of the worker to show.
    """

    worker_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("workers_strip")
        self._theme = theme
        self._rows: dict[str, WorkerRow] = {}
        self._empty = PlainLabel("No workers defined", self, look="muted")
        self._column = vbox(self._empty, on=self, spacing=2)

    def show_status(self, status: SupervisionStatus) -> None:
        replicas = {one.process: one for one in status.replicas}
        for process in [process for process in self._rows if process not in replicas]:
            row = self._rows.pop(process)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for process, replica in replicas.items():
            if process not in self._rows:
                self._add(process, replica.worker)
            self._rows[process].show_replica(replica)
        self._empty.setVisible(not replicas)

    def _add(self, process: str, worker: str) -> None:
        row = WorkerRow(self._theme, process, self)
        row.name_button.clicked.connect(lambda: self.worker_chosen.emit(worker))
        self._rows[process] = row
        self._column.addWidget(row)
