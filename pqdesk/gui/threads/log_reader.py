"""Following log files for the window, in a thread of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.supervision.logs import LogFollower, tail_lines

_POLL_MS = 250
_TAIL_LINES = 500


class LogReader(QObject):
    """Reads what is new in the files that the pages show, four times a second.

    Several pages ask, each under a name of its own; a page gets the tail of a file when it begins to ask for it.

    Signals:
        tail_read: Who asked, the Path, the list[str] of its last lines, oldest first.
        lines_read: The Path and the list[str] of its new lines, oldest first.
        failed: The Path and why it cannot be read, once per episode.
    """

    tail_read = Signal(str, object, object)
    lines_read = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._wanted: dict[str, tuple[Path, ...]] = {}
        self._followers: dict[Path, LogFollower] = {}
        self._failing: set[Path] = set()
        self._timer: QTimer | None = None

    @Slot()
    def begin(self) -> None:
        """Connect the thread's `started` to this."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.poll)
        if self._followers:
            self._timer.start(_POLL_MS)

    @Slot()
    def finish(self) -> None:
        """The thread's last act."""
        if self._timer is not None:
            self._timer.stop()
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()

    @Slot(str, object)
    def follow(self, who: str, paths: tuple[Path, ...]) -> None:
        """From now on `who` wants exactly these files."""
        before, self._wanted[who] = self._wanted.get(who, ()), paths
        wanted = {path for asked in self._wanted.values() for path in asked}
        for path in self._followers.keys() - wanted:
            self._followers.pop(path).close()
            self._failing.discard(path)
        for path in paths:
            if path not in before:
                self._begin_for(who, path)
        if self._timer is not None:
            if wanted:
                self._timer.start(_POLL_MS)
            else:
                self._timer.stop()

    @Slot()
    def poll(self) -> None:
        for path in self._followers:
            lines = self._read(path)
            if lines:
                self.lines_read.emit(path, lines)

    def _begin_for(self, who: str, path: Path) -> None:
        if path not in self._followers:
            self._followers[path] = LogFollower(path, from_end_lines=_TAIL_LINES)
            self.tail_read.emit(who, path, self._read(path))
            return
        lines = self._read(path)  # what others are owed comes first, so that the tail ends where the next read begins
        if lines:
            self.lines_read.emit(path, lines)
        try:
            self.tail_read.emit(who, path, tail_lines(path, _TAIL_LINES))
        except OSError as exc:
            self._tell_failure(path, exc)

    def _read(self, path: Path) -> list[str]:
        try:
            lines = self._followers[path].read()
        except OSError as exc:
            self._tell_failure(path, exc)
            return []
        self._failing.discard(path)
        return lines

    def _tell_failure(self, path: Path, exc: OSError) -> None:
        if path not in self._failing:
            self._failing.add(path)
            self.failed.emit(path, exc.strerror or str(exc))
