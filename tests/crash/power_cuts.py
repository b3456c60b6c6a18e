"""Power cuts on a real file system: what was told as done has to be on the disk in that moment.

    python -m tests.crash.power_cuts --cuts 500 [--seed N] [--folder DIR] [--file-system xfs] [--forgetful]

The workspace is on a file system in a file. At a random moment all processes are stopped, the file is copied, as what
the disk would have if the power went now, and the copy is mounted, drained and held against what they had said by then;
then they go on, one of them killed and started anew. Needs root, for the mounts, which are this process's own and end
with it. Exit status 1 when a promise was broken, 77 where such a disk cannot be had.

Not simulated: a disk that forgets or reorders what it was given to write; see power_images.py.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pqdesk.storage.sqlite import checkpoints
from tests.crash import children
from tests.crash.processes import Processes
from tests.crash.verdict import broken_promises, happened, summary, tell

CANNOT = 77  # automake's word for a skipped test
_PRODUCERS, _CONSUMERS = 2, 3
_CUTS_PER_DISK = 20
_LONGEST_PAUSES_S = (0.02, 0.3)
_OFTEN_BYTES, _OVERDUE_BYTES = 64 * 1024, 256 * 1024
_MOST_EVENTS, _PATIENCE_S = 24, 0.4  # between two cuts: on a busy machine there would else be hardly anything to lose
_PREPARE_S = 60.0
_MOST_ROUNDS = 8
_MIB = 1024 * 1024
# How it is made, how a copy of it is mounted beside it, and about the least that it takes.
_FILE_SYSTEMS = {
    "ext4": (("mkfs.ext4", "-q", "-F"), "loop", 96 * _MIB),
    "xfs": (("mkfs.xfs", "-q", "-f"), "loop,nouuid", 320 * _MIB),
    "btrfs": (("mkfs.btrfs", "-q", "-f"), "loop", 256 * _MIB),
}
_CLONE_NEWNS, _MS_REC_PRIVATE = 0x00020000, 0x4000 | 0x40000  # unshare(2), mount(2)


class CannotMount(Exception):
    pass


def own_mounts() -> None:
    """Let what is mounted from now on be seen by this process and its children only, and go with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) or libc.mount(None, b"/", None, _MS_REC_PRIVATE, None):
        raise CannotMount(os.strerror(ctypes.get_errno()))


class Image:
    """A file system in a file."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self._kind = path, kind

    def make(self) -> None:
        """An empty one."""
        command, _, size = _FILE_SYSTEMS[self._kind]
        with self.path.open("wb") as file:
            file.truncate(size)
        _run(*command, self.path)

    def copy(self, to: Path) -> Image:
        """What is on the disk in one moment: the kernel may go on writing, so it is read until nothing changes."""
        before, now = b"", self.path.read_bytes()
        while before != now:
            before, now = now, self.path.read_bytes()
        to.write_bytes(now)
        return Image(to, self._kind)

    @contextmanager
    def mounted(self, at: Path) -> Iterator[Path]:
        at.mkdir()
        _run("mount", "-t", self._kind, "-o", _FILE_SYSTEMS[self._kind][1], self.path, at)
        try:
            yield at
        finally:
            _run("umount", at)


class Disk:
    """Processes that work on one disk, for some cuts."""

    def __init__(self, folder: Path, seed: str, kind: str) -> None:
        self._folder, self._rng, self._seed = folder, random.Random(seed), seed
        self._image = Image(folder / "disk.img", kind)
        self.histories: list[Path] = []

    def run(self, cuts: int) -> list[str]:
        """One sentence for each promise that was broken in one of the copies."""
        self._image.make()
        broken: list[str] = []
        with self._image.mounted(self._folder / "disk") as disk:
            processes = Processes(self._folder, disk / "workspace", self._seed)
            self.histories = processes.histories
            try:
                processes.run_to_its_end(children.prepare, _PREPARE_S)
                for role in (*[children.produce] * _PRODUCERS, *[children.consume] * _CONSUMERS):
                    processes.fork(role)
                for number in range(cuts):
                    broken += [f"{self._seed}, cut {number}: {one}" for one in self._cut(processes)]
            finally:
                processes.end()
        return [*broken, *processes.failures]

    def _cut(self, processes: Processes) -> list[str]:
        rng = self._rng
        time.sleep(rng.uniform(0, rng.choice(_LONGEST_PAUSES_S)))
        processes.wait_for_history(rng.randrange(_MOST_EVENTS), _PATIENCE_S)
        processes.stop_all()
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="cut") as name:
            folder = Path(name)
            copy = self._image.copy(folder / "disk.img")
            for history in processes.histories:
                shutil.copy(history, folder)
            with copy.mounted(folder / "disk") as disk:
                after = Processes(folder, disk / "workspace", f"{self._seed} after")
                after.histories += sorted(folder.glob("history-*"))
                broken = broken_promises(after)
        processes.continue_stopped()
        processes.fork(processes.kill(rng.choice(list(processes.running))))
        return broken


def _run(*command: str | Path) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as exc:
        raise CannotMount(f"{command[0]}: not found") from exc
    except subprocess.CalledProcessError as exc:
        raise CannotMount(f"{command[0]}: {exc.stderr.strip()}") from exc


def _write_back_often() -> None:
    """Else most disks would see two or three checkpoints."""
    checkpoints._EVERY_BYTES, checkpoints._OVERDUE_BYTES = _OFTEN_BYTES, _OVERDUE_BYTES


def _forget_flushes() -> None:
    """As a queue would that does not flush. Has to be found out."""
    os.fdatasync = os.fsync = lambda _descriptor: None  # type: ignore[assignment]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.power_cuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--folder", type=Path, help="where the disks go; best in memory (default: /dev/shm)")
    parser.add_argument("--file-system", choices=_FILE_SYSTEMS, default="ext4")
    parser.add_argument("--forgetful", action="store_true", help="without flushes, to see that found out")
    parser.add_argument(
        "--until", default="", metavar="TEXT", help="go on, for some rounds more, until a sentence has it"
    )
    options = parser.parse_args()
    _write_back_often()
    if options.forgetful:
        _forget_flushes()
    base = options.folder or (Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    started, broken = time.monotonic(), list[str]()
    told, total = Counter[str](), 0
    with tempfile.TemporaryDirectory(dir=base, prefix="pqcuts") as name:
        try:
            own_mounts()
            trial = Image(Path(name) / "trial.img", options.file_system)
            trial.make()
            with trial.mounted(Path(name) / "trial"):
                pass
            trial.path.unlink()
        except CannotMount as exc:
            print(f"no disk to cut the power of: {exc}")
            return CANNOT
        cuts = [min(_CUTS_PER_DISK, options.cuts - done) for done in range(0, options.cuts, _CUTS_PER_DISK)]
        for number, count in enumerate(cuts * (_MOST_ROUNDS if options.until else 1)):
            folder = Path(name) / f"{number}"
            folder.mkdir()
            disk = Disk(folder, f"seed {options.seed}, disk {number}", options.file_system)
            broken += disk.run(count)
            total += count
            told += happened(disk.histories)
            shutil.rmtree(folder)
            if options.until and any(options.until in one for one in broken):
                break
    took_s = time.monotonic() - started
    what = f"{total} power cuts on {options.file_system} in {took_s:.0f} s, seed {options.seed}"
    print(f"{what}, {summary(told)}")
    return tell(broken, "broken promises")


if __name__ == "__main__":
    sys.exit(main())
