"""The threads that serve one place. Opening another ends one session and begins the next."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QThread

from pqdesk.clock import SystemClock
from pqdesk.errors import WorkspaceError
from pqdesk.gui.places import Place
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.health_watch import HealthWatch
from pqdesk.gui.threads.reader import Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.services.workers import login_start_of, workers_of
from pqdesk.storage import open_inspection
from pqdesk.storage.looking import Inspection
from pqdesk.workspace import Workspace

_log = logging.getLogger(__name__)

_READER_WAIT_MS = 1_000
_WAIT_MS = 3_000
_SIDE_WAIT_MS = 9_000  # a command on trial gets three seconds, and five more to end


class Session:
    """Reader, actor, supervisord's link, log reader and side jobs of `place`, each in its thread."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.reader = Reader(lambda: open_what_is_there(place), identify=lambda: identify(place))
        self.actor = Actor(
            lambda: Workspace(place.location, program="window"),
            identify=lambda: identify(place),
            look=lambda: open_inspection(place.paths).close(),
            attends=place.database is None,  # what an application's file needs, its own processes do
        )
        self.link = SupervisorLink(lambda: workers_of(place.paths), lambda: login_start_of(place.paths))
        self.health = HealthWatch(place.paths, lambda: open_what_is_there(place), SystemClock())
        self.reader.counts_loaded.connect(self.health.take_counts)
        self.link.status_changed.connect(self.health.take_status)
        self._threads: list[tuple[QThread, QObject, int]] = []
        self._add("reader", self.reader, self.reader.start, self.reader.stop, _READER_WAIT_MS)
        self._add("actor", self.actor, self.actor.begin, self.actor.stop, _WAIT_MS)
        self._add("supervisord-link", self.link, self.link.begin, self.link.finish, _WAIT_MS)
        self._add("log-reader", self.link.logs, self.link.logs.begin, self.link.logs.finish, _READER_WAIT_MS)
        self._add("health", self.health, self.health.begin, self.health.finish, _WAIT_MS)
        self._add("side-jobs", self.link.side, None, self.link.side.finish, _SIDE_WAIT_MS)

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


def identify(place: Place) -> tuple[int, int] | None:
    """Device and inode of the place's file: another one is another file. None when there is none."""
    file = place.paths.database
    try:
        status = file.lstat()  # never open(): closing it would drop SQLite's locks
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise WorkspaceError(f"cannot look at {str(file)!r}: {exc.strerror}", path=file) from exc
    return status.st_dev, status.st_ino


def open_what_is_there(place: Place) -> Inspection | None:
    """A look at the place, or None when it has not been made yet. Makes no file."""
    if identify(place) is None:
        return None
    return open_inspection(place.paths)
