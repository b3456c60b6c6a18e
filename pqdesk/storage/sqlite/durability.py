"""Making commits durable with one flush each, and noticing when they would be lost silently.

Commits are made at synchronous=NORMAL, where SQLite writes the WAL but does not flush it (sqlite.org/pragma.html
#pragma_synchronous). `flush` does it, after the write lock is free and before the call returns, so that the
flushes of several processes overlap. Checkpoints flush by themselves at NORMAL.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from pqdesk.errors import WorkspaceError
from pqdesk.shortage import reason
from pqdesk.storage.sqlite.company import OpenFile

# Times of files go in steps, of some ms to 2 s by the file system: a second change may have the same time as the first.
_SETTLED_NS = 2_100_000_000


class Durability:
    """Flushes the WAL of one connection, and checks that it still is the file at its path.

    The descriptor of the `-wal` is kept as long as the connection. Closing it drops no lock: SQLite's locks
    are on the database and the `-shm`, which are never opened here.

    Attributes:
        settled_ns: The ctime of the folder as of the last commit, while nothing has come, gone or been renamed in it
            since; 0 when that is not known.
        failure: Why nothing may be written any more.
    """

    def __init__(self, database: Path, file: OpenFile | None) -> None:
        self._file = file
        self._database, self._path = database, str(database)
        self.settled_ns = 0
        self._wal = database.with_name(database.name + "-wal")
        self._wal_link = ""
        self._wal_target: str | None = None
        self._wal_identity: tuple[int, int] | None = None
        self._descriptor = -1
        self._is_entry_flushed = False
        self.lock = threading.RLock()  # a signal handler may put while this thread flushes
        self._committed = 0
        self._flushed = 0
        self._identity = _identity(os.stat(database))
        self.failure: str | None = None
        self._folder = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._open()  # now, since after a commit is late to find that no descriptor is left
        except FileNotFoundError:
            pass
        except OSError:
            self.close()
            raise

    def committed(self) -> None:
        """One more commit was made. Called with the store's lock held.

        Raises:
            WorkspaceError: Somebody else in this process has, or had, the file open (company.py); or the file was
                replaced or its WAL unlinked, so that the commit is lost. Both change the
                time of their folder: to know costs one fstat, 1 µs, after each commit and before the call returns. It
                is the ctime, since a copying program may set the mtime back to what it was. The folder's own moving
                changes it, too; that of a folder further up is found by whoever looks by name.
        """
        self._committed += 1
        file = self._file
        if file is not None and file.may_have_news is not None:
            file.hear(is_done=True)
        if os.fstat(self._folder).st_ctime_ns != self.settled_ns:
            self._look_closely()

    def _look_closely(self) -> None:
        """Something has changed in the folder, or may have."""
        self.settled_ns = 0
        changed_ns = os.fstat(self._folder).st_ctime_ns  # before the look: what changes later has another time
        try:
            if self._descriptor < 0:
                self._open()
            now = os.stat(self._path)
            is_same = (now.st_dev, now.st_ino, now.st_nlink) == self._identity and self._is_wal_same()
        except FileNotFoundError:
            is_same = False
        except OSError as exc:
            text = f"cannot look at {str(self._wal)!r}: {reason(exc)}; the last change may be lost"
            raise WorkspaceError(text, path=self._wal) from exc
        if not is_same:
            text = f"queue file {str(self._database)!r}, or its log, was replaced or removed while open"
            self.failure = f"{text}; the last change may or may not have happened"
            raise WorkspaceError(self.failure, path=self._database, needs_restart=True)
        if time.time_ns() - changed_ns > _SETTLED_NS:
            self.settled_ns = changed_ns

    def flush(self) -> None:
        """Return when every commit before this call is on disk; one thread flushes for all who wait.

        Raises:
            WorkspaceError: The flush failed; from then on every call raises.
        """
        wanted = self._committed
        if self._flushed >= wanted:
            return
        with self.lock:
            self.raise_if_poisoned()
            if self._flushed >= wanted:
                return
            wanted = self._committed  # of those who came while another thread flushed
            try:
                os.fdatasync(self._descriptor)
                if not self._is_entry_flushed:  # of a new WAL, once
                    os.fsync(self._folder)
                    self._is_entry_flushed = True
            except OSError as exc:
                self.failure = (
                    f"flushing {str(self._wal)!r} failed: {exc.strerror}; the last change may be lost, restart this "
                    "program"
                )
                raise WorkspaceError(self.failure, path=self._wal, needs_restart=True) from exc
            self._flushed = max(self._flushed, wanted)

    def raise_if_poisoned(self) -> None:
        if self.failure is not None:
            raise WorkspaceError(self.failure, path=self._wal, needs_restart=True)

    def close(self) -> None:
        for descriptor in (self._descriptor, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._folder = -1

    def _is_wal_same(self) -> bool:
        """Whether the WAL that is flushed is still the one at its path.

        Not asked by stat where there is another way: since Linux 6.13 a stat makes the next write note its time
        (multigrain timestamps), and flushing that inode with the data takes 30 % longer (measured on ext4).
        """
        if self._wal_target is not None:
            return os.readlink(self._wal_link) == self._wal_target
        wal = os.stat(self._wal)
        return (wal.st_dev, wal.st_ino) == self._wal_identity

    def _open(self) -> None:
        descriptor = os.open(self._wal, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        wal = os.fstat(descriptor)
        self._wal_identity = (wal.st_dev, wal.st_ino)
        self._wal_link = f"/proc/self/fd/{descriptor}"  # as proc(5) says, with " (deleted)" when it was unlinked
        with contextlib.suppress(OSError):
            self._wal_target = os.readlink(self._wal_link)
        self._descriptor = descriptor


def flush_folder(folder: Path) -> None:
    """Make the entries of `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _identity(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_nlink
