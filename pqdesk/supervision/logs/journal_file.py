"""supervisord's log, read on from where the last reader of the workspace stopped.

The log is rotated, so what it told is kept in run/restarts.json, together with how far it was read. Each reader
computes the same from the same lines, so whoever writes that file last does no harm; one that is lost or broken costs
no more than what was rotated away.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import psutil

from pqdesk.errors import InvalidInput, PQDeskError
from pqdesk.messages.json_text import load_json
from pqdesk.opening import open_plain, read_at_most, read_plain
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.logs.journal import Exits, Journal
from pqdesk.supervision.private_files import write_private_file
from pqdesk.zones import find_zone, instant_of, name_of_variable

_MOST_ROTATED = 50
_STARTED_WITHIN_S = 600  # it may have waited for its configuration; zones differ by 15 minutes or more
_SAVE_BYTES = 32 * 1024
_LARGEST_BYTES = 64 * 1024 * 1024  # of the log that are read at once
_KEPT_BYTES = 16 * 1024 * 1024


class ExitJournal:
    """The exits of all processes, up to date with the log at each refresh(). Belongs to one thread."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._log = paths.logs / "supervisord.log"
        self._file = paths.run / "restarts.json"
        self._journal = Journal(_zone_of)
        self._place: tuple[int, int] | None = None  # inode and offset up to which the log was taken in
        self._unsaved_bytes = 0
        self._has_begun = False

    def refresh(self) -> None:
        """Take in what is new in the log; a log that cannot be read tells nothing."""
        if not self._has_begun:
            self._has_begun = True
            self._restore()
        try:
            for file in self._unread():
                self._read(file)
        except OSError:
            return
        if self._unsaved_bytes >= _SAVE_BYTES:
            self._save()

    def of(self, process: str) -> Exits:
        """By supervisord's name for the process, without its group."""
        return self._journal.of(process)

    def _unread(self) -> list[Path]:
        """The files to go on with, oldest first: the one read last, if it is still there, and all after it."""
        if self._place is not None and _inode(self._log) == self._place[0]:
            return [self._log]
        found = [self._log]
        for number in range(1, _MOST_ROTATED):
            rotated = self._log.with_name(f"{self._log.name}.{number}")
            inode = _inode(rotated)
            if inode is None:
                break
            found.insert(0, rotated)
            if self._place is not None and inode == self._place[0]:
                break
        return found

    def _read(self, path: Path) -> None:
        try:
            file = open(path, "rb", opener=open_plain)  # noqa: SIM115  # closed below; only its absence is no error
        except FileNotFoundError:
            return
        with file:
            info = os.fstat(file.fileno())
            begin = self._place[1] if self._place is not None and self._place[0] == info.st_ino else 0
            if begin > info.st_size:
                begin = 0  # emptied in place
            begin = max(begin, info.st_size - _LARGEST_BYTES)
            os.lseek(file.fileno(), begin, os.SEEK_SET)
            data = read_at_most(file.fileno(), info.st_size - begin)
        end = data.rfind(b"\n") + 1  # what has no end yet is read the next time
        self._journal.take(data[:end].decode("utf-8", "replace").splitlines())
        self._place = info.st_ino, begin + end
        self._unsaved_bytes += end

    def _restore(self) -> None:
        try:
            kept = load_json(read_plain(self._file, _KEPT_BYTES))
            place = kept["inode"], kept["offset"]
            if not all(isinstance(one, int) and 0 <= one < 1 << 63 for one in place):
                raise ValueError("no place in a file")
            zone_name = kept.get("timezone")
            if zone_name is not None:
                find_zone(zone_name)  # a name or a rule, never a path; raises InvalidInput, which is a ValueError
            self._journal.load(kept["processes"], zone_name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            self._journal = Journal(_zone_of)
            return
        self._place = place

    def _save(self) -> None:
        if self._place is None or not self._file.parent.is_dir():
            return
        kept = {"inode": self._place[0], "offset": self._place[1], "processes": self._journal.dump()}
        kept |= {"timezone": self._journal.zone_name}
        try:
            write_private_file(self._file, json.dumps(kept))
        except PQDeskError:
            pass  # a full disk, or one to be read only: the log is still there
        self._unsaved_bytes = 0


def _zone_of(pid: int, begun: datetime) -> str | None:
    """The name of the zone of a supervisord that still runs and began then, by its own clock."""
    try:
        process = psutil.Process(pid)
        name = name_of_variable(process.environ().get("TZ"))
        if abs(instant_of(begun, find_zone(name)).timestamp() - process.create_time()) > _STARTED_WITHIN_S:
            return None  # another one has its pid now
    except (psutil.Error, OSError, InvalidInput, OverflowError):
        return None
    return name


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
