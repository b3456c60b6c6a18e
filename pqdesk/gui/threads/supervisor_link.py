"""Talking to supervisord, in a thread of its own: its answers may take two seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.errors import PQDeskError
from pqdesk.gui.threads.log_reader import LogReader
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from pqdesk.supervision.supervision import Supervision

_log = logging.getLogger(__name__)

_QUICK_MS = 500
_SLOW_MS = 5_000
_CHANGING = (WorkerState.STARTING, WorkerState.STOPPING, WorkerState.BACKING_OFF)


class SupervisorLink(QObject):
    """A client of the workspace's supervisord, for the window. Slots are for queued connections.

    Signals:
        status_changed: SupervisionStatus, after each look; equal ones are told once.
        action_failed: One sentence: what failed, what to do.
        action_done: What was done, in words.
        shut_down_ended: The answer to `shut_down`: empty, or why it failed.

    Attributes:
        logs: The LogReader of the same workspace; it lives in another thread.
    """

    status_changed = Signal(object)
    action_failed = Signal(str)
    action_done = Signal(str)
    shut_down_ended = Signal(str)

    def __init__(self, open_supervision: Callable[[], Supervision]) -> None:
        """`open_supervision` is called in the link's thread."""
        super().__init__()
        self.logs = LogReader()
        self._open_supervision = open_supervision
        self._supervision: Supervision | None = None
        self._timer: QTimer | None = None
        self._status: SupervisionStatus | None = None
        self._is_watched = False

    @property
    def interval_ms(self) -> int:
        """Between two looks."""
        return self._timer.interval() if self._timer is not None else 0

    @Slot()
    def begin(self) -> None:
        """Begin to watch; connect the thread's `started` to this."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.poll)
        self._timer.start(_QUICK_MS)
        self.poll()

    @Slot()
    def finish(self) -> None:
        """Stop watching; the thread's last act. supervisord and the workers run on."""
        if self._timer is not None:
            self._timer.stop()
        self._supervision = None

    @Slot(bool)
    def set_watched(self, is_watched: bool) -> None:
        """Look twice a second while a page shows workers, else every five seconds."""
        self._is_watched = is_watched
        if self._timer is not None:
            self.poll()

    @Slot()
    def poll(self) -> None:
        try:
            status = self._opened().status()
        except PQDeskError as exc:
            status = SupervisionStatus(False, "not answering", None, (), str(exc))
        is_changing = any(one.state in _CHANGING for one in status.replicas)
        if self._timer is not None:
            self._timer.setInterval(_QUICK_MS if is_changing or self._is_watched else _SLOW_MS)
        if status != self._status:
            self._status = status
            self.status_changed.emit(status)

    @Slot(str)
    def start(self, name: str) -> None:
        """Start a worker, a replica or `all`; supervisord too, if it does not run."""
        self._do(f"Started {_who(name)}", lambda supervision: supervision.start(name))

    @Slot(str)
    def stop(self, name: str) -> None:
        """Ask a worker, a replica or `all` to stop; it finishes the message in hand first."""
        self._do(f"Stopping {_who(name)}", lambda supervision: supervision.stop(name))

    @Slot(str)
    def restart(self, name: str) -> None:
        self._do(f"Restarting {_who(name)}", lambda supervision: supervision.restart(name))

    @Slot()
    def start_daemon(self) -> None:
        """Attach to supervisord or start it, detached; workers marked so start with it."""
        self._do("", lambda supervision: supervision.ensure_running())

    @Slot()
    def shut_down(self) -> None:
        """Stop all workers, then supervisord. Answers when they are gone."""
        problem = self._do("Workers and supervisord stopped", lambda supervision: supervision.shutdown())
        self.shut_down_ended.emit(problem)

    def _do(self, done: str, act: Callable[[Supervision], object]) -> str:
        """`done` says what was done; empty where the new status tells it. Returns why it failed, or nothing."""
        problem = ""
        try:
            act(self._opened())
        except PQDeskError as exc:
            _log.warning("supervisord did not do it: %s", str(exc))
            problem = str(exc)
            self.action_failed.emit(problem)
        else:
            if done:
                _log.info("%s", done)
                self.action_done.emit(done)
        self.poll()
        return problem

    def _opened(self) -> Supervision:
        if self._supervision is None:
            self._supervision = self._open_supervision()
        return self._supervision


def _who(name: str) -> str:
    return "all workers" if name == "all" else name
