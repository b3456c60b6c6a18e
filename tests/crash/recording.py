"""Everything that a store writes and flushes, in order, with what it said in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from tests.crash.script import Said
from tests.crash.simulated_disk import Delete, Event, Sync, SyncFolder, Truncate, Write

NAME = "pqdesk-recording"  # of the VFS


class Recording(apsw.VFS):
    """A VFS that notes what is done to `database` and its WAL: a write when it was made, a flush before it is."""

    def __init__(self, database: Path) -> None:
        self.entries: list[Event | Said] = []
        self._names = {str(database): "db", f"{database}-wal": "wal"}
        self._folder = str(database.parent)
        super().__init__(NAME, "")

    def name_of(self, path: str) -> str | None:
        return self._names.get(path)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        ours = None if path is None else self.name_of(path)
        return _File(name, flags, ours, self.entries)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        name = self.name_of(filename)
        if name is not None:
            self.entries.append(Delete(name, syncdir))
        super().xDelete(filename, syncdir)

    @contextmanager
    def flushes_noted(self) -> Iterator[None]:
        """Note the engine's own flushes, too, which are none of SQLite's."""
        fdatasync, fsync = os.fdatasync, os.fsync

        def note_data(descriptor: int) -> None:
            name = self.name_of(os.readlink(f"/proc/self/fd/{descriptor}"))
            if name is not None:
                self.entries.append(Sync(name))  # before the call: it says nothing of what is written meanwhile
            fdatasync(descriptor)

        def note_folder(descriptor: int) -> None:
            if os.readlink(f"/proc/self/fd/{descriptor}") == self._folder:
                self.entries.append(SyncFolder())
            fsync(descriptor)

        os.fdatasync, os.fsync = note_data, note_folder  # type: ignore[assignment]
        try:
            yield
        finally:
            os.fdatasync, os.fsync = fdatasync, fsync


class _File(apsw.VFSFile):
    def __init__(
        self, path: str | apsw.URIFilename | None, flags: list[int], name: str | None, entries: list[Event | Said]
    ) -> None:
        self._name, self._entries, self._has_synced = name, entries, False
        super().__init__("", path, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        if self._name is not None:
            self._entries.append(Write(self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        if self._name is not None:
            self._entries.append(Truncate(self._name, newsize))

    def xSync(self, flags: int) -> None:
        if self._name is not None:
            self._entries.append(Sync(self._name))
            if self._name == "wal" and not self._has_synced:  # as unixSync does for every connection (os_unix.c)
                self._entries.append(SyncFolder())
                self._has_synced = True
        super().xSync(flags)
