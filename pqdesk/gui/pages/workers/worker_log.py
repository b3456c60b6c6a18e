"""The log below the table: of the selected process, or of all replicas of the selected worker, merged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.clock import Clock, to_datetime
from pqdesk.gui.pages.workers.workers_view import STREAMS, WorkersView
from pqdesk.gui.palette import Role
from pqdesk.gui.threads.log_reader import LogReader
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.log_buffer import LogBuffer
from pqdesk.gui.widgets.log_files import LogFiles
from pqdesk.gui.widgets.log_line import LogLine
from pqdesk.supervision.records import ReplicaRecord

_WHO = "workers page"
_MOST_FOLLOWED = 20  # processes at once
_NAME_ROLES = (Role.ACCENT, Role.SCHEDULED, Role.RUNNING, Role.HEALTHY, Role.PAUSED, Role.WARNING)


class WorkerLog(QObject):
    """Follows both streams while the page is live, and fills the view's log pane with what the filter lets through.

    Signals:
        follow_asked: For the log reader: who asks, and the paths.
        errors_changed: There are new lines of stderr.
        told: What came of opening or emptying a log file.
    """

    follow_asked = Signal(str, object)
    errors_changed = Signal()
    told = Signal(str)

    def __init__(self, view: WorkersView, logs: LogReader, clock: Clock) -> None:
        super().__init__(view)
        self._view, self._clock = view, clock
        self._buffer = LogBuffer()
        self._replicas: tuple[ReplicaRecord, ...] = ()
        self._owners: dict[Path, tuple[str, Role, bool]] = {}  # prefix, its colour, whether it is stderr
        self._shown: frozenset[Path] = frozenset()  # of these, what the filter lets through
        self._followed: tuple[Path, ...] = ()
        self._is_live = False
        self._files = LogFiles(view.log, logs)
        self._files.forgotten.connect(self._on_forgotten)
        self._files.told.connect(self.told)
        view.stream.currentIndexChanged.connect(lambda _: self._show())
        view.log.cleared.connect(lambda: self._buffer.clear(self._shown))
        logs.tail_read.connect(self._on_tail_read)
        logs.lines_read.connect(self._on_lines_read)
        logs.failed.connect(self._on_failed)
        self.follow_asked.connect(logs.follow)

    def set_live(self, is_live: bool) -> None:
        self._is_live = is_live
        self._follow()

    def show_replicas(self, title: str, replicas: Sequence[ReplicaRecord]) -> None:
        """Show the log of these; nothing happens when it is shown already."""
        chosen = tuple(replicas[:_MOST_FOLLOWED])
        if [_files(one) for one in chosen] == [_files(one) for one in self._replicas]:
            return
        self._replicas = chosen
        self._view.log_title.setText(visible_line(title))
        names = [visible_line(one.process) if len(chosen) > 1 else "" for one in chosen]
        width = max(map(len, names), default=0)
        self._owners = {}
        for at, (one, name) in enumerate(zip(chosen, names, strict=True)):
            role = _NAME_ROLES[at % len(_NAME_ROLES)]
            self._owners[one.stdout_log] = (name.ljust(width), role, False)
            self._owners[one.stderr_log] = (name.ljust(width), role, True)
        self._follow()
        self._show()

    def errors_of(self, replica: ReplicaRecord, count: int) -> Sequence[str]:
        """The newest lines of its stderr that were read."""
        return self._buffer.lines(replica.stderr_log)[-count:]

    def _follow(self) -> None:
        paths = tuple(self._owners) if self._is_live else ()
        if paths != self._followed:
            self._followed = paths
            self.follow_asked.emit(_WHO, paths)

    def _show(self) -> None:
        hidden = {STREAMS[1]: True, STREAMS[2]: False}.get(self._view.stream.currentText())
        self._shown = frozenset(path for path, owner in self._owners.items() if owner[2] is not hidden)
        files = tuple(path for path in self._owners if path in self._shown)
        self._view.log.set_files(files if len(self._replicas) == 1 else ())
        kept = self._buffer.merged_lines(self._shown)
        nothing = "No errors yet" if hidden is False else "No output yet"
        lines = [self._line(path, one.text, one.read_at) for path, one in kept]
        self._view.log.set_lines(lines, nothing if self._replicas else "Select a worker")

    def _line(self, path: Path, text: str, read_at: datetime | None) -> LogLine:
        return LogLine(text, *self._owners[path], read_at)

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
        self._buffer.add(path, lines, read_at)
        if path in self._shown:
            self._view.log.append_lines([self._line(path, line, read_at) for line in lines])
        if self._owners[path][2]:
            self.errors_changed.emit()

    @Slot(object)
    def _on_forgotten(self, files: tuple[Path, ...]) -> None:
        self._buffer.clear(files)
        self._show()


def _files(replica: ReplicaRecord) -> tuple[str, Path, Path]:
    return replica.process, replica.stdout_log, replica.stderr_log
