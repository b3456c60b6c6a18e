"""Tells the user, by the toast, how an order goes and went, and takes back what was done."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.clock import Clock
from pqdesk.gui.notices import describe_done, describe_waiting
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import Activity, Done, Order
from pqdesk.gui.threads.reader import Answer, Reader
from pqdesk.gui.threads.supervisor_link import SupervisorLink
from pqdesk.gui.widgets.toast import Toast, Tone
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.origin import Origin
from pqdesk.storage.looking import Inspection

_TELL_AFTER_MS = 1_000


class Announcer(QObject):
    """Listens to the threads of one workspace. `silence` before the next.

    Undo is the library's: the newest activity of this person, by whatever program.

    Signals:
        order_asked: For the actor: an Order that takes something back.
        undo_known: What Undo and Redo would take now, in words; empty where there is nothing.
    """

    order_asked = Signal(object)
    undo_known = Signal(str, str)

    def __init__(self, reader: Reader, actor: Actor, link: SupervisorLink, toast: Toast, clock: Clock) -> None:
        super().__init__()
        self._reader, self._actor, self._toast, self._clock = reader, actor, toast, clock
        self._sources = (reader, actor, link)
        self._user = Origin.here("window").user
        self._ticket = 0
        self._under_way: Order | None = None
        self._began_ms, self._held_up_s = 0, 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_TELL_AFTER_MS)
        self._timer.timeout.connect(self._on_slow)
        reader.counts_loaded.connect(self._ask)
        reader.answered.connect(self._on_answered)
        actor.began.connect(self._on_began)
        actor.done.connect(self._on_done)
        link.done.connect(self._on_worker_done)
        self.order_asked.connect(actor.carry_out)

    def silence(self) -> None:
        """Say nothing any more: the toast is another workspace's now."""
        self._timer.stop()
        for source in self._sources:
            source.disconnect(self)

    @Slot()
    def undo(self) -> None:
        """Take back the newest that this person did, whatever it was and however long ago."""
        self.order_asked.emit(Order("undo", Activity()))

    @Slot()
    def redo(self) -> None:
        """Do again what was taken back last."""
        self.order_asked.emit(Order("redo", Activity()))

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
        self._toast.show_text(text, Tone.GOING_ON, is_update=seconds > 1)

    @Slot(object)
    def _on_done(self, done: Done) -> None:
        self._timer.stop()
        self._under_way = None
        self._tell(done)

    @Slot(object)
    def _on_worker_done(self, done: Done) -> None:
        if describe_done(done):  # the start of supervisord is told by the new status
            self._tell(done)

    def _tell(self, done: Done) -> None:
        outcome, undo = done.outcome, None
        if outcome.done and outcome.activity_id is not None and not isinstance(done.order.target, Activity):
            undo = partial(self.order_asked.emit, Order("undo", Activity(outcome.activity_id)))
        is_error = done.error is not None or (bool(outcome.errors) and not outcome.done)
        self._toast.show_text(describe_done(done), Tone.ERROR if is_error else Tone.DONE, undo=undo)
        self._ask()

    # --- what there is to undo ----------------------------------------------------------------------

    @Slot()
    def _ask(self) -> None:
        self._ticket = self._reader.ask("undo", partial(_newest, self._user))

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.ticket == self._ticket and answer.error is None:
            self.undo_known.emit(*("" if one is None else one.command for one in answer.value))


def _newest(user: str, look: Inspection) -> tuple[ActivityRecord | None, ActivityRecord | None]:
    return look.newest_of(user, "done"), look.newest_of(user, "undone")
