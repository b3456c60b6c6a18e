"""When a worker that drains is done: once all its threads found nothing, and none of them worked meanwhile.

Messages that are to be retried are waited for as well, up to a limit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pqdesk.clock import Clock
from pqdesk.messages.counting import counted
from pqdesk.messages.durations import format_duration
from pqdesk.queues.queue import Queue
from pqdesk.workers.report import Report

_LOOK_S = 0.25


class Retries:
    """The messages that failed and are due later, in the queues of a worker that drains.

    Args:
        limit_s: How long to wait for them, from the last message that was worked on; None: as long as it takes.
    """

    def __init__(self, queues: Sequence[Queue], limit_s: float | None, report: Report, clock: Clock) -> None:
        self._queues = queues
        self._limit_s = limit_s
        self._report = report
        self._clock = clock
        self._finished: int | None = None
        self._since_ms = 0

    def pause_s(self, finished: int) -> float | None:
        """How long to wait before the next look, when so many messages were worked on by now; None: for nothing.

        Raises what counting raises.
        """
        if self._limit_s == 0:
            return None
        retrying = ((queue, queue.counts().retrying) for queue in self._queues)
        count = sum(found for queue, found in retrying if found and not queue.paused)
        now_ms = self._clock.awake_ms()
        if finished != self._finished:
            self._finished, self._since_ms = finished, now_ms
        if not count or self._limit_s is None or now_ms - self._since_ms < self._limit_s * 1000:
            return _LOOK_S if count else None
        what = counted(count, "message is", "messages are")
        self._report.warn(f"{what} to be retried later; not waited for after {format_duration(self._limit_s)}")
        return None


class DrainGate:
    """Where threads wait that found nothing, since a message in hand elsewhere may put more. Thread-safe.

    `pause_s` is asked when all found nothing, with how many messages were worked on: seconds to the next look, or None
    when all is done.
    """

    def __init__(self, thread_count: int, pause_s: Callable[[int], float | None] = lambda _: None) -> None:
        self._thread_count = thread_count
        self._pause_s = pause_s
        self._looks = 0  # at what was to be retried
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
            self.note_finished_locked()

    def wait_for_more(self, seen: int) -> bool:
        """The calling thread found nothing after `seen`: True to look again, False when all is done."""
        me = threading.get_ident()
        with self._changed:
            self._idle[me] = seen
            try:
                pause_s = None
                if len(self._idle) == self._thread_count and all(
                    each == self._finished for each in self._idle.values()
                ):
                    pause_s = self._pause_s(self._finished - self._looks)
                    if pause_s is None:
                        self.end_locked()
                if not self._changed.wait_for(lambda: self._is_done or self._finished != seen, pause_s):
                    self._looks += 1
                    self.note_finished_locked()  # all look again
                return not self._is_done
            finally:
                del self._idle[me]

    def end(self) -> None:
        """Let all threads go."""
        with self._changed:
            self.end_locked()

    def note_finished_locked(self) -> None:
        self._finished += 1
        self._changed.notify_all()

    def end_locked(self) -> None:
        self._is_done = True
        self._changed.notify_all()
