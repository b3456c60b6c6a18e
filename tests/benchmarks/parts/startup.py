"""What a program pays before its first message: the import, a whole `pqdesk put`, and a file of lines."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.contenders import ENTRIES
from tests.benchmarks.measures import median, percentile
from tests.benchmarks.parts import Part
from tests.benchmarks.results import Cell, Goal, PartResult, Row
from tests.benchmarks.team import ROOT, Settings
from tests.benchmarks.work import payload

_ROUNDS = 15
_LINES = 200_000
_LINE_ROUNDS = 3


def startup(settings: Settings) -> PartResult:
    """In turns; each a process of its own."""
    folder = settings.folder / "startup"
    folder.mkdir()
    rounds = settings.count(_ROUNDS, least=3)
    commands = {what: command for what, command in _commands(folder).items() if command is not None}
    for command in commands.values():
        _run_ms(command, folder)  # files compiled and in the cache, workspaces made
    laps: dict[str, list[tuple[float, float]]] = {what: [] for what in commands}
    for _ in range(rounds):
        for what, command in commands.items():
            laps[what].append(_run_ms(command, folder))
    columns = ["p50 ms", "max ms", "over bare Python ms", "CPU ms", "CPU over bare Python ms"]
    result = PartResult("startup", "starting", f"{rounds} rounds in turn, each a process", columns)
    result.rows = [Row(what, _startup_cells(several, laps["python -c pass"])) for what, several in laps.items()]
    over = {row.who: row.cells for row in result.rows}
    result.goals = [
        Goal("import pqdesk over bare Python", _number(over["import pqdesk"]["over bare Python ms"]), 60, "ms", "low"),
        Goal("pqdesk put, the whole process", _number(over["pqdesk put"]["p50 ms"]), 120, "ms", "low"),
    ]
    return result


def _startup_cells(several: list[tuple[float, float]], bare: list[tuple[float, float]]) -> dict[str, Cell]:
    return {
        "p50 ms": percentile([wall for wall, _ in several], 50),
        "max ms": max(wall for wall, _ in several),
        "over bare Python ms": median(one[0] - other[0] for one, other in zip(several, bare, strict=True)),
        "CPU ms": median(cpu for _, cpu in several),
        "CPU over bare Python ms": median(one[1] - other[1] for one, other in zip(several, bare, strict=True)),
    }


def _number(cell: Cell) -> float | None:
    return cell if isinstance(cell, float) else None


def lines(settings: Settings) -> PartResult:
    """`pqdesk put --lines` of a file of JSON lines."""
    folder = settings.folder / "lines"
    folder.mkdir()
    count = settings.count(_LINES, least=2000)
    file = folder / "lines.jsonl"
    text = str(payload(1)).replace("'", '"')
    file.write_text(f"{text}\n" * count)
    columns = ["lines", "lines/s", "p50 s", "max s", "CPU µs", "bytes"]
    result = PartResult(
        "lines", "pqdesk put --lines", f"{_LINE_ROUNDS} times, the start of the process included", columns
    )
    laps, cpu, sizes = [], [], []
    for number in range(_LINE_ROUNDS):
        workspace = folder / str(number)
        command = _pqdesk(workspace, "put", "work", "--lines", str(file))
        wall_ms, cpu_ms = _run_ms(command, folder)
        laps.append(wall_ms / 1e3)
        cpu.append(cpu_ms)
        sizes.append(sum(path.stat().st_size for path in workspace.glob("queue.db*")))
    cells: dict[str, Cell] = {
        "lines": count, "lines/s": count / median(laps), "p50 s": median(laps), "max s": max(laps),
        "CPU µs": median(cpu) / count * 1e3, "bytes": median(sizes) / count,
    }  # fmt: skip
    result.rows = [Row(f"PQDesk {ENTRIES['pqdesk'].version}", cells)]
    result.goals = [Goal("pqdesk put --lines", count / median(laps), 100_000, "lines/s")]
    return result


def _commands(folder: Path) -> dict[str, list[str] | None]:
    python = [sys.executable, "-c"]
    broker = [sys.executable, "-m", "simplebroker", "-d", str(folder), "-f", "broker.db", "write", "work", "hello"]
    has: Callable[[str], bool] = lambda key: ENTRIES[key].version is not None  # noqa: E731
    return {
        "python -c pass": [*python, "pass"],
        "import pqdesk": [*python, "import pqdesk"],
        "import localqueue": [*python, "import localqueue"] if has("localqueue") else None,
        "import huey": [*python, "import huey"] if has("huey") else None,
        "pqdesk put": _pqdesk(folder / "workspace", "put", "work", "hello"),
        "broker write (simplebroker)": broker if has("simplebroker") else None,
    }


def _pqdesk(workspace: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "pqdesk", "-w", str(workspace), *words]


def _run_ms(command: list[str], folder: Path) -> tuple[float, float]:
    """(wall, CPU) milliseconds, with this checkout's pqdesk, from a folder that has nothing to import."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    used, start = _children_cpu_s(), time.perf_counter_ns()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    lap = (time.perf_counter_ns() - start) / 1e6
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')[-300:]}")
    return lap, (_children_cpu_s() - used) * 1e3


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


PARTS = [
    Part("startup", "import pqdesk and a whole `pqdesk put`, over bare Python", 10, startup),
    Part("lines", "pqdesk put --lines", 10, lines),
]
