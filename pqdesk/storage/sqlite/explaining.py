"""Why a message is not running now: its row, the gate of its queue, its group's head, and who could take it.

Every look is by an index and bounded, whatever the backlog. The words are in messages/reasons.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from pqdesk.clock import Clock
from pqdesk.messages.defaults import DEFAULT_MAX_ATTEMPTS
from pqdesk.messages.fingerprints import headline
from pqdesk.messages.looking import Reason, ReasonKind
from pqdesk.messages.payloads import checksum
from pqdesk.messages.states import State
from pqdesk.storage.sqlite import damage, owners
from pqdesk.storage.sqlite.connection import first_row, only_value
from pqdesk.storage.sqlite.limits import Limits
from pqdesk.storage.sqlite.owners import Owner
from pqdesk.storage.sqlite.rows import error_ends
from pqdesk.storage.sqlite.transitions import AFTER_KEY
from pqdesk.storage.sqlite.waiting import is_waited_for

_MOST_BEFORE = 1000

_MESSAGE = f"""
    SELECT m.id, m.state, m.line, m.priority, m."group", m.key, m.attempt, m.due_us, m.expires_us, m.started_us,
           m.finished_us, m.trashed_us, m.cancel_requested, m.checksum, m.payload_kind,
           m.forgiven + coalesce(m.max_attempts, q.max_attempts, {DEFAULT_MAX_ATTEMPTS}),
           m.owner_id, o.token, o.pid, o.boot, o.name
      FROM pqdesk_message m JOIN pqdesk_queue q ON q.id = m.queue_id LEFT JOIN pqdesk_owner o ON o.id = m.owner_id
     WHERE m.id = ? AND m.state <> 0"""
_QUEUE = """
    SELECT q.id, q.name, q.is_paused, q.running, q.concurrency, coalesce(q.group_concurrency, 1), q.rate_count,
           q.rate_us, q.rate_claims
      FROM pqdesk_queue q WHERE q.id = (SELECT queue_id FROM pqdesk_message WHERE id = ?)"""
_PAYLOAD = """
    SELECT coalesce(m.payload, p.payload) FROM pqdesk_message m LEFT JOIN pqdesk_payload p ON p.id = m.id
     WHERE m.id = ?"""
_ERROR = f"""
    SELECT {error_ends("error")} FROM pqdesk_attempt
     WHERE message_id = ? AND error IS NOT NULL ORDER BY attempt DESC LIMIT 1"""
_HEAD = """
    SELECT id, state, due_us FROM pqdesk_message INDEXED BY pqdesk_group_head
     WHERE queue_id = ? AND "group" = ? AND line = 1 ORDER BY id LIMIT 1"""
_HOLDER = """
    SELECT id FROM pqdesk_message INDEXED BY pqdesk_open_key
     WHERE queue_id = ? AND open_key = ? AND open_key IS NOT NULL"""
_HIGHER = """
    SELECT count(*) FROM (SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_claimable
     WHERE queue_id = ?1 AND state = 2 AND line < 2 AND priority > ?2 LIMIT ?3)"""
_OLDER = """
    SELECT count(*) FROM (SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_claimable
     WHERE queue_id = ?1 AND state = 2 AND line < 2 AND priority = ?2 AND id < ?3 LIMIT ?4)"""
_NAMED = "SELECT id FROM pqdesk_queue WHERE name = ?"
_HAS_IN_HAND = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_running
     WHERE state = 3 AND owner_id = ? AND queue_id = ? LIMIT 1"""


@dataclass(frozen=True, slots=True)
class _Message:
    id: int
    state: int
    line: int
    priority: int
    group: str | None
    key: str | None
    attempt: int
    due_us: int
    expires_us: int | None
    started_us: int
    finished_us: int
    trashed_us: int | None
    cancel_requested: int
    checksum: int
    payload_kind: int
    max_attempts: int
    owner_id: int
    token: str | None
    pid: int | None
    boot: str | None
    worker: str | None


@dataclass(frozen=True, slots=True)
class _Gate:
    id: int
    name: str
    is_paused: int
    running: int
    concurrency: int | None
    group_width: int
    rate_count: int | None
    rate_us: int | None
    rate_claims: int


def served_queues(db: apsw.Connection, run: Path, clock: Clock, queues: Collection[str]) -> frozenset[str]:
    """Of `queues`, those that a living process waits for, or somebody living has a message of in hand.

    Who took it for another program (`pqdesk get`) counts as living: nobody can tell.
    """
    holders = owners.living_owners(db)
    return frozenset(
        name
        for name in queues
        if is_waited_for(run / "bells", name)
        or ((row := first_row(db, _NAMED, (name,))) is not None and _is_in_hand(db, run, clock, row[0], holders))
    )


def _is_in_hand(db: apsw.Connection, run: Path, clock: Clock, queue_id: int, holders: Collection[Owner]) -> bool:
    """Whether one of `holders` lives and has a message of the queue."""
    return any(
        first_row(db, _HAS_IN_HAND, (owner.id, queue_id)) is not None
        and owners.is_alive(run / "owners", owner, clock.boot_id())
        for owner in holders
    )


def explain(db: apsw.Connection, run: Path, clock: Clock, message_id: int) -> tuple[Reason, ...] | None:
    """The reasons, the most telling first; None when there is no such message. `run`: the folder of locks and bells."""
    columns = damage.unsound_columns(db, message_id)
    if columns:
        return (Reason(ReasonKind.DAMAGED, message_id, "", {"columns": " and ".join(columns)}),)
    values, queue = first_row(db, _MESSAGE, (message_id,)), first_row(db, _QUEUE, (message_id,))
    if values is None or queue is None:
        return None
    return tuple(_Explaining(db, run, clock, _Message(*values), _Gate(*queue)).reasons())


class _Explaining:
    """One question about one message, inside one read."""

    def __init__(self, db: apsw.Connection, run: Path, clock: Clock, message: _Message, gate: _Gate) -> None:
        self._db, self._run, self._clock = db, run, clock
        self._message, self._gate = message, gate
        self._now_us = clock.wall_us()

    def reasons(self) -> Iterator[Reason]:
        message = self._message
        if message.state < 0:
            trashed_us = message.trashed_us or self._now_us
            yield self._reason(
                ReasonKind.TRASHED, ago_s=self._since(trashed_us), state=State.from_number(-message.state).word
            )
        elif State.from_number(message.state).is_final:
            yield self._final(State.from_number(message.state))
        elif message.state == State.RUNNING.number:
            yield self._running()
        else:
            yield from self._waiting()

    def _final(self, state: State) -> Reason:
        message = self._message
        kind = {State.COMPLETED: ReasonKind.COMPLETED, State.FAILED: ReasonKind.FAILED}.get(state, ReasonKind.CANCELLED)
        has_run = bool(message.started_us)
        return self._reason(
            kind,
            ago_s=self._since(message.finished_us),
            attempt=message.attempt,
            worker=message.worker,
            ran_s=(message.finished_us - message.started_us) / 1e6 if has_run else None,
            error=self._error() if state != State.COMPLETED else None,
        )

    def _running(self) -> Reason:
        message = self._message
        owner = self._owner()
        return self._reason(
            ReasonKind.RUNNING,
            worker=message.worker,
            ago_s=self._since(message.started_us) if message.started_us else None,
            attempt=message.attempt,
            max_attempts=message.max_attempts,
            is_detached=owner is not None and owner.is_detached,
            is_alive=owner is not None and self._is_alive(owner),
            cancel_requested=bool(message.cancel_requested),
        )

    def _waiting(self) -> Iterator[Reason]:
        message, gate = self._message, self._gate
        if message.expires_us is not None and message.expires_us <= self._now_us:
            yield self._reason(ReasonKind.EXPIRED, ago_s=self._since(message.expires_us), attempt=message.attempt)
            return
        is_later = message.state != State.READY.number and message.due_us > self._now_us
        if is_later:
            yield self._later()
        if self._is_damaged():
            yield self._reason(ReasonKind.DAMAGED)
        if gate.is_paused:
            yield self._reason(ReasonKind.PAUSED)
        held = self._held_by_group() if message.line == 2 and message.group is not None else None
        if message.line == AFTER_KEY:
            holder = first_row(self._db, _HOLDER, (gate.id, message.key))
            held = self._reason(ReasonKind.AFTER, holder=holder[0] if holder else 0, key=message.key)
        if held is not None:
            yield held
        if is_later:
            return
        has_worker = self._has_worker()
        if not has_worker:
            yield self._reason(ReasonKind.NO_WORKER)
        limits = list(self._limits())
        yield from limits
        if not (gate.is_paused or held or limits) and has_worker:
            yield self._place()

    def _later(self) -> Reason:
        message, in_s = self._message, (self._message.due_us - self._now_us) / 1e6
        if message.state == State.SCHEDULED.number:
            return self._reason(ReasonKind.SCHEDULED, in_s=in_s)
        return self._reason(
            ReasonKind.RETRYING,
            in_s=in_s, attempt=message.attempt, max_attempts=message.max_attempts, error=self._error(),
        )  # fmt: skip

    def _held_by_group(self) -> Reason | None:
        message, gate = self._message, self._gate
        head = first_row(self._db, _HEAD, (gate.id, message.group))
        if head is None:
            return None
        head_id, state, due_us = head
        found = State.from_number(state)
        is_later = found in (State.SCHEDULED, State.RETRYING) and due_us > self._now_us
        word = found.word if is_later or found is State.RUNNING else State.READY.word
        return self._reason(
            ReasonKind.GROUP_HELD,
            group=message.group, head=head_id, state=word, width=gate.group_width,
            in_s=(due_us - self._now_us) / 1e6 if is_later else None,
        )  # fmt: skip

    def _limits(self) -> Iterator[Reason]:
        gate = self._gate
        if gate.concurrency is not None and gate.running >= gate.concurrency:
            yield self._reason(ReasonKind.CONCURRENCY, running=gate.running, limit=gate.concurrency)
        if gate.rate_count is not None and gate.rate_us is not None:
            limits = Limits(gate.id, gate.running, None, gate.rate_count, gate.rate_us, gate.rate_claims)
            next_us = limits.next_us(self._db, self._now_us)
            if next_us is not None:
                per_s, in_s = gate.rate_us / 1e6, (next_us - self._now_us) / 1e6
                yield self._reason(ReasonKind.RATE, count=gate.rate_count, per_s=per_s, in_s=in_s)

    def _place(self) -> Reason:
        """How many are claimed before it, counted up to a thousand."""
        message, gate = self._message, self._gate
        count = only_value(self._db, _HIGHER, (gate.id, message.priority, _MOST_BEFORE))
        count += only_value(self._db, _OLDER, (gate.id, message.priority, message.id, _MOST_BEFORE))
        if not count:
            return self._reason(ReasonKind.NEXT, running=gate.running)
        is_more = count >= _MOST_BEFORE
        return self._reason(ReasonKind.BEHIND, count=min(count, _MOST_BEFORE), is_more=is_more)

    def _has_worker(self) -> bool:
        """Whether a living process waits for this queue or has a message of it in hand."""
        gate = self._gate
        if is_waited_for(self._run / "bells", gate.name):
            return True
        holders = [one for one in owners.living_owners(self._db) if not one.is_detached] if gate.running else []
        return _is_in_hand(self._db, self._run, self._clock, gate.id, holders)

    def _is_alive(self, owner: Owner) -> bool:
        return owners.is_alive(self._run / "owners", owner, self._clock.boot_id())

    def _owner(self) -> Owner | None:
        message = self._message
        if message.token is None or message.pid is None or message.boot is None or message.worker is None:
            return None
        return Owner(message.owner_id, message.token, message.pid, message.boot, message.worker)

    def _is_damaged(self) -> bool:
        message = self._message
        data = only_value(self._db, _PAYLOAD, (message.id,))
        return data is None or checksum(message.payload_kind, message.key, data) != message.checksum

    def _error(self) -> str | None:
        row = first_row(self._db, _ERROR, (self._message.id,))
        return None if row is None else headline(*row)

    def _since(self, us: int) -> float:
        return (self._now_us - us) / 1e6

    def _reason(self, kind: ReasonKind, **facts: Any) -> Reason:
        return Reason(kind, self._message.id, self._gate.name, facts)
