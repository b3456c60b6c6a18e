"""Waiting for a message in an event loop: no thread, a reader on the queue's bell while somebody waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque

_LONGEST_WAIT_S = 1.0  # puts by plain SQL and lost wake-ups are found by looking
_SLOW_LOOK_S = 0.02  # where a bell cannot be slept on


class Bell:
    """The bell of one queue, heard in one event loop. Each ring wakes one of those who wait, the longest-waiting first.

    Args:
        descriptor: As `Store.listen` returns it, and to be given back once nobody waits. -1: there is nothing to hear.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def enter(self) -> asyncio.Future[None]:
        """Stand in line; what rings from now on is heard. To be left."""
        if not self._waiting and self.descriptor >= 0:
            self._loop.add_reader(self.descriptor, self._on_ring)
        place: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(place)
        return place

    def leave(self, place: asyncio.Future[None], *, has_need: bool) -> None:
        """Go; a ring that was heard and is not needed goes to the next one, here or in another process."""
        with contextlib.suppress(ValueError):
            self._waiting.remove(place)
        was_rung = place.done() and not place.cancelled()
        if was_rung and not has_need and not self._wake_next() and self.descriptor >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self.descriptor, b"!")
        if not self._waiting and self.descriptor >= 0:
            self._loop.remove_reader(self.descriptor)

    async def wait(self, place: asyncio.Future[None], seconds: float) -> bool:
        """Whether it rang for this place within `seconds`, at most one."""
        longest_s = _LONGEST_WAIT_S if self.descriptor >= 0 else _SLOW_LOOK_S
        done, _ = await asyncio.wait([place], timeout=min(seconds, longest_s))
        return bool(done)

    def wake_all(self) -> None:
        while self._wake_next():
            pass

    def _on_ring(self) -> None:
        try:
            os.read(self.descriptor, 1)
        except BlockingIOError:  # another process was quicker
            return
        if not self._wake_next():
            with contextlib.suppress(BlockingIOError):
                os.write(self.descriptor, b"!")

    def _wake_next(self) -> bool:
        for place in self._waiting:
            if not place.done():
                place.set_result(None)
                return True
        return False
