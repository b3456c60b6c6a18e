"""The checker lets a faithful history pass and catches each kind of broken promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.checker import FinalMessage, violations
from tests.crash.history import Event, History, read_histories

DONE = {1: FinalMessage("completed", "a")}


def put(token: str = "a", message_id: int = 1) -> list[Event]:
    return [Event(what="putting", tokens=(token,)), Event(what="put", tokens=(token,), ids=(message_id,))]


def got(attempt: int, receipt: str) -> Event:
    return Event(what="got", ids=(1,), attempt=attempt, receipt=receipt)


def ack(attempt: int, receipt: str, *, has_returned: bool = True) -> list[Event]:
    words = ("acking", "acked") if has_returned else ("acking",)
    return [Event(what=word, ids=(1,), attempt=attempt, receipt=receipt) for word in words]


@pytest.mark.parametrize(
    "events",
    [
        [*put(), got(1, "r1"), *ack(1, "r1")],
        [*put(), got(1, "r1"), got(2, "r2"), *ack(2, "r2")],  # the first one was killed
        [*put()[:1], got(1, "r1"), *ack(1, "r1")],  # killed while putting
        [*put(), got(1, "r1"), *ack(1, "r1", has_returned=False), got(2, "r2"), *ack(2, "r2")],  # killed while acking
        [*put(), got(1, "r1"), *ack(1, "r1", has_returned=False)],
        [*put(), got(2, "r2"), *ack(2, "r2"), got(1, "r1")],  # told late by a process that was stopped
        [*put(), *ack(1, "r1")],  # killed between get's return and its line, another thread acked
    ],
)
def test_faithful_histories_pass(events: list[Event]) -> None:
    assert violations(events, DONE) == []


def test_a_put_that_never_happened_is_no_loss() -> None:
    assert violations(put()[:1], {}) == []


@pytest.mark.parametrize(
    ("events", "final", "sentence"),
    [
        (put(), {}, "message 1 was put and is gone"),
        (put("b"), DONE, "message 1 was put as b and is now a"),
        ([], DONE, "a is there and nobody put it"),
        (put(), {**DONE, 2: FinalMessage("completed", "a")}, "a was put once and is there 2 times"),
        (put(), {1: FinalMessage("ready", "a")}, "message 1 is stuck in ready"),
        (put(), DONE, "message 1 is completed and nobody acked it"),
        ([*put(), got(1, "r1"), *ack(1, "r1"), *ack(1, "r1")], DONE, "message 1 was acked 2 times"),
        ([*put(), got(1, "r1"), got(2, "r1"), *ack(2, "r1")], DONE, "receipt r1 was given out 2 times"),
        (
            [*put(), got(1, "r1"), *ack(1, "r1"), got(2, "r2"), *ack(2, "r2", has_returned=False)],
            DONE,
            "message 1 was acked in attempt 1 and delivered again in [2]",
        ),
    ],
)
def test_each_broken_promise_is_told(events: list[Event], final: dict[int, FinalMessage], sentence: str) -> None:
    assert sentence in violations(events, final)


def test_a_line_cut_short_by_a_kill_was_never_said(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = History(path)
    history.note(Event(what="put", tokens=("a",), ids=(1,)))
    history.close()
    with path.open("ab") as file:
        file.write(b'["put", ["b"], [2')

    assert list(read_histories([path])) == [Event(what="put", tokens=("a",), ids=(1,))]
