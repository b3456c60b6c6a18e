"""Looking at the workspace: one read-only connection in a thread of its own.

The reader watches `version()` and tells when anything changed; pages then ask again for what they show. A
newer question of somebody makes that one's older question worthless: it is interrupted, and has no answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from pqdesk.clock import Clock, SystemClock
from pqdesk.errors import NotFound, PQDeskError
from pqdesk.storage.looking import Inspection

_log = logging.getLogger(__name__)

T = TypeVar("T")
Question = Callable[[Inspection], object]

POLL_MS = 250
_HIDDEN_POLL_MS = 2_000
_SLOWEST_POLL_MS = 5_000
_SLOW_READ_S = 0.1
_COUNTS_EVERY_S = 1.0
_DUE_EVERY_S = 5.0  # messages become due without anybody writing
_RETRY_S = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the question with this ticket: its value, or the error, expected or not."""

    ticket: int
    value: Any = None
    error: Exception | None = None


class Reader(QObject):
    """Answers every page's questions to storage, one at a time, in the thread it is moved to.

    `ask` and `interrupt` may be called from any thread. Slots are for queued connections.

    Signals:
        changed: Somebody wrote; whoever shows messages asks again.
        counts_loaded: tuple[QueueRecord, ...]; at most once a second. Empty when there is no workspace yet.
        answered: An Answer, one for each question that its asker has not followed by another. Whoever asks compares the
            ticket. NotFound when there is no queue file yet.
        unreadable, readable: The queue file cannot be read (why, in a sentence); it can again.
        pace_changed: Seconds between two looks at the file; longer while reading is slow.
    """

    changed = Signal()
    counts_loaded = Signal(object)
    answered = Signal(object)
    unreadable = Signal(str)
    readable = Signal()
    pace_changed = Signal(float)

    _asked = Signal(str, int, object)

    def __init__(
        self,
        open_inspection: Callable[[], Inspection | None],
        clock: Clock | None = None,
        identify: Callable[[], object] = lambda: None,
    ) -> None:
        """Both are called in the reader's thread.

        Args:
            open_inspection: Opens a connection; None means that nothing is there yet.
            clock: The machine's, unless a test moves it.
            identify: Answers the same as long as the file is the same one: a connection goes on reading a file
                that was removed or replaced.
        """
        super().__init__()  # no parent: Qt refuses to move an object that has one
        self._open_inspection = open_inspection
        self._clock = clock or SystemClock()
        self._identify = identify
        self._identity: object = None
        self._inspection: Inspection | None = None
        self._timer: QTimer | None = None
        self._is_unreadable = False
        self._failures = 0
        self._version: int | None = None
        self._are_counts_stale = True
        self._has_waiting = False
        self._counts_at = float("-inf")
        self._is_hidden = False
        self._interval_ms = POLL_MS
        self._lock = threading.Lock()  # guards the newest tickets and what is under way
        self._tickets = count(1)
        self._newest: dict[str, int] = {}  # by asker
        self._under_way: str | None = None
        # queued in one thread, too: nobody has an answer before the ticket
        self._asked.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    # --- from any thread --------------------------------------------------------------------------

    def ask(self, asker: str, question: Question) -> int:
        """Have `question` called with the Inspection in the reader's thread; returns the ticket of its Answer.

        Args:
            asker: Whose question it is, such as "messages.page". One that this asker asked before and has no answer
                yet is ended, and never answered; other askers' go on.
            question: Looks, and returns a plain value that may cross threads.
        """
        with self._lock:
            ticket = self._newest[asker] = next(self._tickets)
            if self._under_way == asker and self._inspection is not None:
                self._inspection.interrupt()
        self._asked.emit(asker, ticket, question)
        return ticket

    def interrupt(self) -> None:
        """End the question under way, whatever it is."""
        with self._lock:
            if self._under_way is not None and self._inspection is not None:
                self._inspection.interrupt()

    # --- in the reader's thread -------------------------------------------------------------------

    @Slot()
    def start(self) -> None:
        """Begin to watch; connect the thread's `started` to this."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.poll)
        self._timer.start(POLL_MS)
        self.poll()

    @Slot()
    def stop(self) -> None:
        """Stop watching and close the connection; the thread's last act."""
        if self._timer is not None:
            self._timer.stop()
        self._close()

    @Slot(bool)
    def set_hidden(self, is_hidden: bool) -> None:
        """Look less often while no window shows what is read."""
        self._is_hidden = is_hidden
        self._set_interval(_HIDDEN_POLL_MS if is_hidden else POLL_MS)
        if not is_hidden:
            self.poll()

    @Slot()
    def refresh(self) -> None:
        """Read the counts now and let every page ask again."""
        self._are_counts_stale = True
        self._counts_at = float("-inf")
        self.changed.emit()
        self.poll()

    @Slot()
    def poll(self) -> None:
        """Tell whether anything changed since the last look; load the counts if it is time."""
        began = self._now_s()
        try:
            if self._inspection is not None and self._identify() != self._identity:
                self._forget()
            inspection = self._opened()
            if inspection is None:
                self._tell_nothing_there()
                return
            version = inspection.version()
            if version != self._version:
                self._version, self._are_counts_stale = version, True
                self.changed.emit()
            self._load_counts_if_due(inspection, began)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the next look may go well
            self._tell_unreadable(exc)
            return
        self._tell_readable()
        self._pace(self._now_s() - began)

    def _load_counts_if_due(self, inspection: Inspection, now: float) -> None:
        every_s = _COUNTS_EVERY_S if self._are_counts_stale else _DUE_EVERY_S if self._has_waiting else float("inf")
        if now - self._counts_at < every_s:
            return
        queues = self._look("", inspection.queues)
        was_stale, self._are_counts_stale, self._counts_at = self._are_counts_stale, False, now
        self._has_waiting = any(one.counts.scheduled or one.counts.retrying for one in queues)
        self.counts_loaded.emit(queues)
        if not was_stale:
            self.changed.emit()  # something may have become due, which no version tells

    def _now_s(self) -> float:
        return self._clock.awake_ms() / 1000

    def _look(self, asker: str, question: Callable[[], T]) -> T:
        with self._lock:
            self._under_way = asker
        try:
            return question()
        finally:
            with self._lock:
                self._under_way = None

    @Slot(str, int, object)
    def _answer(self, asker: str, ticket: int, question: Question) -> None:
        if not self._is_newest(asker, ticket):
            return  # nobody asks this any more
        try:
            inspection = self._opened()
            if inspection is None:
                raise NotFound("there is no queue file yet")
            answer = Answer(ticket, self._look(asker, lambda: question(inspection)))
        except Exception as exc:  # noqa: BLE001 - a question never ends the thread, and is always answered
            if not isinstance(exc, PQDeskError):
                _log.exception("a question of %s failed", asker)
            answer = Answer(ticket, error=exc.with_traceback(None))  # whose frames hold the connection
        if self._is_newest(asker, ticket):
            self.answered.emit(answer)

    def _is_newest(self, asker: str, ticket: int) -> bool:
        with self._lock:
            return self._newest[asker] == ticket

    def _opened(self) -> Inspection | None:
        if self._inspection is None:  # opened here, so that the connection belongs to this thread
            self._identity = self._identify()
            inspection = self._open_inspection()
            with self._lock:
                self._inspection = inspection
        return self._inspection

    def _close(self) -> None:
        with self._lock:
            inspection, self._inspection = self._inspection, None
        if inspection is not None:
            inspection.close()

    def _forget(self) -> None:
        self._close()
        self._are_counts_stale, self._version = True, None

    def _tell_nothing_there(self) -> None:
        self._tell_readable()
        if self._are_counts_stale:
            self._are_counts_stale = False
            self.counts_loaded.emit(())

    def _tell_readable(self) -> None:
        self._failures = 0
        if self._is_unreadable:
            self._is_unreadable = False
            self._set_interval(POLL_MS)
            self.readable.emit()

    def _tell_unreadable(self, exc: Exception) -> None:
        wait_s = _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
        self._failures += 1
        self._set_interval(wait_s * 1000)
        self._forget()  # a mended file is only seen by a new connection
        if not self._is_unreadable:
            _log.warning("cannot read the queue file: %s", str(exc))  # not exc: its frames hold the connection
        self._is_unreadable = True
        self.unreadable.emit(str(exc) if isinstance(exc, PQDeskError) else f"{type(exc).__name__}: {exc}")

    def _pace(self, took_s: float) -> None:
        usual_ms = _HIDDEN_POLL_MS if self._is_hidden else POLL_MS
        if took_s > _SLOW_READ_S:
            self._set_interval(min(self._interval_ms * 2, _SLOWEST_POLL_MS))
        elif self._interval_ms > usual_ms:
            self._set_interval(max(self._interval_ms // 2, usual_ms))

    def _set_interval(self, interval_ms: int) -> None:
        if interval_ms == self._interval_ms or self._timer is None:
            return
        self._interval_ms = interval_ms
        self._timer.setInterval(interval_ms)
        self.pace_changed.emit(interval_ms / 1000)
