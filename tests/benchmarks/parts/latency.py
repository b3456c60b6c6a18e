"""How soon: put to handler in another process, what waiting costs, and a killed worker's message running elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psutil

from tests.benchmarks.contenders import ENTRIES
from tests.benchmarks.measures import percentile
from tests.benchmarks.parts import Part
from tests.benchmarks.results import Cell, Goal, PartResult, Row
from tests.benchmarks.team import ROOT, Failed, Member, Settings, Team, team

_SETTLE_S = 1.0
_PIPE_READER = """
import sys, time
laps = []
for line in sys.stdin:
    laps.append(time.monotonic_ns() - int(line))
print(*laps, sep="\\n")
"""
# puts, and the least and most seconds between them: long enough for the contender to be idle again
_WAKES: dict[str, tuple[int, float, float]] = {
    "pqdesk": (200, 0.005, 0.02),
    "pqdesk-relaxed": (200, 0.005, 0.02),
    "bare-queue": (200, 0.005, 0.02),
    "localqueue": (20, 0.2, 0.5),
    "huey": (20, 0.2, 0.5),
    "simplebroker": (20, 0.2, 0.5),
    "persist-queue": (1, 0.5, 1.0),
}
_IDLE_S = 5.0
_HERD, _HERD_PUTS, _WINDOW_S = 8, 50, 0.02
_KILLS = 15
_PATIENCE_S = 10.0
_REST_S = 0.5  # a new consumer has started and waits
# Documented, not measured: that would take as long.
_AFTER_DEATH = {
    "localqueue": "when its lease ends: 60 s by default",
    "persist-queue": "when a program opens the queue anew",
    "litequeue": "never by itself",
    "huey": "never: it was deleted",
    "simplebroker": "never: it was deleted",
}


def wake(settings: Settings) -> PartResult:
    """One consumer that waits, one producer, each a process."""
    columns = ["synchronous", "puts", "p50 ms", "p99 ms", "max ms", "p50 × bare APSW and a pipe"]
    how = "from the start of put() to the start of the handler in another process that waits, idle"
    result = PartResult("wake", "put to handler, idle consumer in another process", how, columns)
    for key in _WAKES:
        with team(settings, "wake", [key], each=2) as made:
            result.rows.append(_wake_row(key, made, settings))
    least = _number(result.rows[list(_WAKES).index("bare-queue")].cells.get("p50 ms"))
    for row in result.rows:
        if least and (own := _number(row.cells.get("p50 ms"))):
            row.cells["p50 × bare APSW and a pipe"] = own / least
    result.rows.insert(0, _pipe_row(settings))
    result.rows.append(Row(ENTRIES["litequeue"].label, {}, "has no blocking get"))
    for key, cells in zip(_WAKES, (row.cells for row in result.rows[1:]), strict=False):
        if key.startswith("pqdesk"):
            word = "durable" if key == "pqdesk" else "relaxed"
            result.goals += [
                Goal(f"put to handler, {word}, p50", _number(cells.get("p50 ms")), 0.4, "ms", "low"),
                Goal(f"put to handler, {word}, p99", _number(cells.get("p99 ms")), 2.0, "ms", "low"),
            ]
    return result


def _pipe_row(settings: Settings) -> Row:
    """What the machine itself takes just now: a process that sleeps in a read of a pipe is written to."""
    count, least_s, most_s = _WAKES["pqdesk"]
    rng = Random(7)
    command = [sys.executable, "-u", "-c", _PIPE_READER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        time.sleep(_SETTLE_S)
        for _ in range(settings.count(count)):
            time.sleep(rng.uniform(least_s, most_s))
            reader.stdin.write(f"{time.monotonic_ns()}\n")
            reader.stdin.flush()
        reader.stdin.close()
        laps = [int(line) / 1e6 for line in reader.stdout]
    cells: dict[str, Cell] = {
        "puts": len(laps), "p50 ms": percentile(laps, 50), "p99 ms": percentile(laps, 99), "max ms": max(laps),
    }  # fmt: skip
    return Row("bare pipe", cells, "what a wake-up costs without a queue")


def _wake_row(key: str, made: Team, settings: Settings) -> Row:
    entry, (count, least_s, most_s) = ENTRIES[key], _WAKES[key]
    if key not in made.members:
        return Row(entry.label, {}, made.failures.get(key, "not installed"))
    producer, consumer = made.members[key]
    puts = settings.count(count)
    try:
        consumer.start("wait_for", count=puts)
        time.sleep(_SETTLE_S)
        producer.do("put_slowly", count=puts, least_s=least_s, most_s=most_s, seed=7)
        answer = consumer.result()
    except Failed as exc:
        return Row(entry.label, {"synchronous": made.levels[key]}, str(exc))
    assert answer is not None
    laps = [lap / 1e3 for lap in answer["laps_us"]]
    cells: dict[str, Cell] = {
        "synchronous": made.levels[key], "puts": puts,
        "p50 ms": percentile(laps, 50), "p99 ms": percentile(laps, 99), "max ms": max(laps),
    }  # fmt: skip
    return Row(f"{entry.label} {entry.version}", cells, entry.note if len(laps) >= 100 else "p99 is the worst of few")


def herd(settings: Settings) -> PartResult:
    """Several wait, one put at a time: how many of them wake up for it."""
    columns = ["consumers", "puts", "woken per put", "woken without"]
    how = f"processes that ran within {_WINDOW_S * 1e3:g} ms of a put, less those in as long a time without one"
    result = PartResult("herd", "who wakes up for a put", how, columns)
    puts = settings.count(_HERD_PUTS, least=5)
    for key in ("pqdesk", "localqueue", "simplebroker"):
        with team(settings, "herd", [key], each=_HERD + 1) as made:
            result.rows.append(_herd_row(key, made, puts))
    woken = _number(result.rows[0].cells.get("woken per put"))
    result.goals = [Goal(f"consumers that one put wakes, of {_HERD} waiting", woken, 1.5, "", "low")]
    return result


def _herd_row(key: str, made: Team, puts: int) -> Row:
    entry = ENTRIES[key]
    if key not in made.members:
        return Row(entry.label, {}, made.failures.get(key, "not installed"))
    producer, *consumers = made.members[key]
    for consumer in consumers:
        consumer.start("wait_for", count=10 * puts)
    time.sleep(2 * _SETTLE_S)
    without, woken = 0, 0
    for _ in range(puts):
        without += _ran(consumers, lambda: None)
        woken += _ran(consumers, lambda: producer.do("put_slowly", count=1, least_s=0, most_s=0, seed=0))
    for consumer in consumers:
        consumer.kill()
    cells: dict[str, Cell] = {
        "consumers": _HERD, "puts": puts,
        "woken per put": max(0, woken - without) / puts, "woken without": without / puts,
    }  # fmt: skip
    return Row(f"{entry.label} {entry.version}", cells)


def _ran(consumers: list[Member], do: Callable[[], object]) -> int:
    """How many of them went to sleep anew within a while after `do` began."""
    before = [_usage(consumer.process.pid)[1] for consumer in consumers]
    end = time.monotonic() + _WINDOW_S
    do()
    time.sleep(max(0.0, end - time.monotonic()))
    after = [_usage(consumer.process.pid)[1] for consumer in consumers]
    return sum(one > other for one, other in zip(after, before, strict=True))


def idle(settings: Settings) -> PartResult:
    """All wait at the same time; each process's own CPU time and memory."""
    columns = ["CPU % of a core", "wake-ups/s", "RSS MB", "own MB"]
    how = f"over {_IDLE_S:g} s; own: memory that no other process shares; PQDesk is the command `pqdesk consume`"
    result = PartResult("idle", "a consumer that waits", how, columns)
    keys = [key for key in _WAKES if key not in ("pqdesk-relaxed", "bare-queue")]
    with team(settings, "idle", [key for key in keys if key != "pqdesk"]) as made, _consume_command(settings) as ours:
        for member in made.singles().values():
            member.start("wait_for", count=1)
        pids = {"pqdesk": ours.pid, **{key: member.process.pid for key, member in made.singles().items()}}
        time.sleep(2 * _SETTLE_S)
        before = {key: _usage(pid) for key, pid in pids.items()}
        time.sleep(_IDLE_S)
        for key, pid in pids.items():
            result.rows.append(_idle_row(key, pid, before[key]))
        for member in made.singles().values():
            member.kill()
    cells = result.rows[0].cells
    result.goals = [
        Goal("idle consumer's CPU", _number(cells["CPU % of a core"]), 0.1, "% of a core", "low"),
        Goal("idle consumer's memory", _number(cells["RSS MB"]), 40, "MB", "low"),
    ]
    return result


def _idle_row(key: str, pid: int, before: tuple[float, int]) -> Row:
    seconds, switches = _usage(pid)
    memory = psutil.Process(pid).memory_full_info()
    cells: dict[str, Cell] = {
        "CPU % of a core": (seconds - before[0]) / _IDLE_S * 100,
        "wake-ups/s": (switches - before[1]) / _IDLE_S,
        "RSS MB": memory.rss / 1e6,
        "own MB": memory.uss / 1e6,
    }
    return Row(f"{ENTRIES[key].label} {ENTRIES[key].version}", cells)


def _usage(pid: int) -> tuple[float, int]:
    """CPU seconds, finer than the clock ticks of /proc/PID/stat, and how often its threads went to sleep."""
    nanoseconds = switches = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds += int((task / "schedstat").read_text().split()[0])
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                switches += int(line.split()[1])
    return nanoseconds / 1e9, switches


@contextmanager
def _consume_command(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    folder = settings.folder / "idle" / "pqdesk"
    folder.mkdir(parents=True)
    handler = folder / "handler.py"
    handler.write_text("def handle(message):\n    pass\n")
    command = [sys.executable, "-m", "pqdesk", "-w", str(folder / "workspace"), "consume", "work", "--handler"]
    process = subprocess.Popen([*command, f"{handler}:handle"], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def killed(settings: Settings) -> PartResult:
    """Two consumers; the one that has the message in its handler is killed, and replaced."""
    kills = settings.count(_KILLS, least=2)
    result = PartResult(
        "killed", "a killed worker's message runs elsewhere", f"{kills} kills by SIGKILL in the handler",
        ["kills", "p50 ms", "max ms", "after"],
    )  # fmt: skip
    with team(settings, "killed", ["pqdesk"], each=3) as made:
        producer, *consumers = made.members["pqdesk"]
        journal = settings.folder / "killed" / "journal"
        with _Pair(consumers, journal) as pair:
            laps = [pair.kill_one(producer) for _ in range(kills)]
    cells: dict[str, Cell] = {"kills": kills, "p50 ms": percentile(laps, 50), "max ms": max(laps)}
    result.rows = [Row(f"{ENTRIES['pqdesk'].label} {ENTRIES['pqdesk'].version}", cells)]
    result.rows += [Row(ENTRIES[key].label, {"after": text}, "by its documents") for key, text in _AFTER_DEATH.items()]
    result.goals = [
        Goal("killed worker to its message running elsewhere, p50", percentile(laps, 50), 10, "ms", "low"),
        Goal("killed worker to its message running elsewhere, worst", max(laps), 1000, "ms", "low"),
    ]
    return result


class _Pair:
    """Two consumers that note what they begin in one journal."""

    def __init__(self, consumers: list[Member], journal: Path) -> None:
        self._consumers, self._journal = consumers, journal
        journal.touch()

    def __enter__(self) -> _Pair:
        for consumer in self._consumers:
            self._start(consumer)
        return self

    def __exit__(self, *exc: object) -> None:
        for consumer in self._consumers:
            consumer.kill()

    def kill_one(self, producer: Member) -> float:
        """Milliseconds from the kill of the consumer that got a new message to its start in the other."""
        time.sleep(_REST_S)
        known = len(self._lines())
        producer.do("put", count=1)
        pid, _ = self._line(known)
        killed_ns = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        _, begun_ns = self._line(known + 1)
        dead = next(one for one in self._consumers if one.process.pid == pid)
        dead.kill()
        self._consumers[self._consumers.index(dead)] = fresh = Member(dead.entry, dead.folder)
        self._start(fresh)
        return (begun_ns - killed_ns) / 1e6

    def _start(self, consumer: Member) -> None:
        consumer.start("hold", journal=str(self._journal), work_s=0.2)

    def _lines(self) -> list[str]:
        return self._journal.read_text().splitlines()

    def _line(self, number: int) -> tuple[int, int]:
        deadline = time.monotonic() + _PATIENCE_S
        while len(lines := self._lines()) <= number:
            if time.monotonic() > deadline:
                raise Failed(f"the message did not begin within {_PATIENCE_S:g} s")
            time.sleep(0.0005)
        pid, begun_ns = lines[number].split()
        return int(pid), int(begun_ns)


def _number(cell: Cell) -> float | None:
    return cell if isinstance(cell, float) else None


PARTS = [
    Part("wake", "put to handler in an idle consumer of another process", 45, wake),
    Part("herd", "how many of 8 waiting consumers one put wakes", 20, herd),
    Part("idle", "CPU and memory of a consumer that waits", 8, idle),
    Part("killed", "SIGKILL in a handler until the message runs elsewhere", 10, killed),
]
