"""The log below the table: of the selected process, or of all replicas of the selected worker, merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.gui.pages.workers.workers_view import STREAMS, WorkersView
from pqdesk.gui.palette import Role
from pqdesk.gui.threads.log_reader import LogReader
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.log_buffer import LogBuffer
from pqdesk.gui.widgets.log_files import LogFiles
from pqdesk.gui.widgets.log_text import LogLine
from pqdesk.supervision.records import ReplicaRecord

_WHO = "workers page"
_MOST_FOLLOWED = 20  # files of each kind at once
_NAME_ROLES = (Role.ACCENT, Role.SCHEDULED, Role.RUNNING, Role.HEALTHY, Role.PAUSED, Role.WARNING)


class WorkerLog(QObject):
    """Follows the files while the page is live, and fills the view's log pane.

    Signals:
        follow_asked: For the log reader: who asks, and the paths.
        errors_changed: There are new lines of stderr.
        told: What came of opening or emptying a log file.
    """

    follow_asked = Signal(str, object)
    errors_changed = Signal()
    told = Signal(str)

    def __init__(self, view: WorkersView, logs: LogReader) -> None:
        super().__init__(view)
        self._view = view
        self._buffer = LogBuffer()
        self._shown: tuple[ReplicaRecord, ...] = ()
        self._names: dict[Path, tuple[str, Role]] = {}  # what stands before the lines of a file
        self._followed: tuple[Path, ...] = ()
        self._is_live = False
        view.stream.currentIndexChanged.connect(lambda _: self._show())
        files = LogFiles(view.log, logs)
        files.forgotten.connect(self._on_forgotten)
        files.told.connect(self.told)
        view.log.cleared.connect(lambda: self._buffer.clear(self._names))
        logs.tail_read.connect(self._on_tail_read)
        logs.lines_read.connect(self._on_lines_read)
        logs.failed.connect(self._on_failed)
        self.follow_asked.connect(logs.follow)

    def set_live(self, is_live: bool) -> None:
        self._is_live = is_live
        self._follow()

    def show_replicas(self, title: str, replicas: Sequence[ReplicaRecord]) -> None:
        """Show the log of these; nothing happens when it is shown already."""
        files = [(one.process, one.stdout_log, one.stderr_log) for one in replicas[:_MOST_FOLLOWED]]
        if files == [(one.process, one.stdout_log, one.stderr_log) for one in self._shown]:
            return
        self._shown = tuple(replicas[:_MOST_FOLLOWED])
        self._view.log_title.setText(visible_line(title))
        self._show()
        self._follow()

    def errors_of(self, replica: ReplicaRecord, count: int) -> Sequence[str]:
        """The newest lines of its stderr that were read."""
        return self._buffer.lines(replica.stderr_log)[-count:]

    def _follow(self) -> None:
        paths = tuple(path for one in self._shown for path in (one.stdout_log, one.stderr_log)) if self._is_live else ()
        if paths != self._followed:
            self._followed = paths
            self.follow_asked.emit(_WHO, paths)

    def _show(self) -> None:
        is_errors = self._view.stream.currentText() == STREAMS[1]
        has_names = len(self._shown) > 1
        width = max((len(visible_line(one.process)) for one in self._shown), default=0)
        self._names = {
            (one.stderr_log if is_errors else one.stdout_log): (
                visible_line(one.process).ljust(width) if has_names else "",
                _NAME_ROLES[at % len(_NAME_ROLES)],
            )
            for at, one in enumerate(self._shown)
        }
        lines = [self._line(path, text) for path, text in self._buffer.merged(self._names)]
        self._view.log.set_files(tuple(self._names) if len(self._shown) == 1 else ())
        nothing = "No errors yet" if is_errors else "No output yet"
        self._view.log.set_lines(lines, nothing if self._shown else "Select a worker")

    def _line(self, path: Path, text: str) -> LogLine:
        name, role = self._names[path]
        return LogLine(text, name, role, is_error=any(path == one.stderr_log for one in self._shown))

    @Slot(object, object)
    def _on_lines_read(self, path: Path, lines: list[str]) -> None:
        if path in self._followed:
            self._buffer.add(path, lines)
            self._append(path, lines)

    @Slot(str, object, object)
    def _on_tail_read(self, who: str, path: Path, lines: list[str]) -> None:
        if who == _WHO and path in self._followed:
            self._append(path, self._buffer.add_tail(path, lines))

    @Slot(object, str)
    def _on_failed(self, path: Path, why: str) -> None:
        if path in self._names:
            self._view.log.append_lines([self._line(path, f"cannot read {path}: {why}")])

    @Slot(object)
    def _on_forgotten(self, files: tuple[Path, ...]) -> None:
        self._buffer.clear(files)
        self._show()

    def _append(self, path: Path, lines: Sequence[str]) -> None:
        if path in self._names:
            self._view.log.append_lines([self._line(path, line) for line in lines])
        if any(path == one.stderr_log for one in self._shown):
            self.errors_changed.emit()
