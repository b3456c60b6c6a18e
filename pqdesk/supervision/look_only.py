"""A workspace that people may only look at: its workers are not for them to change, start or stop either."""

from __future__ import annotations

from contextlib import closing

from pqdesk.door import check_workspace
from pqdesk.errors import LookOnly, PQDeskError
from pqdesk.messages.origin import Origin
from pqdesk.paths import WorkspacePaths


def refuse_look_only(paths: WorkspacePaths, what: str) -> None:
    """Raise LookOnly where people may only look: `what` ("stopped") was not done.

    WorkspaceError in a workspace that the check at the door refuses, where nobody may do anything.

    Read anew at each call, for anybody may set and lift it. It does not bind workers. Where there is no queue file, or
    it cannot be read, nothing is locked: workers can be stopped also beside a damaged one.
    """
    check_workspace(paths)
    if not Origin.here().is_worker and _is_look_only(paths):
        raise LookOnly(f"{paths.root} is set to look only, so nothing was {what}; 'pqdesk look-only off' lifts that")


def _is_look_only(paths: WorkspacePaths) -> bool:
    if not paths.database.exists():
        return False
    from pqdesk.storage import open_inspection  # SQLite is not loaded for looking at workers

    try:
        with closing(open_inspection(paths)) as inspection:
            return inspection.is_look_only()
    except PQDeskError:
        return False
