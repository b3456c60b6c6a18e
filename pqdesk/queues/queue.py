"""A named channel of messages: put, get, look, operate."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, Self, Unpack

from pqdesk.clock import Clock, SystemClock
from pqdesk.errors import Empty, Full, InvalidInput, LeaseLost, WorkspaceError
from pqdesk.messages.aliases import Durability, Duration, OnConflict, PutOptions
from pqdesk.messages.backoff import parse_backoff
from pqdesk.messages.checks import ATTEMPTS_LIMIT, MARK_LIMIT, check_int, check_name, quoted
from pqdesk.messages.durations import duration_us
from pqdesk.messages.payloads import checksum, encode_payload
from pqdesk.messages.states import AttemptOutcome
from pqdesk.paths import WorkspacePaths, choose_workspace
from pqdesk.queues.known_queue import LONGEST_LOOK_S, SHORTEST_LOOK_S, KnownQueue
from pqdesk.queues.message import Ahead, Message
from pqdesk.queues.outgoing import checked, checked_all, each_pair
from pqdesk.storage import open_store
from pqdesk.storage.contract import Store, Transaction
from pqdesk.storage.values import Claim, EncodedPayload, HandlerDefaults, Look, NewMessage, Settlement

GET_MANY_LIMIT = 10_000
_NO_OPTIONS = (None,) * 11
_RELEASED = Settlement(AttemptOutcome.RELEASED)


class _OfThread(threading.local):
    """What `task_done` is about."""

    message: Message | None = None


class HasStore(Protocol):
    """A Workspace, as far as a queue needs one: it is above this layer."""

    store: Store
    paths: WorkspacePaths


class Queue(KnownQueue):
    """A queue of a workspace, or of any SQLite file of an application. Thread-safe.

        with Queue("emails") as queue:
            queue.put({"to": "ada@example.com"})
            with queue.get(timeout=30) as message:  # ack on leaving, nack on an exception
                print(message.payload["to"])

    A forked child has to open its own: an inherited one raises WorkspaceError. Every call may raise WorkspaceError
    (closed; the file is gone, replaced or damaged), and what changes something LookOnly, DiskFull and Busy.

    Args:
        name: 1–255 characters.
        workspace: A Workspace, or the path of one, made if missing. None: $PQDESK_WORKSPACE, else the default one.
        database: Instead of a workspace, an SQLite file; made if missing (its folder must exist), switched to WAL. No
            other SQLite library of this process (sqlite3, an ORM) may have it open meanwhile: changes would be lost, so
            the second is refused. Use `transaction`, INSERT INTO pqdesk_put without a Queue, or a process of its own.
        durability: "full" survives power loss; "relaxed" survives kill -9, and may lose the last moments when the
            power goes.

    Attributes:
        name: As given.
        paths: The workspace's files; None for a database file of an application.
        store: The engine it stands on.

    Raises:
        InvalidInput: An argument is wrong.
        WorkspaceError: The workspace or file cannot be used, is made by a newer version, or is open in another SQLite
            library of this process.
    """

    _is_shut = _is_shut_at_once = False

    def __init__(
        self,
        name: str,
        *,
        workspace: HasStore | str | os.PathLike[str] | None = None,
        database: str | os.PathLike[str] | None = None,
        durability: Durability = "full",
    ) -> None:
        self.name = check_name(name, "queue")
        if durability not in ("full", "relaxed"):
            raise InvalidInput(f"durability must be 'full' or 'relaxed', got {quoted(durability)}")
        if workspace is not None and database is not None:
            raise InvalidInput("a queue is in a workspace or in a database file; give one of them")
        self._clock: Clock = SystemClock()
        self._defaults = HandlerDefaults()
        self._own = _OfThread()
        self._owns_store = workspace is None or isinstance(workspace, str | os.PathLike)
        self.paths: WorkspacePaths | None = None
        self.store: Store
        if workspace is not None and not isinstance(workspace, str | os.PathLike):
            if not hasattr(workspace, "store"):
                raise InvalidInput(f"workspace must be a Workspace or a path, got {type(workspace).__name__}")
            self.paths, self.store = workspace.paths, workspace.store
        elif database is not None:
            self.store = open_store(database, durability=durability)
        else:
            self.paths = choose_workspace(workspace)
            self.store = open_store(self.paths, durability=durability)

    @classmethod
    def over(cls, store: Store, name: str, clock: Clock, paths: WorkspacePaths | None = None) -> Queue:
        """A queue over a store that somebody else opened and will close."""
        queue = cls.__new__(cls)
        queue.name, queue.paths = check_name(name, "queue"), paths
        queue.store, queue._owns_store, queue._clock, queue._defaults = store, False, clock, HandlerDefaults()
        queue._own = _OfThread()
        return queue

    # --- putting ----------------------------------------------------------------------------------

    def put(
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
        tx: Transaction | None = None,
    ) -> int:
        """Add a message; when this returns, it survives a crash and, at full durability, power loss.

            queue.put("soon", delay=90, priority=5)
            queue.put({"order": 1}, key="order 1", on_conflict="keep")  # safe to repeat

        Args:
            payload: JSON value, str or bytes, at most 16 MiB; comes back exactly as given (tuples as lists). JSON is
                nested at most 200 levels deep, and an integer in it has at most 10,000 digits.
            block, timeout: While the queue has max_size unfinished messages: wait for ever, for `timeout` seconds, or
                not at all.
            type: What kind of work it is, for people and filters.
            priority: ± 2³¹; higher goes first, then the lower id.
            delay: Seconds or timedelta until it is due.
            at: Aware datetime at which it is due; not together with delay.
            key: Unique among the unfinished messages of this queue.
            on_conflict: When the key is in use: "raise", "keep" (return the other's id), "replace" (if not running),
                "after" (if it runs: when that is done, once; if it waits: as "keep").
            unique_for: With a key: seconds or timedelta from now on in which it stays in use, whatever becomes of the
                message. Final ones are not replaced, but put anew by "replace".
            group: Messages of one group run one at a time, in order of id.
            expires: Seconds or timedelta; not started by then, it is cancelled.
            max_attempts: Deliveries before it is failed; over the queue's and the handler's setting.
            headers: At most 64, names of A-Z a-z 0-9 _ -, values str of at most 4 KiB.
            tx: The value of `with queue.transaction()`: put when that is committed. Never blocks.

        Returns:
            The id, above zero, growing, never used twice.

        Raises:
            InvalidInput: An argument is wrong; nothing was put.
            DuplicateKey: The key is in use.
            Full: The queue has max_size unfinished messages, and went on having them; or it was shut down.
            LookOnly: The workspace is set to look only.
            DiskFull: Only the space kept back for acks is left.
            Busy: Another program held the file for 10 s.
        """
        if self._is_shut:
            raise self._shut()
        options = (type, delay, at, key, unique_for, group, expires, max_attempts, headers, timeout, tx)
        if options == _NO_OPTIONS and on_conflict == "raise" and priority == 0 and priority.__class__ is int:
            kind, data = encode_payload(payload)
            message_id = self.store.put_payload(self.name, kind, data)
            if message_id is not None:
                return message_id
            message = NewMessage(queue=self.name, payload=EncodedPayload(kind, data))
        else:
            message = checked(
                payload, self.name, type=type, priority=priority, delay=delay, at=at, key=key, on_conflict=on_conflict,
                unique_for=unique_for, group=group, expires=expires, max_attempts=max_attempts, headers=headers,
            )  # fmt: skip
        return self._put((message,), block, timeout, tx)[0]

    def put_nowait(self, payload: Any, **options: Unpack[PutOptions]) -> int:
        """`put(payload, block=False, …)`. Raises Full, and what `put` raises."""
        return self.put(payload, block=False, **options)

    def put_many(
        self,
        items: Iterable[Any],
        *,
        block: bool = True,
        timeout: Duration | None = None,
        tx: Transaction | None = None,
        **options: Unpack[PutOptions],
    ) -> list[int]:
        """Add up to 100,000 payloads or Outgoing in one transaction, all or none; ids in order.

            queue.put_many(["one", "two", Outgoing("elsewhere", queue="other", delay=60)], priority=5)

        `options` are those of `put`, for the items that are no Outgoing. Also when the iterable raises, nothing is put.
        Raises what `put` raises.
        """
        messages = checked_all(items, self.name, options)
        if self._is_shut:
            raise self._shut()
        return self._put(messages, block, timeout, tx) if messages else []

    def put_once(self, items: Iterable[tuple[str, Any]]) -> list[int]:
        """Put each payload or Outgoing whose mark was never put before, in one transaction; returns the ids of those.

        The marks are remembered in that transaction, so a restart repeats none: for producers that look at the
        same things again and again. Raises what `put` raises.
        """
        marked = [(check_name(mark, "mark", most=MARK_LIMIT), one) for mark, one in each_pair(items)]
        messages = checked_all([one for _, one in marked], self.name, {})
        return self.store.put_unmarked([(mark, new) for (mark, _), new in zip(marked, messages, strict=True)])

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction of your own over the queue's file: your SQL, puts and acks commit together, or not at all.

            with queue.transaction() as tx:
                tx.execute("INSERT INTO paid (order_id) VALUES (?)", (message.payload,))
                message.ack(tx=tx)

        It takes the write lock: keep it short. An exception rolls it back, and a message that it settled is in hand as
        before. `tx` may be given to any Queue of the same file; within the block, a call of this thread without it
        raises InvalidInput. Rows that it put with INSERT INTO pqdesk_put are messages when it has committed. No foreign
        key of your tables may lead to PQDesk's, whose rows go when they are old.

        Raises:
            InvalidInput: This thread has a transaction open on the file; see also `Transaction.execute`.
            Busy: Another program held the file for 10 s.
        """
        return self.store.transaction()

    # --- taking -----------------------------------------------------------------------------------

    def get(
        self,
        block: bool = True,
        timeout: Duration | None = None,
        *,
        lease: Duration | None = None,
        detached: bool = False,
        id: int | None = None,
    ) -> Message:
        """Take the most urgent ready message under a lease.

            with queue.get() as message:
                print(message.payload)

        Args:
            block, timeout: As of queue.Queue.get: wait for ever, for `timeout` seconds, or not at all.
            lease: Seconds of awake time; None is the queue's setting (60 s). In `with` and loops it is extended.
            detached: The lease belongs to no process; it ends by ack, nack, release, its deadline or a reboot.
            id: This message or none, when it is ready and neither its group nor a limit holds it back.

        Raises:
            Empty: No message in time, or the queue is paused.
            NotFound: There is no message of this id in the queue.
            InvalidInput: The lease or the timeout cannot be used.
        """
        if id is not None:
            return self._take_one(id, block, timeout, lease, detached)
        return self._take(1, block, timeout, lease, detached)[0]

    def get_nowait(self) -> Message:
        """`get(block=False)`. Raises Empty."""
        return self.get(block=False)

    def task_done(self) -> None:
        """As of queue.Queue: ack the message that this thread got last.

            payload = queue.get().payload
            queue.task_done()

        `Message.ack` does the same for any message, and takes a result. Raises LeaseLost; InvalidInput when there is
        none, or it was settled.
        """
        message = self._own.message
        if message is None or message.is_settled:
            raise InvalidInput(f"this thread has no message of queue {self.name!r} in hand; get one before task_done()")
        message.ack()

    def get_many(
        self,
        limit: int,
        block: bool = True,
        timeout: Duration | None = None,
        *,
        lease: Duration | None = None,
        detached: bool = False,
    ) -> list[Message]:
        """Wait for the first message and take what is there, up to `limit` (at most 10,000).

            for message in queue.get_many(100, timeout=30, lease=300):
                message.ack()

        Raises Empty, InvalidInput.
        """
        return self._take(check_int(limit, "limit", least=1, most=GET_MANY_LIMIT), block, timeout, lease, detached)

    def __iter__(self) -> Iterator[Message]:
        """Messages for ever, each under a lease that is extended in the background.

            for message in queue:
                message.ack()
                break  # for the example

        The ack of one takes the next in the same transaction; in a quick loop the next few, which others get when the
        loop does not come to them within a moment. Leaving the loop gives back what was taken ahead.
        A message not settled when the loop goes on, or is left, stays in hand until its lease ends.
        """
        ahead = Ahead()
        try:
            while True:
                if ahead.messages and not self._is_shut_at_once:
                    message = ahead.messages.popleft()
                    if not self.store.begin(
                        message._claim, keeps_extending=True
                    ):  # others have it: the loop's body took long
                        continue
                else:
                    try:
                        message = self.get()
                    except Empty:  # interrupt_waits, shutdown
                        return
                    self.store.keep_extending(message._claim)
                message._ahead, self._own.message = ahead, message
                try:
                    yield message
                finally:  # also when the loop is left: nobody may come to it any more
                    if not message.is_settled:
                        with contextlib.suppress(WorkspaceError):  # this is a fork's copy of the loop
                            message.stop_extending()
        finally:
            ahead.is_left = True
            if ahead.messages:
                with contextlib.suppress(WorkspaceError):  # closed: that gave them back
                    self.store.settle_many([(message._claim, _RELEASED) for message in ahead.messages])

    def settle(
        self,
        message: Message,
        settlement: Settlement,
        *,
        put: Sequence[NewMessage] = (),
        tx: Transaction | None = None,
    ) -> None:
        """What Message's ack, nack, fail and release come down to."""
        message._refuse_settled()
        ahead = message._ahead if settlement.outcome == AttemptOutcome.COMPLETED and tx is None else None
        count = 0 if ahead is None else ahead.wanted(self._clock.awake_ms())
        look = self.store.settle(message._claim, settlement, put=put, claim_next=count, defaults=self._defaults, tx=tx)
        message._is_settled = True
        if tx is not None:
            tx.on_end(lambda is_committed: message._unsettle(is_committed))
        if ahead is not None and look is not None:
            ahead.messages.extend(self.opened(look.claims))

    def use_defaults(
        self,
        *,
        max_attempts: int | None = None,
        lease: Duration | None = None,
        backoff: str | None = None,
        timeout: Duration | None = None,
    ) -> None:
        """What a handler of this process wants where neither put() nor configure() says anything.

        The arguments are those of `configure`. Raises InvalidInput.
        """
        if backoff is not None:
            parse_backoff(backoff)
        self._defaults = HandlerDefaults(
            None if max_attempts is None else check_int(max_attempts, "max_attempts", least=1, most=ATTEMPTS_LIMIT),
            None if lease is None else duration_us(lease, "lease", least_us=1),
            backoff,
            None if timeout is None else duration_us(timeout, "timeout", least_us=1),
        )

    @property
    def defaults(self) -> HandlerDefaults:
        """As `use_defaults` left them."""
        return self._defaults

    def shutdown(self, immediate: bool = False) -> None:
        """As of queue.Queue: nothing more is put through this Queue, and nobody waits for more.

        From now on its `put` raises Full, and its `get` raises Empty and its loops end when nothing is ready; with
        `immediate` at once. Who waits is told within a second. Messages stay, and other Queues of the name go on.
        """
        self._is_shut, self._is_shut_at_once = True, self._is_shut_at_once or immediate

    def interrupt_waits(self) -> None:
        """End every get that waits, now and later, with Empty. Safe in a signal handler; for stopping."""
        self.store.interrupt_waits()

    def close(self) -> None:
        """Give back the messages in hand and close; a queue of a Workspace is closed with that."""
        if self._owns_store:
            self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Queue {self.name!r}>"

    def _take(
        self, limit: int, block: bool, timeout: Duration | None, lease: Duration | None, detached: bool
    ) -> list[Message]:
        lease_us = None if lease is None else duration_us(lease, "lease", least_us=1)
        deadline_ms = self._deadline_ms(timeout)
        if not block:
            deadline_ms = 0
        has_entered = is_silenced = False
        try:
            while True:
                messages, look = self.claim(limit, lease_us, detached)
                if messages:
                    self._own.message = messages[-1]
                    return messages
                if look.claims:  # they were damaged
                    continue
                left_s = None if deadline_ms is None else (deadline_ms - self._clock.awake_ms()) / 1000
                if (left_s is not None and left_s <= 0) or self.store.is_interrupted or self._is_shut:
                    reason = "is paused" if look.is_paused else "has no ready message"
                    raise Empty(f"queue {self.name!r} {reason}")
                if not has_entered:  # what rang before this moment is known; look once more, then sleep
                    self.store.enter(self.name)
                    has_entered = is_silenced = True
                    continue
                if not is_silenced:
                    self.store.silence(self.name)
                    is_silenced = True
                    continue
                is_silenced = not self.store.wait(self.name, until_us=look.wake_us, timeout_s=left_s)
        finally:
            if has_entered:
                self.store.leave(self.name)

    def _take_one(
        self, id: int, block: bool, timeout: Duration | None, lease: Duration | None, detached: bool
    ) -> Message:
        lease_us = None if lease is None else duration_us(lease, "lease", least_us=1)
        deadline_ms, pause_s = self._deadline_ms(timeout if block else 0), SHORTEST_LOOK_S
        while True:
            message = self.claim_one(id, lease_us, detached)
            if message is not None:
                self._own.message = message
                return message
            if (deadline_ms is not None and self._clock.awake_ms() >= deadline_ms) or self.store.is_interrupted:
                raise Empty(f"message {id} of queue {self.name!r} is not ready, or held back: see why({id})")
            self.store.sleep(pause_s)  # the queue's bell is for those who take any
            pause_s = min(2 * pause_s, LONGEST_LOOK_S)

    def claim_one(self, id: int, lease_us: int | None, detached: bool) -> Message | None:
        """This message, if it can be had now. Raises NotFound; Empty when it is final, or the queue was shut down."""
        state = self.message(id).state
        if state.is_final or self._is_shut:
            what = "was shut down" if self._is_shut else f"has message {id} as {state.word}"
            raise Empty(f"queue {self.name!r} {what}")
        messages, _ = self.claim(1, lease_us, detached, id)
        return messages[0] if messages else None

    def claim(
        self, limit: int, lease_us: int | None, detached: bool, only_id: int | None = None
    ) -> tuple[list[Message], Look]:
        """What is ready now, without waiting. Raises Empty once it was shut down at once."""
        if self._is_shut_at_once:
            raise Empty(f"queue {self.name!r} was shut down; its messages stay for others")
        look = self.store.claim(
            self.name, limit=limit, lease_us=lease_us, is_detached=detached, defaults=self._defaults, only_id=only_id
        )
        return self.opened(look.claims), look

    @property
    def is_shut(self) -> bool:
        """Whether `shutdown` was called."""
        return self._is_shut

    def opened(self, claims: Sequence[Claim]) -> list[Message]:
        """The messages of these claims; one that is not as it was put is failed instead."""
        messages = []
        for claim in claims:
            try:
                _check_whole(claim)
                messages.append(Message(self, claim))
            except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as exc:
                error = f"damaged: {exc or type(exc).__name__}; restore it from a backup"
                with contextlib.suppress(LeaseLost):  # the engine has noticed it, too
                    self.store.settle(claim, Settlement(AttemptOutcome.FAILED, error=error))
        return messages

    def _shut(self) -> Full:
        return Full(f"queue {self.name!r} was shut down: nothing more is put through it", queue=self.name)

    def _put(
        self, messages: Sequence[NewMessage], block: bool, timeout: Duration | None, tx: Transaction | None
    ) -> list[int]:
        """Put all, waiting for room where the queue has a max_size and it may wait."""
        deadline_ms = None
        if timeout is not None:
            duration_us(timeout, "timeout")  # also where there is no need to wait
        while True:
            try:
                return self.store.put(messages, tx)
            except Full as full:
                if not block or tx is not None or self.store.is_interrupted:
                    raise
                deadline_ms = self._deadline_ms(timeout) if deadline_ms is None else deadline_ms
                left_s = None if deadline_ms is None else (deadline_ms - self._clock.awake_ms()) / 1000
                if (left_s is not None and left_s <= 0) or full.size < full.wanted or self._is_shut:
                    raise
                self.store.wait_for_room(full.queue, left_s)


def _check_whole(claim: Claim) -> None:
    """Raise ValueError, TypeError or LookupError for a message that is not as it was put."""
    assert claim.payload is not None
    if checksum(claim.payload.kind, claim.key, claim.payload.data) != claim.checksum:
        raise ValueError("the payload in the file is not the one that was put")
    if None in (claim.priority, claim.enqueued_us, claim.due_us):
        raise ValueError("its row in the file is not whole")
