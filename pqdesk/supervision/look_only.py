"""A workspace that people may only look at: its workers are not for them to change, start or stop either."""

from __future__ import annotations

from collections.abc import Callable

from pqdesk.door import check_workspace
from pqdesk.errors import LookOnly
from pqdesk.paths import WorkspacePaths

IsLookOnly = Callable[[], bool]


def never() -> bool:
    return False


def refuse_look_only(paths: WorkspacePaths, is_look_only: IsLookOnly, what: str) -> None:
    """Raise LookOnly where people may only look: `what` ("stopped") was not done.

    WorkspaceError in a workspace that the check at the door refuses, where nobody may do anything.
    """
    check_workspace(paths)
    if is_look_only():
        raise LookOnly(f"{paths.root} is set to look only, so nothing was {what}; 'pqdesk look-only off' lifts that")
