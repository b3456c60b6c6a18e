"""When a worker that drains is done: once all its threads found nothing, and none of them worked meanwhile."""

from __future__ import annotations

import threading


class DrainGate:
    """Where threads wait that found nothing, since a message in hand elsewhere may put more. Thread-safe."""

    def __init__(self, thread_count: int) -> None:
        self._thread_count = thread_count
        self._changed = threading.Condition()
        self._finished = 0
        self._idle: dict[int, int] = {}  # thread → the number of finished messages before it looked
        self._is_done = False

    def before_look(self) -> int:
        """To be passed to `wait_for_more`: what had happened before the thread looked."""
        with self._changed:
            return self._finished

    def note_finished(self) -> None:
        """A message was settled, which may have put others."""
        with self._changed:
            self._finished += 1
            self._changed.notify_all()

    def wait_for_more(self, seen: int) -> bool:
        """The calling thread found nothing after `seen`: True to look again, False when all is done."""
        me = threading.get_ident()
        with self._changed:
            self._idle[me] = seen
            if len(self._idle) == self._thread_count and all(each == self._finished for each in self._idle.values()):
                self.end_locked()
            self._changed.wait_for(lambda: self._is_done or self._finished != seen)
            if self._is_done:
                return False
            del self._idle[me]
            return True

    def end(self) -> None:
        """Let all threads go."""
        with self._changed:
            self.end_locked()

    def end_locked(self) -> None:
        self._is_done = True
        self._changed.notify_all()
