"""How a store ends: closed, collected when nobody uses it any more, or with its process."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import apsw

from pqdesk.errors import Busy, InvalidInput, PQDeskError, WorkspaceError
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.sqlite import company, owners, settlements
from pqdesk.storage.sqlite.connection import WriteTransaction, let_go
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.open_transactions import in_transaction, is_in_transaction, refuse_awaited
from pqdesk.storage.values import Settlement

if TYPE_CHECKING:
    from pqdesk.storage.sqlite.engine import Engine
    from pqdesk.storage.sqlite.held import HeldClaims

_LAST_S = 0.25
_RELEASED = Settlement(AttemptOutcome.RELEASED)
_abandoned: list[apsw.Connection] = []  # inherited by a fork: closing them would touch the parent's files


def close(engine: Engine, end_background: Callable[[], None]) -> None:
    """See the contract. Waits for the calls of other threads; in a `__del__`, for nobody.

    Raises:
        WorkspaceError: Called by a signal handler inside another call of this thread, for which it would wait
            for ever; a signal handler has `interrupt_waits`.
    """
    if not engine.is_own_process:  # a fork's copy: its lock and thread are the parent's
        engine.finalizer()
        return
    if sys.is_finalizing():
        _close_at_exit(engine)
        return
    if not engine.finalizer.alive:  # closed, or collected along with whoever closes it
        return
    try:
        if not _begin(engine):
            return
    except PQDeskError:
        if not _is_in_del():
            raise
        # Garbage is collected anywhere, in the middle of a call, too: when that has ended, there is somebody left.
        threading.Thread(target=close, args=(engine, end_background), name="pqdesk-closing", daemon=True).start()
        return
    end_background()
    with engine.lock:
        with contextlib.suppress(WorkspaceError, Busy):
            _give_back(engine)
        _end(engine)


def _close_at_exit(engine: Engine) -> None:
    """Give back what is in hand when the interpreter ends, where that can be: no other thread runs any more.

    One of them may have had the lock; then the end of the process is the notice. Raises nothing.
    """
    if engine.is_closing or not engine.lock.acquire(blocking=False):
        return
    with contextlib.suppress(Exception):
        if engine.db.get_autocommit():
            _give_back(engine)
            _end(engine)


def _begin(engine: Engine) -> bool:
    """Refuse new calls and wait for those of other threads; False when it was closed before."""
    file = str(engine.path)
    refuse_awaited(file)
    if is_in_transaction(file):  # giving back what is in hand would wait for ever for that
        raise InvalidInput("this thread has a transaction open on the file: close the queue after its end")
    if threading.get_ident() in engine.sleepers or _is_inside_a_call(engine):
        text = f"cannot close {file!r} inside another call; a signal handler interrupts waits"
        raise WorkspaceError(text, path=engine.path)
    with engine.lock:
        if engine.is_closing:
            return False
        engine.is_closing = True
        engine.interrupt.set()
    with engine.idle:
        engine.idle.wait_for(lambda: not engine.sleepers)
    return True


def _is_inside_a_call(engine: Engine) -> bool:
    """Whether this thread is in the middle of a call that holds the lock."""
    if not engine.lock.acquire(blocking=False):
        return False
    try:
        return engine.depth > 0
    finally:
        engine.lock.release()


def _give_back(engine: Engine) -> None:
    """Release what is in hand, and end this owner: with nothing in hand its going is no death."""
    engine.check_company()
    now_us = engine.clock.wall_us()
    held: list[tuple[int, int, int]] | None = None if engine.owner_id else []
    while held is None or held:
        with WriteTransaction(engine.db, engine.path):
            held = settlements.messages_of_owner(engine.db, engine.owner_id)
            for message_id, receipt, _ in held:
                settlements.settle(engine.db, message_id, receipt, _RELEASED, now_us=now_us, rng=engine.rng)
            if not held:
                owners.end_owner(engine.db, engine.owner_id, now_us)
    engine.flusher.committed()
    engine.ring(engine.held.empty())


def _end(engine: Engine) -> None:
    """Let everything go; nothing is in hand any more."""
    with engine.lock:
        with contextlib.suppress(WorkspaceError, Busy):
            engine.check_company()
            engine.write_metrics(is_forced=True)
            engine.flush()
        engine.checkpointer.close()
        if engine.inspection is not None:
            engine.inspection[1].close()
        engine.finalizer()


def let_go_at_last(engine: Engine) -> weakref.finalize[Any, Any]:
    """What is called at the end of a store, or where it is forgotten; it holds nothing that holds the engine."""
    finalizer = weakref.finalize(
        engine, _drop, engine.db,
        [engine.flusher.close, engine.bells.close, engine.interrupt.close], engine.own_locks, engine.held, engine.pid,
    )  # fmt: skip
    finalizer.atexit = False  # with the process its lock goes, and that is the notice
    # Made after the other, so that it comes first where both come; at the end of the process it comes alone.
    last = weakref.finalize(engine, _count_last, engine.db, engine.lock, engine.metrics, engine.path, engine.pid)
    if (processes := sys.modules.get("multiprocessing.util")) is not None:  # whose children end without atexit
        processes.Finalize(engine, last, exitpriority=0)
    return finalizer


def _count_last(db: apsw.Connection, lock: threading.RLock, metrics: Metrics, path: Path, pid: int) -> None:
    """Write what a store had counted that was forgotten, or not closed when its process ends; nobody waits for it."""
    if os.getpid() != pid or not metrics or not lock.acquire(timeout=_LAST_S):
        return
    with contextlib.suppress(PQDeskError, apsw.Error):
        if (file := company.file_of(db)) is not None:
            file.hear()
        if db.get_autocommit() and (pid, threading.get_ident(), str(path)) not in in_transaction:
            db.set_busy_timeout(round(_LAST_S * 1000))
            with WriteTransaction(db, path):
                metrics.write(db)
    lock.release()


def _drop(
    db: apsw.Connection,
    closers: list[Callable[[], None]],
    own_locks: list[owners.OwnLock],
    held: HeldClaims,
    pid: int,
) -> None:
    """What is left of a store that was closed or forgotten."""
    if os.getpid() != pid:
        _abandoned.append(db)
        return
    if not held:  # else the lock stays until the process ends, and so do the leases until their deadline
        for lock in own_locks:
            lock.release()
    let_go(db)
    for close_one in closers:
        close_one()


def _is_in_del() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None
