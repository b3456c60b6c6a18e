"""A queue as a worker's loop uses it: messages are claimed ahead and settled several in one transaction.

That is what makes a worker with quick handlers fast: one commit and one flush for many messages. What `Queue.get` and
`Message.ack` do one by one is promised here for each group: when `settle` returns, all of it is on disk. A message
whose handler has ended, but which is not settled yet when the process is killed, is delivered once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from pqdesk.queues.message import Message
from pqdesk.queues.queue import Queue
from pqdesk.storage.values import Settlement

_SHORT_LEASE_US = 3_000_000  # too short to wait with its extension until the handler has run for a while


class Handling:
    """One thread's way to a queue. `settle`, `end` and `keep_extending` may be called from others as well."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._store = queue.store
        self._wake_us: int | None = None
        self._has_entered = self._is_silenced = False

    def take(self, limit: int) -> list[Message]:
        """Claim what is ready, up to `limit`, without waiting. To work on one, `begin` it."""
        look = self._store.claim(
            self.queue.name,
            limit=limit,
            lease_us=None,
            is_detached=False,
            is_ahead=True,
            defaults=self.queue._defaults,
        )
        self._wake_us = look.wake_us
        if look.claims:
            self._is_silenced = False
            self._leave()
        return self.queue.opened(look.claims)

    def wait(self) -> bool:
        """After a `take` that gave nothing: sleep until there may be something. False when waits are interrupted."""
        if not self._has_entered:  # what rang before this moment is known; look once more, then sleep
            self._store.enter(self.queue.name)
            self._has_entered = self._is_silenced = True
        elif not self._is_silenced:
            self._store.silence(self.queue.name)
            self._is_silenced = True
        else:
            self._is_silenced = not self._store.wait(self.queue.name, until_us=self._wake_us, timeout_s=None)
        if self._store.is_interrupted:
            self._leave()
            return False
        return True

    def begin(self, message: Message) -> bool:
        """Its handler runs from now on: should this process die, that is held against the message.

        False when it is in hand no more, and is not to be begun.
        """
        if not self._store.begin(message._claim):
            return False
        if message._claim.lease_us < _SHORT_LEASE_US:
            self.keep_extending(message)
        return True

    def end(self, message: Message) -> None:
        """Its handler has ended. Nobody but `settle` settles it now."""
        self._store.end(message._claim)
        message._is_settled = True

    def keep_extending(self, message: Message) -> None:
        """Extend its lease in the background until it is settled."""
        self._store.keep_extending(message._claim)

    def settle(
        self, settled: Sequence[tuple[Message, Settlement]], claim_next: int = 0
    ) -> tuple[list[Message], list[Message]]:
        """Settle them in one transaction, durable on return, and claim up to `claim_next` more in it.

        Returns those whose lease was lost (nothing was changed for them), and what was claimed.
        """
        lost, look = self._store.settle_many(
            [(message._claim, settlement) for message, settlement in settled],
            claim_next=claim_next,
            defaults=self.queue._defaults,
        )
        self._wake_us = look.wake_us
        claims = {id(claim) for claim in lost}
        lost_messages = [message for message, _ in settled if id(message._claim) in claims] if claims else []
        return lost_messages, self.queue.opened(look.claims)

    def _leave(self) -> None:
        if self._has_entered:
            self._has_entered = False
            self._store.leave(self.queue.name)

    @staticmethod
    def is_limited(message: Message) -> bool:
        """Whether the queue lets through so many at once or in a time: what is claimed ahead keeps others waiting."""
        return message._claim.is_limited

    @staticmethod
    def lease_ms(message: Message) -> int:
        """How long its lease was made for."""
        return message._claim.lease_us // 1000

    @staticmethod
    def is_past_lease(message: Message, awake_ms: int) -> bool:
        """Whether the lease of a message that waited ahead is over, since this process was stopped for long."""
        return message._claim.lease_ends_ms <= awake_ms
