"""What an engine has to do.

Nothing here assumes SQLite, or that there is one file. An engine is opened by `storage.open_store` (all
operations) and `storage.open_inspection` (looking only, never writes, for one thread). tests/contract holds
every engine to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pqdesk.storage.values import NO_DEFAULTS, Claim, HandlerDefaults, Look, NewMessage, Settlement

if TYPE_CHECKING:  # what only some programs need, so that `import pqdesk` stays quick
    from pqdesk.messages.origin import Origin
    from pqdesk.messages.records import QueueConfiguration
    from pqdesk.storage.looking import Looking
    from pqdesk.storage.operating import Operating
    from pqdesk.storage.scheduling import Scheduling


class Transaction(Protocol):
    """An open transaction of one thread, on one file: what `tx=` takes."""

    def execute(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run SQL on the application's own tables, look at any, or INSERT INTO pqdesk_put; all its rows.

        Raises:
            InvalidInput: What is not allowed (a change of PQDesk's tables, BEGIN, COMMIT, ROLLBACK, ATTACH, PRAGMA; in
                a workspace's file triggers and views), or the database's own words for a mistake or a constraint. The
                statement is undone and the transaction goes on, unless the text says that it was rolled back.
            WorkspaceError: Called in another process than the one that opened it.
        """
        ...

    def on_end(self, do: Callable[[bool], None]) -> None:
        """Call `do` when it has ended, with whether it was committed."""
        ...


class Store(Protocol):
    """Everything that changes a workspace. Thread-safe. Durable calls return after the flush.

    Attributes:
        origin: Who acts through it; set by whoever opens it.
    """

    origin: Origin

    def put(self, messages: Sequence[NewMessage], tx: Transaction | None = None) -> list[int]:
        """Put all or none, in one transaction; ids in order. Raises DuplicateKey, Full, DiskFull, Busy."""
        ...

    def put_payload(self, queue: str, kind: int, data: bytes) -> int | None:
        """The quick way for a payload with no options, as most puts are; None, and nothing is done, where `put` has to.

        Raises DiskFull, Busy.
        """
        ...

    def wait_for_room(self, queue: str, timeout_s: float | None) -> None:
        """Sleep until a queue with a max_size may have room again, or `timeout_s` has passed."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """The write lock for the block; committed at its end, rolled back when it raises. See `Transaction`."""
        ...

    def awaited_in(self, thread: int) -> AbstractContextManager[None]:
        """For the block, `thread` is an event loop's, whose tasks have a transaction open in another thread.

        A call of it without tx that would wait for that transaction can never end: it raises InvalidInput at once.
        """
        ...

    def put_unmarked(self, marked: Sequence[tuple[str, NewMessage]]) -> list[int]:
        """Put those whose mark was never put before, and remember the marks in the same transaction; their ids."""
        ...

    def marks(self, prefix: str) -> list[str]:
        """The marks that begin so, in order."""
        ...

    def change_marks(self, added: Sequence[str], forgotten: Sequence[str]) -> None:
        """Remember marks without a message, and forget others."""
        ...

    def claim(
        self,
        queue: str,
        *,
        limit: int,
        lease_us: int | None,
        is_detached: bool,
        is_ahead: bool = False,
        defaults: HandlerDefaults = NO_DEFAULTS,
        only_id: int | None = None,
    ) -> Look:
        """Lease up to `limit` messages, or this one only; `lease_us=None` is the queue's own.

        With `is_ahead` they are only claimed, until `begin`: a death of this process before that is no attempt.
        """
        ...

    def begin(self, claim: Claim, *, keeps_extending: bool = False) -> bool:
        """A message that was claimed ahead goes to its handler now. Costs no transaction.

        `keeps_extending` does what the call of that name does. False when the message is not in hand any more:
        `settle` claimed it ahead, and it was given back for having waited.
        """
        ...

    def end(self, claim: Claim) -> None:
        """Its handler has ended; how is told by a settlement to come. Costs no transaction."""
        ...

    def wait(self, queue: str, *, until_us: int | None, timeout_s: float | None) -> bool:
        """Sleep in the kernel until a message may be there, `until_us` (wall) or `timeout_s` has passed.

        True when it was woken by a put: there may be older wake-ups then, see `silence`.
        """
        ...

    def listen(self, queue: str) -> int:
        """What an event loop waits on instead of `wait`: a descriptor, to be given to `unlisten`.

        It is readable when a message may be there, and the byte that is read from it is the wake-up of one sleeper; who
        does not need it writes it back. -1: look again and again instead.
        """
        ...

    def unlisten(self, queue: str, descriptor: int) -> None:
        """Close what `listen` gave."""
        ...

    def enter(self, queue: str) -> None:
        """Come to wait, and `silence`: what rings from now on, between two calls of `wait` too, is kept.

        To be left; a thread that does not enter is for a store that no other waits with.
        """
        ...

    def leave(self, queue: str) -> None:
        """Wait no more: to be called once for each `enter`."""
        ...

    def silence(self, queue: str) -> None:
        """Forget what rang before; whoever calls it looks once more before it waits."""
        ...

    @property
    def place(self) -> object:
        """Equal for the stores of one file."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep, unless waits are interrupted."""
        ...

    def mark_ordered_end(self) -> None:
        """This process was asked to end: should it die with messages in hand, they are not to blame for that."""
        ...

    def interrupt_waits(self) -> None:
        """Every wait, now and from now on, returns at once. Safe in a signal handler."""
        ...

    @property
    def held_up_s(self) -> float:
        """How long the newest wait for another program that holds the file has lasted; grows while one goes on."""
        ...

    @property
    def is_interrupted(self) -> bool: ...

    def settle(
        self,
        claim: Claim,
        settlement: Settlement,
        *,
        put: Sequence[NewMessage] = (),
        claim_next: int = 0,
        defaults: HandlerDefaults = NO_DEFAULTS,
        tx: Transaction | None = None,
    ) -> Look | None:
        """End a delivery; in the same transaction put messages, and claim up to `claim_next` of its queue ahead.

        What was claimed so and is not begun within a fraction of a second is given back to the others.
        Raises LeaseLost.
        """
        ...

    def settle_many(
        self,
        settled: Sequence[tuple[Claim, Settlement]],
        *,
        claim_next: int = 0,
        is_ahead: bool = True,
        defaults: HandlerDefaults = NO_DEFAULTS,
    ) -> tuple[list[Claim], Look]:
        """End several deliveries of one queue in one transaction, and lease up to `claim_next` of its next ones.

        Returns the claims whose lease was lost (the others are settled all the same), and what was leased.
        """
        ...

    def settle_receipt(self, message_id: int, receipt: int, settlement: Settlement) -> None:
        """The same for a receipt that travelled outside this process. Raises LeaseLost."""
        ...

    def keep_extending(self, claim: Claim) -> None:
        """Extend the lease in the background until the delivery ends."""
        ...

    def stop_extending(self, claim: Claim) -> None:
        """Let the lease run out by itself."""
        ...

    def extend(self, claim: Claim, lease_us: int) -> int:
        """Lease anew from now; returns the new `lease_ends_ms`. Raises LeaseLost."""
        ...

    def extend_receipt(self, message_id: int, receipt: int, lease_us: int | None) -> None:
        """The same for a receipt that travelled outside this process; None is the queue's lease. Raises LeaseLost."""
        ...

    def report_progress(self, claim: Claim, fraction: float, note: str) -> None:
        """Raises LeaseLost."""
        ...

    def is_cancel_requested(self, claim: Claim) -> bool: ...

    def lease_remaining_ms(self, claim: Claim) -> int:
        """Awake milliseconds until the lease ends, as far as this process extended it; not below zero."""
        ...

    def configuration(self, queue: str) -> QueueConfiguration: ...

    @property
    def operating(self) -> Operating:
        """What an operator does to messages and queues."""
        ...

    @property
    def schedules(self) -> Scheduling:
        """What is put again and again."""
        ...

    def compact(self, on_progress: Callable[[int, int], object] = ...) -> int:
        """Give unused space back to the disk, beside everybody who works; its bytes.

        `on_progress` is told what is done, and of how much.
        """
        ...

    def backup(self, path: Path) -> int:
        """Write one snapshot to the new file `path`, whole and on disk, while others work; its bytes.

        Raises WorkspaceError when something is there or it cannot be written, DiskFull, Corrupt.
        """
        ...

    def attend(self) -> None:
        """Do the workspace's chores in the background from now on, for a process that neither waits nor works."""
        ...

    @property
    def looking(self) -> Looking:
        """Questions, over a connection that never writes; a long one lets others in between."""
        ...

    def close(self) -> None:
        """Give back what is in hand and end. Waits of other threads return."""
        ...
