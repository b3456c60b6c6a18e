"""What each thread of a consumer does: message after message, until there are no more or it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pqdesk.clock import Clock
from pqdesk.errors import PQDeskError
from pqdesk.queues.handling import Handling
from pqdesk.queues.message import Message
from pqdesk.queues.queue import Queue
from pqdesk.workers.batch import Batch, BatchWatch
from pqdesk.workers.drain import DrainGate
from pqdesk.workers.lifecycle import EXIT_FAILED
from pqdesk.workers.limits import Quota, RateLimit
from pqdesk.workers.log_stream import SPEAKER
from pqdesk.workers.patience import Patience, exit_code_for
from pqdesk.workers.report import Report, describe_exception
from pqdesk.workers.settling import WORKSPACE_TROUBLE, Settler
from pqdesk.workers.threads_at_work import Delivery, ThreadsAtWork, WorkingThread
from pqdesk.workers.work import Nacked, Unworkable, Work


@dataclass(eq=False, slots=True)
class Loop:
    """The body of a consumer's threads. `run` is called once per thread, everything else from any.

    Attributes:
        gate: Where threads wait that found nothing while draining; None: they wait for messages.
        rate: How often handlers may begin; None: as often as there are messages.
        quota: How many handlers may begin; None: any number.
        failure: Why the worker cannot go on; None as long as it can.
        exit_code: What the process is to exit with then.
    """

    work: Work
    at_work: ThreadsAtWork
    settler: Settler
    report: Report
    clock: Clock
    gate: DrainGate | None = None
    rate: RateLimit | None = None
    quota: Quota | None = None
    failure: str | None = field(default=None, init=False)
    exit_code: int = field(default=EXIT_FAILED, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    _watch: BatchWatch = field(init=False)

    def __post_init__(self) -> None:
        self._watch = BatchWatch(self.clock, self.fail_by)

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        """No thread takes another message. Those that wait for one have to be woken."""
        self._stopped.set()
        if self.gate is not None:
            self.gate.end()

    def end(self) -> None:
        """What was claimed ahead goes back; what has ended is settled. Once all threads have ended or hang."""
        self._watch.end()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def run(self, queue: Queue) -> None:
        """Work on the queue's messages. Raises nothing: what ends the worker is in `failure`."""
        batch = Batch(Handling(queue), self.settler, self.clock, self._on_given_back)
        self._watch.add(batch)
        patience = Patience(self._stopped.wait, self.clock)
        working = self.at_work.register()
        SPEAKER.set(working)
        try:
            while not self._stopped.is_set():
                try:
                    self._run(batch, working, patience)
                    break
                except PQDeskError as exc:
                    self.report.begin(WORKSPACE_TROUBLE, f"{exc}; taking no new messages until that is over")
                    patience.bear(exc)
            batch.give_back()
        except PQDeskError as exc:
            self.fail_by(exc)
        except BaseException as exc:  # noqa: BLE001 - the top of a thread: a bug ends the worker, for all to see
            self._fail(describe_exception(exc), EXIT_FAILED)

    def fail_by(self, error: PQDeskError) -> None:
        """The workspace cannot be used any more."""
        self._fail(str(error), exit_code_for(error))

    def _run(self, batch: Batch, working: WorkingThread, patience: Patience) -> None:
        while not self._stopped.is_set():
            message = batch.next()
            if message is not None:
                self._deliver(batch, working, message)
            elif self._refill(batch):
                patience.recover()
            else:
                return

    def _refill(self, batch: Batch) -> bool:
        """Settle what has ended and claim more, or wait; False when there will be no more."""
        has_settled = batch.is_shared
        wanted = batch.wanted() if self.quota is None else min(batch.wanted(), self.quota.left)
        room = wanted if self.rate is None else self.rate.reserve(wanted)
        claimed = 0
        try:
            if has_settled or room:
                seen = 0 if self.gate is None or has_settled else self.gate.before_look()
                claimed = batch.refill(room)
                self.report.end(WORKSPACE_TROUBLE)
        finally:
            if self.rate is not None:
                self.rate.give_back(room - claimed)
        if has_settled and self.gate is not None:
            self.gate.note_finished()
        if claimed or has_settled:
            return True
        if self.quota is not None and not self.quota.left:
            return False
        if not room:
            assert self.rate is not None
            self._stopped.wait(self.rate.wait_s())
            return True
        return batch.handling.wait() if self.gate is None else self.gate.wait_for_more(seen)

    def _deliver(self, batch: Batch, working: WorkingThread, message: Message) -> None:
        handling, now_ms = batch.handling, self.clock.awake_ms()
        if self.quota is not None and not self.quota.use():
            batch.put_back(message)
            self.stop()
            return
        try:
            # Past its lease, since this process was stopped for long, it may run elsewhere by now.
            is_ours = not handling.is_past_lease(message, now_ms) and handling.begin(message)
        except PQDeskError:
            self._begin_no_more(batch.put_back, message)
            raise
        if not is_ours:
            self._begin_no_more(batch.pass_over, message)
            return
        if self.quota is not None and not self.quota.left:
            self.stop()
        if self.rate is not None:
            self.rate.use()
        if batch.is_shared:
            self._watch.look()  # also extends the lease of one that takes long
        else:
            handling.keep_extending(message)
        delivery = Delivery(message, handling, now_ms, is_watched=not self.work.ends_itself)
        self.at_work.take(working, delivery)
        try:
            try:
                ending = self.work.do(delivery)
            except BaseException as exc:  # noqa: BLE001 - the top of every delivery: what it meets is its outcome.
                # Also SystemExit: given back uncounted, the message would come again for ever.
                ending = Nacked(describe_exception(exc, skipped_frames=2))
            if isinstance(ending, Unworkable):
                self._fail(
                    ending.reason, ending.exit_code
                )  # before it is back, or the next thread takes it to no avail
            if delivery.take_end():
                batch.add(self.settler.conclude(delivery, ending))
            else:
                batch.skip()
        finally:
            working.delivery = None
            working.is_hung = False

    def _begin_no_more(self, let_go: Callable[[Message], None], message: Message) -> None:
        if self.quota is not None:
            self.quota.give_back()
        let_go(message)

    def _on_given_back(self, count: int) -> None:
        """Messages that were claimed ahead are ready again, for the other threads too."""
        if self.rate is not None:
            self.rate.give_back(count)
        if self.gate is not None:
            self.gate.note_finished()

    def _fail(self, reason: str, exit_code: int) -> None:
        if self.failure is None:
            self.failure, self.exit_code = reason, exit_code
        self.stop()
