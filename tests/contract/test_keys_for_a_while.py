"""A key that stays in use for a while after its message was put, done or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pqdesk import DuplicateKey, InvalidInput, Outgoing, Queue
from tests.contract import engines
from tests.contract.clocks import MovableClock


def _done(queue: Queue, _: int) -> None:
    queue.get(timeout=0).ack()


def _failed(queue: Queue, _: int) -> None:
    queue.get(timeout=0).fail("no")


def _cancelled(queue: Queue, message_id: int) -> None:
    queue.cancel(message_id)


def _erased(queue: Queue, message_id: int) -> None:
    queue.delete(message_id)
    queue.empty_trash(message_id)


def _waiting(queue: Queue, message_id: int) -> None:
    pass


@pytest.mark.parametrize("end", [_done, _failed, _cancelled, _erased, _waiting])
@pytest.mark.parametrize("period", [600, timedelta(minutes=10)])
def test_a_key_stays_in_use_whatever_becomes_of_its_message(
    queue: Queue, clock: MovableClock, end: Callable[[Queue, int], None], period: Any
) -> None:
    first = queue.put("x", key="k", unique_for=period)
    end(queue, first)

    clock.advance(500)
    for options in ({}, {"unique_for": 10}):
        with pytest.raises(DuplicateKey) as caught:
            queue.put("y", key="k", **options)
        assert caught.value.message_id == first
    assert queue.put("y", key="k", on_conflict="keep") == first
    assert queue.put("y", key="other") > first

    clock.advance(101)
    if end is _waiting:
        with pytest.raises(DuplicateKey):
            queue.put("y", key="k")
    else:
        assert queue.put("y", key="k") > first


def test_replace_puts_anew_and_the_time_begins_again(queue: Queue, clock: MovableClock) -> None:
    queue.put("x", key="k", unique_for=60)
    queue.get().ack()
    clock.advance(30)

    second = queue.put("y", key="k", unique_for=60, on_conflict="replace")
    queue.get().ack()
    clock.advance(45)

    with pytest.raises(DuplicateKey) as caught:
        queue.put("z", key="k")
    assert caught.value.message_id == second


def test_it_holds_for_its_queue_over_all_ways_of_putting(queue: Queue, other: Queue, clock: MovableClock) -> None:
    queue.put_many([Outgoing("x", key="k", unique_for=60)])
    queue.get().ack(put=[Outgoing("y", key="l", unique_for=60)])
    queue.get().ack()

    assert other.put_many(["a"], key="k", on_conflict="keep") == [1]
    for key in "kl":
        with pytest.raises(DuplicateKey), other.transaction() as tx:
            other.put("z", key=key, tx=tx)
    Queue.over(queue.store, "elsewhere", clock).put("z", key="k")


def test_it_outlives_the_message_and_is_forgotten_when_its_time_is_over(queue: Queue, clock: MovableClock) -> None:
    queue.configure(keep_completed=0)
    for number in range(3):
        queue.put("x", key=f"k{number}", unique_for=1000 * (number + 1))
        queue.get().ack()
    queue.put("the newest id stays")

    clock.advance(500)
    while engines.prune(queue):
        pass
    assert queue.counts().completed == 0
    with pytest.raises(DuplicateKey):
        queue.put("y", key="k0")
    clock.advance(600)
    while engines.prune(queue):
        pass

    assert engines.sql(queue, "SELECT key FROM pqdesk_unique ORDER BY key") == [("k1",), ("k2",)]


@pytest.mark.parametrize("options", [{"unique_for": 5}, {"key": "k", "unique_for": 0}, {"key": "k", "unique_for": "x"}])
def test_a_time_that_cannot_be_or_is_about_no_key_is_refused(queue: Queue, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        queue.put("x", **options)

    assert queue.counts().total == 0
