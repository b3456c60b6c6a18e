"""A queue to which messages go that have failed in another: a setting of that."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from pqdesk import InvalidInput, Message, Queue
from pqdesk.messages.states import State
from tests.contract import engines
from tests.contract.clocks import MovableClock


@pytest.fixture
def dead(queue: Queue, clock: MovableClock) -> Queue:
    queue.configure(failed_to="dead", max_attempts=2)
    return Queue.over(queue.store, "dead", clock)


def _nack(message: Message) -> None:
    message.nack("no")


def _fail(message: Message) -> None:
    message.fail("no")


@pytest.mark.parametrize("end", [_nack, _fail])
def test_what_has_failed_is_ready_there_with_all_that_it_had(
    queue: Queue, dead: Queue, clock: MovableClock, end: Callable[[Message], None]
) -> None:
    message_id = queue.put({"to": "ada"}, type="mail", headers={"A": "1"}, key="k", group="g", priority=3)
    end(queue.get())
    if end is _nack:
        assert queue.counts().retrying == 1
        clock.advance(60)
        end(queue.get(timeout=0))

    message = dead.get(timeout=0)

    assert (message.id, message.payload, message.type, message.key) == (message_id, {"to": "ada"}, "mail", "k")
    assert (message.headers, message.priority, message.group) == ({"A": "1"}, 3, "g")
    assert queue.counts().total == 0
    assert dead.counts().running == 1
    attempts = dead.message(message_id).attempts
    assert [one.error for one in attempts[:-1]] == ["no"] * (2 if end is _nack else 1)
    assert queue.put("next", key="k") > message_id  # its key is free
    message.ack()


def test_it_has_all_its_attempts_there_and_stays_where_it_fails_at_last(
    queue: Queue, dead: Queue, clock: MovableClock
) -> None:
    message_id = queue.put("x")
    queue.get().fail("no")
    dead.configure(max_attempts=2)
    dead.get(timeout=0).nack("again")
    clock.advance(60)

    dead.get(timeout=0).nack("again")

    assert dead.message(message_id).state is State.FAILED
    assert dead.counts().failed == 1


def test_deaths_ended_leases_and_limits_of_time_lead_there_too(queue: Queue, dead: Queue, clock: MovableClock) -> None:
    queue.put("lease", max_attempts=1)
    queue.get(lease=1)
    clock.advance(2)
    queue.qsize()
    engines.run_chores(queue)

    assert dead.get(timeout=0).payload == "lease"


def test_its_group_goes_on_and_it_takes_its_place_in_the_group_there(queue: Queue, dead: Queue) -> None:
    for number in range(2):
        queue.put(number, group="g")
    queue.get().fail("no")
    queue.get(timeout=0).fail("no")

    assert dead.counts().ready == 2
    assert [message.payload for message in dead.get_many(9)] == [0]


def test_where_its_key_is_in_use_there_it_stays_failed(queue: Queue, dead: Queue) -> None:
    dead.put("there", key="k")
    message_id = queue.put("x", key="k")

    queue.get().fail("no")

    assert queue.message(message_id).state is State.FAILED
    assert (queue.counts().failed, dead.counts().total) == (1, 1)


def test_in_a_transaction_that_is_rolled_back_it_has_not_failed(queue: Queue, dead: Queue) -> None:
    queue.put("x")
    message = queue.get()
    with contextlib.suppress(RuntimeError), queue.transaction() as tx:
        message.fail("no", tx=tx)
        raise RuntimeError

    assert dead.counts().total == 0
    message.ack()


def test_failed_messages_never_go_in_a_circle(queue: Queue, clock: MovableClock) -> None:
    names = ["work", "a", "b"]
    queues = [Queue.over(queue.store, name, clock) for name in names]
    with pytest.raises(InvalidInput, match="circle: 'work' → 'work'"):
        queues[0].configure(failed_to="work")
    queues[0].configure(failed_to="a")
    queues[1].configure(failed_to="b")

    with pytest.raises(InvalidInput, match="circle: 'b' → 'work' → 'a' → 'b'"):
        queues[2].configure(failed_to="work")

    assert queues[2].configuration.failed_to is None
    queues[0].configure(failed_to=None)
    queues[2].configure(failed_to="work")


@pytest.mark.parametrize("name", ["", "a\nb", 7, "x" * 256])
def test_a_name_that_no_queue_can_have_is_refused(queue: Queue, name: object) -> None:
    with pytest.raises(InvalidInput, match="failed_to"):
        queue.configure(failed_to=name)  # type: ignore[typeddict-item]
