"""A folder as a producer: one message per new or changed file.

The folder is looked at every second, with all folders in it. A file that looked the same twice in a row (path, size,
time of change) is complete, and is put once: its mark is remembered in the workspace in the same transaction, so that
neither a restart nor a `kill -9` puts it again or leaves it out. Hidden files, `*.part` and `*.tmp` are still being
written by somebody and are passed over; links to folders are not followed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
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
_UNFINISHED_SUFFIXES = (".part", ".tmp")


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


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file as a look found it. `path` is absolute, with surrogate escapes where its name is not UTF-8."""

    path: str
    size: int
    mtime_ns: int

    @property
    def mark(self) -> str:
        """The same for the same file unchanged, another one for anything else."""
        path = hashlib.sha256(os.fsencode(self.path)).hexdigest()
        return f"file:{path}:{self.size}:{self.mtime_ns}"

    def payload(self) -> dict[str, Any]:
        return {
            "uri": f"file://{quote_from_bytes(os.fsencode(self.path))}",
            "path": self.path if _is_text(self.path) else None,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
        }


class FolderLooks:
    """Compares each look at the folder with the one before.

    Attributes:
        problems: Folder → why it could not be read, of the last look.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.abspath(folder)
        self._before: dict[str, SeenFile] = {}
        self._put: dict[str, SeenFile] = {}
        self.problems: dict[str, str] = {}

    def look(self) -> list[SeenFile]:
        """The files that are complete and were not told to be put, in order of their paths."""
        self.problems = {}
        now = {file.path: file for file in self._walk()}
        complete = [
            file for path, file in now.items() if self._before.get(path) == file and self._put.get(path) != file
        ]
        self._before = now
        self._put = {path: file for path, file in self._put.items() if path in now}
        return sorted(complete, key=lambda file: file.path)

    def note_put(self, files: list[SeenFile]) -> None:
        self._put.update((file.path, file) for file in files)

    def _walk(self) -> Iterator[SeenFile]:
        folders = [self._folder]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as found:
                    entries = [entry for entry in found if not entry.name.startswith(".")]
            except OSError as exc:
                self.problems[folder] = exc.strerror or type(exc).__name__
                continue
            for entry in entries:
                if _is_folder(entry):
                    folders.append(entry.path)
                elif not entry.name.endswith(_UNFINISHED_SUFFIXES) and (file := _seen(entry)) is not None:
                    yield file


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
            complete = self._looks.look()
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
        marked = [(file.mark, Outgoing(file.payload())) for file in files]
        if not self._stop.is_stopping and self._putter.put_once(marked):
            self._looks.note_put(files)

    def _tell_problems(self) -> None:
        """Each problem once, when it begins."""
        problems = self._looks.problems
        for folder in sorted(problems.keys() - self._known_problems):
            self._report.warn(f"cannot look into folder {folder!r}: {problems[folder]}; its files wait")
        self._known_problems = set(problems)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _seen(entry: os.DirEntry[str]) -> SeenFile | None:
    """None for what is no regular file, or has gone meanwhile."""
    try:
        if not entry.is_file():
            return None
        status = entry.stat()
    except OSError:
        return None
    return SeenFile(entry.path, status.st_size, status.st_mtime_ns)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
