"""on_conflict="after": put again when the one that runs is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pqdesk import DuplicateKey, Empty, Message, Queue
from pqdesk.messages.states import State
from tests.contract import engines
from tests.contract.clocks import MovableClock


def _again(queue: Queue, payload: Any = "again", **options: Any) -> int:
    return queue.put(payload, key="k", on_conflict="after", **options)


_ENDS: dict[str, Callable[[Message], None]] = {
    "ack": Message.ack,
    "ack with a result": lambda message: message.ack(1),
    "fail": lambda message: message.fail("no"),
}


@pytest.mark.parametrize("end", _ENDS)
def test_it_runs_when_the_one_that_runs_is_done_and_once_however_often_it_was_put(queue: Queue, end: str) -> None:
    first = queue.put("first", key="k")
    running = queue.get()

    again = _again(queue)
    assert again > first
    assert [_again(queue, number) for number in range(3)] == [again] * 3
    assert queue.counts().ready == 1
    with pytest.raises(Empty):
        queue.get(timeout=0)
    _ENDS[end](running)

    message = queue.get(timeout=0)
    assert (message.id, message.payload, message.key) == (again, "again", "k")
    third = _again(queue, "third")
    message.ack()
    assert queue.get(timeout=0).id == third


def test_while_the_other_waits_it_is_the_other(queue: Queue, clock: MovableClock) -> None:
    first = queue.put("first", key="k", delay=5)
    assert _again(queue) == first
    clock.advance(6)
    assert _again(queue) == first
    queue.get(timeout=0).nack(delay=5)
    assert _again(queue) == first  # it will be tried again, and sees what is new then

    assert queue.counts().unfinished == 1


def test_without_another_it_is_an_ordinary_put(queue: Queue) -> None:
    first = _again(queue)

    with pytest.raises(DuplicateKey):
        queue.put("x", key="k")
    assert queue.get(timeout=0).id == first


def test_a_retry_of_the_first_comes_first(queue: Queue, clock: MovableClock) -> None:
    queue.put("first", key="k")
    queue_message = queue.get()
    _again(queue)

    queue_message.nack(delay=5)
    with pytest.raises(Empty):
        queue.get(timeout=0)
    clock.advance(6)

    first = queue.get(timeout=0)
    assert first.payload == "first"
    first.ack()
    assert queue.get(timeout=0).payload == "again"


def test_in_a_loop_and_by_a_worker_it_comes_with_the_next(queue: Queue) -> None:
    queue.put("first", key="k")
    seen = []
    for message in queue:
        if not seen:
            _again(queue)
        seen.append(message.payload)
        message.ack()
        if len(seen) == 2:
            break

    assert seen == ["first", "again"]


def test_its_delay_group_and_expiry_are_kept_to(queue: Queue, clock: MovableClock) -> None:
    queue.put("first", key="k")
    running = queue.get(lease=1000)
    later = _again(queue, "later", delay=10, group="g", expires=500)
    queue.put("behind", group="g")
    behind = queue.get(timeout=0)
    assert behind.payload == "behind"  # its group does not wait for it, as it is not in line yet
    behind.ack()
    running.ack()
    assert queue.message(later).state is State.SCHEDULED

    clock.advance(11)
    engines.run_chores(queue)
    assert queue.counts().ready == 1
    clock.advance(600)
    with pytest.raises(Empty):
        queue.get(timeout=0)
    assert queue.message(later).state is State.CANCELLED


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_what_waits_can_be_taken_back_and_the_first_goes_on(queue: Queue, action: str) -> None:
    queue.put("first", key="k")
    running = queue.get()
    again = _again(queue)
    assert [one.id for one in queue.messages(state="ready")] == [again]
    assert [one.id for one in queue.messages(state="ready", sort="priority")] == [again]
    assert "Message 1 has the same key 'k'" in queue.why(again)

    assert getattr(queue, action)(again).done == 1
    running.ack()

    with pytest.raises(Empty):
        queue.get(timeout=0)
    assert queue.counts().unfinished == 0


def test_when_the_first_is_taken_away_while_it_waits_the_other_has_the_key(queue: Queue, clock: MovableClock) -> None:
    first = queue.put("first", key="k")
    message = queue.get()
    again = _again(queue)
    message.nack(delay=100)

    queue.move(first, to="elsewhere")

    assert queue.get(timeout=0).id == again


def test_replace_takes_the_place_of_both(queue: Queue, clock: MovableClock) -> None:
    first = queue.put("first", key="k")
    message = queue.get()
    again = _again(queue)
    message.nack(delay=100)

    newest = queue.put("newest", key="k", on_conflict="replace")

    assert [queue.message(one).state for one in (first, again)] == [State.CANCELLED] * 2
    assert queue.get(timeout=0).id == newest


def test_a_dead_first_lets_it_go_on(queue: Queue, clock: MovableClock) -> None:
    queue.put("first", key="k", max_attempts=1)
    queue.get(lease=1)
    _again(queue)

    clock.advance(2)

    assert queue.get(timeout=0).payload == "again"
