"""Two queues with two clients beside a plain model; all answer alike, whatever the order of calls."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pqdesk import DuplicateKey, Empty, LeaseLost, Message, Outgoing, Queue
from pqdesk.messages.records import Counts
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.paths import WorkspacePaths
from pqdesk.queues import acting
from pqdesk.storage import open_store
from pqdesk.storage.values import Settlement
from tests.contract import engines
from tests.contract.clocks import MovableClock

_LEASE_S = 30
_CLIENTS = st.integers(0, 1)
_QUEUES = st.sampled_from(["q", "q", "r"])
_KEYS = st.sampled_from([None, None, "k1", "k2"])
_GROUPS = st.sampled_from([None, None, "g1", "g2"])


_OTHER = {"q": "r", "r": "q"}

pytestmark = pytest.mark.timeout(600)  # a minute and a half of computing, more on a busy machine


@dataclass
class Expected:
    """What the model knows of one message."""

    id: int
    priority: int
    group: str | None
    key: str | None
    max_attempts: int
    queue: str = "q"
    payload: str = "x"
    expires_s: float | None = None
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
        self.heads: dict[tuple[str, str], list[int]] = {}
        self.widths = {"q": 1, "r": 1}
        self.concurrency: dict[str, int | None] = {"q": None, "r": None}
        self.paused = {"q": False, "r": False}

    def _open(self) -> dict[str, Queue]:
        self.opened += 1
        store = open_store(self.paths, clock=self.clock, rng=Random(self.opened), durability="relaxed")
        return {name: Queue.over(store, name, self.clock) for name in "qr"}

    def teardown(self) -> None:
        for client in getattr(self, "clients", ()):
            client["q"].store.close()
        shutil.rmtree(getattr(self, "folder", "/nonexistent"), ignore_errors=True)

    # --- rules --------------------------------------------------------------------------------------

    @rule(
        client=_CLIENTS, queue=_QUEUES, priority=st.integers(-1, 1), delay=st.sampled_from([0, 0, 5, 50]), key=_KEYS,
        group=_GROUPS, max_attempts=st.integers(1, 3), on_conflict=st.sampled_from(["raise", "keep", "replace"]),
        expires=st.sampled_from([None, None, None, 20]),
    )  # fmt: skip
    def put(self, client, queue, priority, delay, key, group, max_attempts, on_conflict, expires) -> None:
        self._settle_time(is_looked_at=True)
        holder = next((one for one in self.model.values() if key and self._has_key(one, queue, key)), None)
        arguments = {
            "priority": priority, "delay": delay, "key": key, "group": group, "max_attempts": max_attempts,
            "expires": expires,
        }  # fmt: skip
        if holder is not None and (on_conflict == "raise" or (on_conflict == "replace" and holder.holder)):
            with pytest.raises(DuplicateKey) as caught:
                self.clients[client][queue].put("x", on_conflict=on_conflict, **arguments)
            assert caught.value.message_id == holder.id
            return
        message_id = self.clients[client][queue].put("x", on_conflict=on_conflict, **arguments)
        if holder is not None and on_conflict == "keep":
            assert message_id == holder.id
            return
        if holder is not None:
            self._finish(holder, State.CANCELLED)
        new = Expected(message_id, priority, group, key, max_attempts, queue)
        new.state = State.SCHEDULED if delay else State.READY
        new.due_s = self.wall_s + delay
        new.expires_s = None if expires is None else self.wall_s + expires
        self._add(new)

    @rule(client=_CLIENTS, queue=_QUEUES, groups=st.lists(_GROUPS, min_size=1, max_size=4), is_clash=st.booleans())
    def put_many(self, client, queue, groups, is_clash) -> None:
        self._settle_time(is_looked_at=True)
        items = [Outgoing("x", group=group, max_attempts=2) for group in groups]
        taken = [one.key for one in self.model.values() if one.key and self._has_key(one, queue, one.key)]
        if is_clash and taken:  # the last one cannot be put, so none is
            with pytest.raises(DuplicateKey):
                self.clients[client][queue].put_many([*items, Outgoing("x", key=taken[0])])
            return
        for message_id, group in zip(self.clients[client][queue].put_many(items), groups, strict=True):
            self._add(Expected(message_id, 0, group, None, 2, queue))

    @rule(client=_CLIENTS, queue=_QUEUES)
    def get(self, client, queue) -> None:
        self._settle_time(is_looked_at=True)
        waiting = self._claimable(queue)
        try:
            message = self.clients[client][queue].get(block=False, lease=_LEASE_S)
        except Empty:
            assert not waiting
            return
        assert waiting, f"got {message} where the model has none"
        assert (message.id, message.payload) == (waiting[0].id, waiting[0].payload)
        self._take(waiting[0], message, client)

    @rule(client=_CLIENTS, queue=_QUEUES, limit=st.integers(1, 4), how=st.sampled_from(["ack", "release", "fail"]))
    def work_ahead(self, client, queue, limit, how) -> None:
        self._settle_time(is_looked_at=True)
        room = self._room(queue)
        waiting = self._claimable(queue)[: limit if room is None else min(limit, room)]
        store = self.clients[client][queue].store
        claims = store.claim(queue, limit=limit, lease_us=None, is_detached=False, is_ahead=True).claims
        assert [claim.id for claim in claims] == [one.id for one in waiting]
        if not claims:
            return
        assert all(store.begin(claim) for claim in claims)
        outcome = {
            "ack": AttemptOutcome.COMPLETED, "release": AttemptOutcome.RELEASED, "fail": AttemptOutcome.FAILED
        }[how]  # fmt: skip

        lost, _ = store.settle_many([(claim, Settlement(outcome, error=None)) for claim in claims])

        assert not lost
        for one in waiting:
            if how == "release":
                continue
            one.attempt += 1
            self._finish(one, State.COMPLETED if how == "ack" else State.FAILED)

    @precondition(lambda self: any(one.holder for one in self.model.values()))
    @rule(pick=st.randoms(use_true_random=False), queue=_QUEUES, is_kept=st.booleans())
    def ack_and_put_in_a_transaction(self, pick, queue, is_kept) -> None:
        self._settle_time(is_looked_at=True)
        holders = [one for one in self.model.values() if one.holder]
        if not holders:
            return
        expected = pick.choice(holders)
        into = self.clients[1 - expected.client][queue]  # the transaction is of the other client's connection
        with contextlib.suppress(_RolledBack), into.transaction() as tx:
            message_id = into.put("x", tx=tx)
            expected.holder.ack(tx=tx)
            if not is_kept:
                raise _RolledBack
        if is_kept:
            self._finish(expected, State.COMPLETED)
            self._add(Expected(message_id, 0, None, None, 5, queue))

    @rule(client=_CLIENTS, queue=_QUEUES, at_once=st.sampled_from([None, 1, 2]), width=st.sampled_from([None, 1, 2, 3]))
    def configure(self, client, queue, at_once, width) -> None:
        self._settle_time(is_looked_at=True)
        self.clients[client][queue].configure(concurrency=at_once, group_concurrency=width)
        self.concurrency[queue], self.widths[queue] = at_once, width or 1
        for name, group in {(one.queue, one.group) for one in self.model.values() if one.group}:
            if name != queue:
                continue
            self._fill(queue, group)
            heads = self.heads.get((queue, group), [])
            surplus = len(heads) - self.widths[queue]
            ready = sorted((one for one in heads if self.model[one].state == State.READY), reverse=True)
            for message_id in ready[: max(surplus, 0)]:
                heads.remove(message_id)

    @rule(client=_CLIENTS, queue=_QUEUES, is_paused=st.booleans())
    def pause(self, client, queue, is_paused) -> None:
        (self.clients[client][queue].pause if is_paused else self.clients[client][queue].resume)()
        self.paused[queue] = is_paused

    @precondition(lambda self: any(one.holder for one in self.model.values()))
    @rule(
        pick=st.randoms(use_true_random=False),
        how=st.sampled_from(["ack", "nack", "nack now", "fail", "release", "extend"]),
    )
    def settle(self, pick, how) -> None:
        self._settle_time(is_looked_at=True)
        holders = [one for one in self.model.values() if one.holder]
        if not holders:
            return
        expected = pick.choice(holders)
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
        action=st.sampled_from(["retry", "run_now", "cancel", "delete", "restore", "move", "edit", "duplicate"]),
        is_undone=st.booleans(),
    )  # fmt: skip
    def operate(self, client, pick, action, is_undone) -> None:
        self._settle_time(is_looked_at=True)
        expected = self.model[pick.choice(sorted(self.model))]
        if action == "cancel" and expected.holder:
            return  # a running one is asked, which its handler sees; tested by itself
        before = replace(expected)
        is_done = getattr(self, f"_{action}")(expected)
        more = {"move": {"to": _OTHER[before.queue]}, "edit": {"payload": "edited"}}.get(action, {})

        outcome = getattr(self.clients[client][before.queue], action)(expected.id, **more)

        assert (outcome.done, outcome.skipped) == (int(is_done), int(not is_done)), expected
        if action == "duplicate":
            self._add(
                Expected(outcome.new_ids[0], before.priority, before.group, None, before.max_attempts, before.queue,
                         before.payload)
            )  # fmt: skip
        elif is_done and is_undone and before.group is None:  # in a group it may lose its place
            undone = acting.undo(self.clients[client]["q"].store, outcome.activity_id, None)
            assert (undone.done, undone.skipped) == (1, 0), (action, before)
            self.model[expected.id] = before

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
            engines.forget_processes(client["q"])
        self.clock.reboot()
        for expected in self.model.values():
            if expected.holder:
                expected.stale.append(expected.holder)
                self._give_back(expected, State.READY)
        self.now_s = 0.0
        self._look()

    @rule(client=_CLIENTS)
    def a_client_closes_and_opens(self, client) -> None:
        self.clients[client]["q"].store.close()
        self.clients[client] = self._open()
        for expected in self.model.values():
            if expected.holder and expected.client == client:
                expected.attempt -= 1
                self._give_back(expected, State.READY)
            expected.stale = []

    @rule(client=_CLIENTS, queue=_QUEUES)
    def page(self, client, queue) -> None:
        self._settle_time(is_looked_at=True)
        shown = {record.id: record.state for record in self.clients[client][queue].messages(limit=1000)}
        assert shown == {one.id: one.state for one in self.model.values() if not one.is_trashed and one.queue == queue}

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "clients"):
            return
        self._settle_time(is_looked_at=True)
        for queue in "qr":
            counted = [0] * 8
            for one in self.model.values():
                if not one.is_trashed and one.queue == queue:
                    counted[one.state] += 1
            assert self.clients[0][queue].counts() == Counts(*counted[1:])

    # --- the model ----------------------------------------------------------------------------------

    def _add(self, new: Expected) -> None:
        assert new.id not in self.model
        self.model[new.id] = new
        self._join(new)

    def _take(self, one: Expected, message: Message, client: int) -> None:
        one.attempt += 1
        assert (message.attempt, message.max_attempts) == (one.attempt, one.forgiven + one.max_attempts)
        one.state, one.holder, one.client = State.RUNNING, message, client
        one.lease_ends_s = self.now_s + _LEASE_S

    def _claimable(self, queue: str) -> list[Expected]:
        """By turn; none while the queue is paused or as many run as may."""
        room = self._room(queue)
        if self.paused[queue] or (room is not None and room <= 0):
            return []
        found = [one for one in self.model.values() if one.queue == queue and self._is_claimable(one)]
        return sorted(found, key=lambda one: (-one.priority, one.id))

    def _room(self, queue: str) -> int | None:
        most = self.concurrency[queue]
        running = sum(1 for one in self.model.values() if one.queue == queue and one.holder)
        return None if most is None else most - running

    def _is_claimable(self, one: Expected) -> bool:
        if one.is_trashed or one.state != State.READY:
            return False
        return one.group is None or one.id in self.heads.get((one.queue, one.group), [])

    def _settle_time(self, *, is_looked_at: bool = False) -> None:
        """What time has changed, the engine changes when it next looks: so have it look."""
        late = [one for one in self.model.values() if one.holder and one.lease_ends_s <= self.now_s]
        for one in late:
            assert one.holder is not None
            one.stale.append(one.holder)
            if one.attempt - one.forgiven >= one.max_attempts:
                self._finish(one, State.FAILED)
            else:
                self._give_back(one, State.READY)
        if late or is_looked_at:
            self._look()
        for one in self.model.values():
            if one.is_trashed:
                continue
            if one.is_open and not one.holder and one.expires_s is not None and one.expires_s <= self.wall_s:
                self._finish(one, State.CANCELLED)
            elif one.state in (State.SCHEDULED, State.RETRYING) and one.due_s <= self.wall_s:
                one.state = State.READY

    def _look(self) -> None:
        engines.run_chores(self.clients[0]["q"])

    def _has_key(self, one: Expected, queue: str, key: str) -> bool:
        return one.queue == queue and one.key == key and one.is_open

    def _join(self, one: Expected) -> None:
        if one.group is not None:
            heads = self.heads.setdefault((one.queue, one.group), [])
            if len(heads) < self.widths[one.queue]:
                heads.append(one.id)

    def _leave(self, one: Expected) -> None:
        if one.group is None:
            return
        heads = self.heads.get((one.queue, one.group), [])
        if one.id in heads:
            heads.remove(one.id)
            self._fill(one.queue, one.group, but=one.id)

    def _fill(self, queue: str, group: str, *, but: int = 0) -> None:
        heads = self.heads.setdefault((queue, group), [])
        waiting = sorted(
            one.id
            for one in self.model.values()
            if (one.queue, one.group) == (queue, group) and one.is_open and one.id not in heads and one.id != but
        )
        while waiting and len(heads) < self.widths[queue]:
            heads.append(waiting.pop(0))

    def _finish(self, one: Expected, state: State) -> None:
        one.state, one.holder = state, None
        self._leave(one)

    def _give_back(self, one: Expected, state: State) -> None:
        one.state, one.holder = state, None

    def _is_key_taken(self, one: Expected) -> bool:
        return bool(one.key) and any(
            self._has_key(other, one.queue, one.key or "") and other.id != one.id for other in self.model.values()
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
        one.expires_s = one.expires_s if one.expires_s is not None and one.expires_s > self.wall_s else None
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

    def _move(self, one: Expected) -> bool:
        if one.is_trashed or one.holder:
            return False
        target = replace(one, queue=_OTHER[one.queue])
        if one.is_open and self._is_key_taken(target):
            return False
        if one.is_open:
            self._leave(one)
        one.queue = target.queue
        if one.is_open:
            self._join(one)
        return True

    def _edit(self, one: Expected) -> bool:
        if one.is_trashed or one.holder or one.payload == "edited":
            return False
        one.payload = "edited"
        return True

    def _duplicate(self, one: Expected) -> bool:
        return True


class _RolledBack(Exception):
    pass


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
