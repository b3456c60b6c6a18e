"""Changing the workspace: every order about messages, queues and activities, one at a time, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.errors import Busy, PQDeskError, WorkspaceError
from pqdesk.gui.threads.orders import Activity, Done, Matching, Order, Queues, Schedules, Seen, Workers
from pqdesk.messages.records import Outcome
from pqdesk.workspace import Workspace

_log = logging.getLogger(__name__)

TEST_QUEUE = "test"


class Actor(QObject):
    """Does what the user asked for, over a connection of its own, in the thread it is moved to.

    Signals:
        began: The Order that is carried out from now on.
        done: Done, once for each order.

    Attributes:
        progress: How many messages the order under way has changed so far. Any thread may read it.
    """

    began = Signal(object)
    done = Signal(object)

    def __init__(
        self,
        open_workspace: Callable[[], Workspace],
        *,
        identify: Callable[[], object] = lambda: 0,
        look: Callable[[], object] = lambda: None,
        attends: bool = True,
    ) -> None:
        """All are called in the actor's thread.

        Args:
            identify: Tells which file is there, so that another one is opened anew.
            look: Raises a PQDeskError when there is no good workspace, and changes nothing.
            attends: Whether it does what the workspace needs in the background; see `Workspace.attend`.
        """
        super().__init__()
        self._open_workspace, self._identify, self._look = open_workspace, identify, look
        self._attends = attends
        self._workspace: Workspace | None = None
        self._identity: object = None
        self.progress = 0

    @property
    def held_up_s(self) -> float:
        """Grows while another program holds the queue file. Any thread may read it."""
        workspace = self._workspace
        return 0.0 if workspace is None else workspace.store.held_up_s

    @Slot()
    def begin(self) -> None:
        """While the window is open it does what the workspace needs in the background, such as running its schedules.

        Where it cannot, it goes without: what is wrong with the file is the reader's to say.
        """
        if not self._attends:
            return
        try:
            self._look()  # opening would make one, or leave traces beside a file that is none
            self._opened()
        except PQDeskError as exc:
            _log.info("nothing is done for this workspace in the background: %s", str(exc))

    @Slot(object)
    def carry_out(self, order: Order) -> None:
        """Do it to what is still as the order says that it was seen; the rest is skipped. `done` tells."""
        self.progress = 0
        self.began.emit(order)
        try:
            try:
                outcome = self._carry_out(order)
            except Busy:  # every message is compared and set, so doing it again is safe
                outcome = self._carry_out(order)
        except Exception as exc:  # noqa: BLE001 - an order never ends the thread, and is always answered
            if isinstance(exc, PQDeskError):
                _log.warning("%s failed: %s", order.action, str(exc))
            else:
                _log.exception("%s failed", order.action)
            if isinstance(exc, WorkspaceError):  # the file may be another one by the next order
                self.stop()
            self.done.emit(Done(order, error=exc.with_traceback(None)))  # whose frames hold the connection
            return
        _log.info("%s done=%d skipped=%d errors=%d", order.action, outcome.done, outcome.skipped, len(outcome.errors))
        self.done.emit(Done(order, outcome))

    @Slot()
    def stop(self) -> None:
        """Close the workspace; the thread's last act."""
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def _carry_out(self, order: Order) -> Outcome:
        workspace, target, action = self._opened(), order.target, order.action
        acts = {
            "retry": workspace.retry,
            "run_again": workspace.retry,
            "run_now": workspace.run_now,
            "cancel": workspace.cancel,
            "delete": workspace.delete,
        }
        match target:
            case Seen():
                return acts[action](target.states, on_progress=self._note_progress)
            case Matching():
                return acts[action](**target.filters, up_to=target.matched.up_to, on_progress=self._note_progress)
            case Activity() if action == "redo":
                return workspace.redo(on_progress=self._note_progress)
            case Activity():
                return workspace.undo(target.id, on_progress=self._note_progress)
            case Queues() if action == "test_message":
                with workspace.queue(target.names[0]) as queue:
                    return Outcome(1, new_ids=(queue.put({"hello": "world"}, type="test"),))
            case Schedules():
                return _act_on_schedules(workspace, action, target.names)
            case Workers():
                raise ValueError("orders about workers are for supervisord's link")
            case Queues():
                return _switch(workspace, target.names, is_paused=action == "pause")

    def _note_progress(self, done: int, _skipped: int) -> None:
        self.progress = done

    def _opened(self) -> Workspace:
        if self._workspace is not None and self._identify() != self._identity:
            self.stop()  # another file is there by now
        if self._workspace is None:
            workspace = self._open_workspace()
            self._identity = self._identify()
            if self._attends:
                workspace.attend()
            self._workspace = workspace
        return self._workspace


def _switch(workspace: Workspace, queues: tuple[str, ...], *, is_paused: bool) -> Outcome:
    ids = [workspace.store.operating.pause(name, is_paused) for name in queues or (None,)]
    changed = [one for one in ids if one is not None]
    return Outcome(len(changed), len(ids) - len(changed), activity_id=changed[-1] if changed else None)


def _act_on_schedules(workspace: Workspace, action: str, names: tuple[str, ...]) -> Outcome:
    ids = []
    for name in names:
        match action:
            case "run_schedule":
                ids.append(workspace.run_schedule(name))
            case "enable_schedule":
                workspace.enable_schedule(name)
            case "disable_schedule":
                workspace.disable_schedule(name)
            case "remove_schedule":
                workspace.remove_schedule(name)
    return Outcome(len(names), new_ids=tuple(ids))
