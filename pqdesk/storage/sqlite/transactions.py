"""A transaction of the caller's own: its SQL, and the puts and settlements that commit or roll back with it.

The caller's SQL is judged when it is compiled (sqlite.org/c3ref/set_authorizer.html), outside the statement cache, so
that it neither meets a statement of ours that was compiled before nor leaves one there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import apsw

from pqdesk.errors import InvalidInput
from pqdesk.staying import Staying
from pqdesk.storage.sqlite.calling import refuse_inside_another
from pqdesk.storage.sqlite.connection import WriteTransaction, first_row, translated
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ingestion import NEW_ROW, Ingestion
from pqdesk.storage.sqlite.metrics import Metrics

_LOOKING = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE})
_FORBIDDEN = frozenset(
    {apsw.SQLITE_TRANSACTION, apsw.SQLITE_SAVEPOINT, apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH, apsw.SQLITE_PRAGMA}
)
_UNSAFE_IN_OURS = frozenset(  # triggers and views are off there, so one made would only lead astray
    {
        apsw.SQLITE_CREATE_TRIGGER,
        apsw.SQLITE_CREATE_TEMP_TRIGGER,
        apsw.SQLITE_CREATE_VIEW,
        apsw.SQLITE_CREATE_TEMP_VIEW,
        apsw.SQLITE_CREATE_VTABLE,
    }
)
# What is the caller's mistake, or its data's; the others are ours to translate.
_CALLERS = (
    apsw.SQLError,
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.BindingsError,
    apsw.TooBigError,
    apsw.IncompleteExecutionError,
    apsw.LockedError,
)
_SHOWN_CHARACTERS = 120


class SqliteTransaction(Staying):
    """See `storage.contract.Transaction`. Belongs to the thread that opened it, which holds the engine's lock.

    Attributes:
        engine: Over whose connection it goes.
        metrics: What was put and settled in it, counted once it is committed.
        is_durable: Whether it has to be flushed, as one of the stores that joined it promises.
        has_executed: Whether there was SQL of the caller's.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.metrics = Metrics(engine.clock)
        self.is_durable = engine.is_durable
        self.has_executed = False
        self._thread = threading.get_ident()
        self._ends: list[Callable[[bool], None]] = []
        self._queues: set[str] = set()

    def _what_stays(self) -> str:
        return "a transaction"

    def _instead(self) -> str:
        return "use it in the thread that opened it, or open one there"

    def execute(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        self.check()
        if not isinstance(sql, str):
            raise InvalidInput(f"sql must be str, got {type(sql).__name__}")
        db = self.engine.db
        judge = _judge_of(db, is_ours=self.engine.location.is_ours)
        judge.watch(sql)
        self.has_executed = True
        try:
            return list(db.execute(sql, bindings, can_cache=False).fetchall())
        except apsw.AuthError as exc:
            raise InvalidInput(f"not allowed in a transaction: {judge.objection or exc}, in {_shown(sql)}") from exc
        except _CALLERS as exc:
            raise InvalidInput(f"{exc}, in {_shown(sql)}{self._rolled_back()}") from exc
        except (TypeError, ValueError, OverflowError) as exc:  # bindings that SQLite has no type for
            raise InvalidInput(f"{exc}, in {_shown(sql)}") from exc
        except apsw.Error as exc:
            raise translated(exc, self.engine.path) from exc
        finally:
            judge.is_watching = False

    def on_end(self, do: Callable[[bool], None]) -> None:
        self._ends.append(do)

    def join(self, engine: Engine) -> None:
        """A store of the same file writes in it: refused elsewhere than in its thread and block."""
        self.check()
        self.is_durable = self.is_durable or engine.is_durable

    def check(self) -> None:
        """Refuse another process, another thread, and what comes after its end."""
        self.engine.check_process()
        if self._thread != threading.get_ident():
            raise InvalidInput("a transaction belongs to the thread that opened it; use it there")
        self.engine.check(self)
        if self.engine.db.get_autocommit():
            raise InvalidInput("SQLite has rolled this transaction back; leave its `with` block and begin anew")

    def ring(self, queues: Sequence[str]) -> None:
        """Ring these bells after the commit."""
        self._queues.update(queues)

    def ended(self, is_committed: bool) -> None:
        for do in self._ends:
            do(is_committed)
        if is_committed:
            self.engine.metrics.add_all(self.metrics)
            self.engine.ring(self._queues)

    def _rolled_back(self) -> str:
        return "; the whole transaction was rolled back" if self.engine.db.get_autocommit() else ""


class Block:
    """`with Block(engine, …) as tx:` see `storage.contract.Store.transaction`.

    Args:
        flush: What a store does after each of its commits.
    """

    def __init__(self, engine: Engine, ingestion: Ingestion, flush: Callable[[], None]) -> None:
        self._engine, self._inner = engine, _transaction(engine, ingestion, flush)

    def __enter__(self) -> SqliteTransaction:
        engine = self._engine
        refuse_inside_another(engine)
        has_another = engine.lock._is_owned()  # type: ignore[attr-defined]  # which this one is refused for
        try:
            return self._inner.__enter__()
        except BaseException:
            if not has_another:
                self._inner.gen.close()  # where it was raised in the last step
                engine.abandon_transaction()
            raise

    def __exit__(self, kind: Any, exc: BaseException | None, trace: TracebackType | None) -> bool | None:
        is_clean = False
        try:
            answer = self._inner.__exit__(kind, exc, trace)
            is_clean = exc is None
            return answer
        finally:
            if not is_clean:
                self._engine.abandon_transaction()


@contextlib.contextmanager
def _transaction(engine: Engine, ingestion: Ingestion, flush: Callable[[], None]) -> Iterator[SqliteTransaction]:
    with engine.locked_for_caller():
        tx, is_committed = SqliteTransaction(engine), False
        try:
            with _Scope(engine, tx) as db:
                yield tx
                engine.check_process()
                _refuse_dead(db)
                engine.check_company()
                if tx.has_executed and first_row(db, NEW_ROW):  # put just now: nobody has to wait for the next look
                    tx.ring(ingestion.take_in_here(db, tx.metrics).queues)
            is_committed = True
            engine.flusher.committed()
        finally:
            if engine.is_own_process:
                tx.ended(is_committed)
    if tx.is_durable:
        engine.flusher.flush()
    flush()


class _Scope:
    """BEGIN IMMEDIATE … COMMIT or ROLLBACK, with `tx` open in between; a fork's copy of it touches nothing."""

    def __init__(self, engine: Engine, tx: SqliteTransaction) -> None:
        self._engine, self._tx = engine, tx
        self._transaction = WriteTransaction(engine.db, engine.path)

    def __enter__(self) -> apsw.Connection:
        self._transaction.__enter__()
        self._engine.open_transaction(self._tx)
        return self._engine.db

    def __exit__(self, kind: Any, exc: BaseException | None, trace: Any) -> None:
        engine = self._engine
        if engine.is_own_process:
            engine.close_transaction()
            self._transaction.__exit__(kind, exc, trace)
        elif exc is None:  # the transaction is the parent's
            engine.check_process()


class _Judge:
    """What a caller's SQL may do. Asked for every part of a statement that is compiled, ours too."""

    def __init__(self, *, is_ours: bool) -> None:
        self.is_watching = False
        self.objection = ""
        self._is_ours = is_ours
        self._has_our_prefix = False

    def watch(self, sql: str) -> None:
        """Judge what is compiled from now on, which is `sql`."""
        self.is_watching, self.objection = True, ""
        self._has_our_prefix = "pqdesk_" in sql.lower()

    def __call__(
        self, action: int, first: str | None, second: str | None, _database: str | None, _by: str | None
    ) -> int:
        if not self.is_watching:
            return apsw.SQLITE_OK
        self.objection = self._object(action, first, second)
        return apsw.SQLITE_DENY if self.objection else apsw.SQLITE_OK

    def _object(self, action: int, first: str | None, second: str | None) -> str:
        """Why not; empty when it may."""
        if action in _FORBIDDEN:
            return "BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ATTACH, DETACH and PRAGMA"
        if self._is_ours and action in _UNSAFE_IN_OURS:
            return "triggers, views and virtual tables in a workspace's file; in a `database=` of your own they may be"
        if action == apsw.SQLITE_ALTER_TABLE and self._has_our_prefix:  # it does not tell the new name
            return "ALTER TABLE with a name that begins with pqdesk_"
        if action in _LOOKING or (action == apsw.SQLITE_INSERT and first == "pqdesk_put"):
            return ""
        for name in (first, second):  # ALTER TABLE names the table second
            if name is not None and name.lower().startswith("pqdesk_"):
                return f"a change of {name!r}, which is PQDesk's; use tx= of put and ack, or INSERT INTO pqdesk_put"
        return ""


def _judge_of(db: apsw.Connection, *, is_ours: bool) -> _Judge:
    """The connection's judge, appointed once: appointing one compiles every statement anew."""
    found = db.authorizer
    if not isinstance(found, _Judge):
        found = db.authorizer = _Judge(is_ours=is_ours)
    return found


def _refuse_dead(db: apsw.Connection) -> None:
    """Raise when SQLite has ended the transaction itself (ON CONFLICT ROLLBACK, a full disk) and nobody told."""
    if db.get_autocommit():
        raise InvalidInput("SQLite has rolled this transaction back, so nothing of it was done; see the error before")


def _shown(sql: str) -> str:
    line = " ".join(sql.split())
    return repr(line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…")
