"""A menu of the workers: a submenu for each, and all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from pqdesk.gui.palette import WORKER_LOOKS
from pqdesk.gui.theme import Theme
from pqdesk.gui.visible_text import as_entry
from pqdesk.supervision.records import ReplicaRecord


class WorkersMenu(QMenu):
    """Built once and updated: some desktops lose track of a menu that is made anew.

    Signals:
        asked: "start", "stop" or "restart", and the name of a worker.
    """

    asked = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget, of_all: Sequence[QAction]) -> None:
        """`of_all` stand below the workers."""
        super().__init__("Workers", parent)
        self._theme = theme
        self._entries: dict[str, _WorkerMenu] = {}
        self._separator = self.addSeparator()
        self.addActions(of_all)

    def show_replicas(self, replicas: Sequence[ReplicaRecord]) -> None:
        """One entry for each worker, in the order of `replicas`, which are sorted by worker."""
        workers = {name: tuple(found) for name, found in groupby(replicas, key=lambda one: one.worker)}
        for name in [name for name in self._entries if name not in workers]:
            entry = self._entries.pop(name)
            self.removeAction(entry.menuAction())
            entry.deleteLater()
        for name, found in workers.items():
            if name not in self._entries:
                self._add(name)
            self._entries[name].show_replicas(found, self._theme)

    def _add(self, name: str) -> None:
        entry = _WorkerMenu(name, self)
        entry.toggle.triggered.connect(lambda: self.asked.emit("start" if entry.is_stopped else "stop", name))
        entry.restart.triggered.connect(lambda: self.asked.emit("restart", name))
        after = next((one.menuAction() for other, one in sorted(self._entries.items()) if other > name), None)
        self.insertMenu(after or self._separator, entry)
        self._entries[name] = entry


class _WorkerMenu(QMenu):
    """How one worker is, Start or Stop, Restart."""

    def __init__(self, name: str, parent: QMenu) -> None:
        super().__init__(as_entry(name), parent)
        self.is_stopped = True
        self._state: QAction = self.addAction("")
        self._state.setEnabled(False)
        self.toggle = self.addAction("Start")
        self.restart = self.addAction("Restart")

    def show_replicas(self, replicas: Sequence[ReplicaRecord], theme: Theme) -> None:
        """All replicas of the worker."""
        up = [one for one in replicas if _is_there(one)]
        self.is_stopped = not up
        state = (up or replicas)[0].state
        same = len({one.state for one in replicas}) == 1
        self._state.setText(state.word if same else f"{len(up)} of {len(replicas)} up")
        self.toggle.setText("Start" if self.is_stopped else "Stop")
        self.restart.setEnabled(bool(up))
        theme.picture(self.menuAction(), *WORKER_LOOKS[state])


def _is_there(one: ReplicaRecord) -> bool:
    return one.state.is_up or one.state.has_process
