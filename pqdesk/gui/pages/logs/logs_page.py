"""The logs page: what one worker, several or all of them write, merged, each line after the name of its process."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from pqdesk.clock import Clock, SystemClock
from pqdesk.gui.log_feed import LogFeed
from pqdesk.gui.pages.logs.source_list import SourceList
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.log.pane import LogPane
from pqdesk.supervision.records import SupervisionStatus

_LIST_PX = 200


class LogsPage(QWidget):
    """A list of workers at the left, their merged log at the right.

    Signals:
        message_asked: The id of a message whose line was chosen.
        notice: What was done, for the toast.
    """

    title = "Logs"
    message_asked = Signal(object)
    notice = Signal(str)

    def __init__(self, link: SupervisorLink, theme: Theme, clock: Clock | None = None) -> None:
        super().__init__()
        self.setObjectName("logs_page")
        self._theme = theme
        self._list = SourceList(theme, self)
        self._log = LogPane(theme, self)
        self.feed = LogFeed("logs page", self._log, link.logs, clock or SystemClock())
        self._lay_out()
        self._list.chosen_changed.connect(self._choose)
        self._log.message_asked.connect(self.message_asked)
        self.feed.told.connect(self.notice)
        link.status_changed.connect(self._on_status_changed)

    def _lay_out(self) -> None:
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.addWidget(self._list)
        splitter.addWidget(self._log)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_LIST_PX, 800])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(splitter)

    # --- what the window asks ---------------------------------------------------------------------

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self._list, self._log.text.mirror]

    def set_live(self, is_live: bool) -> None:
        self.feed.set_live(is_live)

    def focus_filter(self) -> None:
        self._log.focus_find()

    def show_worker(self, process: str) -> None:
        """The log of this process; of all, when there is no such one."""
        if not self._list.choose(process):
            self._list.choose(None)

    def show_message(self, message_id: int, process: str = "") -> None:
        """What was written around the newest line about a message, by this process, or by any for ""."""
        self.show_worker(process)
        self.feed.show_around(message_id, process)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(Role.BASE))
        painter.end()

    # --- which log --------------------------------------------------------------------------------

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        had_none = not self._list.replicas
        self._list.set_replicas(status.replicas)
        if had_none and not status.replicas:
            self._choose()  # "No workers defined" instead of nothing

    def _choose(self) -> None:
        """Follow and show what the list says."""
        everyone = self._list.replicas
        self.feed.show_processes(self._list.title, self._list.chosen, everyone, nothing="No workers defined")
