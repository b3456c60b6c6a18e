"""The logs page: what one worker, several or all of them write, merged, each line after the name of its process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QSplitter, QVBoxLayout, QWidget

from pqdesk.clock import Clock, SystemClock, to_datetime
from pqdesk.gui.pages.logs.source_list import SourceList
from pqdesk.gui.palette import Role
from pqdesk.gui.theme import Theme
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.labels import ElidedLabel
from pqdesk.gui.widgets.log_buffer import LogBuffer
from pqdesk.gui.widgets.log_files import LogFiles
from pqdesk.gui.widgets.log_line import LogLine
from pqdesk.gui.widgets.log_pane import LogPane
from pqdesk.supervision.logs.message_lines import LinesAround
from pqdesk.supervision.records import SupervisionStatus

_WHO = "logs page"
_BOTH, _OUTPUT, _ERRORS = "Output and errors", "Output", "Errors"
_NAME_ROLES = (Role.ACCENT, Role.SCHEDULED, Role.RUNNING, Role.HEALTHY, Role.PAUSED, Role.WARNING)
_LIST_PX = 200


class _Owner(NamedTuple):
    """Whose lines a file has: the name before them, their colour, and which stream it is."""

    name: str
    role: Role
    is_error: bool


class LogsPage(QWidget):
    """A list of workers at the left, their merged log at the right.

    Both streams of what is chosen are followed, whatever is shown of them, so that a filter hides and loses nothing.

    Signals:
        follow_asked: For the log reader: who asks, and the paths.
        around_asked: For the log reader: logs, the id of a message, the token of the question.
        message_asked: The id of a message whose line was chosen.
        notice: What was done, for the toast.
    """

    title = "Logs"
    follow_asked = Signal(str, object)
    around_asked = Signal(object, object, int)
    message_asked = Signal(object)
    notice = Signal(str)

    def __init__(self, link: SupervisorLink, theme: Theme, clock: Clock | None = None) -> None:
        super().__init__()
        self.setObjectName("logs_page")
        self._theme = theme
        self._clock = clock or SystemClock()
        self._buffer = LogBuffer()
        self._owners: dict[Path, _Owner] = {}  # of what is chosen, both streams
        self._shown: frozenset[Path] = frozenset()  # of these, what the stream filter lets through
        self._followed: tuple[Path, ...] = ()
        self._is_live = False
        self._excerpt_token = 0
        self._is_excerpt = False  # lines of before are shown, and none are added
        self._sought = (0, "")
        self._reordering = QTimer(self, singleShot=True, interval=0)
        self._reordering.timeout.connect(self._reorder)
        self._list = SourceList(theme, self)
        self._log = LogPane(theme, self)
        self._excerpt = Banner(theme, "log_excerpt", self._log)
        self._log_title = ElidedLabel("", self._log)
        self._log_title.setFont(theme.font(100, is_semibold=True))  # before Qt polishes it, else a new parent drops it
        self._stream = QComboBox(self._log)
        self._stream.setObjectName("logStreamFilter")
        self._stream.setAccessibleName("Stream")
        self._stream.addItems([_BOTH, _OUTPUT, _ERRORS])
        self._lay_out()
        self._connect(link)
        theme.changed.connect(self._take_looks)

    def _lay_out(self) -> None:
        self._log.controls.insertWidget(0, self._log_title, 1)
        self._log.controls.insertWidget(1, self._stream)
        self._log.notices.addWidget(self._excerpt)
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

    def _connect(self, link: SupervisorLink) -> None:
        self._list.chosen_changed.connect(self._choose)
        self._stream.currentIndexChanged.connect(lambda _: self._show())
        self._log.cleared.connect(lambda: self._buffer.clear(self._shown))
        self._excerpt.pressed.connect(self._show)
        self._log.text.end_asked.connect(self._on_end_asked)
        self._files = LogFiles(self._log, link.logs)
        self._files.forgotten.connect(self._on_forgotten)
        self._files.told.connect(self.notice)
        self._log.message_asked.connect(self.message_asked)
        self.follow_asked.connect(link.logs.follow)
        self.around_asked.connect(link.logs.find_around)
        link.logs.around_found.connect(self._on_around_found)
        link.status_changed.connect(self._on_status_changed)
        link.logs.tail_read.connect(self._on_tail_read)
        link.logs.lines_read.connect(self._on_lines_read)
        link.logs.failed.connect(self._on_failed)

    # --- what the window asks ---------------------------------------------------------------------

    @property
    def panes(self) -> Sequence[QWidget]:
        """In the order of F6."""
        return [self._list, self._log.text.mirror]

    def set_live(self, is_live: bool) -> None:
        if is_live != self._is_live:
            self._is_live = is_live
            self._follow()

    def focus_filter(self) -> None:
        self._log.focus_find()

    def show_worker(self, process: str) -> None:
        """The log of this process; of all, when there is no such one."""
        if not self._list.choose(process):
            self._list.choose(None)

    def show_message(self, message_id: int, process: str = "") -> None:
        """What was written around the newest line about a message, by this process, or by any for ""."""
        self.show_worker(process)
        self._excerpt_token += 1
        self._sought = (message_id, process)
        self.around_asked.emit(tuple(self._owners), message_id, self._excerpt_token)

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
            self._show()  # "No workers defined" instead of nothing

    def _choose(self) -> None:
        """Follow and show what the list says."""
        chosen = self._list.chosen
        self._log_title.setText(self._list.title)
        is_one = len(chosen) == 1
        names = ["" if is_one else visible_line(one.process) for one in chosen]
        width = max(map(len, names), default=0)
        at = {one.process: number for number, one in enumerate(self._list.replicas)}
        self._owners = {}
        # producers first: of what comes within one look, putting was before completing
        for replica, name in sorted(zip(chosen, names, strict=True), key=lambda one: one[0].kind != "producer"):
            role = _NAME_ROLES[at[replica.process] % len(_NAME_ROLES)]
            self._owners[replica.stdout_log] = _Owner(name.ljust(width), role, False)
            self._owners[replica.stderr_log] = _Owner(name.ljust(width), role, True)
        self._follow()
        self._show()

    def _show(self) -> None:
        """What the stream filter lets through, live."""
        self._is_excerpt = False
        self._excerpt.hide()
        stream = self._stream.currentText()
        hidden = {_OUTPUT: True, _ERRORS: False}.get(stream)
        self._shown = frozenset(path for path, owner in self._owners.items() if owner.is_error is not hidden)
        files = tuple(path for path in self._owners if path in self._shown)
        self._log.set_files(files if len(self._list.chosen) == 1 else ())
        kept = self._buffer.merged_lines(self._shown)
        lines = [self._line(path, one.text, one.read_at) for path, one in kept]
        self._log.set_lines(lines, "No output yet" if self._list.replicas else "No workers defined")

    # --- its lines --------------------------------------------------------------------------------

    def _follow(self) -> None:
        paths = tuple(self._owners) if self._is_live else ()
        if paths != self._followed:
            self._followed = paths
            self.follow_asked.emit(_WHO, paths)

    @Slot(object, object)
    def _on_lines_read(self, path: Path, lines: list[str]) -> None:
        if path in self._followed:
            self._take(path, lines, to_datetime(self._clock.wall_us()).astimezone())

    @Slot(str, object, object)
    def _on_tail_read(self, who: str, path: Path, lines: list[str]) -> None:
        if who == _WHO and path in self._followed:
            self._take(path, lines, None)

    @Slot(object, str)
    def _on_failed(self, path: Path, why: str) -> None:
        if path in self._followed:
            self._take(path, [f"… cannot read {path}: {why} …"], None)

    def _take(self, path: Path, lines: Sequence[str], read_at: datetime | None) -> None:
        newest = self._buffer.last_time(self._shown)
        self._buffer.add(path, lines, read_at)
        if path not in self._shown or self._is_excerpt:
            return
        if read_at is None and self._buffer.first_time(path, len(lines)) < newest:
            self._reordering.start()  # what one file had before belongs between the lines of others
        elif not self._reordering.isActive():
            self._log.append_lines([self._line(path, line, read_at) for line in lines])

    def _reorder(self) -> None:
        if not self._is_excerpt:
            self._show()

    def _line(self, path: Path, text: str, read_at: datetime | None) -> LogLine:
        name, role, is_error = self._owners[path]
        return LogLine(text, name, role, is_error, read_at)

    # --- around a message -------------------------------------------------------------------------

    @Slot(int, object)
    def _on_around_found(self, token: int, found: LinesAround | str | None) -> None:
        if token != self._excerpt_token:
            return
        message_id, process = self._sought
        if isinstance(found, LinesAround) and found.path in self._owners:
            self._show_around(message_id, found)
        else:
            where = f"the log of {visible_line(process)}" if process else "the logs"
            nothing = f"No line names message {message_id} in {where}"
            self.notice.emit(found if isinstance(found, str) else nothing)

    @Slot()
    def _on_end_asked(self) -> None:
        if self._is_excerpt:  # its end is not the newest line
            self._show()

    def _show_around(self, message_id: int, found: LinesAround) -> None:
        self._is_excerpt = True
        text = f"Around message {message_id} in {visible_line(found.path.name)}. New lines do not come in here."
        self._excerpt.show_text("info", text, "Back to live")
        self._log.set_lines([self._line(found.path, one, None) for one in found.lines], "")
        self._log.show_place(found.at)

    @Slot(object)
    def _on_forgotten(self, files: tuple[Path, ...]) -> None:
        self._buffer.clear(files)
        self._show()

    def _take_looks(self) -> None:
        self._log_title.setFont(self._theme.font(100, is_semibold=True))
