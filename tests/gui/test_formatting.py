"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pqdesk.gui.formatting import format_count, format_number, format_rate, format_relative, format_uptime

_NOW = datetime(2026, 11, 24, 14, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (0.4, "now"),
        (-12, "12 s ago"),
        (-185, "3 min ago"),
        (240, "in 4 min"),
        (-7300, "2 h ago"),
        (-200_000, "2 d ago"),
    ],
)
def test_relative_times(seconds: float, text: str) -> None:
    assert format_relative(_NOW + timedelta(seconds=seconds), _NOW) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(0, "0"), (0.04, "0"), (0.5, "0.5"), (9.94, "9.9"), (12.4, "12"), (5123, "5,123")]
)
def test_rates(rate: float, text: str) -> None:
    assert format_rate(rate) == text


def test_numbers_have_group_separators_in_the_c_locale_too() -> None:
    assert format_number(4812) == "4,812"
    assert format_count(1, "message") == "1 message"
    assert format_count(4812, "message") == "4,812 messages"


@pytest.mark.parametrize(("seconds", "text"), [(9.0, "9 s"), (185, "3 min 05 s"), (8040, "2 h 14 min")])
def test_uptimes(seconds: float, text: str) -> None:
    assert format_uptime(seconds) == text
