"""A message in hand, for asyncio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any

from pqdesk.errors import LeaseLost
from pqdesk.messages.aliases import Duration
from pqdesk.queues.aio_calls import Calls
from pqdesk.queues.aio_transaction import AsyncTransaction, refuse_in_transaction
from pqdesk.queues.message import Message
from pqdesk.staying import Staying


class AsyncMessage(Staying):
    """One delivery of a message, as `Message`, with what takes time awaitable. Made by `AsyncQueue.get`.

    In `async with` its lease is extended in the background. Leaving the block acks it; an Exception nacks it, a
    cancellation or any other BaseException releases it. An ack that has begun is carried through, whoever is cancelled.

    Attributes:
        id, queue, type, payload, headers, priority, group, key, attempt, max_attempts, enqueued_at, due_at, receipt:
            As of Message; they need no await.
    """

    def __init__(self, message: Message, calls: Calls) -> None:
        self._message, self._calls = message, calls

    def _what_stays(self) -> str:
        return self._message._what_stays()

    def _instead(self) -> str:
        return self._message._instead()

    @property
    def id(self) -> int:
        return self._message.id

    @property
    def queue(self) -> str:
        return self._message.queue

    @property
    def type(self) -> str | None:
        return self._message.type

    @property
    def payload(self) -> Any:
        return self._message.payload

    @property
    def headers(self) -> Mapping[str, str]:
        return self._message.headers

    @property
    def priority(self) -> int:
        return self._message.priority

    @property
    def group(self) -> str | None:
        return self._message.group

    @property
    def key(self) -> str | None:
        return self._message.key

    @property
    def attempt(self) -> int:
        return self._message.attempt

    @property
    def max_attempts(self) -> int:
        return self._message.max_attempts

    @property
    def enqueued_at(self) -> datetime:
        return self._message.enqueued_at

    @property
    def due_at(self) -> datetime:
        return self._message.due_at

    @property
    def receipt(self) -> str:
        return self._message.receipt

    @property
    def lease_remaining(self) -> float:
        """Seconds of awake time until the lease ends, as far as this process knows; not below zero."""
        return self._message.lease_remaining

    @property
    def is_lease_over(self) -> bool:
        """As Message.is_lease_over."""
        return self._message.is_lease_over

    @property
    def is_settled(self) -> bool:
        """As Message.is_settled."""
        return self._message.is_settled

    @property
    async def cancel_requested(self) -> bool:
        """`await message.cancel_requested`: whether somebody asked to cancel this message."""
        refuse_in_transaction(self._message.store)
        return await self._calls.run(lambda: self._message.cancel_requested)

    async def ack(self, result: Any = None, *, put: Iterable[Any] = (), tx: AsyncTransaction | None = None) -> None:
        """As Message.ack. Raises LeaseLost, InvalidInput."""
        await self._settle(partial(self._message.ack, result, put=put), tx)

    async def nack(
        self, error: object = None, *, delay: Duration | None = None, tx: AsyncTransaction | None = None
    ) -> None:
        """As Message.nack. Raises LeaseLost, InvalidInput."""
        await self._settle(partial(self._message.nack, error, delay=delay), tx)

    async def fail(self, reason: object, *, tx: AsyncTransaction | None = None) -> None:
        """As Message.fail. Raises LeaseLost."""
        await self._settle(partial(self._message.fail, reason), tx)

    async def release(self, *, delay: Duration | None = None, tx: AsyncTransaction | None = None) -> None:
        """As Message.release. Raises LeaseLost, InvalidInput."""
        await self._settle(partial(self._message.release, delay=delay), tx)

    async def extend(self, seconds: Duration | None = None) -> None:
        """As Message.extend. Raises LeaseLost, InvalidInput."""
        refuse_in_transaction(self._message.store)
        await self._calls.run(self._message.extend, seconds)

    async def progress(self, fraction: float, note: str = "") -> None:
        """As Message.progress. Raises LeaseLost, InvalidInput."""
        refuse_in_transaction(self._message.store)
        await self._calls.run(self._message.progress, fraction, note)

    async def __aenter__(self) -> AsyncMessage:
        refuse_in_transaction(self._message.store)
        try:
            await self._calls.finish(self._message.__enter__)
        except BaseException:  # cancelled meanwhile: __aexit__ will not come
            await self._calls.finish(self._give_back)
            raise
        return self

    async def __aexit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        await self._calls.finish(partial(self._message.__exit__, kind, exc, trace))

    def __repr__(self) -> str:
        return repr(self._message).replace("<Message", "<AsyncMessage")

    async def _settle(self, settle: Callable[..., None], tx: AsyncTransaction | None) -> None:
        if tx is None:
            refuse_in_transaction(self._message.store)
            await self._calls.finish(settle)
        else:
            await tx.finish(lambda inner: settle(tx=inner))

    async def keep_extending(self) -> None:
        """Extend the lease in the background until it is settled; of a loop."""
        await self.__aenter__()

    async def stop_extending(self) -> None:
        """Let the lease run out by itself; of a loop."""
        await self._calls.finish(self._message.stop_extending)

    def forget(self) -> None:
        """`stop_extending`, where nobody can wait for it; of a loop that was left."""
        self._calls.begin(self._message.stop_extending)

    def _give_back(self) -> None:
        try:
            if not self._message.is_settled:
                self._message.release()
        except LeaseLost:
            pass
