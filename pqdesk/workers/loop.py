"""What each thread of a consumer does: message after message, until there are no more or it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from pqdesk.clock import Clock
from pqdesk.errors import Busy, DiskFull, Empty, LeaseLost, PQDeskError
from pqdesk.queues.message import Message
from pqdesk.queues.queue import Queue
from pqdesk.workers.drain import DrainGate
from pqdesk.workers.hands import Hands
from pqdesk.workers.report import Report, describe_exception
from pqdesk.workers.settling import WORKSPACE_TROUBLE, Settler
from pqdesk.workers.work import Unworkable, Work

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_TIMEOUT_AGE_MS = 5_000  # how late a change of the queue's configured timeout may be noticed


@dataclass(frozen=True, slots=True)
class Timeout:
    """A queue's configured timeout, as it was read last."""

    read_ms: int
    configured_s: float | None


class Loop:
    """The body of a consumer's threads. `run` is called once per thread, everything else from any.

    Args:
        timeout_s: For queues whose configuration names none.
        gate: Where threads wait that found nothing while draining; None: they wait for messages.

    Attributes:
        failure: Why the worker cannot go on; None as long as it can.
    """

    def __init__(
        self,
        work: Work,
        hands: Hands,
        settler: Settler,
        report: Report,
        clock: Clock,
        *,
        timeout_s: float | None,
        gate: DrainGate | None,
    ) -> None:
        self._work = work
        self._hands = hands
        self._settler = settler
        self._report = report
        self._clock = clock
        self._timeout_s = timeout_s
        self._gate = gate
        self._stopped = threading.Event()
        self._timeouts: dict[str, Timeout] = {}
        self.failure: str | None = None

    def stop(self) -> None:
        """No thread takes another message. Those that wait for one have to be woken."""
        self._stopped.set()
        if self._gate is not None:
            self._gate.end()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def run(self, queue: Queue) -> None:
        """Work on the queue's messages. Raises nothing: what ends the worker is in `failure`."""
        pause_s = _FIRST_PAUSE_S
        try:
            while not self._stopped.is_set():
                try:
                    self._run(queue)
                    return
                except LeaseLost as exc:  # what was taken ahead, and is another's by now
                    self._report.warn(str(exc))
                except (DiskFull, Busy) as exc:
                    self._report.begin(WORKSPACE_TROUBLE, f"{exc}; taking no new messages until that is over")
                    self._stopped.wait(pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        except PQDeskError as exc:
            self._fail(str(exc))
        except BaseException as exc:  # noqa: BLE001 - the top of a thread: a bug ends the worker, for all to see
            self._fail(describe_exception(exc))

    def _run(self, queue: Queue) -> None:
        with closing(self._messages(queue)) as messages:
            for message in messages:
                self._deliver(queue, message)
                if self._stopped.is_set():
                    return

    def _messages(self, queue: Queue) -> Generator[Message, None, None]:
        """For ever, taking the next with the ack of each; or, draining, as long as there are any."""
        if self._gate is None:
            yield from queue
            return
        while True:
            seen = self._gate.before_look()
            try:
                message = queue.get_nowait()
            except Empty:
                if not self._gate.wait_for_more(seen):
                    return
                continue
            message.__enter__()  # extends its lease; the other half of `with` would settle it
            yield message

    def _deliver(self, queue: Queue, message: Message) -> None:
        timeout_s = self._timeout_of(queue)
        self._report.end(WORKSPACE_TROUBLE)
        delivery = self._hands.take(message, None if self._work.ends_itself else timeout_s)
        try:
            ending = self._work.do(message, timeout_s)
            if isinstance(ending, Unworkable):
                self._fail(ending.reason)  # before the message is back, or the next thread takes it to no avail
            if delivery.take_end():
                self._settler.settle(delivery, ending)
        finally:
            self._hands.put_down()
            if self._gate is not None:
                self._gate.note_finished()

    def _timeout_of(self, queue: Queue) -> float | None:
        """The queue's, else the handler's. Looked up now and then only, as it rarely changes."""
        known = self._timeouts.get(queue.name)
        now_ms = self._clock.awake_ms()
        if known is None or now_ms - known.read_ms > _TIMEOUT_AGE_MS:
            configured_s = known.configured_s if known is not None else None
            try:
                configured_s = queue.configuration.timeout
            except (Busy, DiskFull):
                pass  # what was known is good for a little longer
            known = self._timeouts[queue.name] = Timeout(now_ms, configured_s)
        return self._timeout_s if known.configured_s is None else known.configured_s

    def _fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self.stop()
