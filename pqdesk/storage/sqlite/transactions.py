"""A transaction of the caller's own: its SQL, and the puts and settlements that commit or roll back with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apsw

from pqdesk.errors import InvalidInput
from pqdesk.storage.sqlite.connection import Translating, WriteTransaction
from pqdesk.storage.sqlite.engine import Engine

_ALLOWED = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE})
_FORBIDDEN = frozenset(
    {apsw.SQLITE_TRANSACTION, apsw.SQLITE_SAVEPOINT, apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH, apsw.SQLITE_PRAGMA}
)


class SqliteTransaction:
    """See `storage.contract.Transaction`. Belongs to the thread that opened it, which holds the engine's lock."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ends: list[Callable[[bool], None]] = []
        self._queues: set[str] = set()

    def execute(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        self.engine.check(self)
        db = self.engine.db
        db.authorizer = _authorize
        try:
            with Translating(self.engine.path):
                return list(db.execute(sql, bindings).fetchall())
        except apsw.AuthError as exc:
            raise InvalidInput(f"not allowed in a transaction: {sql!r:.200}; use your own tables and tx=") from exc
        finally:
            db.authorizer = None

    def on_end(self, do: Callable[[bool], None]) -> None:
        self._ends.append(do)

    def ring(self, queues: Sequence[str]) -> None:
        """Ring these bells after the commit."""
        self._queues.update(queues)

    def ended(self, is_committed: bool) -> None:
        for do in self._ends:
            do(is_committed)
        if is_committed:
            self.engine.ring(self._queues)


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[SqliteTransaction]:
    """See `storage.contract.Store.transaction`."""
    with engine.locked():
        tx, is_committed = SqliteTransaction(engine), False
        try:
            with WriteTransaction(engine.db, engine.path):
                engine.open_transaction(tx)
                try:
                    yield tx
                finally:
                    engine.close_transaction()
            is_committed = True
            engine.flusher.committed()
            engine.flusher.check_identity()
        finally:
            tx.ended(is_committed)
    engine.flush()


def _authorize(action: int, first: str | None, _second: str | None, _database: str | None, _by: str | None) -> int:
    if action in _FORBIDDEN:
        return apsw.SQLITE_DENY
    is_ours = first is not None and first.lower().startswith("pqdesk_")
    if is_ours and action not in _ALLOWED and not (action == apsw.SQLITE_INSERT and first == "pqdesk_put"):
        return apsw.SQLITE_DENY
    return apsw.SQLITE_OK
