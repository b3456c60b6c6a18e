from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pqdesk import InvalidInput, Outgoing, PQDeskError, Queue, Workspace
from pqdesk.errors import LeaseLost, WorkspaceError

_NOW = datetime.now(UTC)
_SELF: list[Any] = []
_SELF.append(_SELF)

_BAD_PUTS: dict[str, Callable[[Queue], object]] = {
    "object": lambda queue: queue.put(object()),
    "set": lambda queue: queue.put({1}),
    "nan": lambda queue: queue.put(math.nan),
    "deep infinity": lambda queue: queue.put([{"a": math.inf}]),
    "int key": lambda queue: queue.put({1: 2}),
    "surrogate": lambda queue: queue.put("\ud800"),
    "deep surrogate": lambda queue: queue.put(["\udfff"]),
    "contains itself": lambda queue: queue.put(_SELF),
    "too long": lambda queue: queue.put(b"x" * (16 * 1024 * 1024 + 1)),
    "type empty": lambda queue: queue.put(1, type=""),
    "type int": lambda queue: queue.put(1, type=7),  # type: ignore[arg-type]
    "key control": lambda queue: queue.put(1, key="a\nb"),
    "key NUL": lambda queue: queue.put(1, key="a\0"),
    "key surrogate": lambda queue: queue.put(1, key="\ud800"),
    "group too long": lambda queue: queue.put(1, group="g" * 256),
    "priority text": lambda queue: queue.put(1, priority="9"),  # type: ignore[arg-type]
    "priority bool": lambda queue: queue.put(1, priority=True),
    "priority too high": lambda queue: queue.put(1, priority=2**31 + 1),
    "delay negative": lambda queue: queue.put(1, delay=-1),
    "delay nan": lambda queue: queue.put(1, delay=math.nan),
    "delay infinite": lambda queue: queue.put(1, delay=math.inf),
    "delay text": lambda queue: queue.put(1, delay="5s"),  # type: ignore[arg-type]
    "delay huge": lambda queue: queue.put(1, delay=10**30),
    "delay and at": lambda queue: queue.put(1, delay=1, at=_NOW),
    "at naive": lambda queue: queue.put(1, at=_NOW.replace(tzinfo=None)),
    "at text": lambda queue: queue.put(1, at="tomorrow"),  # type: ignore[arg-type]
    "expires zero": lambda queue: queue.put(1, expires=0),
    "max_attempts zero": lambda queue: queue.put(1, max_attempts=0),
    "max_attempts huge": lambda queue: queue.put(1, max_attempts=2**31),
    "headers list": lambda queue: queue.put(1, headers=["a"]),  # type: ignore[arg-type]
    "header name": lambda queue: queue.put(1, headers={"a b": "c"}),
    "header value": lambda queue: queue.put(1, headers={"a": 1}),  # type: ignore[dict-item]
    "header long": lambda queue: queue.put(1, headers={"a": "x" * 4097}),
    "headers many": lambda queue: queue.put(1, headers={f"h{n}": "" for n in range(65)}),
    "on_conflict": lambda queue: queue.put(1, on_conflict="ignore"),  # type: ignore[arg-type]
    "put_many text": lambda queue: queue.put_many("abc"),
    "put_many option": lambda queue: queue.put_many([1], colour="red"),
    "put_many queue": lambda queue: queue.put_many([Outgoing(1, queue="")]),
    "put_many too many": lambda queue: queue.put_many(range(100_001)),
}
_BAD_CALLS: dict[str, Callable[[Queue], object]] = {
    "timeout negative": lambda queue: queue.get(timeout=-1),
    "timeout text": lambda queue: queue.get(timeout="1"),  # type: ignore[arg-type]
    "lease zero": lambda queue: queue.get(block=False, lease=0),
    "lease nan": lambda queue: queue.get(block=False, lease=math.nan),
    "get_many zero": lambda queue: queue.get_many(0),
    "limit zero": lambda queue: queue.messages(limit=0),
    "limit huge": lambda queue: queue.messages(limit=10_001),
    "state unknown": lambda queue: queue.messages(state="broken"),
    "where": lambda queue: queue.messages(where="state:broken"),
    "id text": lambda queue: queue.message("1"),  # type: ignore[arg-type]
    "id huge": lambda queue: queue.message(2**63),
    "ids text": lambda queue: queue.retry("12"),  # type: ignore[arg-type]
    "ids and filter": lambda queue: queue.retry(1, state="failed"),
    "setting": lambda queue: queue.configure(colour="red"),
    "setting value": lambda queue: queue.configure(lease=0),
    "setting backoff": lambda queue: queue.configure(backoff="quadratic"),
}


@pytest.mark.parametrize("name", _BAD_PUTS)
def test_a_bad_put_is_refused_in_one_line_and_changes_nothing(queue: Queue, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _BAD_PUTS[name](queue)

    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert queue.counts().total == 0


@pytest.mark.parametrize("name", _BAD_CALLS)
def test_a_bad_call_is_refused_and_changes_nothing(queue: Queue, name: str) -> None:
    queue.put("x")

    with pytest.raises(InvalidInput) as caught:
        _BAD_CALLS[name](queue)

    assert "\n" not in str(caught.value)
    assert queue.counts().ready == 1


@pytest.mark.parametrize("name", ["", "x" * 256, "a\tb", "\ud800", 7, None, b"x"])
def test_a_bad_queue_name_is_refused(queue: Queue, name: Any) -> None:
    with pytest.raises(InvalidInput, match="queue"):
        Queue(name)


@pytest.mark.parametrize("database", ["", ":memory:", "file:x?mode=memory"])
def test_what_is_no_file_is_refused(database: str) -> None:
    with pytest.raises(InvalidInput, match="path of a file"):
        Queue("x", database=database)


def test_a_durability_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Workspace(durability="maybe")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        Queue("x", durability="maybe")  # type: ignore[arg-type]


def test_progress_outside_0_to_1_is_refused(queue: Queue) -> None:
    queue.put("x")
    message = queue.get()

    for fraction in (-0.1, 1.1, math.nan, True, "0.5"):
        with pytest.raises(InvalidInput):
            message.progress(fraction)  # type: ignore[arg-type]

    message.progress(1)


def test_names_and_values_at_their_limits_are_taken(queue: Queue) -> None:
    queue.put(
        b"x" * 16 * 1024 * 1024, type="t" * 255, key="ключ " * 51, group=" ", priority=-(2**31), max_attempts=2**31 - 1,
        delay=timedelta(0), headers={"A-z_9" * 12: "é" * 2048},
    )  # fmt: skip

    assert len(queue.get(block=False).payload) == 16 * 1024 * 1024


def test_every_error_is_one_of_ours() -> None:
    assert issubclass(InvalidInput, PQDeskError)


def test_a_backoff_that_is_none_is_refused_where_it_is_given(queue: Queue) -> None:
    with pytest.raises(InvalidInput):
        queue.use_defaults(backoff="bogus")


_HUGE = 10**5000  # more digits than str() writes


_WEST = datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))  # in UTC, a moment of the year 10000


_REFUSED: dict[str, Callable[[Queue], object]] = {
    "a moment past the year 9999": lambda queue: queue.put(1, at=_WEST),
    "a priority that is False": lambda queue: queue.put(1, priority=False),
    "a priority that is no int": lambda queue: queue.put(1, priority=0.0),  # type: ignore[arg-type]
    "a priority of 5,000 digits": lambda queue: queue.put(1, priority=_HUGE),
    "a delay of 5,000 digits": lambda queue: queue.put(1, delay=_HUGE),
    "a conflict rule of 5,000 digits": lambda queue: queue.put(1, on_conflict=_HUGE),  # type: ignore[arg-type]
    "a key of 5,000 digits in a payload": lambda queue: queue.put({_HUGE: 1}),
    "a timeout that is text, with room": lambda queue: queue.put(1, timeout="soon"),  # type: ignore[arg-type]
    "a negative timeout, not waiting": lambda queue: queue.get(block=False, timeout=-1),
    "no items": lambda queue: queue.put_many(None),  # type: ignore[arg-type]
    "a number of items": lambda queue: queue.put_many(3),  # type: ignore[arg-type]
    "no marks": lambda queue: queue.put_once(None),  # type: ignore[arg-type]
    "items without marks": lambda queue: queue.put_once(["ab"]),  # type: ignore[list-item]
    "no follow-ups": lambda queue: queue.get(timeout=0).ack(put=None),  # type: ignore[arg-type]
    "a follow-up alone": lambda queue: queue.get(timeout=0).ack(put="x"),
    "a fraction of 5,000 digits": lambda queue: queue.get(timeout=0).progress(_HUGE),
    "a note that is no text": lambda queue: queue.get(timeout=0).progress(0.5, 7),  # type: ignore[arg-type]
    "why of an id that is text": lambda queue: queue.why("1"),  # type: ignore[arg-type]
    "why of an id above 64 bits": lambda queue: queue.why(2**64),
    "metrics since None": lambda queue: queue.metrics(None),  # type: ignore[arg-type]
    "ids of 5,000 digits": lambda queue: queue.retry(_HUGE),
    "a workspace that is a number": lambda _: Queue("work", workspace=7),  # type: ignore[arg-type]
    "a workspace without a name": lambda _: Queue("work", workspace=""),
    "a workspace with a null": lambda _: Queue("work", workspace="a\0b"),
    "a workspace with a lone surrogate": lambda _: Queue("work", workspace="a\ud800"),
    "a database that is a number": lambda _: Queue("work", database=7),  # type: ignore[arg-type]
    "a database with a null": lambda _: Queue("work", database="a\0b"),
    "a database with a name too long": lambda _: Queue("work", database="x" * 300),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_what_nobody_can_use_is_refused_in_one_line_and_changes_nothing(queue: Queue, what: str) -> None:
    queue.put("there")

    with pytest.raises((InvalidInput, LeaseLost, WorkspaceError)) as refused:
        _REFUSED[what](queue)

    assert "\n" not in str(refused.value)
    assert len(queue.messages()) == 1
