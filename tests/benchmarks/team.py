"""The contenders' processes: started, given turns, ended."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import ENTRIES, Entry

ROOT = Path(__file__).resolve().parents[2]
_END_S = 30.0


class Failed(Exception):
    """A contender's process ended, or its work raised."""


@dataclass(frozen=True)
class Settings:
    """What the command line says, for every part.

    Attributes:
        scale: Counts and times are multiplied by it; 1 for figures, less for a look.
        sizes: Of the backlog.
    """

    folder: Path
    scale: float = 1.0
    sizes: tuple[int, ...] = (10, 1_000, 100_000, 1_000_000)

    def count(self, count: int, *, least: int = 1) -> int:
        return max(least, round(count * self.scale))


class Member:
    """One child process with one contender."""

    def __init__(self, entry: Entry, folder: Path) -> None:
        self.entry, self.folder = entry, folder
        command = [sys.executable, "-m", "tests.benchmarks.child", entry.key, str(folder)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads would stop the child when full
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def start(self, work: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"work": work, **arguments}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as exc:
            raise Failed(self._last_words()) from exc

    def result(self) -> dict[str, Any] | None:
        """What was measured; None when the contender cannot do that."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Failed(self._last_words())
        measured: dict[str, Any] = json.loads(line)
        if "failed" in measured:
            raise Failed(f"{self.entry.label}: {measured['failed']}")
        return None if measured.get("cannot") else measured

    def do(self, work: str, **arguments: Any) -> dict[str, Any] | None:
        self.start(work, **arguments)
        return self.result()

    @property
    def is_silent(self) -> bool:
        """Whether it has not answered yet; for one order at a time."""
        assert self.process.stdout is not None
        return not select.select([self.process.stdout], [], [], 0)[0]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._errors.close()

    def end(self) -> None:
        if self.process.poll() is None:
            try:
                self.process.communicate(timeout=_END_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._errors.close()

    def _last_words(self) -> str:
        self.process.kill()
        self.process.communicate()
        self._errors.seek(0)
        lines = [line for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        return f"{self.entry.label} ended: {lines[-1] if lines else f'exit {self.process.returncode}'}"


class Team:
    """Who takes part.

    Attributes:
        members: Its processes, for each contender that is installed and has started.
        failures: Why one has not.
        levels: What `synchronous` is, as it was read back.
    """

    def __init__(self) -> None:
        self.members: dict[str, list[Member]] = {}
        self.failures: dict[str, str] = {}
        self.levels: dict[str, str] = {}

    def singles(self) -> dict[str, Member]:
        """The first process of each."""
        return {key: several[0] for key, several in self.members.items()}

    def add(self, key: str, members: Sequence[Member]) -> None:
        try:
            for member in members:  # one after the other: the first makes the file
                described = member.do("describe")
                assert described is not None
                self.levels[key] = described["synchronous"]
            self.members[key] = list(members)
        except Failed as exc:
            self.failures[key] = str(exc)


@contextmanager
def team(settings: Settings, part: str, keys: Iterable[str], *, each: int = 1) -> Iterator[Team]:
    """`each` processes of every contender that is installed, on one folder per contender, ready for work."""
    with ExitStack() as stack:
        made = Team()
        for key in keys:
            if ENTRIES[key].version is None:
                continue
            members = []
            for _ in range(each):
                member = Member(ENTRIES[key], settings.folder / part / key)
                stack.callback(member.end)
                members.append(member)
                if len(members) == 1 and each > 1:
                    with suppress(Failed):
                        member.do("describe")  # has made its file before the others open it
            made.add(key, members)
        yield made


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def installed(keys: Sequence[str]) -> list[str]:
    return [key for key in keys if ENTRIES[key].version is not None]
