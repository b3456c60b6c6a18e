"""Taking and acking messages of the plainest kind, as most are, with as few calls of SQLite as can be.

They do what `claims.claim` and `settlements.ack` do for such messages, and tell when it takes more than this. Why they
are apart: quick_put.py.
"""

from __future__ import annotations

from pqdesk.storage.sqlite.claims import LEASE, PICK_AND_GATE, PICKED, ClaimTerms, Gate, lease_values, light, made
from pqdesk.storage.sqlite.connection import Row, raise_ours, roll_back
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.settlements import lost
from pqdesk.storage.values import Claim, HandlerDefaults, Look

_PICK = f"BEGIN IMMEDIATE; {PICK_AND_GATE}"
_COUNT = "UPDATE pqdesk_queue SET ready = ready - ?2, running = running + ?2 WHERE id = ?1; COMMIT"
_LEASE_ONE = f"{LEASE}; {_COUNT}"
# changes() is of the statement before: 0 when the lease is lost.
_ACK_IF = """
    BEGIN IMMEDIATE;
    UPDATE pqdesk_message SET state = 5, line = 0, open_key = NULL, finished_us = ?, receipt = 0, cancel_requested = 0,
           started_us = max(started_us, ?)
     WHERE id = ? AND state = 3 AND receipt = ? {};
    UPDATE pqdesk_queue SET running = running - changes(), completed = completed + changes() WHERE id = ?;
    COMMIT"""
_ACK = _ACK_IF.format("")
_ACK_KEYED = _ACK_IF.format("""
    AND NOT EXISTS (SELECT 1 FROM pqdesk_message f INDEXED BY pqdesk_after
                     WHERE f.queue_id = pqdesk_message.queue_id AND f.key = pqdesk_message.key AND f.line = 3)""")
_CHANGED_BOTH = 2
_EXPIRES = PICKED - 1


def claim(
    engine: Engine,
    queue: str,
    limit: int,
    *,
    lease_us: int | None,
    is_ahead: bool,
    defaults: HandlerDefaults,
    types: dict[int, str],
) -> Look | None:
    """Lease messages to this process; None, having done nothing, when there is none or it takes more than this.

    `types`: names of types by id, which never change.
    """
    db = engine.take_lock()
    try:
        if not db.get_autocommit():
            return None
        clock, run = engine.clock, engine.write_transaction.run
        try:
            rows = run(_PICK, (queue, clock.wall_us(), limit))
            now_us = clock.wall_us()  # after the wait for the lock
            if not rows or _has_expired(rows, now_us):
                return None
            if is_ahead and len(rows) > 1:
                rows = light(db, rows)
            gate = Gate(*rows[0][PICKED:])
            terms = ClaimTerms(engine.owner_id, lease_us, is_ahead, defaults, now_us, clock.awake_ms(), types)
            claims = tuple([made(db, queue, gate, row[:PICKED], terms, engine.rng) for row in rows])
            if len(claims) == 1:
                run(_LEASE_ONE, (*lease_values(claims[0], terms), gate.queue_id, 1))
            else:
                for one in claims:
                    run(LEASE, lease_values(one, terms))
                run(_COUNT, (gate.queue_id, len(claims)))
            return Look(claims, None, max(gate.claimable - len(claims), 0))
        finally:
            if not db.get_autocommit():  # nothing was ready, or it was interrupted
                roll_back(db)
    except Exception as exc:  # of a read in between; `run` tells its own in our words
        raise_ours(exc, engine.path, db)
        raise
    finally:
        engine.let_go_of_lock()


def _has_expired(rows: list[Row], now_us: int) -> bool:
    return any([row[_EXPIRES] is not None and row[_EXPIRES] <= now_us for row in rows])  # noqa: C419 - quicker


def ack(engine: Engine, claim: Claim) -> bool:
    """Complete a message that has no group and no result, at its first attempt; it is not in hand any more.

    False, having done nothing, when it takes more than this. Flushes nothing.

    Raises:
        LeaseLost: It is not in hand any more; nothing was changed.
    """
    db = engine.take_lock()
    try:
        clock = engine.clock
        if clock.awake_ms() >= engine.metrics.write_at_ms or not db.get_autocommit():
            return False
        now_us, began_us, before = clock.wall_us(), engine.held.begun_us(claim), db.total_changes()
        values = (now_us, began_us, claim.id, claim.receipt, claim.queue_id)
        engine.write_transaction.run(_ACK if claim.key is None else _ACK_KEYED, values)
        is_done = db.total_changes() - before == _CHANGED_BOTH
        if not is_done and claim.key is not None:  # lost, or another waits for its end
            return False
        engine.held.drop(claim.receipt)
        if not is_done:
            raise lost(claim.id)
        engine.metrics.completed(claim.queue_id, claim.type, began_us - claim.due_us, now_us - began_us, now_us)
        engine.flusher.committed()
        return True
    except Exception as exc:
        raise_ours(exc, engine.path, db)
        raise
    finally:
        engine.let_go_of_lock()
