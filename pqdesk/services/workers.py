"""The workers of a workspace for both front doors: supervision, which asks the queue file whether people may act."""

from __future__ import annotations

from contextlib import closing

from pqdesk.errors import PQDeskError
from pqdesk.messages.origin import Origin
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.start_at_login import LoginStart
from pqdesk.supervision.supervision import Supervision

__all__ = ["LoginStart", "Supervision", "login_start_of", "workers_of"]


def workers_of(paths: WorkspacePaths) -> Supervision:
    return Supervision(paths, is_look_only=lambda: is_look_only(paths))


def login_start_of(paths: WorkspacePaths) -> LoginStart:
    return LoginStart(paths, lambda: is_look_only(paths))


def is_look_only(paths: WorkspacePaths) -> bool:
    """Whether people may only look; read anew at each call, for anybody may set and lift it. It does not bind workers.

    Where there is no queue file, or it cannot be read, nothing is locked: workers can be stopped also beside a damaged
    one.
    """
    if Origin.here().is_worker or not paths.database.exists():
        return False
    from pqdesk.storage import open_inspection  # SQLite is not loaded for looking at workers

    try:
        with closing(open_inspection(paths)) as inspection:
            return inspection.is_look_only()
    except PQDeskError:
        return False
