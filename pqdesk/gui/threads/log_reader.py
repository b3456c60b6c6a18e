"""Following log files for the window, in a thread of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.supervision.logs import LogFollower

_POLL_MS = 250


class LogReader(QObject):
    """Reads what is new in the files it was told to follow, four times a second.

    Signals:
        lines_read: The Path and the list[str] of its new lines, oldest first; the first answer holds the tail.
        failed: The Path and why it cannot be read, once per episode.
    """

    lines_read = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._followers: dict[Path, LogFollower] = {}
        self._wanted: dict[str, tuple[Path, ...]] = {}
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

    @Slot(object)
    def follow(self, paths: tuple[Path, ...]) -> None:
        """Follow exactly these files from now on; one that was followed before goes on where it was."""
        self.follow_for("", paths)

    @Slot(str, object)
    def follow_for(self, who: str, paths: tuple[Path, ...]) -> None:
        """The same for one of several askers: the files of all of them are followed."""
        self._wanted[who] = paths
        wanted = dict.fromkeys(path for asked in self._wanted.values() for path in asked)
        before, self._followers = self._followers, {}
        for path in wanted:
            self._followers[path] = before.pop(path) if path in before else LogFollower(path)
        for follower in before.values():
            follower.close()
        if self._timer is not None:
            if wanted:
                self._timer.start(_POLL_MS)
            else:
                self._timer.stop()
        self.poll()

    @Slot()
    def poll(self) -> None:
        for path, follower in self._followers.items():
            try:
                lines = follower.read()
            except OSError as exc:
                if path not in self._failing:
                    self._failing.add(path)
                    self.failed.emit(path, exc.strerror or str(exc))
                continue
            self._failing.discard(path)
            if lines:
                self.lines_read.emit(path, lines)
