"""What was asked for and could not be done at once, in run/requests.json, where whoever comes next finds it.

A restart, a removal and a stop take as long as a process needs to end. Whoever asked may be gone by then: so the
request is written down before the first signal, and taken out when it is carried out (carrying_out.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pqdesk.messages.json_text import load_json
from pqdesk.opening import read_plain
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.private_files import write_private_file
from pqdesk.supervision.processes.trees import Member
from pqdesk.supervision.waiting import held_lock

_LOCK_S = 30.0
_LARGEST_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Ending:
    """A process that was told to end, with what belongs to it.

    Attributes:
        leader: Its pid.
        tree: All that belonged to it when it was told, itself too.
        is_now: What is left is killed without being asked first.
        asked_ms: When what was left was asked to end, awake time; None while its leader lives.
    """

    leader: int
    tree: list[Member]
    is_now: bool = False
    asked_ms: int | None = None


@dataclass(slots=True)
class Requests:
    """By supervisord's names of processes.

    Attributes:
        start: To be started as soon as they have stopped.
        remove: To be taken out of supervisord as soon as they have stopped.
        ending: Told to end, or with something of theirs left.
        asked_at: When somebody last asked for a start: what they did before no longer counts against them.
    """

    start: set[str] = field(default_factory=set)
    remove: set[str] = field(default_factory=set)
    ending: dict[str, Ending] = field(default_factory=dict)
    asked_at: dict[str, datetime] = field(default_factory=dict)

    @property
    def open(self) -> set[str]:
        """The processes for which something is left to be done."""
        return {*self.start, *self.remove, *self.ending}

    def dump(self) -> str:
        return json.dumps(
            {
                "start": sorted(self.start),
                "remove": sorted(self.remove),
                "ending": {name: [one.leader, one.tree, one.is_now, one.asked_ms] for name, one in self.ending.items()},
                "asked_at": {name: at.isoformat() for name, at in self.asked_at.items()},
            }
        )


class RequestsFile:
    """Keeps nothing open. Belongs to one thread."""

    def __init__(self, paths: WorkspacePaths) -> None:
        self._file = paths.run / "requests.json"
        self._lock = paths.run / "requests.lock"
        self._kept = ""

    def read(self) -> Requests:
        """What is open now; nothing when the file is missing or damaged. Makes and changes nothing."""
        try:
            return _loaded(load_json(read_plain(self._file, _LARGEST_BYTES)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return Requests()

    @contextmanager
    def changing(self) -> Iterator[Requests]:
        """What is open, to be changed: kept at the end of the block, alone among all programs. Not to be nested.

        Raises SupervisorError: somebody else has it for long, or it cannot be written; DiskFull.
        """
        with held_lock(self._lock, _LOCK_S, "busy with the workers"):
            requests = self.read()
            self._kept = requests.dump()
            try:
                yield requests
            finally:
                self.keep(requests)

    def keep(self, requests: Requests) -> None:
        """Write down what is open so far; inside changing(), before the first signal that follows from it."""
        text = requests.dump()
        if text != self._kept:
            write_private_file(self._file, text)
            self._kept = text


def _loaded(kept: dict[str, Any]) -> Requests:
    return Requests(
        start=set(map(str, kept["start"])),
        remove=set(map(str, kept["remove"])),
        ending={str(name): _ending(*one) for name, one in kept["ending"].items()},
        asked_at={str(name): _instant(at) for name, at in kept["asked_at"].items()},
    )


def _ending(leader: int, tree: list[Any], is_now: bool, asked_ms: int | None) -> Ending:
    members = [(_pid(pid), float(started)) for pid, started in tree]
    return Ending(_pid(leader), members, bool(is_now), None if asked_ms is None else int(asked_ms))


def _pid(number: Any) -> int:
    """Only what can be one process: 0, 1 and negative numbers mean others to the system."""
    if not isinstance(number, int) or isinstance(number, bool) or not 1 < number < 2**31:
        raise ValueError(number)
    return number


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
