"""Writing the WAL back into the file once it has grown: by hand, since SQLite swallows errors of automatic ones."""

from __future__ import annotations

import contextlib
from random import Random

import apsw

from pqdesk.storage.sqlite import forking
from pqdesk.storage.sqlite.connection import Translating, connect, let_go
from pqdesk.storage.sqlite.files import Location

# A WAL that is overwritten flushes faster than one that grows (measured: 6,597 against 4,358 puts a second).
_EVERY_BYTES = 4 * 1024 * 1024
_OVERDUE_BYTES = 16 * 1024 * 1024
_RESTART_BYTES = 64 * 1024 * 1024  # from there on, wait for readers
_PATIENCE_MS = 10  # it holds the write lock while it waits for them


class Checkpointer:
    """Knows how long the WAL is, and when it is to be written back.

    Whoever wrote the last page of 4 MiB does it on the way (measured: 0.5 ms, and nobody has to wait for a lock). While
    others write, that is never done whole; so at times the background thread does it with the writers held up.
    """

    def __init__(self, location: Location, rng: Random, vfs: str | None, *, page_bytes: int) -> None:
        self._location, self._rng, self._vfs = location, rng, vfs
        self._every_pages, self._overdue_pages = _EVERY_BYTES // page_bytes, _OVERDUE_BYTES // page_bytes
        self._restart_pages = _RESTART_BYTES // page_bytes
        self._db: apsw.Connection | None = None
        self.pages = 0
        self.is_due = False
        self.written_pages = 0
        self._held_up_pages = 0

    def note(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        """So many pages of the WAL are in use, by all processes: SQLite tells it after each commit."""
        if pages < self.pages:  # somebody started it anew
            self.written_pages = self._held_up_pages = 0
        self.pages = pages
        self.is_due = pages - self.written_pages >= self._every_pages
        return apsw.SQLITE_OK

    @property
    def is_overdue(self) -> bool:
        """Whether it has to be done with the writers held up."""
        return self.pages - self._held_up_pages >= self._overdue_pages

    def do_by_the_way(self, db: apsw.Connection) -> None:
        """Write back what can be without holding anybody up. With the store's lock held, outside a transaction."""
        self._begin()
        with contextlib.suppress(apsw.Error):  # what was put is safe; the background thread meets it too, and tells
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def run(self) -> None:
        """Write back all there is, so that the WAL starts anew; only the background thread comes here."""
        with forking.UsingSqlite():
            self._run()

    def _run(self) -> None:
        if self._db is None:
            self._db = connect(self._location.database, is_ours=self._location.is_ours, vfs=self._vfs, rng=self._rng)
            self._db.set_busy_timeout(_PATIENCE_MS)
        last = apsw.SQLITE_CHECKPOINT_FULL if self.pages < self._restart_pages else apsw.SQLITE_CHECKPOINT_RESTART
        self._held_up_pages = self.pages
        self._begin()
        with Translating(self._location.database), contextlib.suppress(apsw.BusyError):
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._db.wal_checkpoint(mode=last)

    def _begin(self) -> None:
        """Held up by a reader, it is tried again after as many pages more, not after each commit."""
        self.is_due = False
        self.written_pages = self.pages

    def close(self) -> None:
        if self._db is not None:
            let_go(self._db)
