"""The short table of the README, from the data of a run: python -m tests.benchmarks.summary FILE.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.table import cell_text

# part, column, what it is called
_LINES = (
    ("put", "per s", "put, messages/s"),
    ("put_many", "per s", "put_many of 1,000, messages/s"),
    ("get_ack", "per s", "get and ack one by one, messages/s"),
    ("iterate", "per s", "iterating, messages/s"),
    ("consume", "per s", "a consumer with an empty handler, messages/s"),
    ("many", "acks/s", "8 producers and 8 consumers, acks/s"),
    ("many", "worst put ms", "… their worst put, ms"),
    ("wake", "p50 ms", "put to handler in an idle consumer, median ms"),
    ("idle", "CPU % of a core", "an idle consumer, % of a core"),
    ("losses", "lost", "messages lost when 4 consumers are killed"),
)
_WHO = ("PQDesk", "localqueue", "litequeue", "persist-queue", "huey", "simplebroker", "bare APSW")


def summary(data: dict[str, Any]) -> str:
    """A Markdown table: a line per kind of work, a column per contender, and a line that says where and when."""
    parts = {part["name"]: part for part in data["parts"]}
    lines = [f"| durable | {' | '.join(_WHO)} |", f"| --- |{' ---: |' * len(_WHO)}"]
    for name, column, text in _LINES:
        if name in parts:
            cells = [cell_text(_cell(parts[name], who, column)) for who in _WHO]
            lines.append(f"| {text} | {' | '.join(cells)} |")
    machine = data["machine"]
    flush = f"one flush {machine['flush']['p50_us']:.0f} µs, Python {machine['python']}"
    where = (
        f"{machine['date'][:10]}, {machine['cores']} cores ({machine['processor']}), {machine['file_system']}, {flush}"
    )
    return "\n".join([*lines, "", where])


def _cell(part: dict[str, Any], who: str, column: str) -> Any:
    for row in part["rows"]:
        label, _, version = row["who"].rpartition(" ")
        if who in (row["who"], label if version[:1].isdigit() else row["who"]):
            return row["cells"].get(column)
    return None


if __name__ == "__main__":
    print(summary(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
