"""What it was measured on: processor, kernel, disk, file system, and what one flush costs there."""

from __future__ import annotations

import datetime
import os
import platform
import sqlite3
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measures import percentile

_FLUSHES = 1000
_BLOCK = b"\0" * 4096


@dataclass(frozen=True)
class Flush:
    """Of a file that is overwritten in turn 4 KiB at a time, as a WAL is; microseconds."""

    p50_us: float
    p99_us: float
    max_us: float


@dataclass(frozen=True)
class Machine:
    date: str
    processor: str
    cores: int
    load: float
    memory_gb: float
    system: str
    python: str
    sqlite: str
    device: str
    file_system: str
    flush: Flush

    @property
    def is_flush_free(self) -> bool:
        return self.file_system in ("tmpfs", "ramfs")

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


def look(folder: Path, *, flushes: int = _FLUSHES) -> Machine:
    device, file_system = _mount(folder)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Machine(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        load=os.getloadavg()[0],
        memory_gb=round(memory, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=f"{_apsw_version()}; peers written in Python {sqlite3.sqlite_version}",
        device=device,
        file_system=file_system,
        flush=flush_times(folder, flushes),
    )


def flush_times(folder: Path, count: int) -> Flush:
    """Write 4 KiB and flush, again and again."""
    path = folder / "flush"
    with path.open("wb", buffering=0) as file:
        file.write(_BLOCK * 256)
        os.fdatasync(file.fileno())
        laps = []
        for number in range(count):
            os.pwrite(file.fileno(), _BLOCK, number % 256 * len(_BLOCK))
            start = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            laps.append((time.perf_counter_ns() - start) / 1e3)
    path.unlink()
    return Flush(percentile(laps, 50), percentile(laps, 99), max(laps))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _mount(folder: Path) -> tuple[str, str]:
    """Device and file system of the longest mount point above `folder`."""
    best = ("", "?", "?")
    whole = str(folder.resolve())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        is_above = whole == point or whole.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best[0]):
            best = (point, device, kind)
    return best[1], best[2]


def _apsw_version() -> str:
    """Without loading it: one SQLite per process, and sqlite3 is here already."""
    import importlib.metadata

    return f"APSW {importlib.metadata.version('apsw')}"


if __name__ == "__main__":
    print(look(Path(sys.argv[1])))
