"""Another priority or due time of messages that wait: an operator's action, which can be undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pqdesk import Empty, InvalidInput, Queue, Workspace
from pqdesk.clock import to_datetime
from pqdesk.messages.states import State
from pqdesk.queues.acting import list_activity, undo
from tests.contract.clocks import MovableClock


def _order(queue: Queue) -> list[Any]:
    payloads = []
    while queue.qsize():
        message = queue.get(timeout=0)
        payloads.append(message.payload)
        message.ack()
    return payloads


def test_a_higher_priority_goes_first_and_undo_brings_the_old_one_back(queue: Queue) -> None:
    ids = queue.put_many(range(4), priority=1)
    outcome = queue.change(ids[2:], priority=5)
    queue.change(ids[3], priority=-5)

    assert [queue.message(one).priority for one in ids] == [1, 1, 5, -5]
    undone = undo(queue.store, outcome.activity_id or 0, None)

    assert (undone.done, undone.skipped) == (1, 1)  # the last was changed again since
    assert _order(queue) == [0, 1, 2, 3]


def test_what_is_ready_is_put_off_and_what_is_scheduled_comes_now(queue: Queue, clock: MovableClock) -> None:
    ready, later = queue.put("ready"), queue.put("later", delay=1000)
    at = to_datetime(clock.wall_us()) + timedelta(seconds=500)

    put_off, now = queue.change(ready, at=at), queue.change(later, delay=0)

    assert queue.message(ready).state is State.SCHEDULED
    assert queue.message(ready).due_at == at
    assert queue.get(timeout=0).payload == "later"
    assert undo(queue.store, put_off.activity_id or 0, None).done == 1
    assert undo(queue.store, now.activity_id or 0, None).skipped == 1  # it runs by now
    assert queue.get(timeout=0).payload == "ready"


def test_another_due_time_is_kept_to(queue: Queue, clock: MovableClock) -> None:
    sooner, later = queue.put("sooner", delay=1000), queue.put("later", delay=10)
    outcome = queue.change(sooner, delay=timedelta(seconds=5))
    queue.change(later, delay=2000)

    clock.advance(6)

    message = queue.get(timeout=0)
    assert message.payload == "sooner"
    assert undo(queue.store, outcome.activity_id or 0, None).skipped == 1
    message.ack()
    clock.advance(100)
    with pytest.raises(Empty):
        queue.get(timeout=0)


def test_a_retry_comes_sooner_or_later_and_stays_a_retry(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    queue.get().nack("no", delay=10)

    queue.change(message_id, delay=100, priority=3)
    clock.advance(50)
    assert queue.counts().retrying == 1
    queue.change(message_id, delay=0)

    assert queue.get(timeout=0).attempt == 2


def test_running_and_final_messages_are_skipped_and_what_is_so_already(queue: Queue) -> None:
    running, done, ready = queue.put_many(range(3))
    held = queue.get()
    queue.get().ack()

    outcome = queue.change([running, done, ready], priority=0)

    assert (outcome.done, dict(outcome.reasons)) == (0, {"running": 1, "completed": 1, "so already": 1})
    assert outcome.activity_id is not None
    held.ack()


def test_by_a_filter_it_takes_all_that_wait(queue: Queue) -> None:
    queue.put_many(range(3))
    queue.put("later", delay=60)
    queue.get()

    assert queue.change(where="put", priority=2).done == 0
    assert queue.change(state="ready", priority=2, dry_run=True).done == 2
    assert queue.change(where="age:<1d", priority=2).done == 3


def test_the_head_of_a_group_that_is_put_off_holds_it(queue: Queue, clock: MovableClock) -> None:
    ids = [queue.put(number, group="g", priority=number) for number in range(3)]

    queue.change(ids[0], delay=10)
    queue.change(ids[2], priority=100)

    with pytest.raises(Empty):
        queue.get(timeout=0)
    clock.advance(11)
    assert queue.get(timeout=0).payload == 0


def test_the_command_that_does_the_same_is_written_down(queue: Queue) -> None:
    message_id = queue.put("x")
    queue.change(message_id, priority=3, delay=90)

    assert list_activity(queue.store, 1, None)[0].command == f"pqdesk change {message_id} --priority 3 --delay 90s"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"priority": "high"},
        {"priority": 2**31 + 1},
        {"delay": -1},
        {"delay": 1, "at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"at": datetime(2027, 1, 1)},  # noqa: DTZ001
    ],
)
def test_a_change_that_cannot_be_is_refused(queue: Queue, values: dict[str, Any]) -> None:
    message_id = queue.put("x")

    with pytest.raises(InvalidInput):
        queue.change(message_id, **values)

    assert queue.qsize() == 1


def test_all_queues_are_paused_and_go_on_in_one_activity_each(queue: Queue) -> None:
    assert queue.paths is not None
    with Workspace(queue.paths.root) as workspace:
        for name in ("a", "b", "c"):
            workspace.queue(name).put("x")
        workspace.queue("b").pause()

        workspace.pause()
        assert [one.is_paused for one in workspace.queues()] == [True] * 3
        record = workspace.activity()[0]
        assert (record.command, record.queue) == ("pqdesk pause --all", None)
        workspace.undo(record.id)
        assert [one.is_paused for one in workspace.queues()] == [False, True, False]

        workspace.resume()
        assert not any(one.is_paused for one in workspace.queues())
        assert workspace.queue("a").get(timeout=0).payload == "x"
