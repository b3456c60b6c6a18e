"""Tells the user, by the toast, how an order goes and went, and takes back what was done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock, from_datetime
from pqdesk.gui.notices import describe_done, describe_waiting
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import Activity, Done, Order, WorkerOrder, who
from pqdesk.gui.threads.reader import Answer, Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.toast import Toast
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.origin import Origin
from pqdesk.storage.looking import Inspection
from pqdesk.supervision.records import RemovedWorker

_TELL_AFTER_MS = 1_000


class Announcer(QObject):
    """Listens to the threads of one workspace. `silence` before the next.

    Undo is the library's: the newest activity of this person, by whatever program. What was done to workers leaves no
    activity; that is taken back as long as the window is open.

    Signals:
        order_asked: For the actor: an Order that takes something back.
        worker_order_asked: For the link: a WorkerOrder that does.
        undo_known: What Undo and Redo would take now, in words; empty where there is nothing.
    """

    order_asked = Signal(object)
    worker_order_asked = Signal(object)
    undo_known = Signal(str, str)

    def __init__(self, reader: Reader, actor: Actor, link: SupervisorLink, toast: Toast, clock: Clock) -> None:
        super().__init__()
        self._reader, self._actor, self._toast, self._clock = reader, actor, toast, clock
        self._sources = (reader, actor, link)
        self._user = Origin.here("window").user
        self._ticket = 0
        self._known: tuple[ActivityRecord | None, ActivityRecord | None] = (None, None)
        self._done_us = 0  # when this window did the newest of what leaves an activity
        self._of_workers: list[tuple[int, str, WorkerOrder]] = []  # done to workers: when, in words, the way back
        self._under_way: Order | None = None
        self._began_ms, self._held_up_s = 0, 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_TELL_AFTER_MS)
        self._timer.timeout.connect(self._on_slow)
        reader.counts_loaded.connect(self._ask)
        reader.answered.connect(self._on_answered)
        actor.began.connect(self._on_began)
        actor.done.connect(self._on_done)
        link.action_done.connect(self._on_worker_done)
        link.removed.connect(self._on_removed)
        link.all_stopping.connect(self._on_all_stopping)
        link.action_failed.connect(self._on_problem)
        self.order_asked.connect(actor.carry_out)
        self.worker_order_asked.connect(link.carry_out)

    def silence(self) -> None:
        """Say nothing any more: the toast is another workspace's now."""
        self._timer.stop()
        for source in self._sources:
            source.disconnect(self)

    @Slot()
    def undo(self) -> None:
        """Take back the newest that this person did, whatever it was and however long ago."""
        newest_us = max(self._done_us, 0 if self._known[0] is None else from_datetime(self._known[0].at))
        if self._of_workers and self._of_workers[-1][0] > newest_us:
            self._take_back(self._of_workers[-1][2])
        else:
            self.order_asked.emit(Order("undo", Activity()))

    @Slot()
    def redo(self) -> None:
        """Do again what was taken back last."""
        self.order_asked.emit(Order("redo", Activity()))

    # --- orders about messages and queues -----------------------------------------------------------

    @Slot(object)
    def _on_began(self, order: Order) -> None:
        self._under_way, self._began_ms, self._held_up_s = order, self._clock.awake_ms(), self._actor.held_up_s
        self._timer.start()

    @Slot()
    def _on_slow(self) -> None:
        if self._under_way is None:
            return
        before, self._held_up_s = self._held_up_s, self._actor.held_up_s
        seconds = (self._clock.awake_ms() - self._began_ms) // 1000
        text = describe_waiting(
            self._under_way, progress=self._actor.progress, seconds=seconds, is_held_up=self._held_up_s != before
        )
        self._toast.show_text(text, is_update=seconds > 1)

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        self._timer.stop()
        self._under_way = None
        outcome = done.outcome
        undo: Callable[[], None] | None = None
        if outcome.done and outcome.activity_id is not None:
            self._done_us = self._clock.wall_us()
            if not isinstance(done.order.target, Activity):
                undo = partial(self.order_asked.emit, Order("undo", Activity(outcome.activity_id)))
        is_error = done.error is not None or (bool(outcome.errors) and not outcome.done)
        self._toast.show_text(describe_done(done), is_error=is_error, undo=undo)
        self._ask()

    # --- what there is to undo ----------------------------------------------------------------------

    @Slot()
    def _ask(self) -> None:
        self._ticket = self._reader.ask("undo", partial(_newest, self._user))

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.ticket == self._ticket and answer.error is None:
            self._known = answer.value
            self._tell_undo()

    def _tell_undo(self) -> None:
        done, undone = self._known
        undo = self._of_workers[-1][1] if self._of_workers else "" if done is None else done.command
        self.undo_known.emit(undo, "" if undone is None else undone.command)

    # --- workers ------------------------------------------------------------------------------------

    def _offer(self, text: str, order: WorkerOrder) -> None:
        self._of_workers.append((self._clock.wall_us(), text, order))
        self._toast.show_text(text, undo=partial(self._take_back, order))
        self._tell_undo()

    def _take_back(self, order: WorkerOrder) -> None:
        self._of_workers = [one for one in self._of_workers if one[2] is not order]
        self.worker_order_asked.emit(order)
        self._tell_undo()

    @Slot(str)
    def _on_worker_done(self, text: str) -> None:
        self._toast.show_text(text)

    @Slot(object)
    def _on_all_stopping(self, processes: tuple[str, ...]) -> None:
        text = "Stopping all workers; each finishes the message in hand first"
        self._offer(text, WorkerOrder("start", processes))

    @Slot(object)
    def _on_removed(self, removed: tuple[RemovedWorker, ...]) -> None:
        names = tuple(one.name for one in removed)
        is_running = any(one.running for one in removed)
        rest = "; what is in hand is finished first" if is_running else ""
        self._offer(f"Removed {who(names)}{rest}", WorkerOrder("bring_back", names, removed=removed))

    @Slot(str)
    def _on_problem(self, text: str) -> None:
        self._toast.show_text(text, is_error=True)


def _newest(user: str, look: Inspection) -> tuple[ActivityRecord | None, ActivityRecord | None]:
    return look.newest_of(user, "done"), look.newest_of(user, "undone")
