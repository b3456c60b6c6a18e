"""Tables that fit a terminal."""

from __future__ import annotations

import pytest

from pqdesk.cli.tables import Cell, Column, fit, make_table, print_table

_COLUMNS = (Column("Id", is_number=True), Column("Name", is_flexible=True), Column("Text", is_flexible=True))


@pytest.mark.parametrize(
    ("needed", "width", "widths"),
    [
        ((3, 10, 20), 100, [3, 10, 20]),
        ((3, 10, 20), 37, [3, 10, 20]),
        ((3, 10, 20), 30, [3, 10, 13]),
        ((3, 10, 20), 25, [3, 9, 9]),
        ((3, 10, 20), 5, [3, 8, 8]),
        ((3, 4, 5), 5, [3, 4, 5]),
    ],
)
def test_only_flexible_columns_are_cut_the_widest_first(needed: tuple[int, ...], width: int, widths: list[int]) -> None:
    assert fit(_COLUMNS, needed, width) == widths


def test_a_table_that_goes_elsewhere_is_whole_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(_COLUMNS, [("1", "\x1b[31m", "x" * 300), ("20", Cell("[bold]:smile:", "red"), "語\u202e")])

    assert capsys.readouterr().out.splitlines() == [
        "Id  Name           Text",
        f" 1  \\x1b[31m       {'x' * 300}",
        "20  [bold]:smile:  語\\u202e",
    ]


def test_an_optional_column_is_left_out_when_it_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (Column("Id"), Column("Error", is_optional=True))

    print_table(columns, [("1", "")])
    print_table(columns, [("1", "boom")])

    assert capsys.readouterr().out.splitlines() == ["Id", "1", "Id  Error", "1   boom"]


def test_where_it_is_narrow_zeros_go_first_and_then_what_is_optional() -> None:
    numbers = (Column("Ready", is_number=True), Column("Failed", is_number=True))
    columns = (Column("Queue"), *numbers, Column("Age", is_optional=True))
    rows = [("mail", "7", "0", "3 s")]

    titles = [[str(one.header) for one in make_table(columns, rows, width).columns] for width in (80, 17, 16, 5)]

    assert titles == [
        ["Queue", "Ready", "Failed", "Age"],
        ["Queue", "Ready", "Age"],
        ["Queue", "Ready"],
        ["Queue", "Ready"],
    ]
