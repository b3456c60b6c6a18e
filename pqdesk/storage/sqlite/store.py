"""The engine behind `storage.contract.Store`: one connection under one lock, flushes outside it.

A store belongs to the process that opened it: after a fork the child gets an error, since an inherited connection
loses commits silently (sqlite.org/howtocorrupt.html). Threads share it; each call is one transaction under the
lock, and the flush comes after the lock is free, so flushes of several threads overlap.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from pqdesk.clock import Clock
from pqdesk.errors import Busy, LeaseLost, WorkspaceError
from pqdesk.messages.records import (
    Counts,
    Durability,
    MessageDetail,
    MessageRecord,
    Outcome,
    QueueConfiguration,
    QueueRecord,
)
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.contract import (
    NO_DEFAULTS,
    Claim,
    EncodedPayload,
    HandlerDefaults,
    Look,
    NewMessage,
    PageRequest,
    Settlement,
)
from pqdesk.storage.sqlite import claims, owners, queue_rows, settlements
from pqdesk.storage.sqlite.actions import ACTIONS, BATCH, DEFAULT_STATES, Acting
from pqdesk.storage.sqlite.checkpoints import Checkpointer
from pqdesk.storage.sqlite.chores import Chores
from pqdesk.storage.sqlite.connection import Translating, WriteTransaction, first_row, only_value
from pqdesk.storage.sqlite.durability import Durability as Flusher
from pqdesk.storage.sqlite.files import Location
from pqdesk.storage.sqlite.hand import Hand
from pqdesk.storage.sqlite.inspection import SqliteInspection
from pqdesk.storage.sqlite.keeper import LONGEST_PAUSE_S, Keeper
from pqdesk.storage.sqlite.listing import select_ids
from pqdesk.storage.sqlite.migrations import open_database
from pqdesk.storage.sqlite.puts import Putting
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.space import SpaceReserve
from pqdesk.storage.sqlite.waiting import Alarm, Bells

_SHORT_LEASE_US = 3_000_000
_LARGE_PAYLOAD = "SELECT payload FROM pqdesk_payload WHERE id = ?"
_PAUSE = "UPDATE pqdesk_queue SET is_paused = ? WHERE id = ?"
_HIGHEST_ID = "SELECT coalesce(max(id), 0) FROM pqdesk_message"

_abandoned: list[apsw.Connection] = []  # inherited by a fork: closing them would touch the parent's files


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _counted(
    method: Callable[Concatenate[SqliteStore, _P], _R],
) -> Callable[Concatenate[SqliteStore, _P], _R]:
    """A call from outside: refused when closed or forked, and waited for by close."""

    @functools.wraps(method)
    def call(self: SqliteStore, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        caller = threading.get_ident()
        self._check_process()  # before the lock: a fork's copy of it may be held for ever
        self._callers.append(caller)  # before the lock too: a signal may come while it is taken
        try:
            self._refuse_closed()
            return method(self, *args, **kwargs)
        finally:
            self._leave(caller)

    return call


class SqliteStore:
    """See `storage.contract.Store`. Open with `storage.open_store`."""

    def __init__(
        self, location: Location, *, clock: Clock, rng: Random, durability: Durability = "full", vfs: str | None = None
    ) -> None:
        self._location, self._clock, self._rng, self._vfs = location, clock, rng, vfs
        self._is_durable = durability == "full"
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._callers: list[int] = []  # threads in calls from outside
        self._is_closing = False
        self._db = open_database(location, rng=rng, vfs=vfs)
        self._flusher = Flusher(location.database)
        self._bells = Bells(location.run / "bells")
        self._alarm = Alarm()
        self._space = SpaceReserve(location.database, clock)
        self._own_locks: list[owners.OwnLock] = []
        self._owner_id = 0
        self._hand = Hand()
        self._chores = Chores(
            self._db, location.database, self._owners_folder, clock=clock, rng=rng, hand=self._hand, bells=self._bells
        )
        self._keeper: Keeper | None = None
        self._looking: tuple[threading.Lock, SqliteInspection] | None = None
        self._checkpointer = Checkpointer(location, rng, vfs)
        self._db.set_wal_hook(_wal_hook(self._checkpointer))
        self._finalizer = weakref.finalize(
            self, _drop, self._db, self._flusher, self._bells, self._alarm, self._own_locks, self._hand, self._pid
        )
        self._finalizer.atexit = False  # with the process its lock goes, and that is the notice

    # --- putting ----------------------------------------------------------------------------------

    @_counted
    def put(self, messages: Sequence[NewMessage]) -> list[int]:
        self._space.check(sum(len(message.payload.data) for message in messages))
        with self._writing():
            putting = Putting(self._db, self._clock.wall_us())
            ids = putting.add_all(messages)
            queues = putting.finish()
        self._ring(queues)  # before the flush: the sleeper wakes while the disk works
        self._flush()
        return ids

    @_counted
    def put_unmarked(self, marked: Sequence[tuple[str, NewMessage]]) -> int:
        self._space.check(sum(len(message.payload.data) for _, message in marked))
        with self._writing():
            putting = Putting(self._db, self._clock.wall_us())
            count = putting.add_unmarked(marked)
            queues = putting.finish()
        self._ring(queues)
        self._flush()
        return count

    # --- taking -----------------------------------------------------------------------------------

    @_counted
    def claim(
        self,
        queue: str,
        *,
        limit: int,
        lease_us: int | None,
        is_detached: bool,
        defaults: HandlerDefaults = NO_DEFAULTS,
    ) -> Look:
        with self._lock:
            gate = self._read_gate(queue)
            if self._keeper is None or (gate is not None and gate.running and gate.claimable <= 0):
                self._chores.reap()  # at the first claim, and whenever nothing else is to be had
                gate = self._read_gate(queue)
            if gate is None or gate.is_paused:
                return Look((), is_paused=gate is not None)
            if gate.claimable <= 0 and (gate.wake_us is None or gate.wake_us > self._clock.wall_us()):
                return Look((), wake_us=gate.wake_us)
            own = 0 if is_detached else self._own()
            with self._writing():
                look = claims.claim(self._db, queue, limit, self._terms(own, lease_us, defaults), self._rng)
            return self._take_in_hand(look, is_detached=is_detached)

    @_counted
    def wait(self, queue: str, *, until_us: int | None, timeout_s: float | None) -> bool:
        self._keep()
        seconds = LONGEST_PAUSE_S if timeout_s is None else timeout_s
        if until_us is not None:
            seconds = min(seconds, max(0.0, (until_us - self._clock.wall_us()) / 1e6) + 0.001)
        return self._bells.wait(queue, seconds, self._alarm)

    @_counted
    def silence(self, queue: str) -> None:
        self._bells.silence(queue)

    def sleep(self, seconds: float) -> None:
        self._alarm.wait(seconds)

    def interrupt_waits(self) -> None:
        self._alarm.set()

    @property
    def is_interrupted(self) -> bool:
        return self._alarm.is_set

    # --- settling ---------------------------------------------------------------------------------

    @_counted
    def settle(
        self,
        claim: Claim,
        settlement: Settlement,
        *,
        put: Sequence[NewMessage] = (),
        claim_next: bool = False,
        defaults: HandlerDefaults = NO_DEFAULTS,
    ) -> Look | None:
        look = None
        with self._letting_go(claim), self._writing():
            now_us = self._clock.wall_us()
            if settlement.outcome == AttemptOutcome.COMPLETED:
                change = QueueChange(claim.queue_id)
                settlements.ack(
                    self._db, change, claim.id, claim.receipt, settlement.result, group=claim.group, now_us=now_us
                )
                change.write(self._db)
            else:
                settlements.settle(
                    self._db, claim.id, claim.receipt, settlement, now_us=now_us, rng=self._rng, defaults=defaults
                )
            putting = Putting(self._db, now_us)
            putting.add_all(put)
            queues = putting.finish()
            if claim_next:
                look = claims.claim(self._db, claim.queue, 1, self._terms(self._owner_id, None, defaults), self._rng)
        is_back = settlement.outcome != AttemptOutcome.COMPLETED or claim.group is not None
        self._ring([*queues, claim.queue] if is_back else queues)
        self._flush()
        return None if look is None else self._take_in_hand(look, is_detached=False)

    @_counted
    def settle_receipt(self, message_id: int, receipt: int, settlement: Settlement) -> None:
        with self._writing():
            queue_id = settlements.settle(
                self._db, message_id, receipt, settlement, now_us=self._clock.wall_us(), rng=self._rng
            )
        with self._lock:
            self._hand.drop(receipt)
        self._ring_id(queue_id)
        self._flush()

    @_counted
    def keep_extending(self, claim: Claim) -> None:
        with self._lock:
            self._hand.keep_extending(claim)
        keeper = self._keep()
        if claim.lease_us < _SHORT_LEASE_US:
            keeper.poke()

    @_counted
    def stop_extending(self, claim: Claim) -> None:
        with self._lock:
            self._hand.stop_extending(claim.receipt)

    @_counted
    def extend(self, claim: Claim, lease_us: int) -> int:
        ends_ms = self._clock.awake_ms() + max(1, lease_us // 1000)
        with self._writing():
            if settlements.extend(self._db, [(claim.id, claim.receipt, ends_ms)]):
                raise settlements.lost(claim.id)
        with self._lock:
            self._hand.extended_until(claim.receipt, ends_ms)
        return ends_ms

    @_counted
    def report_progress(self, claim: Claim, fraction: float, note: str) -> None:
        with self._writing():
            settlements.report_progress(self._db, claim.id, claim.receipt, fraction, note)

    @_counted
    def is_cancel_requested(self, claim: Claim) -> bool:
        with self._inspecting() as inspection:
            return inspection.is_cancel_requested(claim.id, claim.receipt)

    def lease_remaining_ms(self, claim: Claim) -> int:
        return max(0, self._hand.ends_ms(claim) - self._clock.awake_ms())

    # --- operating --------------------------------------------------------------------------------

    @_counted
    def pause(self, queue: str, is_paused: bool) -> None:
        with self._writing():
            self._db.execute(_PAUSE, (int(is_paused), queue_rows.add_queue(self._db, queue)))
        self._ring([queue])
        self._flush()

    @_counted
    def configure(self, queue: str, values: dict[str, Any]) -> None:
        columns = queue_rows.checked_configuration(values)
        with self._writing():
            queue_rows.write_configuration(self._db, queue_rows.add_queue(self._db, queue), columns)
        self._flush()

    @_counted
    def configuration(self, queue: str) -> QueueConfiguration:
        with self._inspecting() as inspection:
            return inspection.configuration(queue)

    @_counted
    def act(self, action: str, selection: Selection, *, is_dry_run: bool = False) -> Outcome:
        assert action in ACTIONS, action
        done, skipped, errors = 0, 0, []
        with self._lock:
            while self._chores.promote_overdue():  # what is due is ready, whoever says so first
                pass
        for ids in self._batches(action, selection):
            with self._writing(keeps=not is_dry_run):
                only_queue = None if selection.queue is None else self._id_of(selection.queue)
                acting = Acting(self._db, self._clock.wall_us(), only_queue)
                one_done, one_skipped, one_errors = acting.apply(action, ids)
                queue_ids = acting.queue_ids()
            done, skipped = done + one_done, skipped + one_skipped
            errors.extend(one_errors)
            if not is_dry_run:
                for queue_id in queue_ids:
                    self._ring_id(queue_id)
                self._flush()
        return Outcome(done, skipped, tuple(errors))

    # --- looking ----------------------------------------------------------------------------------

    @_counted
    def counts(self, queue: str | None = None) -> Counts:
        with self._inspecting() as inspection:
            return inspection.counts(queue)

    @_counted
    def queues(self) -> tuple[QueueRecord, ...]:
        with self._inspecting() as inspection:
            return inspection.queues()

    @_counted
    def page(self, request: PageRequest) -> tuple[MessageRecord, ...]:
        with self._inspecting() as inspection:
            return inspection.page(request)

    @_counted
    def message(self, message_id: int) -> MessageDetail:
        with self._inspecting() as inspection:
            return inspection.message(message_id)

    # --- living -----------------------------------------------------------------------------------

    def close(self) -> None:
        """See the contract. Waits for the calls of other threads.

        Raises:
            WorkspaceError: Called by a signal handler inside another call of this thread, for which it would wait
                for ever; a signal handler has `interrupt_waits`.
        """
        if os.getpid() != self._pid:  # a fork's copy: its lock, thread and alarm are the parent's
            self._finalizer()
            return
        if threading.get_ident() in self._callers:
            text = (
                f"cannot close {str(self._location.database)!r} inside another call; a signal handler interrupts waits"
            )
            raise WorkspaceError(text, path=self._location.database)
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
            self._alarm.set()
            self._idle.wait_for(lambda: not self._callers)
        if self._keeper is not None:
            self._keeper.end()
        with self._lock:
            with contextlib.suppress(WorkspaceError, Busy):
                self._give_back()
            self._checkpointer.close()
            if self._looking is not None:
                self._looking[1].close()
            self._finalizer()

    def tend(self) -> float:
        """What the keeper does; returns seconds until the next time."""
        with self._lock:
            pause_s = self._chores.do_all()
        if self._checkpointer.is_due:
            self._checkpointer.run()
        return pause_s

    @property
    def _owners_folder(self) -> Path:
        return self._location.run / "owners"

    def _refuse_closed(self) -> None:
        with self._lock:
            if self._is_closing:
                text = f"this queue of {str(self._location.database)!r} is closed"
                raise WorkspaceError(text, path=self._location.database)
            self._flusher.raise_if_poisoned()

    def _leave(self, caller: int) -> None:
        with self._lock:
            self._callers.remove(caller)
            if not self._callers:
                self._idle.notify_all()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            text = f"queue file {str(self._location.database)!r} was opened before a fork; open it in the child"
            raise WorkspaceError(text, path=self._location.database)

    @contextlib.contextmanager
    def _letting_go(self, claim: Claim) -> Iterator[None]:
        """The claim is in hand no more when the block succeeds, or finds that the lease was lost before."""
        try:
            yield
        except LeaseLost:
            with self._lock:
                self._hand.drop(claim.receipt)
            raise
        with self._lock:
            self._hand.drop(claim.receipt)

    @contextlib.contextmanager
    def _writing(self, *, keeps: bool = True) -> Iterator[None]:
        """One write transaction under the lock; with `keeps=False` it is rolled back at its end."""
        with self._lock:
            with contextlib.suppress(_RolledBack), WriteTransaction(self._db, self._location.database):
                yield
                if not keeps:
                    raise _RolledBack
            self._flusher.check_identity()

    @contextlib.contextmanager
    def _inspecting(self) -> Iterator[SqliteInspection]:
        with self._lock:
            if self._looking is None:
                inspection = SqliteInspection(self._location, self._clock, self._rng, vfs=self._vfs)
                self._looking = (threading.Lock(), inspection)
        lock, inspection = self._looking
        with lock:
            yield inspection

    def _flush(self) -> None:
        if self._is_durable:
            self._flusher.flush()
        if self._checkpointer.is_due:
            self._keep().poke()

    def _read_gate(self, queue: str) -> claims.Gate | None:
        with Translating(self._location.database):
            return claims.read_gate(self._db, queue)

    def _terms(self, owner_id: int, lease_us: int | None, defaults: HandlerDefaults) -> claims.ClaimTerms:
        """Called inside the transaction, so that the clocks are read after the wait for the lock."""
        now_us = self._clock.wall_us()
        own = owner_id or owners.detached_owner(self._db, self._clock.boot_id(), now_us)
        return claims.ClaimTerms(own, lease_us, defaults, now_us, self._clock.awake_ms())

    def _own(self) -> int:
        """This store's row among the owners, made with its lock at the first claim."""
        if not self._owner_id:
            lock = owners.OwnLock(self._owners_folder)
            self._own_locks.append(lock)
            name = os.environ.get("SUPERVISOR_PROCESS_NAME") or f"pid {self._pid}"
            with self._writing():
                self._owner_id = owners.add_owner(
                    self._db,
                    lock.token,
                    pid=self._pid,
                    boot=self._clock.boot_id(),
                    name=name,
                    now_us=self._clock.wall_us(),
                )
            self._keep()
        return self._owner_id

    def _id_of(self, queue: str) -> int:
        """Its id; 0, which no queue has, when it does not exist."""
        return queue_rows.find_queue(self._db, queue) or 0

    def _take_in_hand(self, look: Look, *, is_detached: bool) -> Look:
        taken = tuple(self._with_payload(claim) for claim in look.claims)
        if not is_detached:
            with self._lock:
                self._hand.take(taken)
        if look.more and taken:
            self._ring([taken[0].queue])  # this wake-up was for one message; another sleeper takes the next
        return Look(taken, look.wake_us, look.more, look.is_paused)

    def _with_payload(self, claim: Claim) -> Claim:
        if claim.payload is not None:
            return claim
        with self._lock, Translating(self._location.database):
            row = first_row(self._db, _LARGE_PAYLOAD, (claim.id,))
        data = b"" if row is None else row[0]
        fields = {name: getattr(claim, name) for name in claim.__slots__}
        return Claim(**{**fields, "payload": EncodedPayload(claim.payload_kind, data)})

    def _give_back(self) -> None:
        """Release what is in hand, and end this owner: with nothing in hand its going is no death."""
        settlement = Settlement(AttemptOutcome.RELEASED)
        now_us = self._clock.wall_us()
        held: list[tuple[int, int]] | None = None if self._owner_id else []
        while held is None or held:
            with WriteTransaction(self._db, self._location.database):
                held = settlements.messages_of_owner(self._db, self._owner_id)
                for message_id, receipt in held:
                    settlements.settle(self._db, message_id, receipt, settlement, now_us=now_us, rng=self._rng)
                if not held:
                    owners.end_owner(self._db, self._owner_id, now_us)
        self._ring(self._hand.empty())

    def _keep(self) -> Keeper:
        with self._lock:
            if self._keeper is None:
                self._keeper = Keeper(self, self._owners_folder)
            return self._keeper

    def _batches(self, action: str, selection: Selection) -> Iterator[list[int]]:
        if selection.ids is not None:
            ids = list(dict.fromkeys(selection.ids))
            yield from (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
            return
        fields = {name: getattr(selection, name) for name in selection.__slots__}
        fields["is_trashed"] = action == "restore"
        wanted = Selection(**{**fields, "states": selection.states or DEFAULT_STATES[action]})
        with self._lock, Translating(self._location.database):
            below = only_value(self._db, _HIGHEST_ID) + 1  # what comes after this moment is not meant
        while True:
            with self._lock, Translating(self._location.database):
                ids = select_ids(self._db, wanted, now_us=self._clock.wall_us(), below=below, limit=BATCH)
            if not ids:
                return
            below = ids[-1]
            yield ids

    def _ring(self, queues: Sequence[str] | set[str]) -> None:
        for queue in queues:
            self._bells.ring(queue)

    def _ring_id(self, queue_id: int) -> None:
        with self._lock:
            self._chores.ring(queue_id)


class _RolledBack(Exception):
    pass


# What the connection calls back must not hold the store: else a forgotten store would never go.


def _wal_hook(checkpointer: Checkpointer) -> Callable[[apsw.Connection, str, int], int]:
    def note(_db: apsw.Connection, _name: str, pages: int) -> int:
        checkpointer.note(pages)
        return apsw.SQLITE_OK

    return note


def _drop(
    db: apsw.Connection,
    flusher: Flusher,
    bells: Bells,
    alarm: Alarm,
    own_locks: list[owners.OwnLock],
    hand: Hand,
    pid: int,
) -> None:
    """What is left of a store that was closed or forgotten."""
    if os.getpid() != pid:
        _abandoned.append(db)
        return
    if not hand:  # else the lock stays until the process ends, and so do the leases until their deadline
        for lock in own_locks:
            lock.release()
    db.close()
    flusher.close()
    bells.close()
    alarm.close()
