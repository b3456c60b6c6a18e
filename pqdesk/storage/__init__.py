"""Engines that keep messages: one contract, one folder per engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from pqdesk.clock import Clock, SystemClock
from pqdesk.errors import WorkspaceError
from pqdesk.messages.aliases import Durability
from pqdesk.paths import WorkspacePaths
from pqdesk.shortage import shortage_behind
from pqdesk.storage.contract import Store
from pqdesk.storage.sqlite.files import Location, check_file_system, file_system_of, is_on_network
from pqdesk.storage.sqlite.library import log_sqlite_events, sqlite_source_day, sqlite_version
from pqdesk.storage.sqlite.migrations import OutOfDate, open_database
from pqdesk.storage.sqlite.space import Space, space_of
from pqdesk.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pqdesk.storage.looking import Inspection


def open_store(
    place: WorkspacePaths | str | os.PathLike[str],
    *,
    durability: Durability = "full",
    clock: Clock | None = None,
    rng: Random | None = None,
    vfs: str | None = None,
) -> Store:
    """The store of a workspace, or of an application's database file, made or migrated where needed.

    Raises:
        WorkspaceError: It cannot be used; SchemaTooNew, Corrupt and DiskFull are kinds of it.
        Busy: Another program held the file for too long.
    """
    location = _location(place)
    with _telling(location):
        return SqliteStore(location, clock=clock or SystemClock(), rng=rng or Random(), durability=durability, vfs=vfs)


def open_inspection(
    place: WorkspacePaths | str | os.PathLike[str], *, clock: Clock | None = None, rng: Random | None = None
) -> Inspection:
    """Look at an existing file without ever writing, but that an older one is brought up to date first.

    Raises:
        WorkspaceError: There is none, or it cannot be used or brought up to date.
    """
    location, used = _location(place), rng or Random()
    with _telling(location):
        from pqdesk.storage.sqlite.inspection import SqliteInspection

        try:
            return SqliteInspection(location, clock or SystemClock(), used)
        except OutOfDate:
            open_database(location, rng=used).close()
        return SqliteInspection(location, clock or SystemClock(), used)


__all__ = [
    "Space",
    "check_file_system",
    "file_system_of",
    "is_on_network",
    "log_sqlite_events",
    "open_inspection",
    "open_store",
    "space_of",
    "sqlite_source_day",
    "sqlite_version",
]


@contextlib.contextmanager
def _telling(location: Location) -> Iterator[None]:
    try:
        yield
    except (OSError, ImportError) as exc:
        if (reason := shortage_behind(exc)) is None:
            if not isinstance(exc, OSError):
                raise
            reason = exc.strerror or str(exc)  # such as of a folder that somebody removes meanwhile
        text = f"cannot open queue file {str(location.database)!r}: {reason}; nothing changed"
        raise WorkspaceError(text, path=location.database) from exc


def _location(place: WorkspacePaths | str | os.PathLike[str]) -> Location:
    return Location.of_workspace(place) if isinstance(place, WorkspacePaths) else Location.of_database(place)
