"""python -m tests.benchmarks: see the package."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import __doc__ as _HOW
from tests.benchmarks import machine as machines
from tests.benchmarks.chart import chart
from tests.benchmarks.parts import Part, all_parts
from tests.benchmarks.results import PartResult
from tests.benchmarks.table import goals_text, machine_text, part_text
from tests.benchmarks.team import Failed, Settings


def main(words: list[str] | None = None) -> int:
    options = _parser().parse_args(words)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # of the processes that are measured: else each compiles anew
    parts = all_parts()
    if options.list:
        for part in parts:
            print(f"{part.name:12} {part.what} (about {part.takes_s} s)")
        return 0
    wanted = _chosen(parts, options.only)
    folder = Path(tempfile.mkdtemp(prefix="pqdesk-benchmark-", dir=options.folder))
    try:
        settings = Settings(folder, options.scale, options.backlog)
        return _run(wanted, settings, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(parts: list[Part], settings: Settings, options: argparse.Namespace) -> int:
    machine = machines.look(settings.folder)
    print(machine_text(machine), flush=True)
    results: list[PartResult] = []
    for part in parts:
        start = time.monotonic()
        try:
            result = part.run(settings)
        except Failed as exc:  # the other parts still tell something
            result = PartResult(part.name, part.what, f"FAILED: {exc}", [])
        result.seconds = time.monotonic() - start
        results.append(result)
        print("\n" + part_text(result), flush=True)
        shutil.rmtree(settings.folder / part.name, ignore_errors=True)
    print("\n" + goals_text([goal for result in results for goal in result.goals]))
    if options.json:
        data = {"machine": machine.as_data(), "scale": settings.scale, "parts": [one.as_data() for one in results]}
        options.json.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.svg:
        options.svg.write_text(chart(results, machine), encoding="utf-8")
    return 0


def _chosen(parts: list[Part], only: str | None) -> list[Part]:
    if only is None:
        return parts
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = {part.name: part for part in parts}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"there is no part {unknown[0]!r}; --list shows them")
    return [known[name] for name in names]


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(word.replace("_", "")) for word in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks", description=_HOW, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="the parts, and about how long each takes")
    parser.add_argument("--only", metavar="PART,…", help="these parts, in this order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table as data")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also write the rates as a chart")
    parser.add_argument("--folder", default="/var/tmp", help="on the disk that is meant; /var/tmp unless told")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply all counts by this; for a quick look")
    parser.add_argument("--backlog", type=_sizes, default=Settings(Path()).sizes, metavar="N,…", help="its sizes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
