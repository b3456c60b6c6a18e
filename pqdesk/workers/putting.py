"""Putting what a producer found, however long the queue is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pqdesk.clock import Clock
from pqdesk.errors import DuplicateKey, Full, InvalidInput, PQDeskError
from pqdesk.messages.counting import counted
from pqdesk.messages.records import Outgoing
from pqdesk.queues.queue import Queue
from pqdesk.workers.lifecycle import StopSignals
from pqdesk.workers.patience import Patience
from pqdesk.workers.report import Report, shown

ITEMS_LIMIT = 100_000  # of one transaction: CONTRACT.md §3
_MARKS_AT_ONCE = 1000
_TROUBLE = "put"
_T = TypeVar("_T")


class _TooMany(Exception):
    """More at once than the queue may ever hold."""


@dataclass(frozen=True, slots=True)
class Putter:
    """Puts items of one producer into its queue, and says so. Belongs to one thread."""

    queue: Queue
    report: Report
    stop: StopSignals
    clock: Clock

    def put(self, items: Sequence[Any], *, is_divisible: bool = False) -> None:
        """Put payloads or Outgoing, all in one transaction; with `is_divisible` in several, if the queue may not hold
        so many.

        A full queue or disk and a busy file are waited for, with one line on stderr when that begins. What cannot be
        put at all, such as a payload that is no JSON, is told on stderr, and the producer goes on.
        """
        if not items:
            return
        try:
            ids = self._patiently(len(items), lambda: self.queue.put_many(items), is_divisible=is_divisible)
        except _TooMany:
            self.put(items[: len(items) // 2], is_divisible=True)
            self.put(items[len(items) // 2 :], is_divisible=True)
            return
        if ids is not None:
            pairs = zip(ids, items, strict=True)
            self.report.lines(f"put id={number} queue={shown(self._queue_of(item))}" for number, item in pairs)

    def put_once(self, marked: Sequence[tuple[str, Outgoing]]) -> bool:
        """Put those whose mark was never put before, each with its mark; False if that could not be done."""
        if not marked:
            return True
        try:
            ids = self._patiently(len(marked), lambda: self.queue.put_once(list(marked)), is_divisible=True)
        except _TooMany:
            middle = len(marked) // 2
            return self.put_once(marked[:middle]) and self.put_once(marked[middle:])
        if ids:
            queue = shown(self.queue.name)
            self.report.lines(f"put id={number} queue={queue}" for number in ids)
        return ids is not None

    def marks(self, prefix: str) -> list[str]:
        """The marks of earlier put_once that begin so."""
        return self.queue.store.marks(prefix)

    def change_marks(self, added: Sequence[str], forgotten: Sequence[str]) -> None:
        """Remember marks without a message, and forget others."""
        for start in range(0, max(len(added), len(forgotten)), _MARKS_AT_ONCE):
            some = slice(start, start + _MARKS_AT_ONCE)
            change = partial(self.queue.store.change_marks, added[some], forgotten[some])
            self._patiently(0, change, is_divisible=False)

    def _queue_of(self, item: Any) -> str:
        return (item.queue if isinstance(item, Outgoing) else None) or self.queue.name

    def _patiently(self, count: int, act: Callable[[], _T], *, is_divisible: bool) -> _T | None:
        """What `act` returns; None when it cannot succeed, or somebody wants to stop first."""
        patience: Patience | None = None
        while True:
            try:
                done = act()
            except (InvalidInput, DuplicateKey) as exc:
                self.report.warn(f"{counted(count, 'message')} not put: {exc}")
                return None
            except PQDeskError as exc:
                if isinstance(exc, Full) and exc.size < exc.wanted:
                    if is_divisible and count > 1:
                        raise _TooMany from None
                    self.report.warn(f"{counted(count, 'message')} not put: {exc}")
                    return None
                patience = patience or Patience(self.stop.wait, self.clock)
                self.report.begin(_TROUBLE, f"{exc}; waiting to put {counted(count, 'message')}")
                if not patience.bear(exc):
                    self.report.warn(f"stopped before {counted(count, 'message')} could be put")
                    return None
            else:
                self.report.end(_TROUBLE)
                return done
