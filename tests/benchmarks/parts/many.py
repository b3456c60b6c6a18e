"""Many processes on one queue: 8 that put and 8 that consume; 16 that put."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.contenders import ENTRIES, PEERS
from tests.benchmarks.measures import median, percentile, ratio
from tests.benchmarks.parts import Part
from tests.benchmarks.results import Cell, Goal, PartResult, Row
from tests.benchmarks.team import Failed, Member, Settings, Team, team

_SIDE = 8
_WRITERS = 16
_RUN_S = 3.0
_ROUNDS = 3
_START_S = 0.3
_NUDGE_S = 0.1
_PATIENCE_S = 15.0
_REPEATED = ("pqdesk", "localqueue")  # these take turns, for a ratio; the others run once
_ONCE = ("pqdesk-relaxed", *PEERS[1:])
_WRITING = ("pqdesk", "localqueue", "huey")
Measured = dict[str, Any]


def many(settings: Settings) -> PartResult:
    """8 × 8. Each round begins with an empty file."""
    run_s = max(0.5, _RUN_S * settings.scale)
    rounds: dict[str, list[Measured]] = {key: [] for key in (*_REPEATED, *_ONCE)}
    failures: dict[str, str] = {}
    levels: dict[str, str] = {}
    for number in range(_ROUNDS):
        for key in (*_REPEATED, *(_ONCE if number == 0 else ())):
            with team(settings, f"many/{number}", [key], each=2 * _SIDE) as made:
                failures |= made.failures
                levels |= made.levels
                try:
                    rounds[key] += [_both_sides(several, run_s) for several in made.members.values()]
                except Failed as exc:
                    failures[key] = str(exc)
    how = f"{_ROUNDS} rounds of {run_s:g} s (1 where there is no ratio), each on an empty file"
    columns = ["synchronous", "puts/s", "acks/s", "× localqueue", "slowest writer", "worst put ms", "put p99 ms",
               "CPU µs", "repeats", "failed puts"]  # fmt: skip
    result = PartResult("many", "8 producers and 8 consumers", how, columns, bars="acks/s")
    peer = [one["acks"] for one in rounds["localqueue"]]
    order = ("pqdesk", "pqdesk-relaxed", *PEERS)
    result.rows = [_row(key, rounds[key], levels, failures, peer) for key in order]
    ours = rounds["pqdesk"]
    result.goals = [
        Goal("acks/s of 8 × 8 processes against localqueue", ratio([one["acks"] for one in ours], peer), 2.0),
        Goal("worst put of 8 × 8 processes", max((one["worst_ms"] for one in ours), default=None), 100, "ms", "low"),
    ]
    return result


def writers(settings: Settings) -> PartResult:
    """16 that only put, for 10 s: nobody may starve."""
    run_s = max(0.5, 10 * settings.scale)
    columns = ["synchronous", "puts/s", "min/max share", "put p50 ms", "put p99 ms", "worst put ms", "failed puts"]
    result = PartResult("writers", f"{_WRITERS} writers", f"{run_s:g} s each", columns)
    with team(settings, "writers", _WRITING, each=_WRITERS) as made:
        for key in _WRITING:
            result.rows.append(_writers_row(key, made, run_s))
    cells = result.rows[0].cells
    share = cells.get("min/max share")
    result.goals = [
        Goal(f"slowest of {_WRITERS} writers against the quickest", share if isinstance(share, float) else None, 0.3)
    ]
    return result


def _writers_row(key: str, made: Team, run_s: float) -> Row:
    entry = ENTRIES[key]
    if key not in made.members:
        return Row(entry.label, {}, made.failures.get(key, "not installed"))
    try:
        answers = _produce(made.members[key], run_s)
    except Failed as exc:
        return Row(entry.label, {"synchronous": made.levels[key]}, str(exc))
    laps = [lap for one in answers for lap in one["laps_us"]]
    counts = [one["count"] for one in answers]
    cells: dict[str, Cell] = {
        "synchronous": made.levels[key],
        "puts/s": sum(counts) / run_s,
        "min/max share": min(counts) / max(counts),
        "put p50 ms": percentile(laps, 50) / 1e3,
        "put p99 ms": percentile(laps, 99) / 1e3,
        "worst put ms": max(one["worst_ms"] for one in answers),
        "failed puts": sum(one["refused"] for one in answers),
    }
    return Row(f"{entry.label} {entry.version}", cells)


def _produce(members: Sequence[Member], run_s: float) -> list[Measured]:
    start = time.monotonic() + _START_S
    for number, member in enumerate(members):
        member.start("produce_until", start=start, end=start + run_s, writer=number)
    return _answers(members)


def _both_sides(members: Sequence[Member], run_s: float) -> Measured:
    producers, consumers = members[:_SIDE], members[_SIDE:]
    start = time.monotonic() + _START_S
    for member in consumers:
        member.start("consume_until", end=start + run_s)
    put = _produce(producers, run_s)
    _nudge(producers[0], consumers)
    got = _answers(consumers)
    counts = [one["count"] for one in put]
    seen = Counter(tuple(one) for answer in got for one in answer["seen"])
    acked = max(1, sum(seen.values()))
    return {
        "puts": sum(counts) / run_s,
        "acks": sum(seen.values()) / run_s,
        "share": min(counts) / max(max(counts), 1),
        "worst_ms": max(one["worst_ms"] for one in put),
        "p99_ms": percentile([lap for one in put for lap in one["laps_us"]], 99) / 1e3,
        "cpu_us": sum(one["cpu_s"] for one in (*put, *got)) * 1e6 / acked,
        "repeats": sum(seen.values()) - len(seen),
        "refused": sum(one["refused"] for one in put),
    }


def _nudge(producer: Member, consumers: Sequence[Member]) -> None:
    """Go on putting until every consumer has looked at the time."""
    deadline = time.monotonic() + _PATIENCE_S
    while any(member.is_silent for member in consumers):
        if time.monotonic() > deadline:
            raise Failed(f"{producer.entry.label}: a consumer did not end within {_PATIENCE_S:g} s")
        producer.do("produce_until", start=0, end=time.monotonic() + _NUDGE_S, writer=-1)


def _answers(members: Sequence[Member]) -> list[Measured]:
    found = [member.result() for member in members]
    if any(one is None for one in found):
        raise Failed(f"{members[0].entry.label} cannot do this")
    return [one for one in found if one is not None]


def _row(key: str, rounds: list[Measured], levels: dict[str, str], failures: dict[str, str], peer: list[float]) -> Row:
    entry = ENTRIES[key]
    if entry.version is None:
        return Row(entry.label, {}, "not installed")
    if not rounds:
        return Row(entry.label, {"synchronous": levels.get(key)}, failures.get(key, ""))
    cells: dict[str, Cell] = {
        "synchronous": levels[key],
        "puts/s": median(one["puts"] for one in rounds),
        "acks/s": median(one["acks"] for one in rounds),
        "× localqueue": ratio([one["acks"] for one in rounds], peer),
        "slowest writer": min(one["share"] for one in rounds),
        "worst put ms": max(one["worst_ms"] for one in rounds),
        "put p99 ms": max(one["p99_ms"] for one in rounds),
        "CPU µs": median(one["cpu_us"] for one in rounds),
        "repeats": sum(one["repeats"] for one in rounds),
        "failed puts": sum(one["refused"] for one in rounds),
    }
    return Row(f"{entry.label} {entry.version}", cells, failures.get(key, entry.note))


PARTS = [
    Part("many", "8 producers and 8 consumers: puts/s, acks/s, fairness, worst put, repeats", 70, many),
    Part("writers", "16 writers for 10 s: does anybody starve", 40, writers),
]
