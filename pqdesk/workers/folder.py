"""A folder as a producer: one message per new or changed file.

The folder is looked at every second, with all folders in it. A file that looked the same twice in a row (path, size,
time of change) is complete, and is put once per queue: its mark is remembered in the workspace in the same transaction,
so that neither a restart nor a `kill -9` puts it again or leaves it out.

Passed over are hidden files and folders, files that somebody is still writing under another name (`*.part`,
`*.partial`, `*.tmp`, `*.crdownload`, `*~`), and whatever is no regular file, links among it: what they lead to is put
where it lies. A folder that cannot be read, or has gone, is told once and looked for again each time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from pqdesk.clock import Clock
from pqdesk.errors import InvalidInput
from pqdesk.messages.records import Outgoing
from pqdesk.workers.lifecycle import EXIT_DONE, StopSignals
from pqdesk.workers.putting import Putter
from pqdesk.workers.report import Report

_LOOK_S = 1.0
_LARGEST_SHARE = 10  # a look that takes long is made less often: at most a tenth of the time
_BATCH = 1000
_UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", "~")


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder to watch."""

    folder: Path

    def check(self) -> None:
        """Raise InvalidInput when there is no such folder, or it cannot be read."""
        try:
            with os.scandir(self.folder):
                pass
        except OSError as exc:
            raise InvalidInput(f"cannot watch folder {str(self.folder)!r}: {exc.strerror}; nothing was put") from exc


@dataclass(slots=True)
class SeenFile:
    """One file as the last look found it. `path` is absolute, with surrogate escapes where its name is not UTF-8."""

    path: str
    size: int
    mtime_ns: int
    look: int
    is_put: bool = False

    def mark(self, queue: str) -> str:
        """The same for the same file unchanged and the same queue, another one for anything else."""
        place = hashlib.sha256(os.fsencode(f"{queue}\0{self.path}")).hexdigest()
        return f"file:{place}:{self.size}:{self.mtime_ns}"

    def payload(self) -> dict[str, Any]:
        return {
            "uri": f"file://{quote_from_bytes(os.fsencode(self.path))}",
            "path": self.path if _is_text(self.path) else None,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
        }


class FolderLooks:
    """Compares each look at the folder with the one before. Keeps one small record per file.

    Attributes:
        problems: Folder → why it could not be read, of the last look.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.abspath(folder)
        self._files: dict[str, SeenFile] = {}
        self._look = 0
        self.problems: dict[str, str] = {}

    def look(self, is_stopping: Callable[[], bool] = lambda: False) -> list[SeenFile]:
        """The files that are complete and were not told to be put, in order of their paths.

        None of them once somebody wants to stop, which is asked before each folder.
        """
        self.problems = {}
        self._look += 1
        complete: list[SeenFile] = []
        folders = [self._folder]
        while folders:
            if is_stopping():
                return []
            for entry in self._entries(folders.pop()):
                if _is_folder(entry):
                    folders.append(entry.path)
                elif not entry.name.endswith(_UNFINISHED_SUFFIXES) and (file := self._same_file(entry)) is not None:
                    complete.append(file)
        for path in [path for path, file in self._files.items() if file.look != self._look]:
            del self._files[path]  # gone
        return sorted(complete, key=lambda file: file.path)

    def note_put(self, files: Iterable[SeenFile]) -> None:
        for file in files:
            file.is_put = True

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return [entry for entry in found if not entry.name.startswith(".")]
        except OSError as exc:
            self.problems[folder] = exc.strerror or type(exc).__name__
            return []

    def _same_file(self, entry: os.DirEntry[str]) -> SeenFile | None:
        """The file, if it looks as it did the time before and was not put yet; else None."""
        try:
            if not entry.is_file(follow_symlinks=False):
                return None
            status = entry.stat(follow_symlinks=False)
        except OSError:  # gone meanwhile
            return None
        file = self._files.get(entry.path)
        if file is None or (file.size, file.mtime_ns) != (status.st_size, status.st_mtime_ns):
            self._files[entry.path] = SeenFile(entry.path, status.st_size, status.st_mtime_ns, self._look)
            return None
        file.look = self._look
        return None if file.is_put else file


class FolderWatch:
    """Puts the files of a folder until it is asked to stop. Belongs to the main thread."""

    def __init__(self, target: FolderTarget, putter: Putter, report: Report, stop: StopSignals, clock: Clock) -> None:
        target.check()
        self._looks = FolderLooks(target.folder)
        self._putter = putter
        self._report = report
        self._stop = stop
        self._clock = clock
        self._known_problems: set[str] = set()

    def run_for_ever(self) -> int:
        while not self._stop.is_stopping:
            began_ms = self._clock.awake_ms()
            complete = self._looks.look(lambda: self._stop.is_stopping)
            self._tell_problems()
            took_s = (self._clock.awake_ms() - began_ms) / 1000
            for start in range(0, len(complete), _BATCH):
                self._put(complete[start : start + _BATCH])
            self._stop.wait(max(_LOOK_S, took_s * _LARGEST_SHARE))
        return EXIT_DONE

    def run_once(self) -> None:
        """One look alone; a file is put by the second one that finds it unchanged."""
        self._put(self._looks.look())

    def close(self) -> None:
        pass

    def _put(self, files: list[SeenFile]) -> None:
        marked = [(file.mark(self._putter.queue_name), Outgoing(file.payload())) for file in files]
        if not self._stop.is_stopping and self._putter.put_once(marked):
            self._looks.note_put(files)

    def _tell_problems(self) -> None:
        """Each problem once, when it begins, and that it is over."""
        problems = self._looks.problems
        for folder in sorted(problems.keys() - self._known_problems):
            self._report.warn(f"cannot look into folder {folder!r}: {problems[folder]}; its files wait")
        for folder in sorted(self._known_problems - problems.keys()):
            if os.path.isdir(folder):
                self._report.warn(f"folder {folder!r} can be looked into again")
        self._known_problems = set(problems)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
