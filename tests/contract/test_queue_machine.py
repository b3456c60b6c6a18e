"""A queue with two clients beside a plain model; both answer alike, whatever the order of calls."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pqdesk import DuplicateKey, Empty, LeaseLost, Message, Queue
from pqdesk.messages.records import Counts
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_store
from tests.contract.clocks import MovableClock

_LEASE_S = 30
_CLIENTS = st.integers(0, 1)
_KEYS = st.sampled_from([None, None, "k1", "k2"])
_GROUPS = st.sampled_from([None, None, "g1", "g2"])


@dataclass
class Expected:
    """What the model knows of one message."""

    id: int
    priority: int
    group: str | None
    key: str | None
    max_attempts: int
    state: State = State.READY
    due_s: float = 0.0
    attempt: int = 0
    forgiven: int = 0
    deaths: int = 0
    lease_ends_s: float = 0.0
    holder: Message | None = None
    client: int = 0
    is_trashed: bool = False
    stale: list[Message] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return not self.is_trashed and not self.state.is_final


class QueueMachine(RuleBasedStateMachine):
    """put, get, settle, operate, wait, jump, suspend, reboot and reopen, in any order."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine"))
        self.paths = WorkspacePaths(self.folder / "w")
        self.clock = MovableClock()
        self.now_s = self.wall_s = 0.0  # awake and wall seconds, as the model counts them
        self.opened = 0
        self.clients = [self._open(), self._open()]
        self.model: dict[int, Expected] = {}
        self.heads: dict[str, int] = {}

    def _open(self) -> Queue:
        self.opened += 1
        store = open_store(self.paths, clock=self.clock, rng=Random(self.opened), durability="relaxed")
        return Queue.over(store, "q", self.clock)

    def teardown(self) -> None:
        for client in getattr(self, "clients", ()):
            client.store.close()
        shutil.rmtree(getattr(self, "folder", "/nonexistent"), ignore_errors=True)

    # --- rules --------------------------------------------------------------------------------------

    @rule(
        client=_CLIENTS, priority=st.integers(-1, 1), delay=st.sampled_from([0, 0, 5, 50]), key=_KEYS, group=_GROUPS,
        max_attempts=st.integers(1, 3), on_conflict=st.sampled_from(["raise", "keep", "replace"]),
    )  # fmt: skip
    def put(self, client, priority, delay, key, group, max_attempts, on_conflict) -> None:
        holder = next((one for one in self.model.values() if key and one.key == key and one.is_open), None)
        arguments = {"priority": priority, "delay": delay, "key": key, "group": group, "max_attempts": max_attempts}
        if holder is not None and (on_conflict == "raise" or (on_conflict == "replace" and holder.holder)):
            with pytest.raises(DuplicateKey) as caught:
                self.clients[client].put("x", on_conflict=on_conflict, **arguments)
            assert caught.value.message_id == holder.id
            return
        message_id = self.clients[client].put("x", on_conflict=on_conflict, **arguments)
        if holder is not None and on_conflict == "keep":
            assert message_id == holder.id
            return
        if holder is not None:
            self._finish(holder, State.CANCELLED)
        assert message_id not in self.model
        new = Expected(message_id, priority, group, key, max_attempts)
        new.state = State.SCHEDULED if delay else State.READY
        new.due_s = self.wall_s + delay
        self.model[message_id] = new
        self._join(new)

    @rule(client=_CLIENTS)
    def get(self, client) -> None:
        self._settle_time()
        waiting = sorted(
            (one for one in self.model.values() if self._is_claimable(one)), key=lambda one: (-one.priority, one.id)
        )
        try:
            message = self.clients[client].get(block=False, lease=_LEASE_S)
        except Empty:
            assert not waiting
            return
        assert waiting, f"got {message} where the model has none"
        assert message.id == waiting[0].id
        expected = waiting[0]
        expected.attempt += 1
        assert (message.attempt, message.max_attempts) == (
            expected.attempt,
            expected.forgiven + expected.max_attempts,
        )
        expected.state, expected.holder, expected.client = State.RUNNING, message, client
        expected.lease_ends_s = self.now_s + _LEASE_S

    @precondition(lambda self: any(one.holder for one in self.model.values()))
    @rule(
        pick=st.randoms(use_true_random=False),
        how=st.sampled_from(["ack", "nack", "nack now", "fail", "release", "extend"]),
    )
    def settle(self, pick, how) -> None:
        expected = pick.choice([one for one in self.model.values() if one.holder])
        message = expected.holder
        if how == "extend":
            message.extend(_LEASE_S)
            expected.lease_ends_s = self.now_s + _LEASE_S
            return
        is_out = expected.attempt - expected.forgiven >= expected.max_attempts
        if how == "ack":
            message.ack()
            self._finish(expected, State.COMPLETED)
        elif how == "fail":
            message.fail("x")
            self._finish(expected, State.FAILED)
        elif how == "release":
            message.release()
            expected.attempt -= 1
            self._give_back(expected, State.READY)
        else:
            delay = 0 if how == "nack now" else 20
            message.nack("x", delay=delay)
            if is_out:
                self._finish(expected, State.FAILED)
            else:
                self._give_back(expected, State.RETRYING)
                expected.due_s = self.wall_s + delay

    @precondition(lambda self: any(one.stale for one in self.model.values()))
    @rule(pick=st.randoms(use_true_random=False), how=st.sampled_from(["ack", "nack", "release", "extend"]))
    def settle_a_lost_lease(self, pick, how) -> None:
        self._settle_time(is_looked_at=True)
        message = pick.choice([message for one in self.model.values() for message in one.stale])

        with pytest.raises(LeaseLost):
            getattr(message, how)()

    @precondition(lambda self: self.model)
    @rule(
        client=_CLIENTS, pick=st.randoms(use_true_random=False),
        action=st.sampled_from(["retry", "run_now", "cancel", "delete", "restore"]),
    )  # fmt: skip
    def operate(self, client, pick, action) -> None:
        self._settle_time(is_looked_at=True)
        expected = self.model[pick.choice(sorted(self.model))]
        expected.state = self._shown(expected)
        if action == "cancel" and expected.holder:
            return  # a running one is asked, which its handler sees; tested by itself
        is_done = getattr(self, f"_{action}")(expected)
        outcome = getattr(self.clients[client], action)(expected.id)
        assert (outcome.done, outcome.skipped) == (int(is_done), int(not is_done)), expected

    @rule(seconds=st.sampled_from([1, 10, 31, 100]))
    def time_passes(self, seconds) -> None:
        self.clock.advance(seconds)
        self.now_s += seconds
        self.wall_s += seconds
        self._settle_time(is_looked_at=True)

    @rule(seconds=st.sampled_from([60, 3600]))
    def the_machine_sleeps(self, seconds) -> None:
        self.clock.suspend(seconds)
        self.wall_s += seconds
        self._settle_time(is_looked_at=True)

    @rule()
    def the_machine_restarts(self) -> None:
        for client in self.clients:
            client.store._engine.owner_id = 0  # a process of another boot is gone; its rows are what is left
        self.clock.reboot()
        for expected in self.model.values():
            if expected.holder:
                expected.stale.append(expected.holder)
                self._give_back(expected, State.READY)
        self.now_s = 0.0
        self._look()

    @rule(client=_CLIENTS)
    def a_client_closes_and_opens(self, client) -> None:
        self.clients[client].store.close()
        self.clients[client] = self._open()
        for expected in self.model.values():
            if expected.holder and expected.client == client:
                expected.attempt -= 1
                self._give_back(expected, State.READY)
            expected.stale = []

    @rule(client=_CLIENTS)
    def page(self, client) -> None:
        self._settle_time(is_looked_at=True)
        shown = {record.id: record.state for record in self.clients[client].messages(limit=1000)}
        assert shown == {one.id: self._shown(one) for one in self.model.values() if not one.is_trashed}

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "clients"):
            return
        self._settle_time(is_looked_at=True)
        counted = [0] * 8
        for one in self.model.values():
            if not one.is_trashed:
                counted[self._shown(one)] += 1
        assert self.clients[0].counts() == Counts(*counted[1:])

    # --- the model ----------------------------------------------------------------------------------

    def _shown(self, one: Expected) -> State:
        is_due = one.state in (State.SCHEDULED, State.RETRYING) and one.due_s <= self.wall_s
        return State.READY if is_due else one.state

    def _is_claimable(self, one: Expected) -> bool:
        if one.is_trashed or self._shown(one) != State.READY:
            return False
        return one.group is None or self.heads.get(one.group) == one.id

    def _settle_time(self, *, is_looked_at: bool = False) -> None:
        """Leases that ran out: the engine takes them back when it next looks, so have it look."""
        late = [one for one in self.model.values() if one.holder and one.lease_ends_s <= self.now_s]
        for one in late:
            assert one.holder is not None
            one.stale.append(one.holder)
            is_out = one.attempt - one.forgiven >= one.max_attempts
            if is_out:
                self._finish(one, State.FAILED)
            else:
                self._give_back(one, State.READY)
        if late:
            self._look()

    def _look(self) -> None:
        self.clients[0].store.tend()

    def _join(self, one: Expected) -> None:
        if one.group is not None:
            self.heads.setdefault(one.group, one.id)

    def _leave(self, one: Expected) -> None:
        if one.group is not None and self.heads.get(one.group) == one.id:
            rest = [other.id for other in self.model.values() if other.group == one.group and other.is_open]
            del self.heads[one.group]
            if rest:
                self.heads[one.group] = min(rest)

    def _finish(self, one: Expected, state: State) -> None:
        one.state, one.holder = state, None
        self._leave(one)

    def _give_back(self, one: Expected, state: State) -> None:
        one.state, one.holder = state, None

    def _is_key_taken(self, one: Expected) -> bool:
        return bool(one.key) and any(
            other.key == one.key and other.is_open and other.id != one.id for other in self.model.values()
        )

    def _retry(self, one: Expected) -> bool:
        if one.is_trashed or one.holder or one.state not in (
            State.RETRYING, State.FAILED, State.CANCELLED, State.COMPLETED,
        ):  # fmt: skip
            return False
        if one.state.is_final and self._is_key_taken(one):
            return False
        was_final = one.state.is_final
        one.state, one.forgiven, one.due_s = State.READY, one.attempt, self.wall_s
        if was_final:
            self._join(one)
        return True

    def _run_now(self, one: Expected) -> bool:
        if one.is_trashed or one.state != State.SCHEDULED:
            return False
        one.state = State.READY
        return True

    def _cancel(self, one: Expected) -> bool:
        if not one.is_open:
            return False
        self._finish(one, State.CANCELLED)
        return True

    def _delete(self, one: Expected) -> bool:
        if one.is_trashed or one.holder:
            return False
        one.is_trashed = True
        self._leave(one)
        return True

    def _restore(self, one: Expected) -> bool:
        if not one.is_trashed:
            return False
        if not one.state.is_final and self._is_key_taken(one):
            return False
        one.is_trashed = False
        if not one.state.is_final:
            self._join(one)
        return True


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
