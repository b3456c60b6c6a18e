"""What the log reader reads of chosen processes, kept, put in order and shown in a log pane.

The pages Logs and Workers have a LogFeed each; the Log tab of a message only names its lines the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from pqdesk.clock import Clock, from_datetime, to_datetime
from pqdesk.gui.dialogs.questions import ask_clear_logs
from pqdesk.gui.palette import Role
from pqdesk.gui.threads.log_reader import LogReader
from pqdesk.gui.visible_text import visible_line
from pqdesk.gui.widgets.banner import Banner
from pqdesk.gui.widgets.log.lines import LINES_KEPT, LogLine
from pqdesk.gui.widgets.log.pane import LogPane
from pqdesk.log_records import stamp, timed
from pqdesk.supervision.logs.message_lines import LinesAround
from pqdesk.supervision.records import ReplicaRecord

_ROLES = (Role.ACCENT, Role.SCHEDULED, Role.RUNNING, Role.HEALTHY, Role.PAUSED, Role.WARNING)


class LogSource(NamedTuple):
    """A process and its two logs."""

    process: str
    output: Path
    errors: Path

    @classmethod
    def of(cls, replica: ReplicaRecord) -> LogSource:
        return cls(replica.process, replica.stdout_log, replica.stderr_log)


class LogOwner(NamedTuple):
    """Whose lines a log has: the process, the name before them, its colour, and which stream it is."""

    process: str
    prefix: str
    role: Role
    is_error: bool

    def line(self, text: str, read_at: datetime | None = None) -> LogLine:
        return LogLine(text, self.prefix, self.role, self.is_error, read_at)


def owners_of(
    sources: Sequence[LogSource], everyone: Sequence[LogSource], *, is_named: bool = True
) -> dict[Path, LogOwner]:
    """The owner of each log of `sources`. A process has its colour by its place among `everyone`."""
    places = {one.process: at for at, one in enumerate(everyone)}
    width = max((len(visible_line(one.process)) for one in sources), default=0)
    owners = {}
    for process, output, errors in sources:
        prefix = visible_line(process).ljust(width) if is_named else ""
        role = _ROLES[places[process] % len(_ROLES)]
        owners[output] = LogOwner(process, prefix, role, False)
        owners[errors] = LogOwner(process, prefix, role, True)
    return owners


class KeptLine(NamedTuple):
    """A line with its time and its place among all that were read, and when that was; None for what was there before.

    A line without a time in it has that of the line before it in its file, or else of its reading.
    """

    time: str
    number: int
    text: str
    read_at: datetime | None


class LogBuffer:
    """The newest LINES_KEPT lines of each file, and in which order they came."""

    def __init__(self) -> None:
        self._lines: dict[Path, deque[KeptLine]] = {}
        self._numbers = count()

    def add(self, path: Path, lines: Iterable[str], read_at: datetime | None = None) -> None:
        """Keep new `lines` of `path`."""
        kept = self._lines.setdefault(path, deque(maxlen=LINES_KEPT))
        before = kept[-1].time if kept else ""
        now = "" if read_at is None else stamp(from_datetime(read_at)).rstrip()
        each = timed(list(lines), max(before, now))
        kept.extend(KeptLine(max(before, time), next(self._numbers), line, read_at) for time, line in each)

    def first_time(self, path: Path, count: int) -> str:
        """Of the oldest of the newest `count` lines of `path`."""
        kept = self._lines.get(path)
        return kept[-min(count, len(kept))].time if kept and count else ""

    def last_time(self, paths: Iterable[Path]) -> str:
        """Of the newest line of these files."""
        return max((kept[-1].time for path in paths if (kept := self._lines.get(path))), default="")

    def lines(self, path: Path) -> list[str]:
        """Oldest first."""
        return [one.text for one in self._lines.get(path, ())]

    def merged_lines(self, paths: Iterable[Path]) -> list[tuple[Path, KeptLine]]:
        """The newest lines of several files in the order of their times; at most LINES_KEPT together."""
        newest = islice(merge(*map(self._newest_first, paths), reverse=True), LINES_KEPT)  # looks at no more than that
        return [(path, kept) for _, path, kept in newest][::-1]

    def _newest_first(self, path: Path) -> Iterator[tuple[tuple[str, int], Path, KeptLine]]:
        return (((kept.time, kept.number), path, kept) for kept in reversed(self._lines.get(path, ())))

    def clear(self, paths: Iterable[Path]) -> None:
        """Forget what was read; the files stay as they are."""
        for path in paths:
            self._lines.pop(path, None)


class LogFeed(QObject):
    """Follows both streams of the chosen processes while it is live, and shows what the stream filter lets through.

    What is hidden is followed too, so that a filter loses nothing. Instead of what comes, the pane can show what stands
    around one line of before.

    Signals:
        follow_asked, clear_asked, around_asked: For the log reader, in its thread.
        errors_changed: There are new lines of stderr.
        told: What came of opening, emptying or searching a log, in words.
    """

    follow_asked = Signal(str, object)
    clear_asked = Signal(object)
    around_asked = Signal(object, object, int)
    errors_changed = Signal()
    told = Signal(str)

    def __init__(self, who: str, pane: LogPane, logs: LogReader, clock: Clock) -> None:
        """`who` is what the log reader knows this feed by."""
        super().__init__(pane)
        self._who, self._pane, self._clock = who, pane, clock
        self._buffer = LogBuffer()
        self._nothing = ""  # what stands there while nothing is chosen
        self._owners: dict[Path, LogOwner] = {}  # of what is chosen, both streams
        self._shown: frozenset[Path] = frozenset()  # of these, what the stream filter lets through
        self._followed: tuple[Path, ...] = ()
        self._is_live = False
        self._cleared: tuple[Path, ...] = ()
        self._sought = (0, "")  # message and process
        self._token = 0
        self._is_excerpt = False  # lines of before are shown, and none are added
        self.excerpt = Banner(pane.theme, "log_excerpt", pane)
        pane.notices.addWidget(self.excerpt)
        self._reordering = QTimer(self, singleShot=True, interval=0)
        self._reordering.timeout.connect(self._reorder)
        self._connect(logs)

    def _connect(self, logs: LogReader) -> None:
        pane = self._pane
        pane.stream.currentIndexChanged.connect(lambda _: self.show_newest())
        pane.cleared.connect(lambda: self._buffer.clear(self._shown))
        pane.open_file_asked.connect(self._open_file)
        pane.clear_files_asked.connect(self._on_clear_asked)
        pane.text.end_asked.connect(self._on_end_asked)
        self.excerpt.pressed.connect(self.show_newest)
        self.follow_asked.connect(logs.follow)
        self.clear_asked.connect(logs.clear_files)
        self.around_asked.connect(logs.find_around)
        logs.tail_read.connect(self._on_tail_read)
        logs.lines_read.connect(self._on_lines_read)
        logs.failed.connect(self._on_failed)
        logs.around_found.connect(self._on_around_found)
        logs.files_cleared.connect(self._on_cleared)

    # --- what the page asks -----------------------------------------------------------------------

    def set_live(self, is_live: bool) -> None:
        self._is_live = is_live
        self._follow()

    def show_processes(
        self, title: str, chosen: Sequence[ReplicaRecord], everyone: Sequence[ReplicaRecord] = (), *, nothing: str
    ) -> None:
        """Show the logs of these, merged; `nothing` stands there while nothing is chosen."""
        self._pane.title.setText(title)
        # producers first: of what comes within one look, putting was before completing
        sources = [LogSource.of(one) for one in sorted(chosen, key=lambda one: one.kind != "producer")]
        owners = owners_of(sources, list(map(LogSource.of, everyone or chosen)), is_named=len(sources) > 1)
        if (owners, nothing) == (self._owners, self._nothing) and not self._is_excerpt:
            return
        self._owners, self._nothing = owners, nothing
        self._follow()
        self.show_newest()

    def show_newest(self) -> None:
        """What the stream filter lets through, live."""
        self._is_excerpt = False
        self.excerpt.hide()
        hidden = {"Output": True, "Errors": False}.get(self._pane.stream.currentText())
        files = tuple(path for path, owner in self._owners.items() if owner.is_error is not hidden)
        self._shown = frozenset(files)
        self._pane.set_files(files if len(self._owners) == 2 else ())
        kept = self._buffer.merged_lines(self._shown)
        lines = [self._owners[path].line(one.text, one.read_at) for path, one in kept]
        empty = "No errors yet" if hidden is False else "No output yet"
        self._pane.set_lines(lines, empty if self._owners else self._nothing)

    def show_around(self, message_id: int, process: str = "") -> None:
        """Show what was written around the newest line about a message, by this process, or by any for ""."""
        self._token += 1
        self._sought = (message_id, process)
        self.around_asked.emit(tuple(self._owners), message_id, self._token)

    def errors_of(self, replica: ReplicaRecord, count: int) -> Sequence[str]:
        """The newest lines of its stderr that were read."""
        return self._buffer.lines(replica.stderr_log)[-count:]

    # --- lines that come --------------------------------------------------------------------------

    def _follow(self) -> None:
        paths = tuple(self._owners) if self._is_live else ()
        if paths != self._followed:
            self._followed = paths
            self.follow_asked.emit(self._who, paths)

    def _on_lines_read(self, path: Path, lines: list[str]) -> None:
        if path in self._followed:
            self._take(path, lines, to_datetime(self._clock.wall_us()).astimezone())

    def _on_tail_read(self, who: str, path: Path, lines: list[str]) -> None:
        if who == self._who and path in self._followed:
            self._take(path, lines, None)

    def _on_failed(self, path: Path, why: str) -> None:
        if path in self._followed:
            self._take(path, [f"… cannot read {path}: {why} …"], None)

    def _take(self, path: Path, lines: Sequence[str], read_at: datetime | None) -> None:
        newest, owner = self._buffer.last_time(self._shown), self._owners[path]
        self._buffer.add(path, lines, read_at)
        if path in self._shown and not self._is_excerpt:
            if read_at is None and self._buffer.first_time(path, len(lines)) < newest:
                self._reordering.start()  # what one file had before belongs between the lines of others
            elif not self._reordering.isActive():
                self._pane.append_lines([owner.line(line, read_at) for line in lines])
        if owner.is_error:
            self.errors_changed.emit()

    def _reorder(self) -> None:
        if not self._is_excerpt:
            self.show_newest()

    # --- around a message -------------------------------------------------------------------------

    def _on_around_found(self, token: int, found: LinesAround | str | None) -> None:
        if token != self._token:
            return
        message_id, process = self._sought
        if isinstance(found, LinesAround) and found.path in self._owners:
            self._show_excerpt(message_id, found)
        else:
            where = f"the log of {visible_line(process)}" if process else "the logs"
            self.told.emit(found if isinstance(found, str) else f"No line names message {message_id} in {where}")

    def _show_excerpt(self, message_id: int, found: LinesAround) -> None:
        self._is_excerpt = True
        text = f"Around message {message_id} in {visible_line(found.path.name)}. New lines do not come in here."
        self.excerpt.show_text("info", text, "Back to live")
        self._pane.set_lines([self._owners[found.path].line(one) for one in found.lines], "")
        self._pane.show_place(found.at)

    def _on_end_asked(self) -> None:
        if self._is_excerpt:  # its end is not the newest line
            self.show_newest()

    # --- files ------------------------------------------------------------------------------------

    def _open_file(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.told.emit(f"No program opens {path.name}; it is {path}")

    def _on_clear_asked(self, files: tuple[Path, ...]) -> None:
        ask_clear_logs(self._pane, [one.name for one in files], lambda: self._clear(files))

    def _clear(self, files: tuple[Path, ...]) -> None:
        self._cleared = files
        self._buffer.clear(files)
        self.show_newest()
        self.clear_asked.emit(files)

    def _on_cleared(self, files: tuple[Path, ...], text: str) -> None:
        if files == self._cleared:  # another page's, else
            self.told.emit(text)
