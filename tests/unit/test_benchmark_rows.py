"""From what the children measured to the rows of the benchmark's table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.contenders import ENTRIES, Entry
from tests.benchmarks.parts.backlog import flatness_cells
from tests.benchmarks.parts.single import SHAPES, row_of
from tests.benchmarks.summary import summary

_PUT = next(shape for shape in SHAPES if shape.name == "put")


def _measured(seconds: float, lap_us: float, flushes: float | None = None) -> dict[str, Any]:
    return {"count": 100, "seconds": seconds, "cpu_us": 30.0, "flushes": flushes, "laps_us": [lap_us] * 100}


def test_a_row_has_the_middle_round_and_ratios_to_the_references() -> None:
    measured = {
        "pqdesk": [_measured(0.02, 200, 1.0), _measured(0.04, 200, 1.0), _measured(0.02, 200, 1.0)],
        "bare": [_measured(0.01, 100), _measured(0.02, 100), _measured(0.01, 100)],
    }

    cells = row_of(_PUT, "pqdesk", "NORMAL + own flush", measured, {}).cells

    assert cells["per s"] == 5000
    assert (cells["p50 ms"], cells["flushes"]) == (0.2, 1.0)
    assert (cells["× bare APSW"], cells["p50 × bare APSW"]) == (0.5, 0.5)
    assert cells["× localqueue"] is None


def test_what_is_not_installed_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entry, "version", property(lambda _entry: None))

    row = row_of(_PUT, "huey", None, {}, {})

    assert (row.cells, row.note) == ({}, "not installed")


def test_a_contender_that_failed_is_a_row_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entry, "version", property(lambda _entry: "1.0"))

    row = row_of(_PUT, "huey", "FULL", {"huey": []}, {"huey": "database is locked"})

    assert row.note == "database is locked"
    assert row.cells == {"synchronous": "FULL"}


def test_flatness_compares_the_largest_backlog_with_a_thousand() -> None:
    answer = {
        "us": {
            size: {"put": [10.0, 10.0], "get": [20.0, 20.0], "ack": [one, one]}
            for size, one in (("10", 5.0), ("1000", 5.0), ("100000", 6.0))
        },
        "steps": {size: {"put": 1, "get": 2, "ack": 3} for size in ("10", "1000", "100000")},
    }

    cells = flatness_cells(answer, [10, 1_000, 100_000])

    assert (cells["1,000"], cells["100,000"]) == (35.0, 36.0)
    assert (cells["× put"], cells["× ack"]) == (1.0, 1.2)
    assert (cells["steps at 10"], cells["at 100,000"]) == (6, 6)


def test_the_short_table_has_a_column_per_contender_whatever_its_version() -> None:
    rows = [
        {"who": "PQDesk 0.1.0", "cells": {"per s": 5000.0}},
        {"who": "PQDesk relaxed 0.1.0", "cells": {"per s": 30000.0}},
        {"who": "localqueue 1.4.1", "cells": {"per s": 4000.0}},
        {"who": "huey", "cells": {}},
    ]
    machine = {"date": "2026-11-24 12:00 UTC", "cores": 2, "processor": "x", "file_system": "ext4", "python": "3.11",
               "flush": {"p50_us": 100}}  # fmt: skip

    lines = summary({"parts": [{"name": "put", "rows": rows}], "machine": machine}).splitlines()

    assert lines[2] == "| put, messages/s | 5,000 | 4,000 | – | – | – | – | – |"
    assert lines[-1].startswith("2026-11-24, 2 cores (x), ext4, one flush 100 µs")


def test_every_contender_is_named_once() -> None:
    assert len({entry.key for entry in ENTRIES.values()}) == len(ENTRIES)
