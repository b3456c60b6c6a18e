"""`with` blocks over an engine: its lock, and a transaction of its own or a part of an open one.

Every put, get and ack comes through here, so these are classes with all in one place, made once for an engine.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import apsw

from pqdesk.storage.sqlite.connection import Translating, raise_ours, translated

if TYPE_CHECKING:
    from pqdesk.storage.sqlite.engine import Engine


class Locked:
    """See Engine.locked. One object serves all blocks.

    `is_callers`: what is raised in it is the caller's, and no sign of damage.
    """

    __slots__ = ("_engine", "_is_callers")

    def __init__(self, engine: Engine, *, is_callers: bool = False) -> None:
        self._engine, self._is_callers = engine, is_callers

    def __enter__(self) -> apsw.Connection:
        return self._engine.take_lock()

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        engine = self._engine
        try:
            if exc is not None and not self._is_callers:
                raise_ours(exc, engine.path, engine.db)
        finally:
            engine.let_go_of_lock()


class Outside:
    """See Engine.outside. One object serves all blocks. Waits for nobody's transaction."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        engine = self._engine
        engine.check_process()
        try:
            engine.sleepers.append(threading.get_ident())  # before the check: who closes sees the one or the other
            engine.check(is_outside=True)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exc: object) -> None:
        engine = self._engine
        with engine.idle:
            if (thread := threading.get_ident()) in engine.sleepers:
                engine.sleepers.remove(thread)
            if not engine.sleepers:
                engine.idle.notify_all()


class Writing:
    """See Engine.writing. Keeps nothing about the block, so one object serves all blocks of its kind."""

    __slots__ = ("_engine", "_is_lasting", "_tx")

    def __init__(self, engine: Engine, tx: object | None, is_lasting: bool) -> None:
        self._engine = engine
        self._tx = tx
        self._is_lasting = is_lasting

    def __enter__(self) -> apsw.Connection:
        engine = self._engine
        engine.take_lock(self._tx)
        try:
            if self._tx is None:
                engine.write_transaction.__enter__()
            else:
                engine.savepoint.__enter__()
        except BaseException:
            engine.let_go_of_lock()
            raise
        if self._is_lasting and not engine.clock_steps.is_known():  # a claim reckons no length of time
            try:
                engine.clock_steps.follow(engine.db)
            except BaseException as exc:
                self.__exit__(type(exc), exc, exc.__traceback__)
                raise
        return engine.db

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        engine = self._engine
        try:
            if self._tx is not None:
                engine.savepoint.__exit__(kind, exc, trace)
                if exc is not None:
                    raise_ours(exc, engine.path, engine.db)
                return
            if exc is None and engine.metrics.is_due:
                exc = self._write_metrics(engine)
            engine.write_transaction.__exit__(kind, exc, trace)
            if exc is None:
                if self._is_lasting:
                    engine.flusher.committed()
            else:
                raise_ours(exc, engine.path, engine.db)
        finally:
            engine.let_go_of_lock()

    @staticmethod
    def _write_metrics(engine: Engine) -> BaseException | None:
        try:
            engine.metrics.write(engine.db)
        except apsw.Error as exc:
            return exc
        return None


class Savepoint:
    """A part of an open transaction, undone when the block raises."""

    __slots__ = ("_db", "_path")

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db, self._path = db, path

    def __enter__(self) -> None:
        with Translating(self._path):
            self._db.execute("SAVEPOINT pqdesk")

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> None:
        if not self._db.get_autocommit():  # else SQLite has rolled all of it back: the disk is full, or failed
            if exc is not None:
                self._db.execute("ROLLBACK TO pqdesk")
            with Translating(self._path):
                self._db.execute("RELEASE pqdesk")
        if isinstance(exc, apsw.Error):
            raise translated(exc, self._path) from exc
