"""What the threads of a consumer have in hand, and until when their handlers may take."""

from __future__ import annotations

import threading

from pqdesk.clock import Clock
from pqdesk.queues.message import Message
from pqdesk.workers.lifecycle import Wakeup
from pqdesk.workers.settling import Delivery


class Hands:
    """Thread-safe.

    Args:
        wakeup: Set when a deadline comes sooner than the main thread knows.
    """

    def __init__(self, wakeup: Wakeup, clock: Clock) -> None:
        self._wakeup = wakeup
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[threading.Thread, Delivery] = {}
        self._hung: set[threading.Thread] = set()
        self._watched_ms: int | None = None  # the deadline that the main thread sleeps for

    def take(self, message: Message, timeout_s: float | None) -> Delivery:
        """The calling thread begins to work on the message."""
        delivery = Delivery(message, self._clock, timeout_s)
        with self._lock:
            self._held[threading.current_thread()] = delivery
            deadline_ms = delivery.deadline_ms
            is_news = deadline_ms is not None and (self._watched_ms is None or deadline_ms < self._watched_ms)
        if is_news:
            self._wakeup.set()
        return delivery

    def put_down(self) -> None:
        """The calling thread has done with its message."""
        with self._lock:
            self._held.pop(threading.current_thread(), None)
            self._hung.discard(threading.current_thread())

    @property
    def count(self) -> int:
        with self._lock:
            return len(self._held)

    def is_hung(self, thread: threading.Thread) -> bool:
        """Whether the thread is still inside a handler that overran its timeout."""
        with self._lock:
            return thread in self._hung

    def seconds_to_deadline(self) -> float | None:
        """How long the main thread may sleep; None when nothing has a deadline."""
        with self._lock:
            deadlines = [
                delivery.deadline_ms
                for thread, delivery in self._held.items()
                if delivery.deadline_ms is not None and thread not in self._hung
            ]
            self._watched_ms = min(deadlines, default=None)
        if self._watched_ms is None:
            return None
        return max(0.0, (self._watched_ms - self._clock.awake_ms()) / 1000)

    def take_overdue(self) -> list[Delivery]:
        """The deliveries past their deadline; the caller ends them, and their threads count as hung."""
        now_ms = self._clock.awake_ms()
        with self._lock:
            overdue = [
                (thread, delivery)
                for thread, delivery in self._held.items()
                if delivery.deadline_ms is not None and delivery.deadline_ms <= now_ms and delivery.take_end()
            ]
            self._hung.update(thread for thread, _ in overdue)
        return [delivery for _, delivery in overdue]

    def take_all(self) -> list[Delivery]:
        """All that nobody is ending yet; the caller ends them."""
        with self._lock:
            return [delivery for delivery in self._held.values() if delivery.take_end()]
