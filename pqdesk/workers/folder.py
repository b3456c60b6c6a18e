"""A folder as a producer: one message per file that is new or changed, when it is complete.

The folder is looked at every second, with all folders in it. A file is complete when it has not changed for the settle
time, two looks or more, and nobody has it open for writing, where the system can tell (see open_files.py). It is new
when it was not there at the last look, or has another size, time of change or inode: so a file that was moved out and
back is put again, and one that another took the place of, with its times or not.

What was put is remembered in the workspace by a mark, in the same transaction: neither a restart nor a `kill -9` puts a
file again or leaves it out. A mark goes with its file. A folder that is empty and another one than before may be where
a disk is not mounted: its marks are kept until it is back, or something is in it.

Passed over are hidden files and folders, files that somebody is still writing under another name (`*.part`, `*.tmp`
and the like), what office programs, editors and desktops leave lying about, and whatever is no regular file, links
among it: what they lead to is put where it lies. A folder that cannot be read, or has gone, is told once and looked for
again each time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pqdesk.clock import Clock, SystemClock
from pqdesk.errors import InvalidInput
from pqdesk.messages.records import Outgoing
from pqdesk.storage import is_on_network
from pqdesk.worker_checks import check_pattern
from pqdesk.workers.lifecycle import EXIT_DONE, StopSignals
from pqdesk.workers.open_files import files_being_written
from pqdesk.workers.putting import Putter
from pqdesk.workers.report import Report

DEFAULT_SETTLE_S = 2.0
_LOOK_S = 1.0
_LARGEST_SHARE = 10  # a look that takes long is made less often: at most a tenth of the time
_BATCH = 1000
_UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart", "~")
_LITTER = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini"))
_NOT_MOUNTED = "it is empty, and another folder than before; is a disk not mounted?"

Version = tuple[int, int, int]  # size, time of change in ns, inode


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder to watch. `settle_s` is how long a file must be unchanged.

    Where `match` has patterns like `*.jpg`, a file must fit one of them; what fits one of `ignore`, files and folders,
    is passed over. Those with a `/` are held against the path within the folder, others against the name.
    """

    folder: Path
    settle_s: float = DEFAULT_SETTLE_S
    match: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    is_flat: bool = False

    def check(self) -> None:
        """Raise InvalidInput when there is no such folder, or it cannot be read."""
        for pattern in (*self.match, *self.ignore):
            check_pattern(pattern)
        try:
            with os.scandir(self.folder):
                pass
        except OSError as exc:
            raise InvalidInput(f"cannot watch folder {str(self.folder)!r}: {exc.strerror}; nothing was put") from exc

    def wants_file(self, path: str) -> bool:
        """Whether a file of this path within the folder may be put."""
        if _is_litter(os.path.basename(path)) or _fits(path, self.ignore):
            return False
        return not self.match or _fits(path, self.match)

    def wants_folder(self, path: str) -> bool:
        """Whether a folder of this path within the folder is watched."""
        return not self.is_flat and not _fits(path, self.ignore)


@dataclass(slots=True)
class SeenFile:
    """One file as the last look found it. `path` is absolute, with surrogate escapes where its name is not UTF-8.

    Attributes:
        since_ms: Awake time of the first look that found it so.
        marked: Versions of it that have a mark.
    """

    path: str
    version: Version
    look: int
    since_ms: int
    is_put: bool = False
    marked: set[Version] = field(default_factory=set)

    @property
    def size(self) -> int:
        return self.version[0]

    @property
    def mtime_ns(self) -> int:
        return self.version[1]

    def mark(self, queue: str) -> str:
        """The same for the same file unchanged and the same queue, another one for anything else."""
        return _mark(queue, self.path, self.version)

    def payload(self) -> dict[str, Any]:
        return {
            "uri": f"file://{quote_from_bytes(os.fsencode(self.path))}",
            "path": self.path if _is_text(self.path) else None,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
        }


class FolderLooks:
    """Compares each look at the folder with the one before. Keeps one small record per file.

    Args:
        target: What to look at; a folder alone is one where two looks are enough.
        known: Path → the versions that have a mark.
        inode: Of the folder that those marks are of; None when that is not known.

    Attributes:
        problems: Folder → why it could not be read, of the last look.
        inode: Of the folder as it was last seen with its files.
        obsolete: (path, version) whose marks are not needed any more, since the last `take_obsolete`.
    """

    def __init__(
        self,
        target: FolderTarget | Path,
        *,
        known: dict[str, set[Version]] | None = None,
        inode: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._target = target if isinstance(target, FolderTarget) else FolderTarget(target, settle_s=0.0)
        self._folder = os.path.abspath(self._target.folder)
        self._settle_ms = round(self._target.settle_s * 1000)
        self._clock = clock or SystemClock()
        self._known = known or {}
        self._files: dict[str, SeenFile] = {}
        self._look = 0
        self.inode = inode
        self.problems: dict[str, str] = {}
        self.obsolete: list[tuple[str, Version]] = []

    def look(self, is_stopping: Callable[[], bool] = lambda: False) -> list[SeenFile]:
        """The files that have settled and were not told to be put, in order of their paths.

        None of them once somebody wants to stop, which is asked before each folder.
        """
        self.problems = {}
        self._look += 1
        now_ms = self._clock.awake_ms()
        settled: list[SeenFile] = []
        folders = [self._folder]
        while folders:
            if is_stopping():
                return []
            for entry in self._entries(folders.pop()):
                within = entry.path[len(self._folder) :].lstrip("/")
                if _is_folder(entry):
                    folders += [entry.path] if self._target.wants_folder(within) else []
                elif self._target.wants_file(within) and (file := self._same_file(entry, now_ms)) is not None:
                    settled.append(file)
        self._forget_gone()
        return sorted(settled, key=lambda file: file.path)

    def note_put(self, files: Iterable[SeenFile]) -> None:
        for file in files:
            self.obsolete += [(file.path, version) for version in file.marked if version != file.version]
            file.is_put, file.marked = True, {file.version}

    def take_obsolete(self) -> list[tuple[str, Version]]:
        taken, self.obsolete = self.obsolete, []
        return taken

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                entries = list(found)
            if folder == self._folder:
                inode = os.stat(folder).st_ino
                if not entries and self.inode not in (None, inode):
                    self.problems[folder] = _NOT_MOUNTED
                else:
                    self.inode = inode
        except OSError as exc:
            self.problems[folder] = exc.strerror or type(exc).__name__
            return []
        return [entry for entry in entries if not entry.name.startswith(".")]

    def _same_file(self, entry: os.DirEntry[str], now_ms: int) -> SeenFile | None:
        """The file, if it has looked the same for the settle time and was not put yet; else None."""
        try:
            if not entry.is_file(follow_symlinks=False):
                return None
            status = entry.stat(follow_symlinks=False)
        except OSError:  # gone meanwhile
            return None
        path, version = entry.path, (status.st_size, status.st_mtime_ns, status.st_ino)
        file = self._files.get(path)
        if file is None or file.version != version:
            marked = self._known.pop(path, set()) if file is None else file.marked
            self._files[path] = new = SeenFile(path, version, self._look, now_ms, version in marked, marked)
            if new.is_put:  # as it was left by the process before
                self.note_put([new])
            return None
        file.look = self._look
        return None if file.is_put or now_ms - file.since_ms < self._settle_ms else file

    def _forget_gone(self) -> None:
        """Files that are not there any more go with their marks, but for those of folders that could not be read."""
        hidden = tuple(os.path.join(folder, "") for folder in self.problems)
        missed = [path for path, file in self._files.items() if file.look != self._look]
        for path in missed:
            if not path.startswith(hidden):
                self.obsolete += [(path, version) for version in self._files.pop(path).marked]
        for path in [path for path in self._known if not path.startswith(hidden)]:
            versions = self._known.pop(path)
            if not os.path.lexists(path):  # else it is one that another watch of this folder puts
                self.obsolete += [(path, version) for version in versions]


class FolderWatch:
    """Puts the files of a folder until it is asked to stop. Belongs to the main thread."""

    def __init__(self, target: FolderTarget, putter: Putter, report: Report, stop: StopSignals, clock: Clock) -> None:
        target.check()
        self._folder = os.path.abspath(target.folder)
        self._putter = putter
        self._report = report
        self._stop = stop
        self._clock = clock
        self._known_problems: set[str] = set()
        self._has_leases = not is_on_network(target.folder)
        self._inode, known = self._remembered()
        self._looks = FolderLooks(target, known=known, inode=self._inode, clock=clock)

    def run_for_ever(self) -> int:
        while not self._stop.is_stopping:
            began_ms = self._clock.awake_ms()
            self.run_once()
            took_s = (self._clock.awake_ms() - began_ms) / 1000
            self._stop.wait(max(_LOOK_S, took_s * _LARGEST_SHARE))
        return EXIT_DONE

    def run_once(self) -> bool:
        """One look alone; a file is put by a later one that finds it complete."""
        settled = self._looks.look(lambda: self._stop.is_stopping)
        self._tell_problems()
        self._forget()
        written = files_being_written([file.path for file in settled], has_leases=self._has_leases)
        complete = [file for file in settled if file.path not in written]
        for start in range(0, len(complete), _BATCH):
            self._put(complete[start : start + _BATCH])
        self._forget()
        return True

    def close(self) -> None:
        pass

    def _put(self, files: list[SeenFile]) -> None:
        marked = [(file.mark(self._putter.queue.name), Outgoing(file.payload())) for file in files]
        if not self._stop.is_stopping and self._putter.put_once(marked):
            self._looks.note_put(files)

    def _forget(self) -> None:
        """Drop the marks that are not needed, and remember which folder the others are of."""
        queue = self._putter.queue.name
        forgotten = [_mark(queue, path, version) for path, version in self._looks.take_obsolete()]
        added: list[str] = []
        if self._looks.inode is not None and self._looks.inode != self._inode:
            prefix = _folder_prefix(queue, self._folder)
            forgotten += [] if self._inode is None else [f"{prefix}{self._inode}"]
            added = [f"{prefix}{self._looks.inode}"]
            self._inode = self._looks.inode
        self._putter.change_marks(added, forgotten)

    def _remembered(self) -> tuple[int | None, dict[str, set[Version]]]:
        """The folder's inode, and the marks of files in it."""
        queue = self._putter.queue.name
        known: dict[str, set[Version]] = {}
        for mark in self._putter.marks(_place_prefix(queue, os.path.join(self._folder, ""))):
            parsed = _parsed(mark)
            if parsed is not None:
                known.setdefault(parsed[0], set()).add(parsed[1])
        inodes = [mark.rpartition(":")[2] for mark in self._putter.marks(_folder_prefix(queue, self._folder))]
        return next((int(inode) for inode in inodes if inode.isdecimal() and len(inode) <= 20), None), known

    def _tell_problems(self) -> None:
        """Each problem once, when it begins, and that it is over."""
        problems = self._looks.problems
        for folder in sorted(problems.keys() - self._known_problems):
            self._report.warn(f"cannot look into folder {folder!r}: {problems[folder]}; its files wait")
        for folder in sorted(self._known_problems - problems.keys()):
            if os.path.isdir(folder):
                self._report.warn(f"folder {folder!r} can be looked into again")
        self._known_problems = set(problems)


def _mark(queue: str, path: str, version: Version) -> str:
    return f"{_place_prefix(queue, path)}:{':'.join(map(str, version))}"


def _place_prefix(queue: str, path: str) -> str:
    """What the marks of a file begin with, and, for a path with its `/` at the end, those of all files in a folder."""
    return f"file:{_short(queue)}:{quote_from_bytes(os.fsencode(path))}"


def _folder_prefix(queue: str, folder: str) -> str:
    return f"folder:{_short(queue)}:{quote_from_bytes(os.fsencode(folder))}:"


def _short(queue: str) -> str:
    return hashlib.sha256(queue.encode()).hexdigest()[:16]


def _parsed(mark: str) -> tuple[str, Version] | None:
    """Path and version of a file's mark; None for what is none."""
    parts = mark.split(":")
    if len(parts) != 6 or not all(number.lstrip("-").isdecimal() and len(number) <= 20 for number in parts[3:]):
        return None
    return os.fsdecode(unquote_to_bytes(parts[2])), (int(parts[3]), int(parts[4]), int(parts[5]))


def _fits(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path if "/" in pattern else os.path.basename(path), pattern) for pattern in patterns)


def _is_litter(name: str) -> bool:
    """What is not finished, and what office programs (`~$letter.docx`), editors (`#letter#`) and desktops leave."""
    is_beside = name.startswith("~$") or (name.startswith("#") and name.endswith("#"))
    return is_beside or name.endswith(_UNFINISHED_SUFFIXES) or name.casefold() in _LITTER


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
