"""Operators and workers of two queues in any order: counters, groups, keys and due times stay consistent, undo too."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pqdesk import DuplicateKey, Empty, InvalidInput, Message, Outcome, Queue
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.queues import acting
from pqdesk.storage import open_store
from tests.contract import engines
from tests.contract.clocks import MovableClock

_QUEUES = st.sampled_from(["a", "b"])
_ACTIONS = ["retry", "run_now", "cancel", "delete", "restore", "move", "edit", "duplicate", "empty_trash"]

_ACTUAL = ", ".join(f"count(*) FILTER (WHERE m.state = {int(state)})" for state in State)
_COUNTED = f"""
    SELECT q.name, q.scheduled, q.ready, q.running, q.retrying, q.completed, q.failed, q.cancelled, q.blocked,
           {_ACTUAL}, count(*) FILTER (WHERE m.state = 2 AND m.line >= 2)
      FROM pqdesk_queue q LEFT JOIN pqdesk_message m ON m.queue_id = q.id GROUP BY q.id"""
_WRONG = {
    "a place in line": """
        SELECT id FROM pqdesk_message
         WHERE (line > 0) IS NOT (line = 3 OR (state BETWEEN 1 AND 4 AND "group" IS NOT NULL))""",
    "who waits for a key that somebody has": """
        SELECT id FROM pqdesk_message f WHERE line = 3 AND NOT (state BETWEEN 1 AND 4 AND EXISTS (
            SELECT 1 FROM pqdesk_message m WHERE m.queue_id = f.queue_id AND m.open_key = f.key))""",
    "the key of a live state": """
        SELECT id FROM pqdesk_message WHERE open_key IS NOT iif(state BETWEEN 1 AND 4 AND line < 3, key, NULL)""",
    "as many heads as a group may have": """
        SELECT m."group" FROM pqdesk_message m JOIN pqdesk_queue q ON q.id = m.queue_id WHERE m.line IN (1, 2)
         GROUP BY m.queue_id, m."group"
        HAVING count(*) FILTER (WHERE m.line = 1) NOT BETWEEN min(count(*), coalesce(q.group_concurrency, 1))
               AND max(count(*) FILTER (WHERE m.state = 3), coalesce(q.group_concurrency, 1))""",
    "groups in order of id, but for what runs": """
        SELECT "group" FROM pqdesk_message WHERE line IN (1, 2) GROUP BY queue_id, "group"
        HAVING max(id) FILTER (WHERE line = 1 AND state <> 3) > min(id) FILTER (WHERE line = 2)""",
    "somebody looks when it is due": """
        SELECT m.id FROM pqdesk_message m JOIN pqdesk_queue q ON q.id = m.queue_id
         WHERE m.state IN (1, 4) AND (q.wake_us IS NULL OR q.wake_us > m.due_us)""",
    "the time of the trash": "SELECT id FROM pqdesk_message WHERE (trashed_us IS NOT NULL) IS NOT (state <= 0)",
    "what undoes a message that is gone": """
        SELECT u.message_id FROM pqdesk_undo u WHERE u.activity_id NOT IN (SELECT id FROM pqdesk_activity)""",
    "payloads of nobody": "SELECT id FROM pqdesk_payload WHERE id NOT IN (SELECT id FROM pqdesk_message)",
}  # fmt: skip


class OperatorMachine(RuleBasedStateMachine):
    """put, work, operate, undo and wait; what is written down must always fit together."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="operator"))
        self.clock = MovableClock()
        paths = WorkspacePaths(self.folder / "w")
        self.store = open_store(paths, clock=self.clock, rng=Random(1), durability="relaxed")
        self.queues = {name: Queue.over(self.store, name, self.clock) for name in ("a", "b")}
        self.ids: list[int] = []
        self.held: list[Message] = []
        self.done: list[Outcome] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    @rule(
        queue=_QUEUES, delay=st.sampled_from([0, 0, 5]), key=st.sampled_from([None, None, "k"]),
        group=st.sampled_from([None, "g", "h"]), size=st.sampled_from([1, 2000]),
        rule=st.sampled_from(["raise", "replace", "after", "after"]),
    )  # fmt: skip
    def put(self, queue: str, delay: int, key: str | None, group: str | None, size: int, rule: Any) -> None:
        try:
            new = self.queues[queue].put(
                "x" * size, delay=delay, key=key, group=group, max_attempts=2, on_conflict=rule
            )
        except DuplicateKey:
            return
        assert new not in self.ids or rule == "after"
        if new not in self.ids:
            self.ids.append(new)

    @rule(queue=_QUEUES)
    def get(self, queue: str) -> None:
        try:
            self.held.append(self.queues[queue].get(block=False, lease=1000))
        except Empty:
            pass

    @precondition(lambda self: self.held)
    @rule(how=st.sampled_from(["ack", "nack", "fail", "release"]), pick=st.integers(0, 9))
    def settle(self, how: str, pick: int) -> None:
        message = self.held.pop(pick % len(self.held))
        arguments: tuple[Any, ...] = ("x",) if how in ("nack", "fail") else ()
        getattr(message, how)(*arguments)

    @precondition(lambda self: self.ids)
    @rule(
        action=st.sampled_from(_ACTIONS), picks=st.lists(st.integers(0, 30), min_size=1, max_size=4),
        queue=_QUEUES, to=_QUEUES, by_filter=st.sampled_from([None, None, "ready", "failed", "cancelled", "scheduled"]),
    )  # fmt: skip
    def operate(self, action: str, picks: list[int], queue: str, to: str, by_filter: str | None) -> None:
        chosen: dict[str, Any] = {"ids": [self.ids[pick % len(self.ids)] for pick in picks]}
        if by_filter is not None:
            chosen = {"ids": None, "state": by_filter}
        extra = {"move": {"to": to}, "edit": {"payload": "y" * (100 + picks[0] * 100)}}.get(action, {})
        outcome = getattr(self.queues[queue], action)(**chosen, **extra)
        self.ids += outcome.new_ids
        if outcome.activity_id is not None:
            self.done.append(outcome)

    @rule(queue=_QUEUES, width=st.sampled_from([None, 1, 2, 3]))
    def configure(self, queue: str, width: int | None) -> None:
        self.queues[queue].configure(group_concurrency=width)

    @precondition(lambda self: self.done)
    @rule(pick=st.integers(0, 9))
    def undo(self, pick: int) -> None:
        outcome = self.done.pop(-1 - pick % len(self.done))
        try:
            undone = acting.undo(self.store, outcome.activity_id or 0, None)
        except InvalidInput:
            return
        assert undone.done + undone.skipped <= outcome.done

    @rule(seconds=st.sampled_from([1, 10]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def run_chores(self) -> None:
        engines.run_chores(self.store)

    @invariant()
    def all_fits_together(self) -> None:
        if not hasattr(self, "store"):
            return
        for name, *counts in engines.sql(self.store, _COUNTED):
            assert counts[:8] == counts[8:], (name, counts)
        for what, sql in _WRONG.items():
            assert engines.sql(self.store, sql) == [], what
        assert sum(queue.counts().of(state) for queue in self.queues.values() for state in State) == sum(
            *engines.sql(self.store, "SELECT count(*) FROM pqdesk_message WHERE state > 0")
        )


TestOperatorMachine = OperatorMachine.TestCase
TestOperatorMachine.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
