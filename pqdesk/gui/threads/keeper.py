"""Making, checking and removing workspaces, in a thread of its own: all of it waits for disks and processes."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk import demo
from pqdesk.errors import PQDeskError
from pqdesk.paths import WorkspacePaths, demo_workspace
from pqdesk.services.workers import workers_of
from pqdesk.workspace import Workspace

_log = logging.getLogger(__name__)


class Keeper(QObject):
    """Outlives sessions. Slots are for queued connections.

    Signals:
        demo_made: The Path of the demo's workspace, its files written.
        demo_removed: It is gone, its workers too.
        created: The Path of a new workspace.
        failed: One sentence: what failed, what to do.
    """

    demo_made = Signal(object)
    demo_removed = Signal()
    created = Signal(object)
    failed = Signal(str)

    @Slot()
    def make_demo(self) -> None:
        """Write the demo's files, if they are not there; it is started by who opens it."""
        paths = WorkspacePaths(demo_workspace())
        try:
            demo.write_demo(paths)
            workers_of(paths).allow_starts()  # what it runs is PQDesk itself
        except (PQDeskError, OSError) as exc:
            _log.warning("the demo cannot be made: %s", str(exc))
            self.failed.emit(f"The demo cannot be made in {paths.root}: {_reason(exc)}")
            return
        self.demo_made.emit(paths.root)

    @Slot()
    def remove_demo(self) -> None:
        """Stop the demo's workers and supervisord, and delete its folder. Nobody may have it open."""
        paths = WorkspacePaths(demo_workspace())
        try:
            workers_of(paths).shutdown()
            if paths.root.is_dir():
                shutil.rmtree(paths.root)
        except (PQDeskError, OSError) as exc:
            _log.warning("the demo cannot be removed: %s", str(exc))
            self.failed.emit(f"The demo in {paths.root} cannot be removed: {_reason(exc)}")
            return
        self.demo_removed.emit()

    @Slot(object)
    def create(self, root: Path) -> None:
        """Make a workspace in the folder `root`, which may exist already."""
        try:
            Workspace(root).close()
        except PQDeskError as exc:
            self.failed.emit(str(exc))
            return
        self.created.emit(root)


def _reason(exc: Exception) -> str:
    return (exc.strerror or str(exc)) if isinstance(exc, OSError) else str(exc)
