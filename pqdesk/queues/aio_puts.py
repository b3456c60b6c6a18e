"""Puts of an event loop in the order in which they were called: those that wait for the disk go in one transaction."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from itertools import islice, takewhile
from typing import Any, NamedTuple

from pqdesk.errors import Full, PQDeskError
from pqdesk.messages.aliases import PutOptions
from pqdesk.queues.outgoing import checked
from pqdesk.queues.queue import Queue

_AT_ONCE = 100


class _Put(NamedTuple):
    """`payload` and `options` of one message, or `call`, which puts many. `may_wait`: its caller waits for room."""

    future: Future[Any]
    may_wait: bool
    payload: Any = None
    options: PutOptions = {}  # noqa: RUF012 - never changed
    call: Callable[[], Any] | None = None


class Puts:
    """Of one queue. `add` is called in the loop's thread, `work` in another, by one at a time."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._waiting: deque[_Put] = deque()
        self._is_worked_on = False
        self._full: Full | None = None  # somebody waits for room: who may wait, too, does not go before them

    def add(self, payload: Any, options: PutOptions, *, may_wait: bool) -> tuple[Future[int], bool]:
        """The id to come, and whether somebody has to call `work` now.

        `may_wait`: on Full its caller waits until it is their turn, and adds it again then, without this.
        """
        return self._add(_Put(Future(), may_wait, payload, options))

    def add_many(self, call: Callable[[], list[int]], *, may_wait: bool) -> tuple[Future[list[int]], bool]:
        """The same for what `call` puts by itself."""
        return self._add(_Put(Future(), may_wait, call=call))

    def nobody_waits(self) -> None:
        """Whoever waited for room has put."""
        self._full = None

    def work(self) -> None:
        """Put all that waits, until there is nothing more."""
        while some := self._take():
            if len(some) == 1 or not self._put_together(some):
                for one in some:
                    self._put_alone(one)

    def _add(self, one: _Put) -> tuple[Future[Any], bool]:
        with self._lock:
            self._waiting.append(one)
            is_first, self._is_worked_on = not self._is_worked_on, True
        return one.future, is_first

    def _take(self) -> list[_Put]:
        """The next ones that may go together; who was cancelled meanwhile is passed over."""
        while True:
            with self._lock:
                some = list(takewhile(lambda one: one.call is None, islice(self._waiting, _AT_ONCE)))
                some = some or list(islice(self._waiting, 1))
                for _ in some:
                    self._waiting.popleft()
                self._is_worked_on = bool(some)
            left = [one for one in some if one.future.set_running_or_notify_cancel()]
            if left or not some:
                return left

    def _put_together(self, some: list[_Put]) -> bool:
        """In one transaction; False, having done nothing, when one of them cannot be put."""
        if self._queue.is_shut or (self._full is not None and any(one.may_wait for one in some)):
            return False
        try:
            messages = [checked(one.payload, self._queue.name, **one.options) for one in some]
            ids = self._queue.store.put(messages)
        except PQDeskError:
            return False
        for one, message_id in zip(some, ids, strict=True):
            one.future.set_result(message_id)
        return True

    def _put_alone(self, one: _Put) -> None:
        try:
            if self._full is not None and one.may_wait:
                raise Full(str(self._full), queue=self._full.queue, size=self._full.size)
            if one.call is not None:
                one.future.set_result(one.call())
            else:
                one.future.set_result(self._queue.put(one.payload, block=False, **one.options))
        except Full as full:
            self._full = full if one.may_wait else self._full
            one.future.set_exception(full)
        except BaseException as exc:  # noqa: BLE001 - it is raised where somebody waits for it
            one.future.set_exception(exc)
