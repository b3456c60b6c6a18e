"""What the window can be opened on, and how it is named: a workspace, or any SQLite file with queues in it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pqdesk.gui.settings import Settings
from pqdesk.paths import (
    WORKSPACE_VARIABLE,
    WorkspacePaths,
    choose_workspace,
    default_workspace,
    demo_workspace,
)


@dataclass(frozen=True, slots=True)
class Place:
    """One workspace, or an application's file with queues in it."""

    paths: WorkspacePaths

    @property
    def database(self) -> Path | None:
        """That file; None for a workspace's own."""
        return self.paths.application

    @property
    def location(self) -> Path:
        """What the user opened; `place_of` finds the place by it again."""
        return self.paths.location

    @property
    def name(self) -> str:
        """What the sidebar, the title and the tray call it."""
        return self.location.name or str(self.location)

    @property
    def is_demo(self) -> bool:
        return self == place_of(demo_workspace())

    @property
    def python_arguments(self) -> str:
        """What `Queue(…)` needs after the name to find it; empty for the default workspace."""
        if self == place_of(default_workspace()):
            return ""
        keyword = "workspace" if self.database is None else "database"
        return f", {keyword}={json.dumps(str(self.location), ensure_ascii=False)}"


def first_place(given: str | os.PathLike[str] | None, settings: Settings) -> Place:
    """The place that was asked for, else that of $PQDESK_WORKSPACE, else the last one, else the default workspace."""
    if given is not None:
        return place_of(given)
    last = settings.last_workspace
    if os.environ.get(WORKSPACE_VARIABLE) or last is None or not os.path.exists(last):
        return place_of(choose_workspace().root)
    return place_of(last)


def place_of(path: str | os.PathLike[str]) -> Place:
    """The place at `path`: a workspace's folder, its queue.db, or another file."""
    return Place(choose_workspace(path))
