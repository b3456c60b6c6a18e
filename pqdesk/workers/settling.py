"""Ending a delivery: exactly one of handler, timeout and a hurried exit does it, however long the disk is full."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pqdesk.clock import Clock
from pqdesk.errors import Busy, DiskFull, InvalidInput, LeaseLost
from pqdesk.queues.message import Message
from pqdesk.workers.report import Report, shown
from pqdesk.workers.work import Completed, Ending, GivenUp, Nacked

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
WORKSPACE_TROUBLE = "workspace"  # the condition of Report.begin, shared by all loops of a worker


class Delivery:
    """One message in the hands of a worker.

    Attributes:
        deadline_ms: Awake time at which its handler is taken for hung; None for never.
    """

    def __init__(self, message: Message, clock: Clock, timeout_s: float | None) -> None:
        self.message = message
        self.timeout_s = timeout_s
        self.deadline_ms = None if timeout_s is None else clock.awake_ms() + round(timeout_s * 1000)
        self._clock = clock
        self._started_ms = clock.awake_ms()
        self._lock = threading.Lock()
        self._is_ended = False

    @property
    def ran_s(self) -> float:
        return (self._clock.awake_ms() - self._started_ms) / 1000

    def take_end(self) -> bool:
        """True for the first caller only: who gets it ends the delivery."""
        with self._lock:
            is_first, self._is_ended = not self._is_ended, True
        return is_first


class Settler:
    """Settles deliveries and says so. Thread-safe."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._pause = threading.Event()  # set only to cut pauses short

    def hurry(self) -> None:
        """Try no more than once from now on."""
        self._pause.set()

    def settle(self, delivery: Delivery, ending: Ending) -> None:
        """Write the ending and report it. Raises what makes the workspace unusable, such as Corrupt."""
        message, ran_s = delivery.message, delivery.ran_s
        if message.is_settled:  # by the handler itself
            if isinstance(ending, Nacked | GivenUp):
                self._tell(message, ending.error if isinstance(ending, Nacked) else ending.reason, ending.is_told)
            self._report.settled("settled", message.id, message.queue, message.attempt, ran_s)
            return
        if isinstance(ending, Completed):
            word, is_done = "completed", self._patiently(message, lambda: self._ack(message, ending.result))
        elif isinstance(ending, Nacked):
            word = "failed" if message.attempt >= message.max_attempts else "retrying"
            is_done = self._patiently(message, lambda: message.nack(ending.error, delay=ending.delay))
            self._tell(message, ending.error, ending.is_told)
        elif isinstance(ending, GivenUp):
            word, is_done = "failed", self._patiently(message, lambda: message.fail(ending.reason))
            self._tell(message, ending.reason, ending.is_told)
        else:
            word, is_done = "released", self._patiently(message, message.release)
        if is_done:
            self._report.settled(word, message.id, message.queue, message.attempt, ran_s)

    def _ack(self, message: Message, result: object) -> None:
        try:
            message.ack(result)
        except InvalidInput as exc:
            self._report.warn(f"{_named(message)}: completed without its result: {exc}")
            message.ack()

    def _tell(self, message: Message, error: str, is_told: bool) -> None:
        self._report.warn(f"{_named(message)}: {error.splitlines()[0] if is_told else error}")

    def _patiently(self, message: Message, act: Callable[[], None]) -> bool:
        """Whether `act` succeeded; while the disk is full or busy, it is tried until the lease is lost."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                act()
            except LeaseLost as exc:
                self._report.warn(f"{_named(message)}: its lease was lost, so this attempt counts for nothing: {exc}")
                return False
            except (DiskFull, Busy) as exc:
                self._report.begin(WORKSPACE_TROUBLE, f"{exc}; trying again, messages in hand are kept")
                if self._pause.wait(pause_s):
                    return False
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                self._report.end(WORKSPACE_TROUBLE)
                return True


def _named(message: Message) -> str:
    return f"message {message.id} (queue {shown(message.queue)}, attempt {message.attempt})"
