"""Taking messages and ending their deliveries: what a worker asks of a store."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from pqdesk.errors import InvalidInput, LeaseLost
from pqdesk.messages.states import AttemptOutcome
from pqdesk.storage.contract import Transaction
from pqdesk.storage.sqlite import claims, owners, quick_work, settlements
from pqdesk.storage.sqlite.background import Background
from pqdesk.storage.sqlite.calling import begin, call, calls_itself, fail, question
from pqdesk.storage.sqlite.connection import Translating, first_row
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.ingestion import Ingestion
from pqdesk.storage.sqlite.ledger import Ledger
from pqdesk.storage.sqlite.metrics import Metrics
from pqdesk.storage.sqlite.puts import Putting
from pqdesk.storage.sqlite.queue_rows import QueueChange
from pqdesk.storage.sqlite.schedule_runner import ScheduleRunner
from pqdesk.storage.sqlite.transactions import SqliteTransaction
from pqdesk.storage.sqlite.waiting import room_bell
from pqdesk.storage.values import NO_DEFAULTS, Claim, EncodedPayload, HandlerDefaults, Look, NewMessage, Settlement

_LARGE_PAYLOAD = "SELECT CAST(payload AS BLOB) FROM pqdesk_payload WHERE id = ?"  # text there is damage


class Deliveries:
    """The part of `storage.contract.Store` that claims, settles and extends."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._clock = engine, engine.clock
        self._ledger = Ledger(engine)
        self._ingestion = Ingestion(engine)
        self._schedules = ScheduleRunner(engine, self._ledger)
        self.background = Background(engine, self._ingestion, self._schedules)
        self._type_names: dict[int, str] = {}
        self._likely: set[str] = set()  # queues with something to claim when last looked at

    @calls_itself
    def claim(
        self,
        queue: str,
        *,
        limit: int,
        lease_us: int | None,
        is_detached: bool,
        is_ahead: bool = False,
        defaults: HandlerDefaults = NO_DEFAULTS,
        only_id: int | None = None,
    ) -> Look:
        engine = self._engine
        while True:
            thread = begin(engine)
            try:
                if queue not in self._likely or not (engine.owner_id or is_detached):
                    nothing = self._look(queue, is_detached)
                    if nothing is not None:
                        return nothing
                if not is_detached and only_id is None:
                    quick = quick_work.claim(
                        engine,
                        queue,
                        limit,
                        lease_us=lease_us,
                        is_ahead=is_ahead,
                        defaults=defaults,
                        types=self._type_names,
                    )
                    if quick is not None:
                        if not quick.more:
                            self._likely.discard(queue)
                        return self._taken(quick, is_detached=False)
                with engine.writing(is_lasting=False) as db:
                    terms = self._terms(0 if is_detached else engine.owner_id, lease_us, is_ahead, defaults)
                    look = claims.claim(db, queue, limit, terms, engine.rng, only_id=only_id)
                    (self._likely.add if look.more else self._likely.discard)(queue)
                return self._taken(look, is_detached=is_detached)
            except BaseException as exc:
                if not self._is_past_damage(exc, None):
                    raise
            finally:
                engine.calls.discard(thread)

    def begin(self, claim: Claim, *, keeps_extending: bool = False) -> bool:
        engine, clock = self._engine, self._clock
        with engine.lock:
            held, own_lock = engine.held, engine.own_lock
            is_in_hand = held.begin(claim, clock.wall_us(), clock.awake_ms(), keeps_extending=keeps_extending)
            if own_lock is not None:
                own_lock.tell_begun(held.begun_receipts())
        if keeps_extending:
            self.background.poke_for(claim)
        return is_in_hand

    def end(self, claim: Claim) -> None:
        with self._engine.lock:
            self._engine.held.end(claim)

    @calls_itself
    def settle(
        self,
        claim: Claim,
        settlement: Settlement,
        *,
        put: Sequence[NewMessage] = (),
        claim_next: int = 0,
        defaults: HandlerDefaults = NO_DEFAULTS,
        tx: Transaction | None = None,
    ) -> Look | None:
        engine = self._engine
        while True:
            thread = begin(engine)
            try:
                if (
                    tx is None and not put and not claim_next and claim.group is None and claim.attempt == 1
                    and settlement.outcome is AttemptOutcome.COMPLETED and settlement.result is None
                    and quick_work.ack(engine, claim)
                ):  # fmt: skip
                    if claim.has_waiters:
                        engine.ring((claim.queue, room_bell(claim.queue)))
                    self._flush()
                    return None
                writer, joined = self._joined(tx)
                look = None
                metrics = Metrics(self._clock) if put or joined is not None else engine.metrics
                try:
                    with writer.writing(tx) as db:
                        change = QueueChange(claim.queue_id)
                        is_back = self._end_one(db, change, claim, settlement, defaults, metrics)
                        queues = self._put_along(db, put, change, claim.queue, metrics) if put else []
                        if metrics is not engine.metrics:  # counted only now that no put can undo it
                            (joined or engine).metrics.add_all(metrics)
                        if claim_next:
                            terms = self._terms(writer.owner_id, None, True, defaults)
                            look = claims.claim(db, claim.queue, claim_next, terms, writer.rng, change)
                        else:
                            change.write(db)
                except LeaseLost:
                    self._let_go(claim)
                    raise
                if tx is None:
                    self._let_go(claim)
                else:
                    tx.on_end(lambda is_committed: self._let_go(claim) if is_committed else None)
                if claim.has_waiters:
                    queues += [claim.queue, room_bell(claim.queue)]
                elif is_back:
                    queues.append(claim.queue)
                (joined or engine).ring(queues)
                self._flush(tx)
                return None if look is None else self._taken(look, is_detached=False, is_spare=True)
            except BaseException as exc:
                if not self._is_past_damage(exc, tx):
                    raise
            finally:
                engine.calls.discard(thread)

    @calls_itself
    def settle_many(
        self,
        settled: Sequence[tuple[Claim, Settlement]],
        *,
        claim_next: int = 0,
        is_ahead: bool = True,
        defaults: HandlerDefaults = NO_DEFAULTS,
    ) -> tuple[list[Claim], Look]:
        engine = self._engine
        while True:
            thread = begin(engine)
            try:
                lost: list[Claim] = []
                look = Look(())
                queue, queue_id = settled[0][0].queue, settled[0][0].queue_id
                with engine.writing() as db:
                    change, is_back = QueueChange(queue_id), False
                    for claim, settlement in settled:
                        assert claim.queue_id == queue_id, "one queue at a time: its counters change once"
                        try:
                            is_back |= (
                                self._end_one(db, change, claim, settlement, defaults, engine.metrics)
                                or claim.has_waiters
                            )
                        except LeaseLost:
                            lost.append(claim)
                    if claim_next:
                        terms = self._terms(engine.owner_id, None, is_ahead, defaults)
                        look = claims.claim(db, queue, claim_next, terms, engine.rng, change)
                    else:
                        change.write(db)
                    for claim, _ in settled:
                        engine.held.drop(claim.receipt)
                if is_back:
                    engine.ring([queue, room_bell(queue)])
                self._flush()
                return lost, self._taken(look, is_detached=False)
            except BaseException as exc:
                if not self._is_past_damage(exc, None):
                    raise
            finally:
                engine.calls.discard(thread)

    @calls_itself
    def settle_receipt(self, message_id: int, receipt: int, settlement: Settlement) -> None:
        engine = self._engine
        while True:
            thread = begin(engine)
            try:
                with engine.writing() as db:
                    now_us = self._clock.wall_us()
                    ended = settlements.settle(db, message_id, receipt, settlement, now_us=now_us, rng=engine.rng)
                    engine.metrics.settled(ended, now_us)
                    engine.held.drop(receipt)
                queue = engine.queue_name(ended.queue_id)
                engine.ring([queue, room_bell(queue)])
                return self._flush()
            except BaseException as exc:
                if not self._is_past_damage(exc, None):
                    raise
            finally:
                engine.calls.discard(thread)

    @call
    def keep_extending(self, claim: Claim) -> None:
        with self._engine.locked():
            self._engine.held.keep_extending(claim)
            self.background.begin()
        self.background.poke_for(claim)

    def stop_extending(self, claim: Claim) -> None:
        engine = self._engine
        engine.check_process()
        with engine.lock:  # only memory: allowed within a transaction, and after the end
            engine.held.stop_extending(claim.receipt)

    @call
    def extend(self, claim: Claim, lease_us: int) -> int:
        ends_ms = self._clock.awake_ms() + max(1, lease_us // 1000)
        with self._engine.writing(is_lasting=False) as db:
            if settlements.extend(db, [(claim.id, claim.receipt, ends_ms)]):
                raise settlements.lost(claim.id)
            self._engine.held.extended_until(claim.receipt, ends_ms)
        return ends_ms

    @call
    def extend_receipt(self, message_id: int, receipt: int, lease_us: int | None) -> None:
        with self._engine.writing(is_lasting=False) as db:
            own_us = lease_us or settlements.lease_us_of(db, message_id)
            ends_ms = self._clock.awake_ms() + max(1, own_us // 1000)
            if settlements.extend(db, [(message_id, receipt, ends_ms)]):
                raise settlements.lost(message_id)

    @call
    def report_progress(self, claim: Claim, fraction: float, note: str) -> None:
        with self._engine.writing(is_lasting=False) as db:
            settlements.report_progress(db, claim.id, claim.receipt, fraction, note)

    @question
    def is_cancel_requested(self, claim: Claim) -> bool:
        with self._engine.inspecting() as inspection:
            return inspection.is_cancel_requested(claim.id, claim.receipt)

    def lease_remaining_ms(self, claim: Claim) -> int:
        return max(0, self._engine.held.ends_ms(claim) - self._clock.awake_ms())

    def _is_past_damage(self, exc: BaseException, tx: Transaction | None) -> bool:
        """`exc` leaves a call: whether it came of damaged messages, failed by now, and it is to be made again."""
        is_past = False
        try:
            is_past = isinstance(exc, Exception) and self._joined(tx)[0].fail_damaged(exc, tx)
        finally:
            if not is_past:
                fail(self._engine, exc)
        return is_past

    def _joined(self, tx: Transaction | None) -> tuple[Engine, SqliteTransaction | None]:
        """Where a call with `tx` writes: over the connection of that transaction, which may be another store's."""
        if tx is None:
            return self._engine, None
        if not isinstance(tx, SqliteTransaction) or tx.engine.path != self._engine.path:
            raise InvalidInput("tx must be the value of `with queue.transaction()`, of a queue of the same file")
        self._engine.check_usable()
        tx.join(self._engine)
        return tx.engine, tx

    def _look(self, queue: str, is_detached: bool) -> Look | None:
        """What a claim would find, without the write lock; None when there may be something, which it is ready for."""
        with self._engine.locked() as db:
            nothing = self._look_once(db, queue)
            if nothing is not None and self._ingestion.take_in():
                nothing = self._look_once(db, queue)
            if nothing is None and not is_detached:
                self._engine.own()
                self.background.begin()
            return nothing

    def _look_once(self, db: apsw.Connection, queue: str) -> Look | None:
        with Translating(self._engine.path):
            gate = claims.read_gate(db, queue)
            if not self.background.has_begun or (gate is not None and gate.running and gate.claimable <= 0):
                self.background.chores.reap()  # at the first claim, and whenever nothing else is to be had
                gate = claims.read_gate(db, queue)
            return Look(()) if gate is None else claims.look(db, gate, self._clock.wall_us())

    def _end_one(
        self,
        db: apsw.Connection,
        change: QueueChange,
        claim: Claim,
        settlement: Settlement,
        defaults: HandlerDefaults,
        metrics: Metrics,
    ) -> bool:
        """End one delivery in a write transaction; whether something else may be claimable by that."""
        now_us, began_us = self._clock.wall_us(), self._engine.held.begun_us(claim)
        if settlement.outcome is AttemptOutcome.COMPLETED:
            settlements.ack(
                db, change, claim.id, claim.receipt, settlement.result,
                attempt=claim.attempt, group=claim.group, key=claim.key, now_us=now_us, started_us=began_us,
            )  # fmt: skip
            metrics.completed(claim.queue_id, claim.type, began_us - claim.due_us, now_us - began_us, now_us)
            return claim.group is not None or claim.key is not None
        ended = settlements.settle(
            db, claim.id, claim.receipt, settlement,
            now_us=now_us, rng=self._engine.rng, defaults=defaults, change=change, started_us=began_us,
        )  # fmt: skip
        metrics.settled(ended, now_us)
        return True

    def _put_along(
        self, db: apsw.Connection, put: Sequence[NewMessage], change: QueueChange, queue: str, metrics: Metrics
    ) -> list[str]:
        """Put in the transaction of a settlement; `change` of `queue` is left to be written. Returns the queues."""
        putting = Putting(db, self._clock.wall_us(), change, queue)
        putting.add_all(put)
        return putting.finish(metrics, but=queue)

    def _let_go(self, claim: Claim) -> None:
        with self._engine.lock:
            self._engine.held.drop(claim.receipt)

    def _flush(self, tx: Transaction | None = None) -> None:
        """Return when what was committed is on disk, where this store promises that; not within a transaction."""
        engine = self._engine
        if tx is not None:
            return
        if engine.is_durable:
            engine.flusher.flush()
        if engine.checkpointer.is_due:
            with engine.lock:
                if not engine.is_closing and engine.transaction is None:
                    engine.checkpointer.do_by_the_way(engine.db)
            if engine.checkpointer.is_overdue and not engine.is_closing:
                self.background.begin().poke()

    def _terms(
        self, owner_id: int, lease_us: int | None, is_ahead: bool, defaults: HandlerDefaults
    ) -> claims.ClaimTerms:
        """Called inside the transaction, so that the clocks are read after the wait for the lock."""
        now_us = self._clock.wall_us()
        own = owner_id or owners.detached_owner(self._engine.db, self._clock.boot_id(), now_us)
        return claims.ClaimTerms(own, lease_us, is_ahead, defaults, now_us, self._clock.awake_ms(), {})

    def _taken(self, look: Look, *, is_detached: bool, is_spare: bool = False) -> Look:
        if not look.claims:
            return look
        engine = self._engine
        if not is_detached:
            with engine.lock:
                engine.held.take(look.claims, self._clock.awake_ms(), is_spare=is_spare)
        if any([claim.payload is None for claim in look.claims]):  # noqa: C419 - quicker
            look = look._replace(claims=tuple(map(self._whole, look.claims)))
        if look.more:
            engine.bells.ring(look.claims[0].queue)  # this wake-up was for one; another sleeper takes the next
        return look

    def _whole(self, claim: Claim) -> Claim:
        """With its payload: a large one is not read in the claiming transaction."""
        if claim.payload is not None:
            return claim
        with self._engine.locked() as db, Translating(self._engine.path):
            row = first_row(db, _LARGE_PAYLOAD, (claim.id,))
        return claim._replace(payload=EncodedPayload(claim.payload_kind, b"" if row is None else row[0]))
