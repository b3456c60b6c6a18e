"""A transaction of the caller's own, for asyncio: it lives in a thread of its own from its BEGIN to its COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

from pqdesk.errors import InvalidInput
from pqdesk.queues.aio_calls import Calls
from pqdesk.queues.queue import Queue
from pqdesk.staying import Staying
from pqdesk.storage.contract import Store, Transaction

R = TypeVar("R")


class _Block:
    """An `async with` block over a transaction of a file."""

    __slots__ = ("is_over", "place")

    def __init__(self, place: object) -> None:
        self.place, self.is_over = place, False


# Blocks of this task, and of those that started it: tasks and timers that were made in a block may outlive it.
_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("pqdesk_transactions", default=())


class AsyncTransaction(Staying):
    """What `tx=` takes in an AsyncQueue and an AsyncMessage of the same file; see `storage.contract.Transaction`."""

    def __init__(self, inner: Transaction, calls: Calls) -> None:
        self._inner, self._calls = inner, calls

    def _instead(self) -> str:
        return "use it inside its `async with` block, or open one there"

    async def execute(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run SQL on the application's own tables, or INSERT INTO pqdesk_put; all its rows. Raises InvalidInput."""
        return await self.finish(lambda inner: inner.execute(sql, bindings))

    async def finish(self, do: Callable[[Transaction], R]) -> R:
        """`do` in the transaction's thread, to its end."""
        try:
            return await self._calls.finish(lambda: do(self._inner))
        except RuntimeError as exc:  # its thread has ended
            if isinstance(exc, InvalidInput):
                raise
            raise InvalidInput("tx is not an open transaction; use it inside its `async with` block") from exc


@asynccontextmanager
async def open_transaction(queue: Queue) -> AsyncIterator[AsyncTransaction]:
    """See `AsyncQueue.transaction`."""
    refuse_in_transaction(queue.store)
    calls = Calls("pqdesk-transaction", 1)
    manager = _Awaited(queue.store)
    try:
        inner = await calls.run_or_undo(manager.__enter__, lambda _: _roll_back(manager))
    except BaseException:  # cancelled, its thread waits for the lock to give it back at once
        calls.abandon()
        raise
    try:
        block = _Block(queue.store.place)
        token = _blocks.set((*_blocks.get(), block))
        try:
            yield AsyncTransaction(inner, calls)
        except BaseException:
            kind, exc, trace = sys.exc_info()
            with contextlib.suppress(asyncio.CancelledError):
                await calls.finish(lambda: _leave(manager, kind, exc, trace))
            raise
        else:
            await calls.finish(lambda: manager.__exit__(None, None, None))
        finally:
            block.is_over = True
            _blocks.reset(token)
    finally:
        await calls.end()


class _Awaited:
    """A transaction in another thread than that of the loop, which must not wait for it meanwhile."""

    def __init__(self, store: Store) -> None:
        self._inner, self._awaited = store.transaction(), store.awaited_in(threading.get_ident())

    def __enter__(self) -> Transaction:
        inner = self._inner.__enter__()
        self._awaited.__enter__()
        return inner

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._awaited.__exit__(None, None, None)
        return self._inner.__exit__(kind, exc, trace)


def refuse_in_transaction(store: Store) -> None:
    """Raise InvalidInput where a call without tx= would wait for the end of its own task's transaction, for ever."""
    blocks = _blocks.get()
    if blocks and any(block.place == store.place and not block.is_over for block in blocks):
        raise InvalidInput("this task has a transaction open on the file: give it as tx=, or call after its end")


def _leave(manager: AbstractContextManager[Any], kind: Any, exc: Any, trace: Any) -> None:
    """Roll back. The block's exception comes out again, and is raised where it belongs, by the caller."""
    try:
        manager.__exit__(kind, exc, trace)
    except BaseException as raised:  # an error of the rollback itself is the one to tell
        if raised is not exc:
            raise


def _roll_back(manager: AbstractContextManager[Any]) -> None:
    _leave(manager, asyncio.CancelledError, asyncio.CancelledError(), None)
