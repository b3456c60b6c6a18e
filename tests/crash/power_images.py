"""Simulated power losses: what was told as done has to be in whatever the disk may have kept.

    python -m tests.crash.power_images --images 1000000 [--seed N] [--relaxed] [--forgetful]

Four queues of one file, two to put and two to take, do random things in turn; all that they write and flush is
recorded. Then, after each storage call and after each return, files are made as they may be found when the power goes
there: of what was not flushed nothing is kept, or all, a part, some sectors, or noise. Each is opened with SQLite, and
has to have all that had been told as done by then, nothing that nobody asked for, and counters that agree with it.
Exit status 1 when it has not.

`--relaxed` puts at durability "relaxed", which may lose the last moments and must agree with itself all the same.
`--forgetful` leaves out the engine's own flushes and has to be found out.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw

from pqdesk.clock import SystemClock
from pqdesk.errors import Empty
from pqdesk.messages.aliases import Durability
from pqdesk.messages.payloads import checksum, decode_payload
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.handling import Handling
from pqdesk.queues.queue import Queue
from pqdesk.storage import open_store
from pqdesk.storage.contract import Settlement
from pqdesk.storage.sqlite import checkpoints
from tests.crash.recording import NAME, Recording, Said
from tests.crash.simulated_disk import WAYS, Event, SimulatedDisk, Sync

QUEUE = "work"
_COMPLETED, _RELEASED = Settlement(AttemptOutcome.COMPLETED), Settlement(AttemptOutcome.RELEASED)
_IMAGES_PER_CALL = 4
_CHECKED_WHOLE = 0.05  # of the images, by SQLite's own quick_check
_LARGE = 3000  # characters, of a payload that has a row of its own
_MESSAGES = """
    SELECT m.id, state, payload_kind, key, checksum, coalesce(m.payload, p.payload)
      FROM pqdesk_message m LEFT JOIN pqdesk_payload p ON p.id = m.id"""
_COUNTERS = "SELECT scheduled, ready, running, retrying, completed, failed, cancelled FROM pqdesk_queue WHERE name = ?"


class Script:
    """Random calls on four queues of one file, recorded."""

    def __init__(self, folder: Path, seed: str, durability: Durability) -> None:
        self._rng, self._durability = random.Random(seed), durability
        self._paths = WorkspacePaths(folder / "workspace")
        self._name, self._number = seed, 0
        Queue(QUEUE, workspace=self._paths.root).close()
        self.start = {"db": self._paths.database.read_bytes()}  # whole on the disk: files.py made it so
        self.recording = Recording(self._paths.database)

    def run(self, steps: int) -> None:
        with self.recording.flushes_noted():
            queues = [self._open() for _ in range(4)]
            try:
                for _ in range(steps):
                    number = self._rng.randrange(4)
                    if self._rng.random() < 0.05:
                        queues[number].store.close()
                        queues[number] = self._open()
                    (self._put if number < 2 else self._take)(queues[number])
            finally:
                for queue in queues:
                    queue.store.close()
                self.recording.unregister()

    def _open(self) -> Queue:
        store = open_store(self._paths, durability=self._durability, vfs=NAME)
        return Queue.over(store, QUEUE, SystemClock(), self._paths)

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
        self.recording.entries.append(Said(what, tokens, ids))


class Told:
    """What was said so far: what must be there, and what may be."""

    def __init__(self) -> None:
        self.put: dict[int, str] = {}
        self.acked: set[int] = set()
        self.asked: set[str] = set()
        self.acking: set[int] = set()

    def add(self, said: Said) -> None:
        match said.what:
            case "putting":
                self.asked.update(said.tokens)
            case "put":
                self.put.update(zip(said.ids, said.tokens, strict=True))
            case "acking":
                self.acking.update(said.ids)
            case "acked":
                self.acked.update(said.ids)


def problems(folder: Path, files: dict[str, bytes], told: Told, *, is_durable: bool, is_whole: bool) -> list[str]:
    """What is wrong with the file of a workspace as it was found after the power had gone."""
    database = folder / "queue.db"
    for name, suffix in (("db", ""), ("wal", "-wal"), ("shm", "-shm")):
        path = Path(f"{database}{suffix}")
        path.unlink(missing_ok=True)
        if name in files:
            path.write_bytes(files[name])
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
    for message_id, state, kind, key, stored, data in rows:
        if data is None or checksum(kind, key, data) != stored:
            wrong.append(f"message {message_id} is damaged")
            continue
        found[message_id], states[message_id] = decode_payload(kind, data)["token"], State(state)
    wrong += [f"{token} is there and nobody put it" for token in found.values() if token not in told.asked]
    wrong += [f"{token} is there {n} times" for token, n in Counter(found.values()).items() if n > 1]
    wrong += [f"message {one} is completed and nobody acked it" for one, state in states.items()
              if state == State.COMPLETED and one not in told.acking]  # fmt: skip
    there = Counter(states.values())
    expected = tuple(there[state] for state in State)
    if (counters or [(0,) * 7]) != [expected]:
        wrong.append(f"the counters say {counters}, and there are {expected}")
    if is_durable:
        wrong += [f"message {one} was put and is gone" for one, token in told.put.items() if found.get(one) != token]
        wrong += [f"message {one} was acked and is not completed" for one in told.acked
                  if states.get(one) != State.COMPLETED]  # fmt: skip
    return wrong


def lose_power(script: Script, seed: str, *, is_durable: bool, is_forgetful: bool) -> tuple[int, list[str]]:
    """How many images were looked at, and what was wrong with them."""
    rng, disk, told = random.Random(seed), SimulatedDisk(script.start), Told()
    count, wrong = 0, []
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base, prefix="pqimages") as name:
        for number, entry in enumerate(_as_flushed(script.recording.entries, is_forgetful)):
            if not isinstance(entry, Said):
                disk.play(entry)
            else:
                told.add(entry)
                if entry.what not in ("put", "acked"):  # what is told now has to be safe now
                    continue
            for way in rng.sample(list(WAYS), _IMAGES_PER_CALL if disk.has_pending else 1):
                files, is_whole = disk.after_power_loss(way, rng), rng.random() < _CHECKED_WHOLE
                found = problems(Path(name), files, told, is_durable=is_durable, is_whole=is_whole)
                wrong += [f"{seed}, call {number}, kept {way}: {one}" for one in found]
                count += 1
    return count, wrong


def _as_flushed(entries: list[Event | Said], is_forgetful: bool) -> Iterator[Event | Said]:
    """Without the flushes of the WAL, as a queue would that forgets them."""
    return (one for one in entries if not (is_forgetful and isinstance(one, Sync) and one.file == "wal"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.power_images", description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--steps", type=int, default=60, help="calls in each script")
    parser.add_argument("--relaxed", action="store_true", help="at durability relaxed, which has to agree with itself")
    parser.add_argument("--forgetful", action="store_true", help="without flushes of the WAL, to see that found out")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    count, scripts, wrong, started = 0, 0, [], time.monotonic()
    while count < options.images:
        seed = f"seed {options.seed}, script {scripts}"
        checkpoints._EVERY_BYTES = rng.choice((1, 2, 4, 16)) * 16 * 1024
        checkpoints._OVERDUE_BYTES = 3 * checkpoints._EVERY_BYTES
        with tempfile.TemporaryDirectory(prefix="pqscript") as name:
            script = Script(Path(name), seed, "relaxed" if options.relaxed else "full")
            script.run(options.steps)
        more, found = lose_power(script, seed, is_durable=not options.relaxed, is_forgetful=options.forgetful)
        count, scripts, wrong = count + more, scripts + 1, wrong + found
    took_s = time.monotonic() - started
    print(f"{count} images of {scripts} scripts in {took_s:.0f} s, seed {options.seed}")
    for sentence in wrong[:50]:
        print(sentence)
    print(f"{len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
