"""Arguments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from pqdesk.cli.options import DURATION, HEADER, ID, INSTANT, STATES
from pqdesk.messages.states import State


def test_durations() -> None:
    assert [DURATION.convert(one, None, None) for one in ("250ms", "10s", "5m", "2h", "90")] == [
        0.25,
        10,
        300,
        7200,
        90,
    ]


def test_a_time_with_an_offset_is_that_instant() -> None:
    assert INSTANT.convert("2026-12-24T18:00+01:00", None, None) == datetime(2026, 12, 24, 17, tzinfo=UTC)


def test_a_time_without_an_offset_is_local() -> None:
    at = INSTANT.convert("2026-12-24T18:00", None, None)

    assert at.replace(tzinfo=None) == datetime(2026, 12, 24, 18)  # noqa: DTZ001 - as a person writes it
    assert at.tzinfo is not None


def test_states_may_be_several() -> None:
    assert STATES.convert("failed, Retrying", None, None) == (State.FAILED, State.RETRYING)


def test_a_header_is_cut_at_its_first_sign() -> None:
    assert HEADER.convert("A=b=c", None, None) == ("A", "b=c")


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (DURATION, "soon"),
        (INSTANT, "tomorrow"),
        (INSTANT, ""),
        (STATES, "failed,broken"),
        (STATES, ""),
        (HEADER, "novalue"),
        (HEADER, "=value"),
        (ID, "0"),
        (ID, "-1"),
        (ID, "x"),
        (ID, "\N{ARABIC-INDIC DIGIT ONE}"),
        (ID, "9" * 5000),
    ],
)
def test_what_cannot_be_understood_is_wrong_usage(kind: click.ParamType[object], written: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(written, None, None)
