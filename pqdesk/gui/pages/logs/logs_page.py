"""The logs page: what one worker or all of them write, each line after the name of its process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QFrame, QListWidget, QListWidgetItem, QSplitter, QVBoxLayout, QWidget

from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.labels import ElidedLabel
from pqdesk.gui.widgets.log_buffer import LogBuffer
from pqdesk.gui.widgets.log_pane import LogPane
from pqdesk.gui.widgets.log_text import LogLine
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus

_WHO = "logs page"
_ALL = "All workers"
_BOTH, _OUTPUT, _ERRORS = "Output and errors", "Output", "Errors"
_NAME_ROLES = (Role.ACCENT, Role.SCHEDULED, Role.RUNNING, Role.HEALTHY, Role.PAUSED, Role.WARNING)
_LIST_PX = 200


class LogsPage(QWidget):
    """A list of workers at the left, their merged log at the right.

    Signals:
        follow_asked: For the log reader: who asks, and the paths.
    """

    title = "Logs"
    follow_asked = Signal(str, object)

    def __init__(self, link: SupervisorLink, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("logs_page")
        self._theme = theme
        self._buffer = LogBuffer()
        self._replicas: tuple[ReplicaRecord, ...] = ()
        self._owners: dict[Path, tuple[str, Role]] = {}  # of each shown file: the name before its lines, its colour
        self._followed: tuple[Path, ...] = ()
        self._is_live = False
        self._list = self._make_list()
        self._log = LogPane(theme, self)
        self._log_title = ElidedLabel("", self._log)
        self._log_title.setFont(theme.font(100, is_semibold=True))  # before Qt polishes it, else a new parent drops it
        self._stream = QComboBox(self._log)
        self._stream.setObjectName("logStreamFilter")
        self._stream.setAccessibleName("Stream")
        self._stream.addItems([_BOTH, _OUTPUT, _ERRORS])
        self._log.controls.insertWidget(0, self._log_title, 1)
        self._log.controls.insertWidget(1, self._stream)
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
        self._list.currentRowChanged.connect(lambda _: self._choose())
        self._stream.currentIndexChanged.connect(lambda _: self._choose())
        self._log.cleared.connect(lambda: self._buffer.clear(self._owners))
        self.follow_asked.connect(link.logs.follow)
        link.status_changed.connect(self._on_status_changed)
        link.logs.tail_read.connect(self._on_tail_read)
        link.logs.lines_read.connect(self._on_lines_read)
        theme.changed.connect(self._take_looks)
        self._take_looks()
        self._list.setCurrentRow(0)

    def _make_list(self) -> QListWidget:
        view = QListWidget(self)
        view.setObjectName("log_sources")
        view.setAccessibleName("Log sources")
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setIconSize(QSize(16, 16))
        view.setMinimumWidth(140)
        view.addItem(QListWidgetItem(_ALL))
        return view

    # --- what the window asks ---------------------------------------------------------------------

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self._list, self._log.text]

    def set_live(self, is_live: bool) -> None:
        if is_live != self._is_live:
            self._is_live = is_live
            self._follow()

    def focus_filter(self) -> None:
        self._log.focus_find()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(Role.BASE))
        painter.end()

    # --- which log --------------------------------------------------------------------------------

    @Slot(object)
    def _on_status_changed(self, status: SupervisionStatus) -> None:
        is_other = [one.process for one in status.replicas] != [one.process for one in self._replicas]
        self._replicas = status.replicas
        if is_other:
            self._list_workers()
        for row, replica in enumerate(self._replicas):
            self._list.item(row + 1).setIcon(self._theme.worker_icon(replica.state))

    def _list_workers(self) -> None:
        """The chosen one stays chosen, by name."""
        chosen = self._list.currentItem().text() if self._list.currentItem() is not None else _ALL
        self._list.blockSignals(True)
        while self._list.count() > 1:
            self._list.takeItem(1)
        for replica in self._replicas:
            self._list.addItem(QListWidgetItem(visible_line(replica.process)))
        names = [self._list.item(row).text() for row in range(self._list.count())]
        self._list.setCurrentRow(names.index(chosen) if chosen in names else 0)
        self._list.blockSignals(False)
        self._choose()

    def _choose(self) -> None:
        """Show what the list and the picker say."""
        row = self._list.currentRow()
        chosen = self._replicas if row <= 0 else self._replicas[row - 1 : row]
        self._log_title.setText(_ALL if row <= 0 else visible_line(chosen[0].process))
        stream = self._stream.currentText()
        width = max((len(visible_line(one.process)) for one in chosen), default=0)
        self._owners = {}
        for at, replica in enumerate(self._replicas):
            if replica not in chosen:
                continue
            name = visible_line(replica.process).ljust(width)
            if stream != _ERRORS:
                self._owners[replica.stdout_log] = (name, _NAME_ROLES[at % len(_NAME_ROLES)])
            if stream != _OUTPUT:
                self._owners[replica.stderr_log] = (name, Role.ERROR)
        self._follow()
        lines = [self._line(path, text) for path, text in self._buffer.merged(self._owners)]
        self._log.set_lines(lines, "No output yet" if self._replicas else "No workers defined")

    # --- its lines --------------------------------------------------------------------------------

    def _follow(self) -> None:
        paths = tuple(self._owners) if self._is_live else ()
        if paths != self._followed:
            self._followed = paths
            self.follow_asked.emit(_WHO, paths)

    @Slot(object, object)
    def _on_lines_read(self, path: Path, lines: list[str]) -> None:
        if path in self._followed:
            self._buffer.add(path, lines)
            self._log.append_lines([self._line(path, line) for line in lines])

    @Slot(str, object, object)
    def _on_tail_read(self, who: str, path: Path, lines: list[str]) -> None:
        if who == _WHO and path in self._followed:
            news = self._buffer.add_tail(path, lines)
            self._log.append_lines([self._line(path, line) for line in news])

    def _line(self, path: Path, text: str) -> LogLine:
        name, role = self._owners[path]
        return LogLine(text, name, role)

    def _take_looks(self) -> None:
        self._log_title.setFont(self._theme.font(100, is_semibold=True))
        self._list.item(0).setIcon(self._theme.icon("logs", Role.MUTED))
        for row, replica in enumerate(self._replicas):
            self._list.item(row + 1).setIcon(self._theme.worker_icon(replica.state))
        self._list.setStyleSheet(
            f"QListWidget {{ background: {self._theme.color(Role.BASE).name()}; padding: 6px 8px; outline: none; }}"
            "QListWidget::item { padding: 6px 8px; border-radius: 4px; }"
            f"QListWidget::item:hover {{ background: {self._theme.color(Role.HOVER).name()}; }}"
            f"QListWidget::item:selected {{ background: {self._theme.color(Role.SELECTION).name()};"
            f" color: {self._theme.color(Role.TEXT).name()}; }}"
            f"QListWidget::item:focus {{ border: 2px solid {self._theme.color(Role.ACCENT).name()};"
            " padding: 4px 6px; }"
        )
