"""Tells the user, by the toast, how an action went, and offers the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from pqdesk.errors import PQDeskError
from pqdesk.gui.notices import describe_failure, describe_outcome
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import WorkerOrder, who
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.toast import Toast
from pqdesk.messages.records import Outcome
from pqdesk.supervision.records import RemovedWorker


class Announcer(QObject):
    """Listens to the actor and to supervisord's link of one workspace. `silence` before the next.

    Signals:
        order_asked: For the link: a WorkerOrder that takes something back.
    """

    order_asked = Signal(object)

    def __init__(
        self, actor: Actor, link: SupervisorLink, toast: Toast, perform: Callable[[str, tuple[int, ...]], None]
    ) -> None:
        """`perform` does an operator action; Undo goes through it."""
        super().__init__()
        self._toast, self._perform = toast, perform
        self._sources = (actor, link)
        actor.performed.connect(self._on_performed)
        actor.failed.connect(self._on_failed)
        actor.paused.connect(self._on_paused)
        actor.message_put.connect(self._on_message_put)
        actor.problem.connect(self._on_problem)
        link.action_done.connect(self._on_done)
        link.removed.connect(self._on_removed)
        link.all_stopping.connect(self._on_all_stopping)
        self.order_asked.connect(link.carry_out)
        link.action_failed.connect(self._on_problem)

    def silence(self) -> None:
        """Say nothing any more: the toast is another workspace's now."""
        for source in self._sources:
            source.disconnect(self)

    @Slot(str, object, object, int)
    def _on_performed(self, name: str, outcome: Outcome, ids: Iterable[int], token: int) -> None:
        undo = partial(self._perform, "restore", tuple(ids)) if name == "delete" and outcome.done else None
        is_error = bool(outcome.errors) and not outcome.done
        self._toast.show_text(describe_outcome(name, outcome), is_error=is_error, undo=undo)

    @Slot(str, object, object, int)
    def _on_failed(self, name: str, error: PQDeskError, ids: Iterable[int], token: int) -> None:
        self._toast.show_text(describe_failure(name, error), is_error=True)

    @Slot(bool)
    def _on_paused(self, is_paused: bool) -> None:
        self._toast.show_text("Paused: puts go on, nothing is taken" if is_paused else "Resumed")

    @Slot(object, str)
    def _on_message_put(self, message_id: int, queue: str) -> None:
        self._toast.show_text(f"Message {message_id} put into {queue}")

    @Slot(str)
    def _on_done(self, text: str) -> None:
        self._toast.show_text(text)

    @Slot(object)
    def _on_all_stopping(self, processes: tuple[str, ...]) -> None:
        back = partial(self.order_asked.emit, WorkerOrder("start", processes))
        self._toast.show_text("Stopping all workers; each finishes the message in hand first", undo=back)

    @Slot(object)
    def _on_removed(self, removed: tuple[RemovedWorker, ...]) -> None:
        names = tuple(one.name for one in removed)
        is_running = any(one.running for one in removed)
        rest = "; what is in hand is finished first" if is_running else ""
        back = partial(self.order_asked.emit, WorkerOrder("bring_back", names, removed=removed))
        self._toast.show_text(f"Removed {who(names)}{rest}", undo=back)

    @Slot(str)
    def _on_problem(self, text: str) -> None:
        self._toast.show_text(text, is_error=True)
