"""What the window can be opened on, and how it is named."""

from __future__ import annotations

import os
from pathlib import Path

from pqdesk.gui.settings import Settings
from pqdesk.paths import (
    WORKSPACE_VARIABLE,
    WorkspacePaths,
    choose_workspace,
    default_workspace,
    demo_workspace,
)


def first_place(given: str | os.PathLike[str] | None, settings: Settings) -> WorkspacePaths:
    """The workspace that was asked for, else the one of $PQDESK_WORKSPACE, else the last one, else the default."""
    if given is not None:
        return place_of(given)
    last = settings.last_workspace
    if os.environ.get(WORKSPACE_VARIABLE) or last is None or not os.path.isdir(last):
        return choose_workspace()
    return choose_workspace(last)


def place_of(path: str | os.PathLike[str]) -> WorkspacePaths:
    """The workspace at `path`: its folder, or its queue.db."""
    given = Path(path).expanduser()
    return choose_workspace(given.parent if given.name == "queue.db" else given)


def is_demo(paths: WorkspacePaths) -> bool:
    return paths.root == choose_workspace(demo_workspace()).root


def place_name(paths: WorkspacePaths) -> str:
    """What the sidebar, the title and the tray call it."""
    return paths.root.name or str(paths.root)


def snippet_location(paths: WorkspacePaths) -> str | None:
    """What a program has to name to find it; None for the default workspace."""
    return None if paths.root == choose_workspace(default_workspace()).root else str(paths.root)
