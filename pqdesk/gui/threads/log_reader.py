"""Following log files for the window, searching and emptying them, in a thread of its own."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import SystemClock
from pqdesk.log_records import merged, stamp
from pqdesk.supervision.logs.log_files import LogFollower, clear_log
from pqdesk.supervision.logs.message_lines import lines_around, lines_of_message

_POLL_MS = 125  # the lines of several files come in an order that is so fine
_TAIL_LINES = 2_000
_SKIP_BEYOND_BYTES = 4 * 1024 * 1024  # more than 20,000 lines, of which the window keeps no more
_MOST_RUNS = 200  # more lines that alternate are not put in order: each run is a message to the window
_MOST_KEPT_OPEN = 100  # files of pages that look elsewhere just now


class LogReader(QObject):
    """Reads what is new in the files that the pages show, eight times a second.

    Several pages ask, each under a name of its own. A page gets the tail of a file when it first asks for it; when it
    comes back to it, what it has missed: no line twice and none left out, unless a line says how much was skipped.
    A file is followed for one page at a time, the one that asked last: only one page is live.

    Signals:
        tail_read: Who asked, the Path, the list[str] of lines that it begins with, oldest first.
        lines_read: The Path and the list[str] of its new lines, oldest first. What several files got since the look
            before comes in the order of its times, in as many parts as that takes.
        failed: The Path and why it cannot be read, once per episode.
        message_searched: The token of the question and the FoundLines.
        around_found: The token of the question, and the LinesAround; None for no such line, or why it failed.
        files_cleared: tuple[Path, ...] as asked, and what came of it, in words.
    """

    tail_read = Signal(str, object, object)
    lines_read = Signal(object, object)
    failed = Signal(object, str)
    message_searched = Signal(int, object)
    around_found = Signal(int, object)
    files_cleared = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._wanted: dict[str, tuple[Path, ...]] = {}
        self._followers: dict[tuple[str, Path], LogFollower] = {}  # the ones used last at the end
        self._followed: dict[Path, str] = {}  # by whom
        self._failing: set[Path] = set()
        self._timer: QTimer | None = None

    @Slot()
    def begin(self) -> None:
        """Connect the thread's `started` to this."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.poll)
        if self._followed:
            self._timer.start(_POLL_MS)

    @Slot()
    def finish(self) -> None:
        """The thread's last act."""
        if self._timer is not None:
            self._timer.stop()
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()
        self._followed.clear()

    @Slot(str, object)
    def follow(self, who: str, paths: tuple[Path, ...]) -> None:
        """From now on `who` wants exactly these files."""
        before, self._wanted[who] = self._wanted.get(who, ()), paths
        self._followed = {path: one for one, asked in self._wanted.items() for path in asked}
        self._failing &= self._followed.keys()
        for path in paths:
            self._followed[path] = who
            if path not in before:
                self._begin_for(who, path)
        self._close_surplus()
        if self._timer is not None:
            if self._followed:
                self._timer.start(_POLL_MS)
            else:
                self._timer.stop()

    @Slot()
    def poll(self) -> None:
        read = [(path, lines) for path, who in self._followed.items() if (lines := self._read(who, path))]
        for path, lines in _in_order(read):
            self.lines_read.emit(path, lines)

    @Slot(object, object, int)
    def find_message(self, logs: tuple[Path, ...], message_id: int, token: int) -> None:
        """Look for the lines about a message in these logs; `message_searched` answers."""
        self.message_searched.emit(token, lines_of_message(logs, message_id))

    @Slot(object, object, int)
    def find_around(self, logs: tuple[Path, ...], message_id: int, token: int) -> None:
        """Look for the newest line about a message and what stands around it; `around_found` answers."""
        try:
            self.around_found.emit(token, lines_around(logs, message_id))
        except OSError as exc:
            self.around_found.emit(token, f"cannot read {exc.filename}: {exc.strerror}")

    @Slot(object)
    def clear_files(self, logs: tuple[Path, ...]) -> None:
        """Empty these logs and delete what was rotated of them."""
        try:
            for path in logs:
                clear_log(path)
        except OSError as exc:
            self.files_cleared.emit(logs, f"The log was not cleared: {exc.strerror}: {exc.filename}")
        else:
            self.files_cleared.emit(logs, f"Cleared {', '.join(path.name for path in logs)}")

    def _begin_for(self, who: str, path: Path) -> None:
        if (who, path) not in self._followers:
            follower = LogFollower(path, from_end_lines=_TAIL_LINES, skip_beyond_bytes=_SKIP_BEYOND_BYTES)
            self._followers[who, path] = follower
        else:
            self._followers[who, path] = self._followers.pop((who, path))
        self.tail_read.emit(who, path, self._read(who, path))

    def _close_surplus(self) -> None:
        """Forget where those stood that nobody has wanted for longest."""
        idle = [key for key in self._followers if key[1] not in self._wanted.get(key[0], ())]
        for key in idle[: max(0, len(idle) - _MOST_KEPT_OPEN)]:
            self._followers.pop(key).close()

    def _read(self, who: str, path: Path) -> list[str]:
        try:
            lines = self._followers[who, path].read()
        except OSError as exc:
            self._tell_failure(path, exc)
            return []
        self._failing.discard(path)
        return lines

    def _tell_failure(self, path: Path, exc: OSError) -> None:
        if path not in self._failing:
            self._failing.add(path)
            self.failed.emit(path, exc.strerror or str(exc))


def _in_order(read: list[tuple[Path, list[str]]]) -> list[tuple[Path, list[str]]]:
    """New lines of several files in the order of their times; a file whose lines have none comes last."""
    if len(read) < 2:
        return read
    lines = merged(read, stamp(SystemClock().wall_us()).rstrip())
    runs = [(path, [line for _, line in run]) for path, run in groupby(lines, key=lambda one: one[0])]
    return runs if len(runs) <= _MOST_RUNS else read
