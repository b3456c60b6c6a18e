"""Does the cost grow with the backlog? Ours in every mix, the peers' with a ready one; and what a window asks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

from tests.benchmarks.contenders import ENTRIES, PEERS
from tests.benchmarks.measures import median, ratio
from tests.benchmarks.parts import Part
from tests.benchmarks.results import Cell, Goal, PartResult, Row
from tests.benchmarks.team import ROOT, Failed, Member, Settings, team

_MIXES = ("ready", "scheduled, urgent", "running", "completed", "failed", "grouped", "limited")
_OPERATIONS = ("put", "get", "ack")
_REFERENCE = 1_000  # the size that larger ones are compared with
_FEW, _MANY = 10, 20_000  # of the peers
_SHOWN = 200_000
_COUNT = 40
_FILL_S = 15.0


def backlog(settings: Settings) -> PartResult:
    """put, get and ack of a message that goes before the backlog."""
    sizes = sorted({*settings.sizes, _REFERENCE})
    largest = sizes[-1]
    columns = [
        *(f"{size:,}" for size in sizes),
        *(f"× {what}" for what in _OPERATIONS),
        f"steps at {sizes[0]:,}",
        f"at {largest:,}",
    ]
    how = (
        "µs of put + get + ack, relaxed, at so many messages in that state, sizes in turn; "
        f"×: at {largest:,} against {_REFERENCE:,}; steps: of SQLite's virtual machine"
    )
    result = PartResult("backlog", "cost against backlog, PQDesk", how, columns)
    worst: list[float] = []
    spread: list[int] = []
    for mix in _MIXES:
        answer = _aged(settings, do="flatness", mix=mix, sizes=sizes)
        cells = flatness_cells(answer, sizes)
        worst += [value for what in _OPERATIONS if isinstance(value := cells[f"× {what}"], float)]
        result.rows.append(Row(mix, cells))
        totals = [sum(one.values()) for one in answer["steps"].values()]
        spread.append(max(totals) - min(totals))
    result.goals = [
        Goal(f"put, get or ack at {largest:,} messages against {_REFERENCE:,}, the worst mix", max(worst), 1.2,
             better="low"),
        Goal("SQLite VM steps, the largest difference over all sizes", max(spread), 0, "steps", "low"),
    ]  # fmt: skip
    return result


def flatness_cells(answer: dict[str, Any], sizes: list[int]) -> dict[str, Cell]:
    """A row's cells from what aged.py measured."""
    us = {size: answer["us"][str(size)] for size in sizes}
    cells: dict[str, Cell] = {
        f"{size:,}": sum(median(us[size][what]) for what in _OPERATIONS) for size in sizes
    }  # fmt: skip
    for what in _OPERATIONS:
        pairs = zip(us[sizes[-1]][what], us[_REFERENCE][what], strict=True)
        cells[f"× {what}"] = median(many / few for many, few in pairs)
    steps = {size: sum(answer["steps"][str(size)].values()) for size in sizes}
    return cells | {f"steps at {sizes[0]:,}": steps[sizes[0]], f"at {sizes[-1]:,}": steps[sizes[-1]]}


def growth(settings: Settings) -> PartResult:
    """get and ack of every contender with few and with many ready messages."""
    many = settings.count(_MANY, least=100)
    columns = ["synchronous", f"CPU µs at {_FEW}", "backlog", "CPU µs there", "×"]
    how = f"CPU of one get and ack, mean of {_COUNT}, with so many ready messages behind"
    result = PartResult("growth", "get and ack against backlog, everybody", how, columns)
    for key in ("pqdesk", *PEERS):
        with team(settings, "growth", [key]) as made:
            if key not in made.members:
                result.rows.append(Row(ENTRIES[key].label, {}, made.failures.get(key, "not installed")))
                continue
            result.rows.append(_growth_row(made.singles()[key], made.levels[key], many))
    return result


def _growth_row(member: Member, level: str, many: int) -> Row:
    entry = member.entry
    try:
        few, _ = _get_ack_us(member, _FEW)
        grown, count = _get_ack_us(member, many)
    except Failed as exc:
        return Row(entry.label, {"synchronous": level}, str(exc))
    cells: dict[str, Cell] = {
        "synchronous": level, f"CPU µs at {_FEW}": few, "backlog": count, "CPU µs there": grown, "×": grown / few,
    }  # fmt: skip
    return Row(f"{entry.label} {entry.version}", cells)


def _get_ack_us(member: Member, wanted: int) -> tuple[float, int]:
    """CPU, and how many messages are behind: as many as can be put within a while."""
    filled = member.do("fill", count=wanted + _COUNT, limit_s=_FILL_S)
    measured = member.do("get_ack", count=_COUNT)
    assert filled is not None
    assert measured is not None
    return float(measured["cpu_us"]), filled["count"] - _COUNT


def looking(settings: Settings) -> PartResult:
    """At the largest size."""
    size = settings.sizes[-1]
    answer = _aged(settings, do="looking", size=size)
    result = PartResult(
        "looking", "what the window asks", f"at {size:,} messages", ["p50 ms", "max ms", "per s", "per CPU s"]
    )
    for what, values in answer.items():
        known = [value for value in values if value is not None]
        if what == "search rows/CPU s":
            result.rows[-1].cells["per CPU s"] = median(known)
            continue
        if what == "search rows/s":
            result.rows.append(Row("substring search, rows", {"per s": median(known)}))
            result.goals.append(Goal("substring search", median(known), 2_000_000, "rows/s"))
            continue
        cells: dict[str, Cell] = {"p50 ms": median(known), "max ms": max(known)} if known else {}
        result.rows.append(Row(what, cells))
        target = 20 if what == "stop a search" else 5
        result.goals.append(Goal(f"{what} at {size:,}", cells.get("p50 ms"), target, "ms", "low"))  # type: ignore[arg-type]
    return result


def window(settings: Settings) -> PartResult:
    """The page Messages over few and over many messages, in turns."""
    few, many = _REFERENCE, settings.count(_SHOWN, least=2 * _REFERENCE)
    columns = [f"p50 ms at {few:,}", f"p50 ms at {many:,}", "max ms", "×"]
    how = "from the key to what is painted, offscreen, with the reader in its thread; sizes in turn"
    result = PartResult("window", "what a person waits for on the page Messages", how, columns)
    for what, laps in _child(settings, "window", sizes=[few, many]).items():
        at_few, at_many = laps[str(few)], laps[str(many)]
        cells: dict[str, Cell] = {
            columns[0]: median(at_few), columns[1]: median(at_many), "max ms": max(at_many),
            "×": ratio(at_many, at_few),
        }  # fmt: skip
        result.rows.append(Row(what, cells))
        result.goals.append(Goal(f"window, {what} at {many:,}", median(at_many), 100, "ms", "low"))
    return result


def _aged(settings: Settings, **order: Any) -> dict[str, Any]:
    return _child(settings, "aged", **order)


def _child(settings: Settings, module: str, **order: Any) -> dict[str, Any]:
    folder = settings.folder / module
    folder.mkdir()
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", str(folder), json.dumps(order)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.returncode:
        raise Failed(f"{module}: {(done.stderr.strip().splitlines() or ['ended'])[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


PARTS = [
    Part("backlog", "put, get and ack at 10 to 1,000,000 messages in seven mixes, with SQLite's VM steps", 40, backlog),
    Part("growth", "get and ack at 10 and 20,000 ready messages, everybody", 60, growth),
    Part("looking", "pages, jumps, counts and search at the largest backlog", 5, looking),
    Part("window", "the page Messages at 200,000 messages: a page, and all that match", 20, window),
]
