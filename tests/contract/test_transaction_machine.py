"""Transactions beside a plain model: whatever is done in them, what commits is there, and what rolls back is not."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pqdesk import DuplicateKey, Full, InvalidInput, LeaseLost, Message, Outgoing, Queue
from pqdesk.messages.states import State
from pqdesk.storage import open_store
from pqdesk.storage.contract import Transaction
from tests.contract.clocks import MovableClock

_KEYS = st.sampled_from(("a", "b", None))


class TransactionMachine(RuleBasedStateMachine):
    """Two connections, a table of the application, and the messages in hand; `model` is what is committed."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tx"))
        clock = MovableClock()
        self.stores = [open_store(self.folder / "app.db", clock=clock, rng=Random(one)) for one in range(2)]
        self.queues = [Queue.over(store, "work", clock) for store in self.stores]
        with self.queues[0].transaction() as tx:
            tx.execute("CREATE TABLE mine (x)")
        self.messages: dict[int, tuple[str, str | None]] = {}  # id → (state, key), as committed
        self.rows = 0
        self.held: dict[int, Message] = {}
        self.tx: Any = None

    def teardown(self) -> None:
        if getattr(self, "tx", None) is not None:
            self.end(is_commit=False)
        for store in getattr(self, "stores", ()):
            store.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the transaction ----------------------------------------------------------------------------

    @precondition(lambda self: self.tx is None)
    @rule(which=st.integers(0, 1))
    def begin(self, which: int) -> None:
        self.manager = self.queues[which].transaction()
        self.tx = self.manager.__enter__()
        self.before = (dict(self.messages), self.rows, dict(self.held))

    @precondition(lambda self: self.tx is not None)
    @rule(is_commit=st.booleans())
    def end(self, is_commit: bool) -> None:
        if is_commit:
            self.manager.__exit__(None, None, None)
        else:
            error = RuntimeError("undone")
            with suppress(RuntimeError):
                self.manager.__exit__(RuntimeError, error, None)
            self.messages, self.rows, self.held = self.before
        self.tx = None

    # --- what is done in it, or without one -----------------------------------------------------------

    @rule(which=st.integers(0, 1), key=_KEYS)
    def put(self, which: int, key: str | None) -> None:
        holder = self._holder(key)
        met: int | None = None
        try:
            message_id = self.queues[which].put("x", key=key, tx=self._tx())
        except DuplicateKey as exc:
            met = exc.message_id
        else:
            self.messages[message_id] = ("ready", key)
        assert met == holder

    @rule(which=st.integers(0, 1), keys=st.lists(_KEYS, max_size=4))
    def put_many(self, which: int, keys: list[str | None]) -> None:
        named = [one for one in keys if one is not None]
        is_refused = len(named) != len(set(named)) or any(self._holder(one) is not None for one in named)
        try:
            ids = self.queues[which].put_many([Outgoing("x", key=one) for one in keys], tx=self._tx())
        except DuplicateKey:
            assert is_refused
            return
        assert not is_refused
        self.messages.update({one: ("ready", key) for one, key in zip(ids, keys, strict=True)})

    @rule(x=st.integers(0, 9))
    def write_a_row(self, x: int) -> None:
        if self.tx is not None:
            self.tx.execute("INSERT INTO mine VALUES (?)", (x,))
            self.rows += 1

    @rule()
    def make_a_mistake(self) -> None:
        if self.tx is not None:
            for sql in ("INSERT INTO nothing VALUES (1)", "DELETE FROM pqdesk_message", "COMMIT"):
                with suppress(InvalidInput):
                    self.tx.execute(sql)
                    raise AssertionError(sql)

    @precondition(lambda self: self.tx is None)
    @rule(which=st.integers(0, 1))
    def get(self, which: int) -> None:
        for message in self.queues[which].get_many(1, block=False) if self._count("ready") else []:
            assert self.messages[message.id][0] == "ready"
            self.messages[message.id] = ("running", self.messages[message.id][1])
            self.held[message.id] = message

    @precondition(lambda self: bool(self.held))
    @rule(verb=st.sampled_from(("ack", "fail", "release")), pick=st.integers(0, 99), follow=st.booleans())
    def settle(self, verb: str, pick: int, follow: bool) -> None:
        message_id, message = sorted(self.held.items())[pick % len(self.held)]
        key = self.messages[message_id][1]
        after = {"ack": "completed", "fail": "failed", "release": "ready"}[verb]
        highest = max(self.messages)
        if verb == "ack":
            message.ack(put=["next"] if follow else (), tx=self._tx())
            if follow:
                self.messages[highest + 1] = ("ready", None)
        else:
            getattr(message, verb)(*(["no"] if verb == "fail" else ()), tx=self._tx())
        self.messages[message_id] = (after, key)
        del self.held[message_id]
        with suppress(LeaseLost):
            message.release(tx=self._tx())
            raise AssertionError("settled twice")

    @precondition(lambda self: self.tx is not None)
    @rule(which=st.integers(0, 1))
    def forget_tx(self, which: int) -> None:
        with suppress(InvalidInput, Full):
            self.queues[which].put("x")
            raise AssertionError("a call without tx went through")

    # --- what has to hold -----------------------------------------------------------------------------

    @invariant()
    def the_file_is_as_the_model(self) -> None:
        if getattr(self, "tx", None) is not None or not hasattr(self, "queues"):
            return
        found = {one.id: (one.state.word, one.key) for one in self.queues[0].messages(limit=10_000)}
        assert found == self.messages
        counts = self.queues[1].counts()
        for state in State:
            assert counts.of(state) == self._count(state.word)
        with self.queues[1].transaction() as tx:
            assert tx.execute("SELECT count(*) FROM mine") == [(self.rows,)]
        for message in self.held.values():
            assert not message.is_settled

    def _tx(self) -> Transaction | None:
        return self.tx  # type: ignore[no-any-return]

    def _count(self, word: str) -> int:
        return sum(state == word for state, _ in self.messages.values())

    def _holder(self, key: str | None) -> int | None:
        open_ones = [
            one for one, (state, name) in self.messages.items() if name == key and state in ("ready", "running")
        ]
        return None if key is None or not open_ones else open_ones[0]


TransactionMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, suppress_health_check=list(HealthCheck), deadline=None
)
TestTransactions = TransactionMachine.TestCase
