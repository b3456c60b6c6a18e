"""Programs that work on messages: behind a pipe, one for each message, and a handler within the worker."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from pqdesk import Workspace
from tests.benchmarks.measures import median
from tests.benchmarks.parts import Part
from tests.benchmarks.results import PartResult, Row
from tests.benchmarks.team import ROOT, Failed, Settings

_MESSAGES = 4000
_ROUNDS = 3
_SHARE = {"a process per message": 0.02}
_ANSWER = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["id"], "ok": 1}), flush=True)
"""


def programs(settings: Settings) -> PartResult:
    """`pqdesk consume … --drain` in turns, its start left out: that of the same command with nothing to do."""
    folder = settings.folder / "programs"
    folder.mkdir()
    (folder / "handler.py").write_text("def handle(message):\n    return 1\n")
    python = (sys.executable, "-c", _ANSWER)
    ways = {
        "a handler in the worker": ("--handler", f"{folder / 'handler.py'}:handle"),
        "behind a pipe, one at a time": ("--pipe", "--", *python),
        "behind a pipe, 8 at a time": ("--concurrency", "8", "--pipe", "--", *python),
        "a process per message": ("--", sys.executable, "-c", "print(1)"),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(_ROUNDS):
        for way, words in ways.items():
            count = settings.count(round(_MESSAGES * _SHARE.get(way, 1)), least=20)
            rates[way].append(_rate(folder / f"{number}-{len(rates[way])}-{way.replace(' ', '-')}", count, words))
    columns = ["messages/s", "× a process per message"]
    result = PartResult("programs", "programs that work on messages", f"{_ROUNDS} rounds in turn", columns)
    least = median(rates["a process per message"])
    result.rows = [
        Row(way, {"messages/s": median(each), "× a process per message": median(each) / least})
        for way, each in rates.items()
    ]
    return result


def _rate(path: Path, count: int, words: tuple[str, ...]) -> float:
    command = [sys.executable, "-m", "pqdesk", "-w", str(path), "consume", "work", "--quiet", "--drain", *words]
    with Workspace(path, durability="relaxed") as workspace:
        queue = workspace.queue("work")
        queue.put("warm")
        begun = time.perf_counter()
        _run(command)
        start_s = time.perf_counter() - begun
        queue.put_many(range(count))
        begun = time.perf_counter()
        _run(command)
        took_s = time.perf_counter() - begun - start_s
        if queue.counts().completed != count + 1:
            raise Failed(f"{' '.join(words)} did not complete all messages")
    return count / max(took_s, 1e-3)


def _run(command: list[str]) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Failed(f"{' '.join(command)} failed")


PARTS = [Part("programs", "a program behind a pipe, one per message, and a handler in the worker", 30, programs)]
