"""Taking messages under a lease.

A claim reads the queue's gate, promotes what became due (a few at a time), picks from an index that holds
claimable rows only, and leases by id. It is not flushed: lost with the power, it means one more delivery, and
its holder is gone with the power too.
"""

from random import Random
from typing import NamedTuple

import apsw

from pqdesk.messages.defaults import DEFAULT_LEASE_S, DEFAULT_MAX_ATTEMPTS
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.connection import Row, first_row, only_value
from pqdesk.storage.sqlite.limits import Limits
from pqdesk.storage.sqlite.promotion import expire, promote
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.values import Claim, EncodedPayload, HandlerDefaults, Look

_PROMOTED_PER_CLAIM = 20
_AHEAD_BYTES = 4 * 1024 * 1024
_INLINE_PAYLOAD = 12  # its column in _PICK
_PAYLOAD_LENGTH = "SELECT length(payload) FROM pqdesk_payload WHERE id = ?"
DEFAULT_LEASE_US = round(DEFAULT_LEASE_S * 1e6)
_READY, _RUNNING = State.READY.number, State.RUNNING.number  # an enum member costs more at each use

_GATE_COLUMNS = """
    q.id, q.is_paused, q.wake_us, q.ready - q.blocked, q.running, q.max_attempts, q.lease_us, q.timeout_us,
    q.concurrency, q.rate_count, q.rate_us, q.rate_claims, q.max_size,
    q.concurrency IS NOT NULL OR q.rate_count IS NOT NULL"""
_PICK_COLUMNS = """
    m.id, m.attempt, m.forgiven, m.max_attempts, m.type_id, m.priority, m."group", m.key, m.headers, m.enqueued_us,
    m.due_us, m.payload_kind, m.payload, m.checksum, m.expires_us"""
PICKED = 15  # columns
_GATE = f"SELECT {_GATE_COLUMNS} FROM pqdesk_queue q WHERE q.name = ?"
_PICK = f"""
    SELECT {_PICK_COLUMNS} FROM pqdesk_message m INDEXED BY pqdesk_claimable
     WHERE m.queue_id = ?1 AND m.state = 2 AND m.line < 2 ORDER BY m.priority DESC, m.id LIMIT ?2"""
_PICK_ONE = f"""
    SELECT {_PICK_COLUMNS} FROM pqdesk_message m WHERE m.queue_id = ?1 AND m.id = ?2 AND m.state = 2 AND m.line < 2"""
# Both at once, of a queue that has no limits and where nothing is due: as most are, most of the time.
PICK_AND_GATE = f"""
    SELECT {_PICK_COLUMNS}, {_GATE_COLUMNS}
      FROM pqdesk_queue q JOIN pqdesk_message m INDEXED BY pqdesk_claimable
        ON m.queue_id = q.id AND m.state = 2 AND m.line < 2
     WHERE q.name = ? AND q.is_paused = 0 AND (q.wake_us IS NULL OR q.wake_us > ?) AND q.concurrency IS NULL
           AND q.rate_count IS NULL
     ORDER BY m.priority DESC, m.id LIMIT ?"""
_TYPE = "SELECT CAST(name AS BLOB) FROM pqdesk_type WHERE id = ?"
_LINE = "SELECT line FROM pqdesk_message WHERE id = ?"
LEASE = """
    UPDATE pqdesk_message SET state = 3, attempt = attempt + 1, owner_id = ?2, receipt = ?3, lease_ends_ms = ?4,
           started_us = ?5, progress = NULL, progress_note = NULL
     WHERE id = ?1"""


class Gate(NamedTuple):
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
    has_limits: bool

    def allowed(self, db: apsw.Connection, wanted: int, now_us: int) -> tuple[int, int | None]:
        """How many of `wanted` the limits let through now, and when the next one; see limits.py."""
        return self._limits().allowed(db, wanted, now_us)

    def take(self, db: apsw.Connection, count: int, now_us: int) -> None:
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


class ClaimTerms(NamedTuple):
    """For whom and for how long. `lease_us=None`: the queue's, else the handler's, else the default.

    `types`: the names of the types seen so far in this transaction.
    """

    owner_id: int
    lease_us: int | None
    is_ahead: bool
    defaults: HandlerDefaults
    now_us: int
    awake_ms: int
    types: dict[int, str]


def claim(
    db: apsw.Connection,
    queue: str,
    limit: int,
    terms: ClaimTerms,
    rng: Random,
    change: QueueChange | None = None,
    *,
    only_id: int | None = None,
) -> Look:
    """Lease up to `limit` messages, highest priority first, then lowest id. In a write transaction.

    Of a queue with a rate nothing is claimed along with a settlement, and ahead only what is begun next.
    `only_id`: this one or none.
    `change`: what the caller changed in this queue before, not yet written; it is written here along with the claim.
    """
    gate = read_gate(db, queue)
    if gate is None or gate.is_paused:
        if change is not None:
            change.write(db)
        return Look((), is_paused=gate is not None)
    if terms.is_ahead and gate.rate_count is not None:  # what the rate lets through has to begin now
        limit = 1 if change is None else 0
    if change is None:
        change = QueueChange(gate.queue_id)
    else:
        gate = gate._replace(
            running=gate.running + change.by_state[_RUNNING],
            claimable=gate.claimable + change.by_state[_READY] - change.blocked,
        )
    next_us = None
    if gate.wake_us is not None and gate.wake_us <= terms.now_us:
        promoted = promote(db, change, terms.now_us, limit=_PROMOTED_PER_CLAIM)
        gate = gate._replace(claimable=gate.claimable + promoted)
    if gate.has_limits:
        limit, next_us = gate.allowed(db, limit, terms.now_us)
    rows = _pick(db, change, limit, terms.now_us, only_id) if limit else []
    if terms.is_ahead and len(rows) > 1:
        rows = light(db, rows)
    claims = tuple([_lease(db, queue, gate, row, terms, rng) for row in rows])
    count = len(claims)
    if gate.has_limits:
        gate.take(db, count, terms.now_us)
    change.by_state[_READY] -= count
    change.by_state[_RUNNING] += count
    change.write(db)
    if claims and gate.wake_us is None and not gate.has_limits:
        return Look(claims, None, max(gate.claimable - count, 0))
    return _looked(db, queue, gate, claims, next_us)


def _looked(db: apsw.Connection, queue: str, gate: Gate, claims: tuple[Claim, ...], next_us: int | None) -> Look:
    after = read_gate(db, queue)
    assert after is not None, queue
    more = after.claimable
    if gate.has_limits:  # whoever is woken would only find the limit
        room = gate.concurrency - gate.running - len(claims) if gate.concurrency is not None else more
        more = 0 if next_us is not None else min(more, room)
    return Look(claims, wake_us=_sooner(after.wake_us, next_us), more=max(more, 0))


def _sooner(one_us: int | None, other_us: int | None) -> int | None:
    return min((us for us in (one_us, other_us) if us is not None), default=None)


def _pick(db: apsw.Connection, change: QueueChange, limit: int, now_us: int, only_id: int | None) -> list[Row]:
    sql, chosen = (_PICK, limit) if only_id is None else (_PICK_ONE, only_id)
    while True:
        rows: list[Row] = db.execute(sql, (change.queue_id, chosen)).fetchall()
        late = [row for row in rows if row[14] is not None and row[14] <= now_us]
        if not late:
            return rows
        for row in late:  # more expired at once than one promotion handles
            line = 0 if row[6] is None else only_value(db, _LINE, (row[0],))
            expire(db, change, row[0], State.READY, group=row[6], line=line, attempt=row[1], now_us=now_us)


def light(db: apsw.Connection, rows: list[Row]) -> list[Row]:
    """The first of them, and those after it whose payloads may be in memory together while they wait."""
    total_bytes = 0
    for count, row in enumerate(rows):
        if row[_INLINE_PAYLOAD] is None:  # a large one, whose length is known without reading it
            total_bytes += only_value(db, _PAYLOAD_LENGTH, (row[0],))
            if total_bytes > _AHEAD_BYTES and count:
                return rows[:count]
    return rows


def _lease(db: apsw.Connection, queue: str, gate: Gate, row: Row, terms: ClaimTerms, rng: Random) -> Claim:
    claim = made(db, queue, gate, row, terms, rng)
    db.execute(LEASE, lease_values(claim, terms))
    return claim


def lease_values(claim: Claim, terms: ClaimTerms) -> tuple[int, ...]:
    """Of LEASE."""
    return claim.id, terms.owner_id, claim.receipt, claim.lease_ends_ms, 0 if terms.is_ahead else terms.now_us


def made(db: apsw.Connection, queue: str, gate: Gate, row: Row, terms: ClaimTerms, rng: Random) -> Claim:
    """What a claim of the picked `row` will be; to be leased."""
    (message_id, attempt, forgiven, max_attempts, type_id, priority, group, key,
     headers, enqueued_us, due_us, kind, payload, checksum, _) = row  # fmt: skip
    defaults = terms.defaults
    lease_us = terms.lease_us or gate.lease_us or defaults.lease_us or DEFAULT_LEASE_US
    allowed = max_attempts or gate.max_attempts or defaults.max_attempts or DEFAULT_MAX_ATTEMPTS
    return Claim(
        id=message_id, queue=queue, queue_id=gate.queue_id, receipt=rng.getrandbits(62) + 1,
        lease_ends_ms=terms.awake_ms + (lease_us // 1000 or 1),
        lease_us=lease_us, timeout_us=gate.timeout_us or defaults.timeout_us, claimed_us=terms.now_us,
        is_ahead=terms.is_ahead, has_waiters=gate.concurrency is not None or gate.max_size is not None,
        is_limited=gate.has_limits, defaults=defaults, attempt=attempt + 1, max_attempts=forgiven + allowed,
        type=None if type_id is None else _type_name(db, type_id, terms.types), priority=priority, group=group,
        key=key, headers=headers, enqueued_us=enqueued_us, due_us=due_us, checksum=checksum,
        payload=None if payload is None else EncodedPayload(kind, payload), payload_kind=kind,
    )  # fmt: skip


def _type_name(db: apsw.Connection, type_id: int, known: dict[int, str]) -> str:
    name = known.get(type_id)
    if name is None:
        row = first_row(db, _TYPE, (type_id,))  # as bytes, whatever they are: a damaged name stops nobody's work
        name = known[type_id] = bytes(row[0] or b"").decode("utf-8", "replace") if row else f"type {type_id}"
    return name
