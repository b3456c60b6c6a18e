"""The benchmark's own arithmetic and writing: percentiles, ratios, the table, the chart."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from tests.benchmarks.chart import chart
from tests.benchmarks.machine import Flush, Machine
from tests.benchmarks.measures import percentile, ratio, significant
from tests.benchmarks.parts.losses import count_journal
from tests.benchmarks.results import Goal, PartResult, Row
from tests.benchmarks.table import goals_text, machine_text, markdown, part_text

_MACHINE = Machine(
    date="2026-11-24 12:00 UTC", processor="A & B <fast>", cores=2, load=0.1, memory_gb=24, system="Linux 6",
    python="3.11.7", sqlite="APSW 3.54", device="/dev/vda", file_system="ext4", flush=Flush(110, 200, 900),
)  # fmt: skip


def _part() -> PartResult:
    rows = [
        Row("PQDesk 1.0", {"synchronous": "FULL", "per s": 6512.3, "× bare APSW": 0.8}),
        Row("bare APSW 3", {"synchronous": "FULL", "per s": 81000.0, "× bare APSW": 1.0}, "the limit"),
        Row("huey", {}, "not installed"),
    ]
    columns = ["synchronous", "per s", "× bare APSW", "× localqueue"]
    return PartResult("put", "put, one by one", "2 rounds", columns, rows, bars="per s")


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0.5, 1)])
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile(range(100, 0, -1), percent) == expected


def test_the_percentile_of_one_value_is_that_value_and_of_none_an_error() -> None:
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_a_ratio_compares_round_by_round_so_that_a_slow_round_of_both_does_not_count() -> None:
    assert ratio([100, 10, 100], [50, 5, 50]) == 2
    assert ratio([], [1.0]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1.5, "1.50"), (123.4, "123"), (81234.0, "81,200"), (4.0, "4.00")],
)
def test_a_figure_has_three_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_the_table_has_a_line_per_contender_and_tells_who_is_not_installed() -> None:
    lines = part_text(_part()).splitlines()

    assert [line.split()[0] for line in lines[3:]] == ["PQDesk", "bare", "huey"]
    assert "6,510" in lines[3]
    assert lines[4].endswith("the limit")
    assert lines[5].endswith("not installed")
    assert "–" in lines[5]


def test_a_column_that_nobody_fills_is_left_out() -> None:
    assert "× localqueue" not in part_text(_part())


def test_goals_are_met_missed_or_not_measured() -> None:
    goals = [
        Goal("fast", 2.0, 1.5),
        Goal("quick", 3.0, 2.0, "ms", "low"),
        Goal("unknown", None, 1.0),
    ]

    words = [line.split()[0] for line in goals_text(goals).splitlines()[1:]]

    assert words == ["met", "MISSED", "not"]


def test_a_ram_disk_is_called_what_it_is() -> None:
    assert "mean nothing" not in machine_text(_MACHINE)
    assert "mean nothing" in machine_text(Machine(**{**vars(_MACHINE), "file_system": "tmpfs"}))


def test_the_data_say_which_goals_were_met() -> None:
    part = _part()
    part.goals = [Goal("fast", 2.0, 1.5)]

    data = json.loads(json.dumps(part.as_data()))

    assert data["goals"][0]["is_met"] is True
    assert data["rows"][0]["cells"]["per s"] == 6512.3


def test_the_chart_is_well_formed_and_has_a_bar_per_rate() -> None:
    tree = ElementTree.fromstring(chart([_part()], _MACHINE))

    bars = [one.get("class") for one in tree.iter("{http://www.w3.org/2000/svg}rect")]
    assert bars == ["paper", "ours", "limit"]
    assert "prefers-color-scheme: dark" in chart([_part()], _MACHINE)


def test_a_part_without_rates_is_not_in_the_chart() -> None:
    part = _part()
    part.bars = None

    assert "put, one by one" not in chart([part], _MACHINE)


def test_the_short_table_has_the_asked_columns_of_those_that_ran() -> None:
    assert markdown(_part(), ["per s"]).splitlines() == [
        "| put, one by one | per s |",
        "| --- | ---: |",
        "| PQDesk 1.0 | 6,510 |",
        "| bare APSW 3 | 81,000 |",
    ]


def test_lost_and_repeated_messages_are_counted_from_the_journal() -> None:
    journal = "b 0\ne 0\na 0\nb 1\nb 1\ne 1\na 1\nb 0\nb 2\n"

    cells = count_journal(journal, 4)

    assert (cells["done"], cells["lost"], cells["begun twice"], cells["again after ack"]) == (2, 2, 2, 1)
