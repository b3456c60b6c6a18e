"""The list of what can be read on the logs page: all workers, or any of their processes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QWidget

from pqdesk.gui.formatting import format_count
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_tooltip, visible_line
from pqdesk.supervision.records import ReplicaRecord

ALL_WORKERS = "All workers"


class SourceList(QListWidget):
    """Ctrl and Shift choose several, whose logs are merged then. What is chosen stays chosen, by name.

    Signals:
        chosen_changed: Other processes are chosen, or a chosen one writes to other files.
    """

    chosen_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._replicas: tuple[ReplicaRecord, ...] = ()
        self.setObjectName("log_sources")
        self.setAccessibleName("Log sources")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setIconSize(QSize(16, 16))
        self.setMinimumWidth(140)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.addItem(QListWidgetItem(ALL_WORKERS))
        self.setCurrentRow(0)
        self.itemSelectionChanged.connect(self.chosen_changed)
        self.setProperty("look", "places")
        theme.changed.connect(self._update_icons)  # of items, which have no properties
        self._update_icons()

    @property
    def replicas(self) -> tuple[ReplicaRecord, ...]:
        """All that there are."""
        return self._replicas

    @property
    def chosen(self) -> tuple[ReplicaRecord, ...]:
        """In the order of the list; all of them when that is chosen, or nothing."""
        rows = {self.row(item) for item in self.selectedItems()}
        if not rows or 0 in rows:
            return self._replicas
        return tuple(self._replicas[row - 1] for row in sorted(rows))

    @property
    def title(self) -> str:
        """What is chosen, in words."""
        rows = {self.row(item) for item in self.selectedItems()}
        if not rows or 0 in rows:
            return ALL_WORKERS
        return visible_line(self.chosen[0].process) if len(rows) == 1 else format_count(len(rows), "worker")

    def set_replicas(self, replicas: Sequence[ReplicaRecord]) -> None:
        """Show these."""
        before, self._replicas = self._replicas, tuple(replicas)
        if [one.process for one in before] != [one.process for one in replicas]:
            self._fill()
        elif [_files(one) for one in before] != [_files(one) for one in replicas]:
            self.chosen_changed.emit()
        self._update_icons()

    def choose(self, process: str | None) -> bool:
        """Show the log of one process, or of all for None. False when there is no such process."""
        names = [None, *(one.process for one in self._replicas)]
        if process not in names:
            return False
        self.clearSelection()
        self.setCurrentRow(names.index(process))
        return True

    def _fill(self) -> None:
        chosen = {item.text() for item in self.selectedItems()}
        self.blockSignals(True)
        while self.count() > 1:
            self.takeItem(1)
        for replica in self._replicas:
            item = QListWidgetItem(visible_line(replica.process))
            item.setToolTip(as_tooltip(visible_line(replica.process)))
            self.addItem(item)
        rows = [row for row in range(self.count()) if self.item(row).text() in chosen] or [0]
        self.setCurrentRow(rows[0])
        for row in rows:
            self.item(row).setSelected(True)
        self.blockSignals(False)
        self.chosen_changed.emit()

    def _update_icons(self) -> None:
        self.item(0).setIcon(self._theme.icon("logs", Role.MUTED))
        for row, replica in enumerate(self._replicas):
            self.item(row + 1).setIcon(self._theme.worker_icon(replica.state))


def _files(replica: ReplicaRecord) -> tuple[object, object]:
    return replica.stdout_log, replica.stderr_log
