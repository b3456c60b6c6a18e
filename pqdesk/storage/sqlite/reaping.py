"""Taking messages back from the dead and the hung, in batches that keep the write lock short."""

from __future__ import annotations

from collections.abc import Callable

from pqdesk.messages.states import AttemptOutcome
from pqdesk.ordered_ends import forget_order, was_ordered
from pqdesk.storage.sqlite import owners, settlements
from pqdesk.storage.sqlite.connection import WriteTransaction
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.logger import logger
from pqdesk.storage.sqlite.owners import Owner
from pqdesk.storage.sqlite.settlements import Ended
from pqdesk.storage.values import Settlement

_SMALLEST_LEASE_END = """
    SELECT 1 FROM pqdesk_message INDEXED BY pqdesk_running
     WHERE state = 3 AND owner_id = ? AND lease_ends_ms <= ? LIMIT 1"""


class Reaper:
    """Looks for dead owners and ended leases. Whoever calls it holds the connection's lock.

    `ring` is told the id of each queue that has messages ready again.
    """

    def __init__(self, engine: Engine, ring: Callable[[int], None]) -> None:
        self._db, self._path, self._folder = engine.db, engine.path, engine.owners_folder
        self._clock, self._rng, self._metrics, self._ring = engine.clock, engine.rng, engine.metrics, ring
        self._told: set[int] = set()  # owners whose rows are damaged

    def reap(self) -> int:
        """Take back everything from dead owners and ended leases; returns how many messages."""
        boot, awake_ms = self._clock.boot_id(), self._clock.awake_ms()
        count = 0
        for owner in owners.ended_owners_in_work(self._db):
            count += self._bury(owner, boot)
        for owner in owners.living_owners(self._db):
            if not owner.is_sound and owner.id not in self._told:
                self._told.add(owner.id)
                text = "%r is damaged: what holds messages as owner %d is no process of PQDesk's; its leases end them"
                logger(__name__).warning(text, str(self._path), owner.id)
            if not owners.is_alive(self._folder, owner, boot):
                count += self._bury(owner, boot)
            elif self._db.execute(_SMALLEST_LEASE_END, (owner.id, awake_ms)).fetchone():
                count += self._take_past_lease(owner, awake_ms)
        return count

    def _bury(self, owner: Owner, boot: str) -> int:
        is_other_boot = owner.boot != boot
        reason = "the machine went down" if is_other_boot else f"its worker {owner.name} died"
        error = f"{reason} while it had this message in hand"
        settlement = Settlement(AttemptOutcome.DIED, error=error, is_other_boot=is_other_boot)
        lock = self._folder / owner.token
        if was_ordered(lock):  # whoever ended it says so: no message is to blame
            settlement = Settlement(AttemptOutcome.RELEASED)
        begun = owners.begun_receipts(self._folder, owner.token)
        count = 0
        while True:
            with WriteTransaction(self._db, self._path):
                held = settlements.messages_of_owner(self._db, owner.id)
                ended = self._settle_all(held, settlement, begun)
                if not held:
                    owners.end_owner(self._db, owner.id, self._clock.wall_us())
            self._tell(ended)
            count += len(held)
            if not held:
                owners.remove_lock(self._folder, owner.token)
                forget_order(lock)
                return count

    def _take_past_lease(self, owner: Owner, awake_ms: int) -> int:
        settlement = Settlement(AttemptOutcome.LEASE_ENDED, error="its lease ended without an ack")
        with WriteTransaction(self._db, self._path):
            held = settlements.messages_past_lease(self._db, owner.id, awake_ms)
            ended = self._settle_all(held, settlement, frozenset())
        self._tell(ended)
        return len(held)

    def _settle_all(
        self, held: list[tuple[int, int, int]], settlement: Settlement, begun: frozenset[int]
    ) -> list[Ended]:
        """Settle each so, but those that were only claimed ahead: they are released."""
        now_us = self._clock.wall_us()
        released = Settlement(AttemptOutcome.RELEASED)
        return [
            settlements.settle(
                self._db, message_id, receipt, settlement if started_us or receipt in begun else released,
                now_us=now_us, rng=self._rng,
            )
            for message_id, receipt, started_us in held
        ]  # fmt: skip

    def _tell(self, ended: list[Ended]) -> None:
        """Count what was committed, and ring for its queues."""
        now_us = self._clock.wall_us()
        for one in ended:
            self._metrics.settled(one, now_us)
        for queue_id in dict.fromkeys(one.queue_id for one in ended):
            self._ring(queue_id)
