"""The pure parts: payloads, durations, backoff, states, receipts."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqdesk.errors import InvalidInput
from pqdesk.messages import states
from pqdesk.messages.backoff import parse_backoff
from pqdesk.messages.durations import duration_us, format_duration, parse_duration
from pqdesk.messages.payloads import cut_text, decode_payload, encode_payload
from pqdesk.messages.states import TRANSITIONS, State
from pqdesk.queues.message import format_receipt, parse_receipt

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


@given(_JSON | st.binary())
def test_every_payload_comes_back_as_given(payload: Any) -> None:
    again = decode_payload(*encode_payload(payload))

    assert again == payload
    assert repr(again) == repr(payload)  # -0.0, True against 1


@given(st.integers(min_value=10**4290, max_value=10**4400))
def test_integers_of_any_size_come_back_inside_json(number: int) -> None:
    assert decode_payload(*encode_payload({"n": [number, -number]})) == {"n": [number, -number]}


@given(_TEXT, st.integers(64, 200))
def test_a_cut_text_is_valid_and_short_enough(text: str, limit: int) -> None:
    assert len(cut_text(text, limit).encode()) <= limit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("10s", 10), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("90", 90), ("1h30m", 5400)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 parsecs", "1e3", "5s5", "nan", "inf", "999999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0001, "<1 ms"),
        (0.842, "842 ms"),
        (1.24, "1.24 s"),
        (185, "3 min 05 s"),
        (8040, "2 h 14 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_shown(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, "1", True, None, 10**30])
def test_what_is_no_length_of_time_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="delay"):
        duration_us(value, "delay")


@pytest.mark.parametrize(
    ("text", "attempt", "plain_s"),
    [("exponential", 1, 2), ("exponential", 5, 32), ("exponential", 60, 3600), ("linear:10:25", 2, 20),
     ("linear:10:25", 9, 25), ("fixed:30", 7, 30), ("fixed:0", 1, 0),
     ("linear:5m:1h", 3, 900), ("fixed:250ms", 1, 0.25)],
)  # fmt: skip
def test_backoff_grows_as_written_within_a_quarter(text: str, attempt: int, plain_s: float) -> None:
    backoff, rng = parse_backoff(text), Random(1)

    waits = [backoff.delay_us(attempt, rng) / 1e6 for _ in range(200)]

    assert all(0.75 * plain_s <= wait <= 1.25 * plain_s for wait in waits)
    assert plain_s == 0 or len(set(waits)) > 100


@pytest.mark.parametrize(
    "text", ["", "quadratic", "fixed:", "fixed:-1", "fixed:1:2:3", "exponential:nan", "fixed:5x", "fixed:900d", 5, None]
)
def test_what_is_no_backoff_is_refused(text: Any) -> None:
    with pytest.raises(InvalidInput):
        parse_backoff(text)


def test_the_diagram_names_every_state_and_final_states_are_left_by_people_only() -> None:
    diagram = states.__doc__ or ""

    assert all(state.word in diagram for state in State)
    assert set(TRANSITIONS) == set(State)
    assert all(TRANSITIONS[state] == {State.READY} for state in State if state.is_final)


@given(st.integers(1, 2**62), st.integers(1, 2**62))
def test_a_receipt_is_read_back(message_id: int, receipt: int) -> None:
    assert parse_receipt(format_receipt(message_id, receipt)) == (message_id, receipt)


def test_the_moves_in_the_documentation_are_those_of_the_table() -> None:
    told: dict[State, set[State]] = {}
    for line in (states.__doc__ or "").splitlines():
        before, arrow, after = line.strip().partition(" → ")
        if arrow:
            told[State.from_word(before)] = {State.from_word(word) for word in after.split(", ")}

    assert told == TRANSITIONS
