"""A fork waits for what other threads are doing with SQLite, so that the child inherits no half of it.

A child has copies of all locks in memory as they were in that moment, those inside SQLite too, and no thread that would
free them; and of a connection that was in use it can neither use nor close anything. A transaction that somebody has
open is not waited for: it may last, and the child is told (company.py).
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Protocol

from pqdesk.clock import awake_ns

_LONGEST_S = 10.0  # what takes longer, such as a backup, the child finds as it is
_ONE_S = 0.05  # threads may hold one lock and wait for another, so none is waited for for long
_PAUSE_S = 0.001


class Locking(Protocol):
    """An engine, as far as a fork waits for it."""

    lock: threading.RLock
    transaction: object | None


_engines: list[weakref.ref[Locking]] = []
_gate = threading.RLock()
_using: set[int] = set()  # threads that use SQLite without an engine's lock
_held: list[threading.RLock] = []


def register(engine: Locking) -> None:
    """Its calls are waited for from now on."""
    _engines.append(weakref.ref(engine, _engines.remove))


class UsingSqlite:
    """`with UsingSqlite():` what is done in the block without an engine's lock is waited for."""

    def __enter__(self) -> None:
        with _gate:
            _using.add(threading.get_ident())

    def __exit__(self, *exc: object) -> None:
        _using.discard(threading.get_ident())


def recover() -> None:
    """This thread is in no call any more, whatever was raised in it."""
    _using.discard(threading.get_ident())
    while _gate._is_owned():  # type: ignore[attr-defined]
        _gate.release()


def _hold() -> None:
    ends_ns = awake_ns() + int(_LONGEST_S * 1e9)
    while not _hold_all() and awake_ns() < ends_ns:
        time.sleep(_PAUSE_S)


def _hold_all() -> bool:
    """Have every lock at once, or none."""
    living = [engine for one in list(_engines) if (engine := one()) is not None]
    for lock in (_gate, *(engine.lock for engine in living if engine.transaction is None)):
        if not lock.acquire(timeout=_ONE_S):
            break
        _held.append(lock)
    else:
        if not _using:
            return True
    _let_go()
    return False


def _let_go() -> None:
    while _held:
        _held.pop().release()


def _let_go_in_child() -> None:
    _using.clear()  # those threads are not here
    _let_go()


os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go_in_child)
