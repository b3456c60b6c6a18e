"""Taking messages under a lease.

A claim reads the queue's gate, promotes what became due (a few at a time), picks from an index that holds
claimable rows only, and leases by id. It is not flushed: lost with the power, it means one more delivery, and
its holder is gone with the power too.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import apsw

from pqdesk.messages.records import DEFAULT_LEASE_S, DEFAULT_MAX_ATTEMPTS
from pqdesk.messages.states import State
from pqdesk.storage.contract import Claim, EncodedPayload, HandlerDefaults, Look
from pqdesk.storage.sqlite.connection import Row, all_rows
from pqdesk.storage.sqlite.limits import Limits
from pqdesk.storage.sqlite.promotion import expire, promote
from pqdesk.storage.sqlite.queue_rows import QueueChange

_PROMOTED_PER_CLAIM = 20
_DEFAULT_LEASE_US = round(DEFAULT_LEASE_S * 1e6)

_GATE = """
    SELECT id, is_paused, wake_us, ready - blocked, running, max_attempts, lease_us, timeout_us, concurrency,
           rate_count, rate_us, rate_claims, max_size
      FROM pqdesk_queue WHERE name = ?"""
_PICK = """
    SELECT id, attempt, forgiven, max_attempts, (SELECT name FROM pqdesk_type WHERE id = type_id), priority, "group",
           key, headers, enqueued_us, due_us, payload_kind, payload, checksum, expires_us, line
      FROM pqdesk_message INDEXED BY pqdesk_claimable
     WHERE queue_id = ?1 AND state = 2 AND line < 2 ORDER BY priority DESC, id LIMIT ?2"""
_LEASE = """
    UPDATE pqdesk_message SET state = 3, attempt = attempt + 1, owner_id = ?2, receipt = ?3, lease_ends_ms = ?4,
           started_us = ?5, progress = NULL, progress_note = NULL
     WHERE id = ?1"""


@dataclass(slots=True)
class Gate:
    """What a claim reads of the queue first."""

    queue_id: int
    is_paused: bool
    wake_us: int | None
    claimable: int
    running: int
    max_attempts: int | None
    lease_us: int | None
    timeout_us: int | None
    concurrency: int | None
    rate_count: int | None
    rate_us: int | None
    rate_claims: int
    max_size: int | None

    @property
    def has_limits(self) -> bool:
        return self.concurrency is not None or self.rate_count is not None

    def allowed(self, db: apsw.Connection, wanted: int, now_us: int) -> tuple[int, int | None]:
        """How many of `wanted` the limits let through now, and when the next one; see limits.py."""
        return self._limits().allowed(db, wanted, now_us) if self.has_limits else (wanted, None)

    def take(self, db: apsw.Connection, count: int, now_us: int) -> None:
        if self.rate_count is not None:
            self._limits().take(db, count, now_us)

    def _limits(self) -> Limits:
        return Limits(self.queue_id, self.running, self.concurrency, self.rate_count, self.rate_us, self.rate_claims)


def read_gate(db: apsw.Connection, queue: str) -> Gate | None:
    row = db.execute(_GATE, (queue,)).fetchone()
    return None if row is None else Gate(*row)


def look(db: apsw.Connection, gate: Gate, now_us: int) -> Look | None:
    """What a claim would say without claiming anything; None when there may be something to claim."""
    if gate.is_paused:
        return Look((), is_paused=True)
    has_due = gate.wake_us is not None and gate.wake_us <= now_us
    if gate.claimable <= 0 and not has_due:
        return Look((), wake_us=gate.wake_us)
    if not gate.has_limits:
        return None
    count, next_us = gate.allowed(db, 1, now_us)
    return None if count > 0 or has_due else Look((), wake_us=_sooner(gate.wake_us, next_us))


@dataclass(slots=True)
class ClaimTerms:
    """For whom and for how long. `lease_us=None`: the queue's, else the handler's, else the default."""

    owner_id: int
    lease_us: int | None
    is_ahead: bool
    defaults: HandlerDefaults
    now_us: int
    awake_ms: int


def claim(
    db: apsw.Connection, queue: str, limit: int, terms: ClaimTerms, rng: Random, change: QueueChange | None = None
) -> Look:
    """Lease up to `limit` messages, highest priority first, then lowest id. In a write transaction.

    `change`: what the caller changed in this queue before, not yet written; it is written here along with the claim.
    """
    gate = read_gate(db, queue)
    if gate is None or gate.is_paused:
        if change is not None:
            change.write(db)
        return Look((), is_paused=gate is not None)
    if change is None:
        change = QueueChange(gate.queue_id)
    gate.running += change.by_state[State.RUNNING]
    gate.claimable += change.by_state[State.READY] - change.blocked
    if gate.wake_us is not None and gate.wake_us <= terms.now_us:
        gate.claimable += promote(db, change, terms.now_us, limit=_PROMOTED_PER_CLAIM)
    allowed, next_us = gate.allowed(db, limit, terms.now_us)
    rows = _pick(db, change, allowed, terms.now_us) if allowed else []
    claims = [_lease(db, queue, gate, row, terms, rng) for row in rows]
    gate.take(db, len(claims), terms.now_us)
    change.leaves(State.READY, len(claims))
    change.enters(State.RUNNING, len(claims))
    change.write(db)
    return _looked(db, queue, gate, claims, allowed, next_us)


def _looked(
    db: apsw.Connection, queue: str, gate: Gate, claims: list[Claim], allowed: int, next_us: int | None
) -> Look:
    after = read_gate(db, queue) if not claims or gate.wake_us is not None else None
    more = gate.claimable - len(claims) if after is None else after.claimable
    if gate.has_limits:  # whoever is woken would only find the limit
        room = gate.concurrency - gate.running - len(claims) if gate.concurrency is not None else more
        more = 0 if next_us is not None else min(more, room)
    return Look(tuple(claims), wake_us=_sooner(after.wake_us if after else None, next_us), more=max(more, 0))


def _sooner(one_us: int | None, other_us: int | None) -> int | None:
    return min((us for us in (one_us, other_us) if us is not None), default=None)


def _pick(db: apsw.Connection, change: QueueChange, limit: int, now_us: int) -> list[Row]:
    while True:
        rows = all_rows(db, _PICK, (change.queue_id, limit))
        late = [row for row in rows if row[14] is not None and row[14] <= now_us]
        if not late:
            return rows
        for row in late:  # more expired at once than one promotion handles
            expire(db, change, row[0], State.READY, group=row[6], line=row[15], attempt=row[1], now_us=now_us)


def _lease(db: apsw.Connection, queue: str, gate: Gate, row: Row, terms: ClaimTerms, rng: Random) -> Claim:
    (message_id, attempt, forgiven, max_attempts, type_name, priority, group, key,
     headers, enqueued_us, due_us, kind, payload, checksum, _, _) = row  # fmt: skip
    lease_us = terms.lease_us or gate.lease_us or terms.defaults.lease_us or _DEFAULT_LEASE_US
    lease_ends_ms = terms.awake_ms + max(1, lease_us // 1000)
    receipt = rng.getrandbits(62) + 1
    started_us = 0 if terms.is_ahead else terms.now_us
    db.execute(_LEASE, (message_id, terms.owner_id, receipt, lease_ends_ms, started_us))
    allowed = max_attempts or gate.max_attempts or terms.defaults.max_attempts or DEFAULT_MAX_ATTEMPTS
    return Claim(
        id=message_id, queue=queue, queue_id=gate.queue_id, receipt=receipt, lease_ends_ms=lease_ends_ms,
        lease_us=lease_us, timeout_us=gate.timeout_us or terms.defaults.timeout_us, claimed_us=terms.now_us,
        is_ahead=terms.is_ahead, has_waiters=gate.concurrency is not None or gate.max_size is not None,
        is_limited=gate.has_limits, defaults=terms.defaults, attempt=attempt + 1, max_attempts=forgiven + allowed,
        type=type_name, priority=priority, group=group, key=key, headers=headers, enqueued_us=enqueued_us,
        due_us=due_us, checksum=checksum,
        payload=None if payload is None else EncodedPayload(kind, payload), payload_kind=kind,
    )  # fmt: skip
