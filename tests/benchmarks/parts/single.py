"""One process, one thread: put, put_many, get and ack, iterating, and a consumer with an empty handler."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.contenders import ENTRIES, PEERS
from tests.benchmarks.measures import median, percentile, ratio
from tests.benchmarks.parts import Part
from tests.benchmarks.results import Cell, Goal, PartResult, Row
from tests.benchmarks.team import Failed, Member, Settings, folder_bytes, team

_OURS = ("pqdesk", "pqdesk-relaxed")
_COLUMNS = ["synchronous", "per s", "p50 ms", "p99 ms", "max ms", "CPU µs", "flushes"]
_LONGEST_S, _LEAST_ROUNDS = 60.0, 3  # where a flush takes long, rounds are left out
Measured = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How one of these parts goes.

    Attributes:
        fills: Whether the queue is filled before each round, outside the time.
        count: Messages a round and contender; `slow` for contenders other than PQDesk and the references.
        per_lap: Messages in one timed operation.
    """

    name: str
    title: str
    work: str
    contenders: tuple[str, ...]
    references: tuple[str, ...]
    count: int
    slow: int
    rounds: int
    fills: bool = False
    per_lap: int = 1
    goals: tuple[tuple[str, str, float], ...] = ()  # text, reference, at least


SHAPES = (
    Shape(
        "put", "put, one message at a time", "put",
        ("pqdesk", "pqdesk-relaxed", "bare", "localqueue", "localqueue-relaxed", *PEERS[1:]),
        ("bare", "localqueue"), count=300, slow=150, rounds=25,
        goals=(("put durable against a bare APSW insert at FULL", "bare", 0.75),),
    ),
    Shape(
        "put_many", "put_many, 1,000 messages in a transaction", "put_many",
        ("pqdesk", "pqdesk-relaxed", "bare", "localqueue", "localqueue-relaxed", *PEERS[1:]),
        ("bare", "localqueue"), count=5_000, slow=5_000, rounds=15, per_lap=1000,
        goals=(("put_many of 1,000 against localqueue", "localqueue", 1.0),
               ("put_many of 1,000 against a bare executemany", "bare", 0.2)),
    ),
    Shape(
        "get_ack", "get and ack, one by one", "get_ack",
        ("pqdesk", "pqdesk-relaxed", "localqueue", "localqueue-relaxed", *PEERS[1:]),
        ("localqueue",), count=250, slow=120, rounds=21, fills=True,
        goals=(("get and ack, durable, against localqueue", "localqueue", 1.5),),
    ),
    Shape(
        "iterate", "iterating over a queue, each acked", "iterate",
        ("pqdesk", "pqdesk-relaxed", "localqueue", "localqueue-relaxed", *PEERS[1:]),
        ("localqueue",), count=250, slow=120, rounds=21, fills=True,
        goals=(("iterating, durable, against localqueue", "localqueue", 2.0),),
    ),
    Shape(
        "consume", "a consumer process with an empty Python handler", "consume",
        ("pqdesk", "pqdesk-relaxed", "localqueue", "localqueue-relaxed", *PEERS[1:]),
        ("localqueue",), count=1500, slow=300, rounds=9, fills=True,
        goals=(("a consumer with an empty handler against localqueue's", "localqueue", 8.0),),
    ),
)  # fmt: skip
_TAKES_S = {"put": 15, "put_many": 5, "get_ack": 30, "iterate": 20, "consume": 25}


def run(shape: Shape, settings: Settings) -> PartResult:
    """Rounds in which the contenders take turns."""
    with team(settings, shape.name, shape.contenders) as made:
        members = made.singles()
        measured, failures = _rounds(shape, settings, members)
        failures |= made.failures
        sizes = {key: folder_bytes(member.folder) for key, member in members.items()}
    columns = [*_COLUMNS]
    for key in shape.references:
        columns += [f"× {ENTRIES[key].label}", f"p50 × {ENTRIES[key].label}"]
    result = PartResult(shape.name, shape.title, _how(shape, settings, measured), columns, bars="per s")
    if shape.name == "put_many":
        result.columns.append("bytes")
    for key in shape.contenders:
        row = row_of(shape, key, made.levels.get(key), measured, failures)
        if shape.name == "put_many" and measured.get(key):
            row.cells["bytes"] = sizes[key] / sum(one["count"] for one in measured[key])
        result.rows.append(row)
    rates = {key: [rate(one) for one in rounds] for key, rounds in measured.items()}
    result.goals = [
        Goal(text, ratio(rates.get("pqdesk", []), rates.get(reference, [])), least)
        for text, reference, least in shape.goals
    ]
    return result


def rate(measured: Measured) -> float:
    """Messages per second."""
    return float(measured["count"] / measured["seconds"])


def _middles(rounds: list[Measured]) -> list[float]:
    """The median lap of each round: a few slow flushes, a neighbour's, do not count."""
    return [percentile(one["laps_us"], 50) for one in rounds if one["laps_us"]]


def row_of(
    shape: Shape, key: str, level: str | None, measured: dict[str, list[Measured]], failures: dict[str, str]
) -> Row:
    entry = ENTRIES[key]
    if entry.version is None:
        return Row(entry.label, {}, "not installed")
    rounds = measured.get(key, [])
    if not rounds:
        return Row(entry.label, {"synchronous": level}, failures.get(key, entry.note))
    rates = {other: [rate(one) for one in several] for other, several in measured.items()}
    laps_ms = [lap / 1e3 for one in rounds for lap in one["laps_us"]]
    flushes = [one["flushes"] for one in rounds if one["flushes"] is not None]
    cells: dict[str, Cell] = {
        "synchronous": level,
        "per s": median(rates[key]),
        "CPU µs": median(one["cpu_us"] for one in rounds),
        "flushes": median(flushes) if flushes else None,
    }
    if laps_ms:
        cells |= {"p50 ms": percentile(laps_ms, 50), "p99 ms": percentile(laps_ms, 99), "max ms": max(laps_ms)}
    for reference in shape.references:
        label, others = ENTRIES[reference].label, measured.get(reference, [])
        cells[f"× {label}"] = ratio(rates[key], rates.get(reference, []))
        cells[f"p50 × {label}"] = ratio(_middles(others), _middles(rounds)) if laps_ms else None
    return Row(f"{entry.label} {entry.version}", cells, failures.get(key, entry.note))


def _rounds(
    shape: Shape, settings: Settings, members: dict[str, Member]
) -> tuple[dict[str, list[Measured]], dict[str, str]]:
    measured: dict[str, list[Measured]] = {key: [] for key in members}
    failures: dict[str, str] = {}
    out: set[str] = set()
    end = time.monotonic() + _LONGEST_S
    for number in range(shape.rounds):
        if number >= _LEAST_ROUNDS and time.monotonic() > end:
            break
        for key, member in members.items():
            if key in out:
                continue
            try:
                one = _turn(shape, settings, member)
            except Failed as exc:
                failures[key], one = str(exc), None
            if one is None:
                out.add(key)
            else:
                measured[key].append(one)
    return measured, failures


def _turn(shape: Shape, settings: Settings, member: Member) -> Measured | None:
    is_quick = member.entry.key in (*_OURS, *shape.references, "localqueue-relaxed")
    count = settings.count(shape.count if is_quick else shape.slow, least=shape.per_lap)
    if shape.fills:
        spare = count // 4 if shape.work == "consume" else 0  # what a consumer takes ahead at its end
        member.do("fill", count=count + spare)
    arguments = {"batch": shape.per_lap} if shape.work == "put_many" else {}
    return member.do(shape.work, count=count, **arguments)


def _how(shape: Shape, settings: Settings, measured: dict[str, list[Measured]]) -> str:
    start = "the queue is filled before each round" if shape.fills else "the queue is empty at first and grows"
    lap = f"; latencies are of {shape.per_lap:,} messages" if shape.per_lap > 1 else ""
    count = settings.count(shape.count, least=shape.per_lap)
    rounds = max(map(len, measured.values()), default=0)
    return f"{rounds} rounds of up to {count:,} messages in turn; {start}{lap}"


def _runner(shape: Shape) -> Callable[[Settings], PartResult]:
    return lambda settings: run(shape, settings)


PARTS = [Part(shape.name, shape.title, _TAKES_S[shape.name], _runner(shape)) for shape in SHAPES]
