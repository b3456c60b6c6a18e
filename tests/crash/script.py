"""Random calls on a queue of one file, what they said, and whether a file agrees with that."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from pqdesk.errors import Empty
from pqdesk.messages.payloads import checksum, decode_payload
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.queues.handling import Handling
from pqdesk.queues.queue import Queue
from pqdesk.storage.values import Settlement

QUEUE = "work"
_COMPLETED, _RELEASED = Settlement(AttemptOutcome.COMPLETED), Settlement(AttemptOutcome.RELEASED)
_LARGE = 3000  # characters, of a payload that has a row of its own
_MESSAGES = """
    SELECT m.id, state, payload_kind, key, checksum, coalesce(m.payload, p.payload)
      FROM pqdesk_message m LEFT JOIN pqdesk_payload p ON p.id = m.id"""
_COUNTERS = "SELECT scheduled, ready, running, retrying, completed, failed, cancelled FROM pqdesk_queue WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Said:
    """`putting` and `acking` before a call, `put` and `acked` after it."""

    what: str
    tokens: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


class Script:
    """Four queues of one file, two to put and two to take.

    Args:
        open_queue: Opens a new one.
        said: Where it goes that a call is about to be made, and that it has returned.
        endures: Errors that end a call and its store, and not the script.
    """

    def __init__(
        self,
        seed: str,
        open_queue: Callable[[], Queue],
        said: Callable[[Said], object],
        endures: tuple[type[Exception], ...] = (),
    ) -> None:
        self._rng, self._open, self._told, self._endures = random.Random(seed), open_queue, said, endures
        self._name, self._number = seed, 0

    def run(self, steps: int) -> None:
        queues: list[Queue | None] = [None] * 4
        try:
            for _ in range(steps):
                number = self._rng.randrange(4)
                if self._rng.random() < 0.05:
                    queues[number] = self._close(queues[number])
                try:
                    queue = queues[number] = queues[number] or self._open()
                    (self._look if self._rng.random() < 0.1 else self._put if number < 2 else self._take)(queue)
                except self._endures:
                    queues[number] = self._close(queues[number])
        finally:
            for one in queues:
                self._close(one)

    def _close(self, queue: Queue | None) -> None:
        if queue is not None:
            with contextlib.suppress(*self._endures):
                queue.store.close()

    def _put(self, queue: Queue) -> None:
        rng = self._rng
        tokens = tuple(self._tokens(rng.choice((1, 1, 1, 1, 9))))
        self._say("putting", tokens)
        payloads = [{"token": token, "filling": "x" * rng.choice((0, 100, _LARGE))} for token in tokens]
        if len(tokens) > 1:
            ids = queue.put_many(payloads, priority=rng.choice((0, 1)))
        elif rng.random() < 0.5:
            ids = [queue.put(payloads[0])]
        else:
            ids = [queue.put(payloads[0], key=tokens[0], group=rng.choice((None, "one", "two")), priority=1)]
        self._say("put", tokens, tuple(ids))

    def _look(self, queue: Queue) -> None:
        """What changes nothing, in the end."""
        ids = [record.id for record in queue.messages(limit=3, search="seed")]
        for message_id in ids:
            queue.message(message_id)
        queue.pause()
        queue.configure(max_attempts=self._rng.choice((3, 5)))
        queue.resume()
        queue.counts()

    def _take(self, queue: Queue) -> None:
        way = self._rng.choice((self._take_one, self._take_one, self._take_several, self._take_in_transaction))
        with contextlib.suppress(Empty):
            way(queue)

    def _take_one(self, queue: Queue) -> None:
        rng, message = self._rng, queue.get(block=False)
        if rng.random() < 0.2:
            message.nack("on purpose", delay=0)
            return
        following = [{"token": token} for token in self._tokens(rng.choice((0, 0, 0, 1)))]
        self._say("putting", tuple(one["token"] for one in following))
        self._say("acking", ids=(message.id,))
        message.ack(rng.choice((None, {"is": "done"})), put=following)
        self._say("acked", ids=(message.id,))
        self._say("put", tuple(one["token"] for one in following))

    def _take_several(self, queue: Queue) -> None:
        """As a worker does: settled together, and in the same transaction the next ones are claimed."""
        handling = Handling(queue)
        ahead = handling.take(4)
        for _ in range(3):
            ahead = [message for message in ahead if handling.begin(message)]
            ids = tuple(message.id for message in ahead)
            self._say("acking", ids=ids)
            for message in ahead:
                handling.end(message)
            if ids:
                lost, ahead = handling.settle([(one, _COMPLETED) for one in ahead], claim_next=4)
                assert not lost
            self._say("acked", ids=ids)
        if ahead:
            handling.settle([(message, _RELEASED) for message in ahead])

    def _take_in_transaction(self, queue: Queue) -> None:
        message, (token,) = queue.get(block=False), self._tokens(1)
        self._say("putting", (token,))
        self._say("acking", ids=(message.id,))
        with queue.transaction() as tx:
            message_id = queue.put({"token": token}, tx=tx)
            message.ack(tx=tx)
        self._say("put", (token,), (message_id,))
        self._say("acked", ids=(message.id,))

    def _tokens(self, count: int) -> Iterator[str]:
        for _ in range(count):
            self._number += 1
            yield f"{self._name}-{self._number}"

    def _say(self, what: str, tokens: tuple[str, ...] = (), ids: tuple[int, ...] = ()) -> None:
        self._told(Said(what, tokens, ids))


class Told:
    """What was said so far: what must be there, and what may be."""

    def __init__(self) -> None:
        self.put: set[str] = set()
        self.ids: dict[int, str] = {}
        self.acked: set[int] = set()
        self.asked: set[str] = set()
        self.acking: set[int] = set()

    def add(self, said: Said) -> None:
        match said.what:
            case "putting":
                self.asked.update(said.tokens)
            case "put":
                self.put.update(said.tokens)
                self.ids.update(zip(said.ids, said.tokens, strict=False))  # a follow-up's id is not told
            case "acking":
                self.acking.update(said.ids)
            case "acked":
                self.acked.update(said.ids)


def wrong_with(database: Path, told: Told, *, is_durable: bool, is_whole: bool) -> list[str]:
    """What in the file of a workspace does not agree with what was told, or with itself.

    Args:
        is_durable: Whether all that was told as done has to be there.
        is_whole: Whether SQLite looks at all of it, which takes longer.
    """
    try:
        db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            rows, counters = db.execute(_MESSAGES).fetchall(), db.execute(_COUNTERS, (QUEUE,)).fetchall()
            whole = db.execute("PRAGMA quick_check").fetchall() if is_whole else [("ok",)]
        finally:
            db.close()
    except (apsw.Error, UnicodeDecodeError) as exc:
        return [f"it cannot be read: {exc}"]
    wrong = [] if whole == [("ok",)] else [f"quick_check: {whole[:3]}"]
    found, states = {}, {}
    for message_id, *columns in rows:
        try:
            states[message_id], found[message_id] = _read(*columns)
        except (ValueError, TypeError, LookupError):
            wrong.append(f"message {message_id} is damaged")
    wrong += [f"{token} is there and nobody put it" for token in found.values() if token not in told.asked]
    wrong += [f"{token} is there {n} times" for token, n in Counter(found.values()).items() if n > 1]
    wrong += [f"message {one} is completed and nobody acked it" for one, state in states.items()
              if state == State.COMPLETED and one not in told.acking]  # fmt: skip
    there = Counter(states.values())
    expected = tuple(there[state] for state in State)
    if (counters or [(0,) * 7]) != [expected]:
        wrong.append(f"the counters say {counters}, and there are {expected}")
    if is_durable:
        wrong += [f"{token} was put and is gone" for token in told.put - set(found.values())]
        wrong += [f"message {one} was put as {token} and is {found.get(one)}" for one, token in told.ids.items()
                  if found.get(one) != token]  # fmt: skip
        wrong += [f"message {one} was acked and is not completed" for one in told.acked
                  if states.get(one) != State.COMPLETED]  # fmt: skip
    return wrong


def _read(state: Any, kind: Any, key: Any, stored: Any, data: Any) -> tuple[State, str]:
    """A message's state and token. Raises ValueError, TypeError or LookupError for what is none."""
    if checksum(kind, key, data) != stored:
        raise ValueError("its checksum is another")
    return State(state), decode_payload(kind, data)["token"]
