"""Changing the workspace: every operator action, one at a time, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.errors import Busy, PQDeskError, WorkspaceError
from pqdesk.messages.records import Outcome
from pqdesk.messages.states import State
from pqdesk.queues.queue import Queue

_log = logging.getLogger(__name__)

# by the name of the window's action, what the workspace calls it
ACTIONS = {
    "retry": "retry", "run_again": "retry", "run_now": "run_now", "cancel": "cancel", "delete": "delete",
    "restore": "restore",
}  # fmt: skip
TEST_QUEUE = "test"


class Changeable(Protocol):
    """A Workspace, or what acts like one; besides, it has each method of ACTIONS, which takes ids."""

    def queue(self, name: str) -> Queue: ...

    def attend(self) -> None: ...

    def close(self) -> None: ...


class Actor(QObject):
    """Does what the user asked for, over a connection of its own, in the thread it is moved to.

    `token` is any number of the caller's, given back with the answer.

    Signals:
        performed: The action's name, its Outcome, the ids it was asked for, the token.
        failed: The action's name, the PQDeskError, the ids, the token. Nothing was changed.
        paused: All queues named were paused (True) or resumed (False).
        message_put: The id of the test message and its queue.
        problem: One sentence about a pause or a put that failed.
    """

    performed = Signal(str, object, object, int)
    failed = Signal(str, object, object, int)
    paused = Signal(bool)
    message_put = Signal(object, str)
    problem = Signal(str)

    def __init__(
        self,
        open_workspace: Callable[[], Changeable],
        *,
        identify: Callable[[], object] = lambda: 0,
        look: Callable[[], object] = lambda: None,
    ) -> None:
        """All are called in the actor's thread.

        Args:
            identify: Tells which file is there, so that another one is opened anew.
            look: Raises a PQDeskError when there is no good workspace, and changes nothing.
        """
        super().__init__()
        self._open_workspace, self._identify, self._look = open_workspace, identify, look
        self._workspace: Changeable | None = None
        self._identity: object = None

    @Slot()
    def begin(self) -> None:
        """While the window is open it does what the workspace needs in the background, such as running its schedules.

        Where it cannot, it goes without: what is wrong with the file is the reader's to say.
        """
        try:
            self._look()  # opening would make one, or leave traces beside a file that is none
            self._opened()
        except PQDeskError as exc:
            _log.info("nothing is done for this workspace in the background: %s", str(exc))

    @Slot(str, object, int)
    def perform(self, name: str, ids: Mapping[int, State] | tuple[int, ...], token: int) -> None:
        """Do `name` (one of ACTIONS) to the messages `ids`; those whose state forbids it are skipped.

        So are those that are no longer in the state that they were seen in, where `ids` has it.
        """
        method = ACTIONS[name]
        try:
            outcome: Outcome = self._twice_if_busy(lambda workspace: getattr(workspace, method)(ids))
        except PQDeskError as exc:
            _log.warning("%s of %d messages failed: %s", name, len(ids), str(exc))
            self._forget_if_broken(exc)
            self.failed.emit(name, exc, ids, token)
            return
        _log.info("%s done=%d skipped=%d errors=%d", name, outcome.done, outcome.skipped, len(outcome.errors))
        self.performed.emit(name, outcome, ids, token)

    @Slot(object, bool)
    def pause(self, queues: tuple[str, ...], is_paused: bool) -> None:
        """Pause or resume the queues named."""
        try:
            for name in queues:
                with self._opened().queue(name) as queue:
                    if is_paused:
                        queue.pause()
                    else:
                        queue.resume()
        except PQDeskError as exc:
            self._forget_if_broken(exc)
            self.problem.emit(str(exc))
            return
        self.paused.emit(is_paused)

    @Slot()
    def put_test_message(self) -> None:
        """Put one small message, so that a new workspace shows something."""
        try:
            with self._opened().queue(TEST_QUEUE) as queue:
                message_id = queue.put({"hello": "world"}, type="test")
        except PQDeskError as exc:
            self._forget_if_broken(exc)
            self.problem.emit(str(exc))
            return
        self.message_put.emit(message_id, TEST_QUEUE)

    @Slot()
    def stop(self) -> None:
        """Close the workspace; the thread's last act."""
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def _forget_if_broken(self, exc: PQDeskError) -> None:
        if isinstance(exc, WorkspaceError):  # the file may be another one by the next action
            self.stop()

    def _twice_if_busy(self, act: Callable[[Changeable], Any]) -> Any:
        try:
            return act(self._opened())
        except Busy:  # every row is a compare-and-set, so doing it again is safe
            return act(self._opened())

    def _opened(self) -> Changeable:
        if self._workspace is not None and self._identify() != self._identity:
            self.stop()  # another file is there by now
        if self._workspace is None:
            self._workspace = self._open_workspace()
            self._identity = self._identify()
            self._workspace.attend()
        return self._workspace
