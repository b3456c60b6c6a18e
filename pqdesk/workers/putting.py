"""Putting what a producer found, however long the queue is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pqdesk.errors import Busy, DiskFull, DuplicateKey, Full, InvalidInput
from pqdesk.messages.records import Outgoing
from pqdesk.queues.queue import Queue
from pqdesk.workers.lifecycle import StopSignals
from pqdesk.workers.report import Report, shown

ITEMS_LIMIT = 100_000  # of one transaction: CONTRACT.md §3
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_TROUBLE = "put"
_T = TypeVar("_T")


class Putter:
    """Puts items of one producer into its queue, and says so. Belongs to one thread."""

    def __init__(self, queue: Queue, report: Report, stop: StopSignals) -> None:
        self._queue = queue
        self._report = report
        self._stop = stop

    def put(self, items: Sequence[Any]) -> None:
        """Put payloads or Outgoing, all in one transaction.

        A full queue or disk and a busy file are waited for, with one line on stderr when that begins. What cannot be
        put at all, such as a payload that is no JSON, is told on stderr, and the producer goes on.
        """
        if not items:
            return
        ids = self._patiently(len(items), lambda: self._queue.put_many(items))
        if ids is not None:
            pairs = zip(ids, items, strict=True)
            self._report.line(
                "\n".join(f"put id={number} queue={shown(self._queue_of(item))}" for number, item in pairs)
            )

    def put_once(self, marked: Sequence[tuple[str, Outgoing]]) -> bool:
        """Put those whose mark was never put before, in one transaction; False if that could not be done."""
        if not marked:
            return True
        count = self._patiently(len(marked), lambda: self._queue.put_once(list(marked)))
        if count:
            self._report.line(f"put {_messages(count)} queue={shown(self._queue.name)}")
        return count is not None

    def _queue_of(self, item: Any) -> str:
        return (item.queue if isinstance(item, Outgoing) else None) or self._queue.name

    def _patiently(self, count: int, act: Callable[[], _T]) -> _T | None:
        """What `act` returns; None when it cannot succeed, or somebody wants to stop first."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                done = act()
            except (Full, DiskFull, Busy) as exc:
                self._report.begin(_TROUBLE, f"{exc}; waiting to put {_messages(count)}")
                if self._stop.wait(pause_s):
                    self._report.warn(f"stopped before {_messages(count)} could be put")
                    return None
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            except (InvalidInput, DuplicateKey) as exc:
                self._report.warn(f"{_messages(count)} not put: {exc}")
                return None
            else:
                self._report.end(_TROUBLE)
                return done


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"
