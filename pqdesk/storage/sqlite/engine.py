"""What all parts of a store stand on: one connection under one lock, flushes outside it, and the process's own row.

An engine belongs to the process that opened it: after a fork the child gets an error, since an inherited connection
loses commits silently (sqlite.org/howtocorrupt.html). Threads share it; each call is one transaction under the lock.
The flush comes after the lock is free, one thread flushing for all that committed before it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import apsw

from pqdesk.clock import Clock
from pqdesk.errors import Busy, InvalidInput, WorkspaceError
from pqdesk.messages.aliases import Durability
from pqdesk.ordered_ends import mark_ordered
from pqdesk.storage.sqlite import closing, company, forking, owners
from pqdesk.storage.sqlite.checkpoints import Checkpointer
from pqdesk.storage.sqlite.clock_steps import ClockSteps
from pqdesk.storage.sqlite.connection import (
    BUSY_DEADLINE_S,
    Naps,
    Translating,
    WriteTransaction,
    all_rows,
    first_row,
    let_go,
    only_value,
    roll_back,
)
from pqdesk.storage.sqlite.durability import Durability as Flusher
from pqdesk.storage.sqlite.files import Location
from pqdesk.storage.sqlite.held import HeldClaims
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.migrations import open_database
from pqdesk.storage.sqlite.open_transactions import in_transaction, is_in_transaction, refuse_awaited
from pqdesk.storage.sqlite.waiting import Bells, PollableEvent
from pqdesk.storage.sqlite.writing import Locked, Outside, Savepoint, Writing

if TYPE_CHECKING:  # imported when somebody looks
    from pqdesk.storage.sqlite.inspection import SqliteInspection

_WAITING = "SELECT name FROM pqdesk_queue WHERE wake_us IS NOT NULL"
_QUEUE_NAME = "SELECT name FROM pqdesk_queue WHERE id = ?"

_getpid = os.getpid


class Engine:
    """The write connection of a store with what goes along with it.

    Attributes:
        db: The write connection; used under `lock` only, best through `writing()`.
        metrics: Counted in memory, written along with a transaction about once a second.
        held: What this process has claimed.
    """

    def __init__(
        self, location: Location, *, clock: Clock, rng: Random, durability: Durability, vfs: str | None
    ) -> None:
        self.location, self.clock, self.rng, self.vfs = location, clock, rng, vfs
        self.path = location.database
        self.is_durable = durability == "full"
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.transaction: object | None = None  # the open one, whose thread holds the lock
        forking.register(self)
        with contextlib.ExitStack() as undo:
            self.db = open_database(location, rng=rng, vfs=vfs)
            undo.callback(let_go, self.db)
            self.file = company.file_of(self.db)
            if self.file is not None:
                self.file.begin(self.db)
            self.flusher = Flusher(location.database, self.file)
            undo.callback(self.flusher.close)
            self.interrupt = PollableEvent()
            undo.pop_all()
        self.bells = Bells(location.run / "bells", location.database.parent)
        self.held = HeldClaims()
        self.metrics = Metrics(clock)
        self.clock_steps = ClockSteps(clock)
        self.is_closing = False
        self.owner_id = 0
        self.write_transaction = WriteTransaction(self.db, self.path)
        self.savepoint = Savepoint(self.db, self.path)
        self._locked, self._outside = Locked(self), Outside(self)
        self._locked_for_caller = Locked(self, is_callers=True)
        self._lasting, self._passing = Writing(self, None, True), Writing(self, None, False)
        self._file = str(location.database)
        self.depth = 0  # of calls that hold the lock
        self.calls: set[int] = set()  # threads in a call that may change something
        self.questions: set[int] = set()  # and in one that only looks
        self.sleepers: list[int] = []  # threads in calls that wait outside the lock
        self.idle = threading.Condition(threading.RLock())  # notified when there are none
        self.own_lock: owners.OwnLock | None = None  # the newest of these
        self.own_locks: list[owners.OwnLock] = []
        self.inspection: tuple[threading.RLock, SqliteInspection] | None = None
        self._inspection_lock = threading.RLock()  # while that is made
        self._asker = 0  # the thread whose question that answers
        with self.lock:
            page_bytes = only_value(self.db, "PRAGMA page_size")
        self.naps = Naps(rng)
        self.db.set_busy_handler(self.naps)
        self.checkpointer = Checkpointer(location, rng, vfs, page_bytes=page_bytes)
        self.db.set_wal_hook(self.checkpointer.note)  # nothing that holds the engine: a forgotten store could never go
        self.finalizer = closing.let_go_at_last(self)

    # --- changing ---------------------------------------------------------------------------------

    def writing(self, tx: object | None = None, *, is_lasting: bool = True) -> Writing:
        """`with engine.writing(tx) as db:` is one write transaction under the lock, committed at the end of the block.

        With the open transaction `tx` it is a savepoint of that, undone when the block raises. Flush afterwards;
        what may be lost, such as a claim, is not `is_lasting`.

        Raises:
            InvalidInput: This thread has a transaction open on the file, and `tx` is not it.
            WorkspaceError: Closed, forked, or the file was replaced.
        """
        if tx is None:
            return self._lasting if is_lasting else self._passing
        return Writing(self, tx, is_lasting)

    def locked(self) -> Locked:
        """`with engine.locked() as db:` has the lock and no transaction. Refused as `writing` is."""
        return self._locked

    def locked_for_caller(self) -> Locked:
        """The same, for what a caller does in it."""
        return self._locked_for_caller

    def take_lock(self, tx: object | None = None) -> apsw.Connection:
        """`locked` without a block; to be followed by `let_go_of_lock`, and raise_ours for what is raised between."""
        if _getpid() != self.pid:
            self.check_process()
        if not self.lock.acquire(False):
            self.wait_for_lock()
        self.depth += 1
        file = self.file
        if (  # where `check` has something to say; most of the time it has not
            self.is_closing or tx is not self.transaction or in_transaction or self.flusher.failure is not None
            or (file is not None and file.may_have_news is not None)
        ):  # fmt: skip
            try:
                self.check(tx)
            except BaseException:
                self.let_go_of_lock()
                raise
        return self.db

    def let_go_of_lock(self) -> None:
        self.depth -= 1
        try:
            self.lock.release()
        except RuntimeError:  # `recover` has let go of it already
            self.depth = 0

    def fail_damaged(self, exc: Exception, tx: object | None = None) -> bool:
        """Whether `exc` came of damaged messages among those that are come to next; they are failed by then."""
        from pqdesk.storage.sqlite import damage, mending  # hardly ever needed

        if not damage.is_stumble(exc):
            return False
        with self.writing(tx) as db:
            return mending.fail_heads(db, self.clock.wall_us()) > 0

    def wait_for_lock(self) -> None:
        """Take the lock, which another thread has: as long as another program's would be waited for. Raises Busy."""
        refuse_awaited(self._file)
        if not self.lock.acquire(timeout=BUSY_DEADLINE_S):
            reason = "has a transaction open on" if self.transaction is not None else "is busy with"
            text = f"another thread {reason} queue file {self._file!r} for over {BUSY_DEADLINE_S:.0f} s"
            raise Busy(f"{text}; nothing changed, try again")

    def follow_clock(self) -> None:
        """Notice that the wall clock was set, if it was: what is due after a time may be due now."""
        if self.clock_steps.is_known():
            return
        was_known = self.clock_steps.ahead_ms is not None
        with self.writing() as db:
            waiting = [name for (name,) in all_rows(db, _WAITING)] if was_known else []
        self.ring(waiting)

    def flush(self) -> None:
        """Return when what was committed is on disk, where this store promises that."""
        if self.is_durable:
            self.flusher.flush()

    def ring(self, queues: Iterable[str]) -> None:
        """Wake one who waits for each of these queues, in which something was committed."""
        settled_ns = self.flusher.settled_ns
        for queue in queues:
            self.bells.ring(queue, settled_ns)

    def queue_name(self, queue_id: int) -> str:
        with self.lock, Translating(self.path, self.db):
            row = first_row(self.db, _QUEUE_NAME, (queue_id,))
        assert row is not None, queue_id
        return str(row[0])

    def check_usable(self) -> None:
        """Refuse what is closed."""
        if self.is_closing:
            raise WorkspaceError(f"this queue of {self._file!r} is closed", path=self.path, needs_restart=True)

    def check(self, tx: object | None = None, *, is_outside: bool = False) -> None:
        """Refuse what is closed, failed, or inside this thread's own transaction without saying so."""
        self.check_usable()
        if tx is not self.transaction or in_transaction:
            self._check_transaction(tx)
            if tx is None and not is_outside:
                refuse_awaited(self._file)
        self.flusher.raise_if_poisoned()
        self.check_company()

    def check_company(self) -> None:
        """Refuse a file that somebody else in this process has, or had, open. With the lock held."""
        if self.file is not None:
            self.file.hear()

    def check_process(self) -> None:
        """Before the lock is taken: a fork's copy of it may be held for ever."""
        if os.getpid() != self.pid:
            text = f"queue file {self._file!r} was opened before a fork; open it in the child"
            raise WorkspaceError(text, path=self.path)

    def recover(self) -> None:
        """An exception leaves a call of this thread, raised at whatever instant: let go of what that may have held."""
        if not self.is_own_process:
            return
        try:
            self._let_go_of_call()
        finally:  # raised in there once more
            if self.transaction is None:
                _release(self.lock)

    def _let_go_of_call(self) -> None:
        # Where another thread has the lock by now, its transaction begins with rolling back what is open.
        if self.lock.acquire(blocking=False):
            if self.transaction is not None:  # this thread's own goes on
                self.lock.release()
            else:
                if self.finalizer.alive and not self.db.get_autocommit():  # else it is closed
                    roll_back(self.db)
                self.depth = 0
                _release(self.lock)
        thread = threading.get_ident()
        self._asker = 0 if self._asker == thread else self._asker
        looking = () if self.inspection is None else (self.inspection[0],)
        for lock in (self.flusher.lock, self.bells.lock, self._inspection_lock, *looking):
            _release(lock)
        company.recover()
        forking.recover()
        if thread in self.sleepers:
            with self.idle:
                self.sleepers.remove(thread)
                self.idle.notify_all()

    def abandon_transaction(self) -> None:
        """An exception leaves the beginning or the end of this thread's transaction, raised at whatever instant."""
        if not self.is_own_process:
            return
        try:
            if self.lock.acquire(blocking=False):  # else it is another thread's by now
                self.transaction = None
            self.recover()
        finally:
            in_transaction.discard((self.pid, threading.get_ident(), self._file))
            if self.lock._is_owned():  # type: ignore[attr-defined]  # raised in there once more
                self.transaction = None
                self.recover()

    # --- looking ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def inspecting(self) -> Iterator[SqliteInspection]:
        """The store's own connection for looking, for one question at a time."""
        with self.outside(), forking.UsingSqlite():
            if self.inspection is None:
                with self._inspection_lock:
                    if self.inspection is None:
                        from pqdesk.storage.sqlite.inspection import SqliteInspection

                        inspection = SqliteInspection(self.location, self.clock, self.rng, vfs=self.vfs)
                        self.inspection = (threading.RLock(), inspection)
            lock, inspection = self.inspection
            if self._asker == threading.get_ident():
                text = f"{self._file!r} answers another question of this thread; a signal handler should set a flag"
                raise WorkspaceError(text, path=self.path)
            with lock:
                try:
                    self._asker = threading.get_ident()
                    yield inspection
                finally:
                    self._asker = 0

    # --- living -----------------------------------------------------------------------------------

    def outside(self) -> Outside:
        """`with engine.outside():` is for a call that goes on outside the lock: `end` waits for it."""
        return self._outside

    def own(self) -> int:
        """This store's row among the owners, made with its lock at the first claim. With the lock held."""
        if not self.owner_id:
            lock = self.own_lock = owners.OwnLock(self.owners_folder)
            self.own_locks.append(lock)
            name = os.environ.get("SUPERVISOR_PROCESS_NAME") or f"pid {self.pid}"
            with self.writing() as db:
                self.owner_id = owners.add_owner(
                    db, lock.token, pid=self.pid, boot=self.clock.boot_id(), name=name, now_us=self.clock.wall_us()
                )
        return self.owner_id

    def renew(self) -> None:
        """Be somebody new where another process took this one for dead, with what is still in hand.

        That happens when its lock file was removed, or opened and closed in this process, which drops the lock
        (fcntl(2)). With the lock held.
        """
        with Translating(self.path):
            if not self.owner_id or not owners.has_ended(self.db, self.owner_id):
                return
        before_id, self.owner_id = self.owner_id, 0
        own_id = self.own()
        with self.writing() as db:
            owners.take_over(db, before_id, own_id)
        for lock in self.own_locks[:-1]:
            lock.release()
        del self.own_locks[:-1]
        self.own_locks[0].tell_begun(self.held.begun_receipts())

    def mark_ordered_end(self) -> None:
        """Should this process be killed from now on, it was on purpose. Waits for nothing."""
        for lock in list(self.own_locks):
            mark_ordered(lock.path)

    @property
    def owners_folder(self) -> Path:
        return self.location.run / "owners"

    def write_metrics(self, *, is_forced: bool = False) -> None:
        """Write what was counted, if it is time or `is_forced`: for who writes nothing else. With the lock held."""
        if self.metrics.is_due or (is_forced and self.metrics):
            with WriteTransaction(self.db, self.path):
                self.metrics.write(self.db)

    @property
    def is_own_process(self) -> bool:
        return os.getpid() == self.pid

    def open_transaction(self, transaction: object) -> None:
        """`transaction` is open from now on, in the thread that holds the lock."""
        self.transaction = transaction
        in_transaction.add((self.pid, threading.get_ident(), self._file))

    def close_transaction(self) -> None:
        self.transaction = None
        in_transaction.discard((self.pid, threading.get_ident(), self._file))

    def _check_transaction(self, tx: object | None) -> None:
        if tx is None and is_in_transaction(self._file):
            raise InvalidInput("this thread has a transaction open on the file: give it as tx=, or call after its end")
        if tx is not None and tx is not self.transaction:
            raise InvalidInput("tx is not the open transaction of this thread; use it inside its `with` block")


def _release(lock: threading.RLock) -> None:
    while lock._is_owned():  # type: ignore[attr-defined]
        lock.release()
