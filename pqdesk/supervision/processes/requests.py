"""What was asked for and could not be done at once, in run/requests.json, where whoever comes next finds it.

A restart, a removal and a stop take as long as a process needs to end. Whoever asked may be gone by then: so the
request is written down before the first signal, and taken out when it is carried out. Each step of that is done alone
among all programs, by whoever waits for it: the command, the next one, or, when the one who asked does not wait, a
process of its own that ends when nothing is left (`pqdesk carry-on`).
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pqdesk.bundle import program_command
from pqdesk.clock import Clock
from pqdesk.errors import SupervisorError
from pqdesk.messages.json_text import load_json
from pqdesk.opening import read_plain
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.client import DaemonDown
from pqdesk.supervision.daemon.environment import clean_environment
from pqdesk.supervision.daemon.launch import known_sockets
from pqdesk.supervision.daemon.running_daemon import Daemon
from pqdesk.supervision.definitions.addresses import address_of
from pqdesk.supervision.private_files import write_private_file
from pqdesk.supervision.processes.replicas import ProcessInfo
from pqdesk.supervision.processes.trees import Member, ProcessTable, mark_ends, send
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.waiting import held_lock, wait_for

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


_GRACE_MS = 5_000  # for what a stop left over, between TERM and KILL
_STEP_S = 0.1

Start = Callable[[Sequence[str], Requests], None]


class Carrying:
    """Belongs to one thread; keeps nothing open.

    Args:
        start: Starts processes; what cannot be started yet stays in the requests.
    """

    def __init__(self, paths: WorkspacePaths, daemon: Daemon, file: RequestsFile, clock: Clock, start: Start) -> None:
        self._paths, self._daemon, self._file, self._clock, self._start = paths, daemon, file, clock, start

    def step(self) -> set[str]:
        """Do what can be done now; the processes for which something is left.

        Raises SupervisorError: one of them cannot be started, which is not tried again.
        """
        if not self._file.read().open:
            return set()
        with self._file.changing() as requests:
            infos = self._infos()
            self._end_left(requests, infos or {})
            if infos is None:
                requests.remove.clear()
            else:
                self._remove(requests, infos)
                self._start_stopped(requests, infos)
            return requests.open

    def run(self) -> None:
        """Go on until nothing is left that can be done; at once when another process does that."""
        while self._file.read().open and self._run():
            pass

    def launch(self) -> None:
        """Have a process of its own go on, that outlives this one. Never raises for it: the requests are kept."""
        command = ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 &', "sh"]
        command += program_command("-w", str(self._paths.root), "carry-on")
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, env=clean_environment(), cwd="/", start_new_session=True, check=False
            )
        except OSError:
            pass

    # --- parts ---------------------------------------------------------------------------------------

    def _run(self) -> bool:
        """Whether to look once more: somebody may have asked while the last step was done."""
        try:
            with held_lock(self._paths.run / "carrying.lock", 0, "carrying on"):
                wait_for(self._is_done, float("inf"), step_s=_STEP_S)
        except SupervisorError:
            return False
        return not self._is_waiting_for_daemon()

    def _is_done(self) -> bool:
        try:
            left = self.step()
        except SupervisorError:
            left = self._file.read().open
        return not left or self._is_waiting_for_daemon()

    def _is_waiting_for_daemon(self) -> bool:
        """What is left is for the next supervisord to start."""
        return self._daemon.is_down() and not self._file.read().ending

    def _infos(self) -> Mapping[str, ProcessInfo] | None:
        try:
            return {one.process: one for one in self._daemon.infos()}
        except DaemonDown:
            return None

    def _end_left(self, requests: Requests, infos: Mapping[str, ProcessInfo]) -> None:
        """End what the processes that were told to end have left over, once their leaders have ended."""
        table: ProcessTable | None = None
        for process, one in list(requests.ending.items()):
            info = infos.get(process)
            if info is not None and info.pid == one.leader:
                if info.state is not WorkerState.STOPPING:  # who asked was killed before it could tell supervisord
                    self._daemon.ask("stopProcess", [process], False)
                continue
            if table is None:
                table = ProcessTable(known_sockets(self._paths, address_of(self._paths)))
            is_back = info is not None and info.pid != 0  # started since: only what was noted is of the one before
            left = table.tree(None if is_back else process.rpartition(":")[2], None, one.tree)
            if left:
                self._end(one, left)
            else:
                del requests.ending[process]

    def _end(self, one: Ending, left: list[tuple[int, float]]) -> None:
        now_ms = self._clock.awake_ms()
        one.tree = left
        if one.is_now or (one.asked_ms is not None and now_ms - one.asked_ms >= _GRACE_MS):
            mark_ends(left)
            send(left, signal.SIGKILL)
        elif one.asked_ms is None or one.asked_ms > now_ms:  # later than now: of another boot
            one.asked_ms = now_ms
            mark_ends(left)
            send(left, signal.SIGTERM)

    def _remove(self, requests: Requests, infos: Mapping[str, ProcessInfo]) -> None:
        waiting = {one.process for one in infos.values() if not one.is_settled} | set(requests.ending)
        gone = sorted(requests.remove - waiting)
        self._daemon.drop(gone)
        requests.remove.difference_update(gone)

    def _start_stopped(self, requests: Requests, infos: Mapping[str, ProcessInfo]) -> None:
        stopping = {one.process for one in infos.values() if one.state is WorkerState.STOPPING}
        ready = sorted(requests.start - set(requests.ending) - stopping)
        requests.start.difference_update(ready)
        stopped = [one for one in ready if one not in infos or not infos[one].is_up]  # else somebody was quicker
        if stopped:
            self._start(stopped, requests)
