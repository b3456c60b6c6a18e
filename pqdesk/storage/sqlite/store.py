"""The engine behind `storage.contract.Store`: putting, taking, settling; its other parts hang on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pqdesk.clock import Clock
from pqdesk.later import Later
from pqdesk.messages.aliases import Durability
from pqdesk.messages.origin import Origin
from pqdesk.storage.contract import Transaction
from pqdesk.storage.sqlite import closing, forking
from pqdesk.storage.sqlite.calling import begin, call, calls_itself, fail, long_call, question
from pqdesk.storage.sqlite.connection import Translating, connect, let_go
from pqdesk.storage.sqlite.deliveries import Deliveries
from pqdesk.storage.sqlite.engine import Engine
from pqdesk.storage.sqlite.files import Location
from pqdesk.storage.sqlite.open_transactions import awaited_in
from pqdesk.storage.sqlite.puts import ADD_MARK, FORGET_MARK, MARKS, Putting
from pqdesk.storage.sqlite.quick_put import QuickPut
from pqdesk.storage.sqlite.space import SpaceReserve
from pqdesk.storage.sqlite.transactions import Block
from pqdesk.storage.sqlite.waiting import LONGEST_SLEEP_S, room_bell
from pqdesk.storage.values import Alike, NewMessage

if TYPE_CHECKING:
    from pqdesk.messages.records import QueueConfiguration
    from pqdesk.storage.scheduling import Scheduling
    from pqdesk.storage.sqlite import looking as sqlite_looking
    from pqdesk.storage.sqlite import operating as sqlite_operating
else:  # not needed to put and to work
    sqlite_looking, sqlite_operating = Later("pqdesk.storage.sqlite.looking"), Later("pqdesk.storage.sqlite.operating")


class SqliteStore(Deliveries):
    """See `storage.contract.Store`. Open with `storage.open_store`."""

    def __init__(
        self, location: Location, *, clock: Clock, rng: Random, durability: Durability = "full", vfs: str | None = None
    ) -> None:
        super().__init__(Engine(location, clock=clock, rng=rng, durability=durability, vfs=vfs))
        self._space = SpaceReserve(location.database, clock)
        self._quick_put = QuickPut(self._engine, self._ledger, self._space)
        self._operating: sqlite_operating.SqliteOperating | None = None
        self._looking: sqlite_looking.SqliteLooking | None = None

    # --- putting ----------------------------------------------------------------------------------

    @call
    def put(self, messages: Sequence[NewMessage], tx: Transaction | None = None) -> list[int]:
        if tx is None and len(messages) == 1:
            message_id = self._quick_put.put(messages[0])
            if message_id is not None:
                self._flush()
                return [message_id]
        engine, joined = self._joined(tx)
        self._space.check(_payload_bytes(messages))
        with engine.writing(tx) as db:
            putting = Putting(db, self._clock.wall_us(), is_bound=not self._ledger.origin.is_worker)
            ids = putting.add_all(messages)
            queues = putting.finish(engine.metrics if joined is None else joined.metrics)
        if tx is None:
            self._quick_put.learn(putting)
        (joined or self._engine).ring(queues)  # before the flush: the sleeper wakes while the disk works
        self._flush(tx)
        return ids

    @calls_itself
    def put_payload(self, queue: str, kind: int, data: bytes) -> int | None:
        engine = self._engine
        thread = begin(engine)
        try:
            message_id = self._quick_put.put_payload(queue, kind, data)
            if message_id is not None:
                self._flush()
            return message_id
        except BaseException as exc:
            fail(engine, exc)
            raise
        finally:
            engine.calls.discard(thread)

    @call
    def put_unmarked(self, marked: Sequence[tuple[str, NewMessage]]) -> list[int]:
        engine = self._engine
        self._space.check(sum(len(message.payload.data) for _, message in marked))
        with engine.writing() as db:
            putting = Putting(db, self._clock.wall_us())
            ids = putting.add_unmarked(marked)
            queues = putting.finish(engine.metrics)
        engine.ring(queues)
        self._flush()
        return ids

    @call
    def marks(self, prefix: str) -> list[str]:
        with self._engine.locked() as db, Translating(self._engine.path):
            return [mark for (mark,) in db.execute(MARKS, {"prefix": prefix})]

    @call
    def change_marks(self, added: Sequence[str], forgotten: Sequence[str]) -> None:
        with self._engine.writing() as db:
            db.executemany(FORGET_MARK, [(mark,) for mark in forgotten])
            db.executemany(ADD_MARK, [(mark, 0, self._clock.wall_us()) for mark in added])
        self._flush()

    @call
    def wait_for_room(self, queue: str, timeout_s: float | None) -> None:
        with self._engine.outside():
            seconds = LONGEST_SLEEP_S if timeout_s is None else timeout_s
            bells, bell = self._engine.bells, room_bell(queue)
            with bells.entered(bell):
                bells.wait(bell, seconds, self._engine.interrupt)

    def transaction(self) -> AbstractContextManager[Transaction]:
        return Block(self._engine, self._ingestion, self._flush)

    def awaited_in(self, thread: int) -> AbstractContextManager[None]:
        return awaited_in(thread, str(self._engine.path))

    # --- waiting ----------------------------------------------------------------------------------

    @call
    def wait(self, queue: str, *, until_us: int | None, timeout_s: float | None) -> bool:
        with self._engine.outside():
            self.background.begin()
            seconds = LONGEST_SLEEP_S if timeout_s is None else timeout_s
            if until_us is not None:
                seconds = min(seconds, max(0.0, (until_us - self._clock.wall_us()) / 1e6) + 0.001)
            has_rung = self._engine.bells.wait(queue, seconds, self._engine.interrupt)
            if has_rung:
                self._likely.add(queue)
            return has_rung

    @call
    def listen(self, queue: str) -> int:
        with self._engine.outside():
            self.background.begin()
            return self._engine.bells.listen(queue)

    def unlisten(self, queue: str, descriptor: int) -> None:
        if self._engine.is_own_process:  # a fork's copy of a bell has the lock of the parent's
            self._engine.bells.unlisten(queue, descriptor)

    def enter(self, queue: str) -> None:
        with self._engine.outside():
            self._engine.bells.enter(queue)
            self._engine.bells.silence(queue)

    def leave(self, queue: str) -> None:
        if self._engine.is_own_process:
            self._engine.bells.leave(queue)

    def silence(self, queue: str) -> None:
        with self._engine.outside():
            self._engine.bells.silence(queue)

    @property
    def place(self) -> object:
        file = self._engine.file
        return self._engine.path if file is None else file.identity

    def sleep(self, seconds: float) -> None:
        self._engine.interrupt.wait(seconds)

    def mark_ordered_end(self) -> None:
        self._engine.mark_ordered_end()

    def interrupt_waits(self) -> None:
        self._engine.interrupt.set()

    @property
    def held_up_s(self) -> float:
        return self._engine.naps.slept_s

    @property
    def is_interrupted(self) -> bool:
        return self._engine.interrupt.is_set

    # --- operating --------------------------------------------------------------------------------

    @property
    def origin(self) -> Origin:
        return self._ledger.origin

    @origin.setter
    def origin(self, origin: Origin) -> None:
        self._ledger.origin = origin

    @property
    def operating(self) -> sqlite_operating.SqliteOperating:
        if self._operating is None:
            self._operating = sqlite_operating.SqliteOperating(self._engine, self._ledger)
        return self._operating

    @question
    def configuration(self, queue: str) -> QueueConfiguration:
        with self._engine.inspecting() as inspection:
            return inspection.configuration(queue)

    @property
    def looking(self) -> sqlite_looking.SqliteLooking:
        if self._looking is None:
            self._looking = sqlite_looking.SqliteLooking(self._engine)
        return self._looking

    # --- living -----------------------------------------------------------------------------------

    def close(self) -> None:
        closing.close(self._engine, self.background.end)

    @property
    def schedules(self) -> Scheduling:
        return self._schedules.scheduling

    @long_call
    def compact(self, on_progress: Callable[[int, int], object] = lambda done, total: None) -> int:
        from pqdesk.storage.sqlite.compacting import compact

        engine = self._engine
        with engine.outside(), forking.UsingSqlite():
            return compact(engine.location, engine.rng, engine.vfs, on_progress)

    @long_call
    def backup(self, path: Path) -> int:
        from pqdesk.storage.sqlite.backup import write_copy

        engine, location = self._engine, self._engine.location
        with engine.outside(), forking.UsingSqlite(), Translating(engine.path):
            db = connect(location.database, is_ours=location.is_ours, readonly=True, vfs=engine.vfs, rng=engine.rng)
            try:
                return write_copy(db, path)
            finally:
                let_go(db)

    @call
    def attend(self) -> None:
        with self._engine.locked():
            self.background.begin()


def _payload_bytes(messages: Sequence[NewMessage]) -> int:
    if isinstance(messages, Alike):
        return sum([len(data) for _, data in messages.payloads])
    return sum([len(message.payload.data) for message in messages])
