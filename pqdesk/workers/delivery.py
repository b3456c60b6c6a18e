"""One message in the hands of a worker."""

from __future__ import annotations

import threading

from pqdesk.queues.handling import Handling
from pqdesk.queues.message import Message


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
