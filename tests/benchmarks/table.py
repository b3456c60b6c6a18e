"""The table as text."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks.machine import Machine
from tests.benchmarks.measures import significant
from tests.benchmarks.results import Cell, Goal, PartResult, Row


def cell_text(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, int):
        return f"{cell:,}"
    return cell if isinstance(cell, str) else significant(cell)


def machine_text(machine: Machine) -> str:
    flush = machine.flush
    flush_text = f"p50 {flush.p50_us:.0f} µs, p99 {flush.p99_us:.0f} µs, max {flush.max_us:.0f} µs"
    size = f"{machine.cores} cores, {machine.memory_gb:g} GB"
    lines = [
        f"{machine.date} · {machine.processor}, {size} · load {machine.load:.1f}",
        f"{machine.system} · Python {machine.python} · {machine.sqlite}",
        f"{machine.file_system} on {machine.device} · one flush (fdatasync of 4 KiB): {flush_text}",
    ]
    if machine.is_flush_free:
        lines.append("A flush costs nothing here: figures of durable work mean nothing. Give --folder on a disk.")
    return "\n".join(lines)


def part_text(part: PartResult) -> str:
    """A section: title, how, and a line per contender."""
    columns = [column for column in part.columns if any(row.cells.get(column) is not None for row in part.rows)]
    rows = [["", *columns]]
    rows += [[row.who, *(cell_text(row.cells.get(column)) for column in columns)] for row in part.rows]
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    lines = [f"{part.name}: {part.title}", f"  {part.how}; took {part.seconds:.0f} s"]
    for cells, note in zip(rows, ["", *(row.note for row in part.rows)], strict=True):
        lines.append(f"  {_line(cells, widths)}{'  ' + note if note else ''}".rstrip())
    return "\n".join(lines)


def goals_text(goals: Iterable[Goal]) -> str:
    """Each target with what was measured."""
    lines = ["targets"]
    for goal in goals:
        sign, measured = ("≥" if goal.better == "high" else "≤"), cell_text(goal.measured)
        word = {True: "met", False: "MISSED", None: "not measured"}[goal.is_met]
        lines.append(f"  {word:12}  {goal.text}: {measured} {goal.unit} ({sign} {significant(goal.target)})")
    return "\n".join(lines)


def markdown(part: PartResult, columns: list[str]) -> str:
    """A short table of some columns, for a README."""
    lines = [f"| {part.title} | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    lines += [_markdown_row(row, columns) for row in part.rows if row.cells]
    return "\n".join(lines)


def _markdown_row(row: Row, columns: list[str]) -> str:
    return f"| {row.who} | {' | '.join(cell_text(row.cells.get(column)) for column in columns)} |"


def _line(cells: list[str], widths: list[int]) -> str:
    first, *rest = cells
    padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *padded])
