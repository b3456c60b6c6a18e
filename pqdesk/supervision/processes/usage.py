"""CPU and memory of workers' processes, their children included."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psutil

from pqdesk.clock import SystemClock
from pqdesk.supervision.records import ReplicaRecord

WINDOW_S = 2.0
_START_TOLERANCE_S = 5.0  # supervisord notes the second, and clocks are corrected


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children use.

    Attributes:
        cpu_percent: Of one core, over the last two seconds or so; None until there were two looks.
        memory_bytes: Resident, memory that several share counted for each.
        processes: How many there are, the first included.
    """

    cpu_percent: float | None
    memory_bytes: int
    processes: int


@dataclass(slots=True)
class _Seen:
    """CPU seconds at instants of the awake clock, oldest first, of one process with its children."""

    created_s: float
    looks: deque[tuple[int, float]] = field(default_factory=deque)

    def percent(self, now_ms: int, cpu_s: float) -> float | None:
        self.looks.append((now_ms, cpu_s))
        while len(self.looks) > 2 and now_ms - self.looks[1][0] >= WINDOW_S * 1000:
            self.looks.popleft()
        then_ms, then_s = self.looks[0]
        return None if now_ms <= then_ms else max(0.0, (cpu_s - then_s) * 100_000 / (now_ms - then_ms))


class UsageReader:
    """Looks at the processes themselves, and remembers the last looks. Belongs to one thread; opens nothing."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._seen: dict[tuple[int, float], _Seen] = {}

    def read(self, records: Iterable[ReplicaRecord]) -> Mapping[str, Usage]:
        """By the record's `process`; what does not run, or has ended meanwhile, is left out.

        A process is told by its pid and the time of its start, so one that got the pid of a dead worker is never
        taken for it. Call it about once a second.
        """
        running = [one for one in records if one.pid is not None]
        trees = _children_by_parent() if running else {}
        found: dict[str, Usage] = {}
        seen: dict[tuple[int, float], _Seen] = {}
        for record in running:
            assert record.pid is not None
            try:
                process = psutil.Process(record.pid)
                created_s = process.create_time()
            except psutil.Error:
                continue
            started_s = created_s if record.started_at is None else record.started_at.timestamp()
            if abs(created_s - started_s) > _START_TOLERANCE_S:
                continue
            cpu_s, memory_bytes, count = _sums([process, *_descendants(process, trees)])
            if not count:
                continue
            key = record.pid, created_s
            seen[key] = self._seen.get(key) or _Seen(created_s)
            percent = seen[key].percent(self._clock.awake_ms(), cpu_s)
            found[record.process] = Usage(percent, memory_bytes, count)
        self._seen = seen
        return found


def _children_by_parent() -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():  # keeps its Process objects, so a look is cheap
        try:
            children.setdefault(process.ppid(), []).append(process)
        except psutil.Error:
            continue
    return children


def _descendants(process: psutil.Process, trees: Mapping[int, list[psutil.Process]]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    known, waiting = {process.pid}, [process.pid]
    while waiting:
        for child in trees.get(waiting.pop(), ()):
            if child.pid not in known:
                known.add(child.pid)
                found.append(child)
                waiting.append(child.pid)
    return found


def _sums(processes: Iterable[psutil.Process]) -> tuple[float, int, int]:
    """CPU seconds, resident bytes and how many could be read.

    What a child had used when it was reaped is in its parent's times from then on, so the sum never falls for it.
    """
    cpu_s, memory_bytes, count = 0.0, 0, 0
    for process in processes:
        try:
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
        except psutil.Error:
            continue
        cpu_s += times.user + times.system + times.children_user + times.children_system
        memory_bytes += memory.rss
        count += 1
    return cpu_s, memory_bytes, count
