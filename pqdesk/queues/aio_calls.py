"""Blocking calls out of an event loop: in a few threads of one's own, none of which outlives its owner."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _undo(future: Future[R], undo: Callable[[R], object]) -> None:
    if future.exception() is None:
        undo(future.result())


class Calls:
    """Runs functions in at most `threads` threads, which start when they are needed."""

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns. Cancelled, it is not begun, or goes on and nobody hears of it."""
        return await asyncio.wrap_future(self._executor.submit(function, *args, **kwargs))

    async def run_or_undo(self, function: Callable[[], R], undo: Callable[[R], object]) -> R:
        """The same; cancelled, what it returns all the same is given to `undo`, in a thread too."""
        future = self._executor.submit(function)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancel():  # at once, since the threads may be told to end next
                self._executor.submit(_undo, future, undo)
            raise

    def begin(self, function: Callable[[], object]) -> None:
        """Run it when a thread is free, and nobody hears of it. Once the threads are to end, not at all."""
        with contextlib.suppress(RuntimeError):
            self._executor.submit(function)

    async def finish(self, function: Callable[[], R]) -> R:
        """What `function` returns; it runs to its end, also when the caller is cancelled, who goes on only then."""
        future = self._executor.submit(function)
        waiting = asyncio.ensure_future(asyncio.wrap_future(future))
        cancelled: asyncio.CancelledError | None = None
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError as exc:
                cancelled = exc
            except Exception:  # noqa: BLE001 - it is raised below
                break
        if cancelled is not None:
            waiting.exception()  # told, so that nobody warns of it
            raise cancelled
        return waiting.result()

    async def end(self) -> None:
        """Return when the threads are gone; what they are at comes to its end first."""
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def shut_down() -> None:
            self._executor.shutdown(wait=True)
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(_set, ended)

        ender = threading.Thread(target=shut_down, name="pqdesk-aio-end", daemon=True)
        ender.start()
        try:
            await ended
        finally:
            if ended.done() and not ended.cancelled():
                ender.join()

    def abandon(self) -> None:
        """Let the threads go by themselves when they are done with what they were given."""
        self._executor.shutdown(wait=False)
