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
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pqdesk.clock import SystemClock
from pqdesk.messages.aliases import Durability
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.storage import open_store
from pqdesk.storage.sqlite import checkpoints
from tests.crash.recording import NAME, Recording
from tests.crash.script import QUEUE, Said, Script, Told, wrong_with
from tests.crash.simulated_disk import WAYS, Event, SimulatedDisk, Sync
from tests.crash.verdict import tell

_IMAGES_PER_CALL = 4
_CHECKED_WHOLE = 0.05  # of the images, by SQLite's own quick_check


def record(folder: Path, seed: str, durability: Durability, steps: int) -> tuple[dict[str, bytes], list[Event | Said]]:
    """What was on the disk at the start of a script, and all that happened then."""
    paths = WorkspacePaths(folder / "workspace")
    Queue(QUEUE, workspace=paths.root).close()
    start = {"db": paths.database.read_bytes()}  # whole on the disk: files.py made it so
    recording = Recording(paths.database)

    def opened() -> Queue:
        return Queue.over(open_store(paths, durability=durability, vfs=NAME), QUEUE, SystemClock(), paths)

    with recording.flushes_noted():
        Script(seed, opened, recording.entries.append).run(steps)
    recording.unregister()
    return start, recording.entries


def lose_power(
    start: dict[str, bytes], happened: list[Event | Said], seed: str, *, is_durable: bool, is_forgetful: bool
) -> tuple[int, list[str]]:
    """How many images were looked at, and what was wrong with them."""
    rng, disk, told = random.Random(seed), SimulatedDisk(start), Told()
    count, wrong = 0, []
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base, prefix="pqimages") as name:
        for number, entry in enumerate(_as_flushed(happened, is_forgetful)):
            if not isinstance(entry, Said):
                disk.play(entry)
            else:
                told.add(entry)
                if entry.what not in ("put", "acked"):  # what is told now has to be safe now
                    continue
            for way in rng.sample(list(WAYS), _IMAGES_PER_CALL if disk.has_pending else 1):
                database, is_whole = Path(name) / "queue.db", rng.random() < _CHECKED_WHOLE
                _write(database, disk.after_power_loss(way, rng))
                found = wrong_with(database, told, is_durable=is_durable, is_whole=is_whole)
                wrong += [f"{seed}, call {number}, kept {way}: {one}" for one in found]
                count += 1
    return count, wrong


def _write(database: Path, files: dict[str, bytes]) -> None:
    for name, suffix in (("db", ""), ("wal", "-wal"), ("shm", "-shm")):
        path = Path(f"{database}{suffix}")
        path.unlink(missing_ok=True)
        if name in files:
            path.write_bytes(files[name])


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
            start, happened = record(Path(name), seed, "relaxed" if options.relaxed else "full", options.steps)
        more, found = lose_power(start, happened, seed, is_durable=not options.relaxed, is_forgetful=options.forgetful)
        count, scripts, wrong = count + more, scripts + 1, wrong + found
    took_s = time.monotonic() - started
    print(f"{count} images of {scripts} scripts in {took_s:.0f} s, seed {options.seed}")
    return tell(wrong, "problems")


if __name__ == "__main__":
    sys.exit(main())
