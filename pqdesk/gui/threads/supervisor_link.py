"""Talking to supervisord, in a thread of its own: its answers may take two seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from pqdesk.errors import PQDeskError
from pqdesk.gui.notices import describe_doing
from pqdesk.gui.threads.log_reader import LogReader
from pqdesk.gui.threads.orders import Done, Order, SaveRequest, Workers
from pqdesk.gui.threads.side_jobs import SideJobs
from pqdesk.messages.records import Outcome
from pqdesk.services.workers import RecordedSupervision
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import Saved, SupervisionStatus, WorkerState

if TYPE_CHECKING:
    from pqdesk.supervision.daemon.start_at_login import LoginStart
    from pqdesk.supervision.processes.usage import UsageReader

_log = logging.getLogger(__name__)

_QUICK_MS = 500
_SLOW_MS = 5_000
_USAGE_MS = 2_000
_CHANGING = (WorkerState.STARTING, WorkerState.STOPPING, WorkerState.BACKING_OFF)


class SupervisorLink(QObject):
    """A client of the workspace's supervisord, for the window. Slots are for queued connections.

    Signals:
        status_changed: SupervisionStatus, after each look; equal ones are told once.
        usage_read: Usage by process, of those that `watch_usage` named.
        began: The Order that is carried out from now on.
        done: Done, once for each order that is carried out.
        waiting_changed: What supervisord is asked for just now, in words; empty when it has answered.
        definition_read, preview_made, saved: Answers to `read_definition`, `preview` and `save`: the token of the
            question, and the WorkerDefinition, the text, or what came of saving; or the PQDeskError.
        first_start_found: What starting would run, a tuple of WorkerDefinition, and the Order that was not carried
            out: this user has never started workers here. `carry_out_seen` does it.
        conflict_found: The file of what was to be saved has changed since; the token, and the WorkerDefinition of now.
        shut_down_ended: The answer to `shut_down`: empty, or why it failed.

    Attributes:
        logs: The LogReader of the same workspace; it lives in another thread.
        side: The SideJobs of the same workspace; they live in a third one.
    """

    status_changed = Signal(object)
    usage_read = Signal(object)
    began = Signal(object)
    done = Signal(object)
    waiting_changed = Signal(str)
    definition_read = Signal(int, object)
    preview_made = Signal(int, object)
    saved = Signal(int, object)
    first_start_found = Signal(object, object)
    conflict_found = Signal(int, object)
    shut_down_ended = Signal(str)

    def __init__(
        self,
        open_supervision: Callable[[], RecordedSupervision],
        open_login: Callable[[], LoginStart] | None = None,
    ) -> None:
        """`open_supervision` is called in the link's thread, both once more in that of the side jobs."""
        super().__init__()
        self.logs = LogReader()
        self.side = SideJobs(open_supervision, open_login)
        self._open_supervision = open_supervision
        self._supervision: RecordedSupervision | None = None
        self._usage: UsageReader | None = None
        self._timer: QTimer | None = None
        self._usage_timer: QTimer | None = None
        self._status: SupervisionStatus | None = None
        self._usage_of: frozenset[str] = frozenset()
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
        self._usage_timer = QTimer(self)
        self._usage_timer.timeout.connect(self.read_usage)
        self.poll()

    @Slot()
    def finish(self) -> None:
        """Stop watching; the thread's last act. supervisord and the workers run on."""
        for timer in (self._timer, self._usage_timer):
            if timer is not None:
                timer.stop()
        self._supervision = None

    # --- looking ----------------------------------------------------------------------------------

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

    @Slot(object)
    def watch_usage(self, processes: frozenset[str]) -> None:
        """From now on tell every two seconds what these use; of none, nothing is read."""
        is_more = bool(processes - self._usage_of)
        self._usage_of = processes
        if self._usage_timer is None:
            return
        if not processes:
            self._usage_timer.stop()
        elif is_more or not self._usage_timer.isActive():
            self._usage_timer.start(_USAGE_MS)
            self.read_usage()

    @Slot()
    def read_usage(self) -> None:
        if self._status is None:
            return
        if self._usage is None:
            from pqdesk.supervision.processes.usage import (
                UsageReader,  # psutil takes its time: not before the first paint
            )

            self._usage = UsageReader()
        wanted = [one for one in self._status.replicas if one.process in self._usage_of]
        self.usage_read.emit(self._usage.read(wanted))

    # --- acting -----------------------------------------------------------------------------------

    @Slot(object)
    def carry_out(self, order: Order) -> None:
        """Do what is ordered of workers; `done` tells. What takes long goes on with later looks.

        What would start somebody else's commands for the first time is not done; `first_start_found` tells.
        """
        assert isinstance(order.target, Workers)
        target, supervision = order.target, self._opened()
        if commands := supervision.unseen_before(order.action):
            self.first_start_found.emit(commands, order)
            return
        self.began.emit(order)
        self.waiting_changed.emit(describe_doing(order))
        supervision.activity_id = None
        error: Exception | None = None
        try:
            supervision.do(order.action, target.names, target.value)
        except Exception as exc:  # noqa: BLE001 - an order never ends the thread, and is always answered
            if isinstance(exc, PQDeskError):
                _log.warning("supervisord did not do it: %s", str(exc))
            else:
                _log.exception("%s failed", order.action)
            error = exc
        else:
            _log.info("%s %s", order.action, ", ".join(target.names))
        self.waiting_changed.emit("")
        self.done.emit(Done(order, Outcome(0 if error else 1, activity_id=supervision.activity_id), error))
        self.poll()

    @Slot(object)
    def carry_out_seen(self, order: Order) -> None:
        """Do what is ordered: the person has seen what it runs."""
        self._opened().allow_starts()
        self.carry_out(order)

    @Slot()
    def shut_down(self) -> None:
        """Stop all workers, then supervisord. Answers when they are gone."""
        self.waiting_changed.emit("Stopping the workers and supervisord")
        problem = ""
        try:
            self._opened().shutdown()
        except PQDeskError as exc:
            problem = str(exc)
        self.waiting_changed.emit("")
        self.poll()
        self.shut_down_ended.emit(problem)

    # --- what workers are -------------------------------------------------------------------------

    @Slot(str, int)
    def read_definition(self, name: str, token: int) -> None:
        try:
            self.definition_read.emit(token, self._opened().definition(name))
        except PQDeskError as exc:
            self.definition_read.emit(token, exc)

    @Slot(object, int)
    def preview(self, definition: WorkerDefinition, token: int) -> None:
        """The text that saving would write."""
        try:
            self.preview_made.emit(token, self._opened().definition_preview(definition))
        except PQDeskError as exc:
            self.preview_made.emit(token, exc)

    @Slot(object, int)
    def save(self, request: SaveRequest, token: int) -> None:
        """Write it. Only the processes of this worker whose settings differ are restarted."""
        definition = request.definition
        self.waiting_changed.emit(f"Saving {definition.name}")
        try:
            self.saved.emit(token, self._save(request))
        except PQDeskError as exc:
            now = None if request.is_new else self._changed_meanwhile(definition)
            if now is not None:
                self.conflict_found.emit(token, now)
            else:
                _log.warning("worker not saved: %s", str(exc))
                self.saved.emit(token, exc)
        finally:
            self.waiting_changed.emit("")
        self.poll()

    def _save(self, request: SaveRequest) -> Saved:
        supervision, definition = self._opened(), request.definition
        if request.is_new:
            others = [one for one in supervision.unseen_workers() if one.name != definition.name]
            saved = supervision.add(definition, start=request.is_started and not others)
            if request.is_started and others:
                self.carry_out(Order("start", Workers((definition.name,))))
            return saved
        if request.is_forced:
            definition = replace(definition, version=supervision.definition(definition.name).version)
        return supervision.change(definition, wait_s=0)

    def _changed_meanwhile(self, definition: WorkerDefinition) -> WorkerDefinition | None:
        """The worker as its file has it now, if that is not what `definition` was made from."""
        try:
            now = self._opened().definition(definition.name)
        except PQDeskError:
            return None
        return now if now.version != definition.version else None

    def _opened(self) -> RecordedSupervision:
        if self._supervision is None:
            self._supervision = self._open_supervision()
        return self._supervision
