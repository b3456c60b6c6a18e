"""What the threads of a consumer have in hand, and until when their handlers may take."""

from __future__ import annotations

import threading

from pqdesk.clock import Clock
from pqdesk.queues.handling import Handling
from pqdesk.queues.message import Message
from pqdesk.workers.lifecycle import Wakeup


class WorkingThread:
    """What one thread works on. That thread writes `delivery`; None between two messages."""

    __slots__ = ("delivery", "is_hung", "thread")

    def __init__(self, thread: threading.Thread) -> None:
        self.thread = thread
        self.delivery: Delivery | None = None
        self.is_hung = False  # inside a handler that overran its timeout

    @property
    def message_id(self) -> int | None:
        """Of the message that the thread works on."""
        delivery = self.delivery
        return None if delivery is None else delivery.message.id


class ThreadsAtWork:
    """All of them. Thread-safe.

    Args:
        wakeup: Set when a deadline comes sooner than the main thread knows.
    """

    def __init__(self, wakeup: Wakeup, clock: Clock) -> None:
        self._wakeup = wakeup
        self._clock = clock
        self._lock = threading.Lock()
        self._threads: list[WorkingThread] = []
        self._watched_ms: int | None = None  # the deadline that the main thread sleeps for

    def register(self) -> WorkingThread:
        """A new one, of the calling thread."""
        working = WorkingThread(threading.current_thread())
        with self._lock:
            self._threads.append(working)
        return working

    def take(self, working: WorkingThread, delivery: Delivery) -> None:
        """The thread of `working` begins to work on it; `working.delivery = None` afterwards."""
        working.delivery = delivery
        deadline_ms = delivery.deadline_ms
        if deadline_ms is None:
            return
        with self._lock:
            is_news = self._watched_ms is None or deadline_ms < self._watched_ms
            if is_news:
                self._watched_ms = deadline_ms
        if is_news:
            self._wakeup.set()

    @property
    def count(self) -> int:
        with self._lock:
            return sum(working.delivery is not None for working in self._threads)

    def is_hung(self, thread: threading.Thread) -> bool:
        """Whether the thread is still inside a handler that overran its timeout."""
        with self._lock:
            return any(working.is_hung for working in self._threads if working.thread is thread)

    def seconds_to_deadline(self) -> float | None:
        """How long the main thread may sleep; None when nothing has a deadline."""
        with self._lock:
            deadlines = [
                delivery.deadline_ms
                for working in self._threads
                if (delivery := working.delivery) is not None
                and delivery.deadline_ms is not None
                and not working.is_hung
            ]
            self._watched_ms = min(deadlines, default=None)
        if self._watched_ms is None:
            return None
        return max(0.0, (self._watched_ms - self._clock.awake_ms()) / 1000)

    def take_overdue(self) -> list[Delivery]:
        """The deliveries past their deadline; the caller ends them, and their threads count as hung."""
        now_ms = self._clock.awake_ms()
        overdue = []
        with self._lock:
            for working in self._threads:
                delivery = working.delivery
                if delivery is None or delivery.deadline_ms is None or delivery.deadline_ms > now_ms:
                    continue
                if delivery.take_end():
                    working.is_hung = True
                    overdue.append(delivery)
        return overdue

    def take_all(self) -> list[Delivery]:
        """All that nobody is ending yet; the caller ends them."""
        with self._lock:
            held = [working.delivery for working in self._threads]
        return [delivery for delivery in held if delivery is not None and delivery.take_end()]


class Delivery:
    """One message in the hands of a worker.

    Args:
        is_watched: Whether the main thread ends it at its deadline, since its work does not.

    Attributes:
        handling: The way to its queue.
        deadline_ms: Awake time at which its handler is taken for hung; None for never.
    """

    __slots__ = ("_is_ended", "_lock", "deadline_ms", "handling", "message", "started_ms", "timeout_s")

    def __init__(self, message: Message, handling: Handling, now_ms: int, *, is_watched: bool = False) -> None:
        self.message = message
        self.handling = handling
        self.timeout_s = message.timeout
        self.started_ms = now_ms
        self.deadline_ms: int | None = None
        if is_watched and self.timeout_s is not None:
            self.deadline_ms = now_ms + round(self.timeout_s * 1000)
        self._lock = threading.Lock()
        self._is_ended = False

    def take_end(self) -> bool:
        """True for the first caller only: who gets it ends the delivery."""
        with self._lock:
            is_first, self._is_ended = not self._is_ended, True
        return is_first
