"""The threads that serve one workspace. Opening another workspace ends one session and begins the next."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QThread

from pqdesk import storage
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.paths import WorkspacePaths
from pqdesk.storage.contract import Inspection
from pqdesk.supervision.supervision import Supervision
from pqdesk.workspace import Workspace

_log = logging.getLogger(__name__)

_READER_WAIT_MS = 1_000
_WAIT_MS = 3_000


class Session:
    """Reader, actor, supervisord's link and log reader of the workspace at `paths`, each in its thread."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self.paths = paths
        self.reader = Reader(lambda: open_what_is_there(paths))
        self.actor = Actor(lambda: Workspace(paths.root))
        self.link = SupervisorLink(lambda: Supervision(paths))
        self._threads: list[tuple[QThread, QObject, int]] = []
        self._add("reader", self.reader, self.reader.start, self.reader.stop, _READER_WAIT_MS)
        self._add("actor", self.actor, None, self.actor.stop, _WAIT_MS)
        self._add("supervisord-link", self.link, self.link.begin, self.link.finish, _WAIT_MS)
        self._add("log-reader", self.link.logs, self.link.logs.begin, self.link.logs.finish, _READER_WAIT_MS)

    def start(self) -> None:
        for thread, _, _ in self._threads:
            thread.start()

    def end(self) -> bool:
        """End every thread, in order. False when one is still in a call that does not come back."""
        self.reader.interrupt()
        for thread, _, _ in self._threads:
            thread.quit()
        are_ended = [thread.wait(wait_ms) for thread, _, wait_ms in self._threads]
        for (thread, _, _), is_ended in zip(self._threads, are_ended, strict=True):
            if not is_ended:
                _log.warning("thread %s does not end", thread.objectName())
        return all(are_ended)

    def _add(
        self,
        name: str,
        worker: QObject,
        begin: Callable[[], None] | None,
        finish: Callable[[], None],
        wait_ms: int,
    ) -> None:
        thread = QThread()
        thread.setObjectName(name)
        worker.moveToThread(thread)
        if begin is not None:
            thread.started.connect(begin)
        thread.finished.connect(finish)  # runs in the thread itself: its last act
        self._threads.append((thread, worker, wait_ms))


def open_what_is_there(paths: WorkspacePaths) -> Inspection | None:
    """A look at the workspace, or None when it has not been made yet. Makes no file."""
    if not Workspace.exists(paths.root):
        return None
    return storage.open_inspection(paths)
