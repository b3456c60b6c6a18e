"""A disk that fails: every call of the storage in turn gets an error, and nothing but our own errors comes out.

    python -m tests.crash.faults --points 5000 [--seed N] [--steps N]

A script of random calls is run again and again, each time with an error at another call: of reading or writing (EIO), a
full disk, no memory, or the engine's own flush; once, or from then on. A call may raise an error of PQDesk's, after
which its store is closed and another one opened. When the disk is well again, the file has to have all that was told as
done, and to agree with itself. Exit status 1 when anything else came out, or the file does not.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from pqdesk.clock import SystemClock
from pqdesk.errors import PQDeskError
from pqdesk.paths import WorkspacePaths
from pqdesk.queues.queue import Queue
from pqdesk.storage import open_store
from pqdesk.storage.sqlite import checkpoints
from tests.crash.script import QUEUE, Script, Told, wrong_with
from tests.crash.verdict import tell

_NAME = "pqdesk-failing"
_OFTEN_BYTES = 32 * 1024
_KINDS: dict[str, tuple[Callable[[], Exception], tuple[str, ...]]] = {
    "ioerr": (lambda: apsw.IOError("injected"), ("read", "write", "sync", "truncate", "delete")),
    "full": (lambda: apsw.FullError("injected"), ("write",)),
    "nomem": (lambda: apsw.NoMemError("injected"), ("read", "write", "sync", "truncate", "delete")),
    "flush": (lambda: OSError(errno.EIO, "injected"), ("flush",)),
}


class Failing(apsw.VFS):
    """A VFS whose call number `at` of a kind fails, and all after it where it `lasts`; counted while it is armed."""

    def __init__(self) -> None:
        self.kind, self.at, self.lasts, self.count = "", 0, False, 0
        super().__init__(_NAME, "")

    @contextmanager
    def armed(self, kind: str, at: int, *, lasts: bool) -> Iterator[None]:
        self.kind, self.at, self.lasts, self.count = kind, at, lasts, 0
        try:
            yield
        finally:
            self.kind = ""

    def meet(self, what: str) -> None:
        """A call of this kind is about to be made. Raises what was injected."""
        if not self.kind:
            return
        error, where = _KINDS[self.kind]
        if what in where:
            self.count += 1
            if self.count == self.at or (self.lasts and self.count > self.at):
                raise error()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.meet("delete")
        super().xDelete(filename, syncdir)

    @contextmanager
    def flushes_too(self) -> Iterator[None]:
        """Let the engine's own flushes fail as well, which are none of SQLite's."""
        fdatasync = os.fdatasync

        def flush(descriptor: int) -> None:
            self.meet("flush")
            fdatasync(descriptor)

        os.fdatasync = flush  # type: ignore[assignment]
        try:
            yield
        finally:
            os.fdatasync = fdatasync


class _File(apsw.VFSFile):
    def __init__(self, disk: Failing, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.meet("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.meet("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.meet("sync")
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:
        self._disk.meet("truncate")
        super().xTruncate(newsize)


def run(disk: Failing, folder: Path, seed: str, steps: int, kind: str, at: int, *, lasts: bool) -> list[str]:
    """One script with an error at that call; what was wrong."""
    paths, told, wrong = WorkspacePaths(folder / "workspace"), Told(), list[str]()
    Queue(QUEUE, workspace=paths.root).close()

    def opened() -> Queue:
        return Queue.over(open_store(paths, vfs=_NAME), QUEUE, SystemClock(), paths)

    script = Script(seed, opened, told.add, (PQDeskError,))
    try:
        with disk.armed(kind, at, lasts=lasts):
            script.run(steps)
    except Exception as exc:  # noqa: BLE001 - what else comes out is what is looked for
        wrong.append(f"{type(exc).__name__}: {exc}\n{_places(exc)}")
    wrong += wrong_with(paths.database, told, is_durable=True, is_whole=True)
    return [f"{seed}, {kind} at call {at}{' and on' if lasts else ''}: {one}" for one in wrong]


def _places(error: Exception) -> str:
    """Where in PQDesk it came through, the outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames if "pqdesk" in one.filename)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.faults", description=__doc__)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--steps", type=int, default=15, help="calls in each script")
    options = parser.parse_args()
    checkpoints._EVERY_BYTES = _OFTEN_BYTES
    rng, disk, wrong, started = random.Random(options.seed), Failing(), list[str](), time.monotonic()
    met: Counter[str] = Counter()
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with disk.flushes_too():
        for number in range(options.points):
            kind, at = rng.choice(list(_KINDS)), int(rng.expovariate(1 / 60)) + 1
            with tempfile.TemporaryDirectory(dir=base, prefix="pqfaults") as name:
                seed = f"seed {options.seed}, script {number}"
                wrong += run(disk, Path(name), seed, options.steps, kind, at, lasts=rng.random() < 0.5)
            met[kind] += disk.count >= at
    took_s = time.monotonic() - started
    told = ", ".join(f"{count} {kind}" for kind, count in met.items())
    print(f"{options.points} scripts in {took_s:.0f} s, seed {options.seed}; errors met: {told}")
    return tell(wrong, "problems")


if __name__ == "__main__":
    sys.exit(main())
