"""The benchmark runs: one part, with counts so small that its figures mean nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.parts import all_parts

_ROOT = Path(__file__).resolve().parents[2]


def _benchmark(*words: str) -> str:
    command = [sys.executable, "-m", "tests.benchmarks", *words]
    return subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True).stdout


def test_one_part_runs_and_writes_table_data_and_chart(tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "b.json"), "--svg", str(tmp_path / "b.svg"), "--folder", str(tmp_path)]

    text = _benchmark("--only", "put", "--scale", "0.004", *files)

    data = json.loads((tmp_path / "b.json").read_text())
    ours = data["parts"][0]["rows"][0]["cells"]
    assert "put durable against a bare APSW insert" in text
    assert ours["flushes"] == 1  # per put
    assert ours["per s"] > 0
    assert (tmp_path / "b.svg").read_text().startswith("<svg")
    assert not list(tmp_path.glob("pqdesk-benchmark-*"))


def test_the_parts_are_listed_with_their_time_and_stay_below_ten_minutes() -> None:
    listed = _benchmark("--list").splitlines()

    assert [line.split()[0] for line in listed] == [part.name for part in all_parts()]
    assert sum(part.takes_s for part in all_parts()) < 600
