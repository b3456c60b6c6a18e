"""The queue for asyncio: the same names, awaitable.

    from pqdesk import AsyncQueue

    async with AsyncQueue("emails") as queue:
        await queue.put({"to": "ada@example.com"})
        async with queue.get(timeout=30) as message:     # ack on leaving, nack on an exception
            await send(message.payload)

What waits for the disk runs in a few threads of the queue's own; a get that waits takes none of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack
from weakref import WeakKeyDictionary

from pqdesk.clock import SystemClock
from pqdesk.errors import Empty, Full, InvalidInput, LeaseLost, WorkspaceError
from pqdesk.messages.aliases import Durability, Duration, OnConflict, PutOptions, QueueSettings
from pqdesk.messages.checks import check_int, check_name
from pqdesk.messages.durations import duration_us
from pqdesk.messages.records import QueueConfiguration
from pqdesk.queues.aio_bell import Bell
from pqdesk.queues.aio_calls import Calls
from pqdesk.queues.aio_message import AsyncMessage
from pqdesk.queues.aio_puts import Puts
from pqdesk.queues.aio_transaction import AsyncTransaction, open_transaction, refuse_in_transaction
from pqdesk.queues.message import Message
from pqdesk.queues.outgoing import each_of
from pqdesk.queues.queue import GET_MANY_LIMIT, HasStore, Queue
from pqdesk.staying import Staying
from pqdesk.storage.contract import Transaction
from pqdesk.storage.values import Look

P = ParamSpec("P")
R = TypeVar("R")

_THREADS = 4  # more would only wait for the same lock
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25  # between looks of a put or join that waits
_FOR_EVER_S = 1e9
_A_LOOK_S = 1e-6  # one look, and Empty when it is not done


def _awaitable(
    method: Callable[Concatenate[Queue, P], R],
) -> Callable[Concatenate[AsyncQueue, P], Coroutine[Any, Any, R]]:
    """A method of Queue, in a thread, with its signature and its docstring."""

    @wraps(method)
    async def call(self: AsyncQueue, /, *args: P.args, **kwargs: P.kwargs) -> R:
        queue = await self._opened()
        return await self._calls.run(method, queue, *args, **kwargs)

    return call


class AsyncQueue(Staying):
    """A queue of a workspace, or of any SQLite file of an application, for the tasks of one event loop.

    As `Queue`, which says more about arguments and errors; the file is opened when it is first used. Cancelled, a get
    loses nothing: what it was about to take is given back. A put, or an operator action, that is cancelled may or may
    not have happened, as one that raised; a put with the same key is safe. Every message taken is an AsyncMessage.

    Args:
        name, workspace, database, durability: As of Queue.
    """

    def __init__(
        self,
        name: str,
        *,
        workspace: HasStore | str | os.PathLike[str] | None = None,
        database: str | os.PathLike[str] | None = None,
        durability: Durability = "full",
    ) -> None:
        self.name = check_name(name, "queue")
        self._open: Callable[[], Queue] = lambda: Queue(
            name, workspace=workspace, database=database, durability=durability
        )
        self._calls = Calls("pqdesk-aio", _THREADS)
        self._queue: Queue | None = None
        self._puts: Puts | None = None
        self._last: WeakKeyDictionary[asyncio.Task[Any], AsyncMessage] = WeakKeyDictionary()  # what each task got last
        self._turn = asyncio.Lock()  # of who waits for room
        self._waiting_for_room = 0
        self._bell: Bell | None = None  # while somebody waits for a message
        self._waiting = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._is_closed = False

    def _instead(self) -> str:
        return f"make one there, with AsyncQueue({self.name!r}, workspace=…)"

    # --- putting ----------------------------------------------------------------------------------

    async def put(
        self,
        payload: Any,
        block: bool = True,
        timeout: Duration | None = None,
        *,
        type: str | None = None,
        priority: int = 0,
        delay: Duration | None = None,
        at: datetime | None = None,
        key: str | None = None,
        on_conflict: OnConflict = "raise",
        unique_for: Duration | None = None,
        group: str | None = None,
        expires: Duration | None = None,
        max_attempts: int | None = None,
        headers: Mapping[str, str] | None = None,
        tx: AsyncTransaction | None = None,
    ) -> int:
        """As Queue.put, and raises the same; puts that are called one after the other are put in this order.

        One that waits for room takes no thread.
        """
        options: PutOptions = {
            "type": type, "priority": priority, "delay": delay, "at": at, "key": key, "on_conflict": on_conflict,
            "unique_for": unique_for,
            "group": group, "expires": expires, "max_attempts": max_attempts, "headers": headers,
        }  # fmt: skip
        if tx is not None:
            return await self._put_in(tx, lambda queue, inner: queue.put(payload, tx=inner, **options))
        return await self._put(lambda puts, _, may_wait: puts.add(payload, options, may_wait=may_wait), block, timeout)

    async def put_nowait(self, payload: Any, **options: Unpack[PutOptions]) -> int:
        """`put(payload, block=False, …)`. Raises Full, and what `put` raises."""
        return await self.put(payload, block=False, **options)

    async def put_many(
        self,
        items: Any,
        *,
        block: bool = True,
        timeout: Duration | None = None,
        tx: AsyncTransaction | None = None,
        **options: Unpack[PutOptions],
    ) -> list[int]:
        """As Queue.put_many, and raises the same; `items` is an iterable, read at once."""
        listed = items if isinstance(items, list | tuple) else list(each_of(items))
        if tx is not None:
            return await self._put_in(tx, lambda queue, inner: queue.put_many(listed, tx=inner, **options))
        return await self._put(
            lambda puts, queue, may_wait: puts.add_many(
                lambda: queue.put_many(listed, block=False, **options), may_wait=may_wait
            ),
            block,
            timeout,
        )

    put_once = _awaitable(Queue.put_once)

    def transaction(self) -> AbstractAsyncContextManager[AsyncTransaction]:
        """As Queue.transaction, for this task: your SQL, puts and acks commit together, or not at all.

            async with queue.transaction() as tx:
                await tx.execute("INSERT INTO paid (order_id) VALUES (?)", (message.payload,))
                await message.ack(tx=tx)

        It holds the write lock, over every await in the block: await nothing slow there. It lives in a thread of its
        own. Cancelled or left by an exception, it is rolled back.
        """
        return _Transaction(self)

    # --- taking -----------------------------------------------------------------------------------

    def get(
        self,
        block: bool = True,
        timeout: Duration | None = None,
        *,
        lease: Duration | None = None,
        detached: bool = False,
        id: int | None = None,
    ) -> Getting:
        """As Queue.get: `await queue.get()` is an AsyncMessage, and so is `async with queue.get() as message`.

        asyncio.timeout and cancellation are safe: nothing is lost. Raises Empty, NotFound, InvalidInput.
        """
        if id is not None:
            return Getting(self._take_this(id, block, timeout, lease, detached))
        return Getting(self._take_one(block, timeout, lease, detached))

    async def get_nowait(self) -> AsyncMessage:
        """`get(block=False)`. Raises Empty."""
        return await self.get(block=False)

    async def task_done(self) -> None:
        """As Queue.task_done: ack the message that this task got last. Raises LeaseLost, InvalidInput."""
        task = asyncio.current_task()
        message = None if task is None else self._last.get(task)
        if message is None or message.is_settled:
            raise InvalidInput(f"this task has no message of queue {self.name!r} in hand; get one before task_done()")
        await message.ack()

    async def get_many(
        self,
        limit: int,
        block: bool = True,
        timeout: Duration | None = None,
        *,
        lease: Duration | None = None,
        detached: bool = False,
    ) -> list[AsyncMessage]:
        """As Queue.get_many. Raises Empty, InvalidInput."""
        limit = check_int(limit, "limit", least=1, most=GET_MANY_LIMIT)
        return await self._take(limit, block, timeout, lease, detached)

    def __aiter__(self) -> AsyncIterator[AsyncMessage]:
        """Messages for ever, each under a lease that is extended in the background until it is settled.

        One that is not settled when the loop goes on, or is left, stays in hand until its lease ends. Nothing is taken
        ahead.
        """
        return _Messages(self)

    # --- looking, setting, operating: as those of Queue ---------------------------------------------

    counts = _awaitable(Queue.counts)
    empty = _awaitable(Queue.empty)
    full = _awaitable(Queue.full)
    qsize = _awaitable(Queue.qsize)
    pause = _awaitable(Queue.pause)
    resume = _awaitable(Queue.resume)
    messages = _awaitable(Queue.messages)
    message = _awaitable(Queue.message)
    why = _awaitable(Queue.why)
    errors = _awaitable(Queue.errors)
    metrics = _awaitable(Queue.metrics)
    retry = _awaitable(Queue.retry)
    run_now = _awaitable(Queue.run_now)
    change = _awaitable(Queue.change)
    cancel = _awaitable(Queue.cancel)
    delete = _awaitable(Queue.delete)
    restore = _awaitable(Queue.restore)
    move = _awaitable(Queue.move)
    edit = _awaitable(Queue.edit)
    duplicate = _awaitable(Queue.duplicate)
    purge = _awaitable(Queue.purge)
    empty_trash = _awaitable(Queue.empty_trash)
    versions = _awaitable(Queue.versions)

    async def configure(self, **values: Unpack[QueueSettings]) -> None:
        """As Queue.configure. Raises InvalidInput, LookOnly."""
        queue = await self._opened()
        await self._calls.run(lambda: queue.configure(**values))

    @property
    async def paused(self) -> bool:
        """`await queue.paused`: whether get is stopped."""
        queue = await self._opened()
        return await self._calls.run(lambda: queue.paused)

    @property
    async def configuration(self) -> QueueConfiguration:
        """`await queue.configuration`: as Queue.configuration."""
        queue = await self._opened()
        return await self._calls.run(lambda: queue.configuration)

    async def join(self, timeout: Duration | None = None) -> bool:
        """As Queue.join. Raises InvalidInput."""
        deadline = _Deadline(timeout)
        pause_s = _SHORTEST_PAUSE_S
        while True:
            counts = await self.counts()
            if not counts.ready + counts.running + counts.retrying:
                return True
            if deadline.left_s <= 0:
                return False
            await asyncio.sleep(min(pause_s, deadline.left_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def result(self, id: int, timeout: Duration | None = 0) -> Any:
        """As Queue.result. Raises NotFound, InvalidInput, Empty."""
        deadline, pause_s = _Deadline(timeout), _SHORTEST_PAUSE_S
        queue = await self._opened()
        while True:
            try:
                return await self._calls.run(queue.result, id, 0 if timeout == 0 else _A_LOOK_S)
            except Empty:
                if deadline.left_s <= 0:
                    raise
            await asyncio.sleep(min(pause_s, deadline.left_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def shutdown(self, immediate: bool = False) -> None:
        """As Queue.shutdown, for this AsyncQueue."""
        (await self._opened()).shutdown(immediate)

    async def close(self) -> None:
        """Give back the messages in hand and close; a queue of a Workspace is closed with that. Ends its threads.

        A get that waits raises WorkspaceError.
        """
        if self._is_closed:
            return
        if self._queue is not None:
            refuse_in_transaction(self._queue.store)
        self._is_closed = True
        if self._bell is not None:
            self._bell.wake_all()
        try:
            if self._queue is not None:
                await self._calls.finish(self._queue.close)
        finally:
            await self._calls.end()

    async def __aenter__(self) -> Self:
        await self._opened()
        return self

    async def __aexit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncQueue {self.name!r}>"

    # --- inside -------------------------------------------------------------------------------------

    async def _opened(self) -> Queue:
        """The queue underneath, opened by the first who needs it. Refused where it would wait for its own task."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._opening = loop, asyncio.Lock()
        if self._loop is not loop:
            raise InvalidInput("an AsyncQueue belongs to the event loop that used it first; make one for each loop")
        if self._is_closed:
            raise WorkspaceError(f"this queue {self.name!r} is closed")
        if self._queue is None:
            assert self._opening is not None
            async with self._opening:
                if self._queue is None:
                    self._queue = await self._calls.run_or_undo(self._open, Queue.close)
                    self._puts = Puts(self._queue)
        refuse_in_transaction(self._queue.store)
        return self._queue

    async def _put_in(self, tx: AsyncTransaction, put: Callable[[Queue, Transaction], R]) -> R:
        queue = self._queue if self._queue is not None else await self._opened()
        return await tx.finish(lambda inner: put(queue, inner))

    async def _put(
        self, add: Callable[[Puts, Queue, bool], tuple[Future[R], bool]], block: bool, timeout: Duration | None
    ) -> R:
        """Put what `add` adds; who waits for room does so in the order of the calls, and takes no thread."""
        queue, deadline, pause_s = await self._opened(), _Deadline(timeout), _SHORTEST_PAUSE_S
        if not block or not self._turn.locked():
            try:
                return await self._put_once(add, queue, may_wait=block and deadline.left_s > 0)
            except Full as full:
                if not block or deadline.left_s <= 0 or full.size < full.wanted:
                    if not self._waiting_for_room and self._puts is not None:
                        self._puts.nobody_waits()
                    raise
        self._waiting_for_room += 1
        try:
            return await self._put_in_turn(add, queue, deadline, pause_s)
        finally:
            self._waiting_for_room -= 1
            if not self._waiting_for_room and self._puts is not None:
                self._puts.nobody_waits()

    async def _put_in_turn(
        self,
        add: Callable[[Puts, Queue, bool], tuple[Future[R], bool]],
        queue: Queue,
        deadline: _Deadline,
        pause_s: float,
    ) -> R:
        try:
            async with asyncio.timeout(max(deadline.left_s, 0)):
                await self._turn.acquire()
        except TimeoutError:
            return await self._put_once(add, queue)
        try:
            while True:
                try:
                    return await self._put_once(add, queue)
                except Full as full:
                    if deadline.left_s <= 0 or full.size < full.wanted:
                        raise
                await asyncio.sleep(min(pause_s, deadline.left_s))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        finally:
            self._turn.release()

    async def _put_once(
        self, add: Callable[[Puts, Queue, bool], tuple[Future[R], bool]], queue: Queue, *, may_wait: bool = False
    ) -> R:
        assert self._puts is not None
        future, is_first = add(self._puts, queue, may_wait)
        if is_first:
            self._calls.begin(self._puts.work)
        return await asyncio.wrap_future(future)

    async def _take_one(
        self, block: bool, timeout: Duration | None, lease: Duration | None, detached: bool
    ) -> AsyncMessage:
        return (await self._take(1, block, timeout, lease, detached))[0]

    async def _take_this(
        self, id: int, block: bool, timeout: Duration | None, lease: Duration | None, detached: bool
    ) -> AsyncMessage:
        lease_us = None if lease is None else duration_us(lease, "lease", least_us=1)
        queue, deadline, pause_s = await self._opened(), _Deadline(timeout if block else 0), _SHORTEST_PAUSE_S
        while True:
            found = await self._calls.run_or_undo(partial(queue.claim_one, id, lease_us, detached), _give_one_back)
            if found is not None:
                return self._taken(AsyncMessage(found, self._calls))
            if deadline.left_s <= 0:
                raise Empty(f"message {id} of queue {self.name!r} is not ready, or held back: see why({id})")
            await asyncio.sleep(min(pause_s, deadline.left_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _taken(self, message: AsyncMessage) -> AsyncMessage:
        """`message` is what this task got last."""
        if (task := asyncio.current_task()) is not None:
            self._last[task] = message
        return message

    async def _take(
        self, limit: int, block: bool, timeout: Duration | None, lease: Duration | None, detached: bool
    ) -> list[AsyncMessage]:
        lease_us = None if lease is None else duration_us(lease, "lease", least_us=1)
        deadline = _Deadline(timeout if block else 0)
        queue = await self._opened()

        def claim() -> tuple[list[Message], Look]:
            return queue.claim(limit, lease_us, detached)

        messages, look = await self._calls.run_or_undo(claim, _give_back)
        if not messages and deadline.left_s > 0 and not queue.is_shut:
            messages, look = await self._wait_and_claim(queue, claim, deadline)
        if not messages:
            reason = "is paused" if look.is_paused else "has no ready message"
            raise Empty(f"queue {self.name!r} {reason}")
        taken = [AsyncMessage(message, self._calls) for message in messages]
        self._taken(taken[-1])
        return taken

    async def _wait_and_claim(
        self, queue: Queue, claim: Callable[[], tuple[list[Message], Look]], deadline: _Deadline
    ) -> tuple[list[Message], Look]:
        self._waiting += 1
        try:
            return await self._wait_at_bell(await self._heard(queue), queue, claim, deadline)
        finally:
            self._waiting -= 1
            if not self._waiting and self._bell is not None:
                queue.store.unlisten(queue.name, self._bell.descriptor)
                self._bell = None

    async def _wait_at_bell(
        self, bell: Bell, queue: Queue, claim: Callable[[], tuple[list[Message], Look]], deadline: _Deadline
    ) -> tuple[list[Message], Look]:
        """As Queue.get waits: what rang before is forgotten, one more look, then sleep until it rings or is due."""
        messages: list[Message] = []
        is_silenced = False
        while True:
            place = bell.enter()
            was_woken = False
            try:
                if not is_silenced:
                    await self._calls.run(queue.store.silence, queue.name)
                messages, look = await self._calls.run_or_undo(claim, _give_back)
                if messages or ((deadline.left_s <= 0 or queue.is_shut) and not look.claims):
                    return messages, look
                await self._opened()  # closed meanwhile
                due_s = _FOR_EVER_S if look.wake_us is None else (look.wake_us - SystemClock().wall_us()) / 1e6 + 0.001
                was_woken = await bell.wait(place, max(0.0, min(deadline.left_s, due_s)))
                is_silenced = not was_woken
            finally:
                bell.leave(place, has_need=was_woken)

    async def _heard(self, queue: Queue) -> Bell:
        if self._bell is None:
            unlisten = partial(queue.store.unlisten, queue.name)
            descriptor = await self._calls.run_or_undo(partial(queue.store.listen, queue.name), unlisten)
            if self._bell is None:
                self._bell = Bell(descriptor)
            else:  # another task was quicker
                unlisten(descriptor)
        return self._bell


class Getting(Coroutine[Any, Any, AsyncMessage]):
    """What AsyncQueue.get returns: a coroutine, that may be entered with `async with` as well."""

    def __init__(self, coroutine: Coroutine[Any, Any, AsyncMessage]) -> None:
        self._coroutine = coroutine
        self._message: AsyncMessage | None = None

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *exc: Any) -> Any:
        return self._coroutine.throw(*exc)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, None, AsyncMessage]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> AsyncMessage:
        self._message = await self._coroutine
        return await self._message.__aenter__()

    async def __aexit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        assert self._message is not None
        await self._message.__aexit__(kind, exc, trace)


class _Messages:
    """An endless row of messages."""

    def __init__(self, queue: AsyncQueue) -> None:
        self._queue = queue
        self._last: AsyncMessage | None = None

    def __aiter__(self) -> _Messages:
        return self

    async def __anext__(self) -> AsyncMessage:
        last, self._last = self._last, None
        if last is not None and not last.is_settled:
            await last.stop_extending()
        try:
            self._last = await self._queue.get()
        except Empty:  # shutdown
            raise StopAsyncIteration from None
        await self._last.keep_extending()
        return self._last

    def __del__(self) -> None:  # the loop was left, and nobody may come to its last message any more
        if self._last is not None and not self._last.is_settled:
            self._last.forget()


class _Transaction:
    """Opens the queue first, where that was not done."""

    def __init__(self, queue: AsyncQueue) -> None:
        self._queue = queue
        self._opened: AbstractAsyncContextManager[AsyncTransaction] | None = None

    async def __aenter__(self) -> AsyncTransaction:
        self._opened = open_transaction(await self._queue._opened())
        return await self._opened.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._opened is not None
        return await self._opened.__aexit__(kind, exc, trace)


class _Deadline:
    """When a wait of `timeout` is over, by the loop's clock, which stands still while the machine sleeps."""

    def __init__(self, timeout: Duration | None) -> None:
        self._loop = asyncio.get_running_loop()
        seconds = _FOR_EVER_S if timeout is None else duration_us(timeout, "timeout") / 1e6
        self._at = self._loop.time() + seconds

    @property
    def left_s(self) -> float:
        return self._at - self._loop.time()


def _give_one_back(message: Message | None) -> None:
    _give_back(([] if message is None else [message], Look(())))


def _give_back(claimed: tuple[list[Message], Look]) -> None:
    """What a cancelled get had taken is ready again, and that attempt does not count."""
    for message in claimed[0]:
        try:
            message.release()
        except (LeaseLost, WorkspaceError):  # closed meanwhile, which gives everything back
            return


__all__ = ["AsyncMessage", "AsyncQueue", "AsyncTransaction", "Getting"]
