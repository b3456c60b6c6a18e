"""What users of other queues complain about, where a person's actions are the answer; each test has their names."""

from __future__ import annotations

import pytest

from pqdesk import LeaseLost, NotFound, Queue
from pqdesk.messages.states import AttemptOutcome
from pqdesk.queues import acting
from pqdesk.queues.message import parse_receipt
from pqdesk.storage.values import Settlement
from tests.contract.clocks import MovableClock


def test_rescuer_overwrote_a_finished_job(queue: Queue, other: Queue, clock: MovableClock) -> None:
    """riverqueue/river 1302: whoever takes back what hangs finds it finished meanwhile, and leaves it."""
    message_id = queue.put("x")
    message = queue.get(lease=10)
    clock.advance(9)
    message.ack("done")
    clock.advance(9)

    other.store.tending.tend()

    assert other.message(message_id).state.word == "completed"
    assert other.result(message_id) == "done"


@pytest.mark.parametrize("act", ["retry", "cancel", "delete", "move", "edit", "run_now"])
def test_a_job_both_finished_and_failed(queue: Queue, other: Queue, act: str) -> None:
    """rails/solid_queue 589: an operator and a worker end it at once; each message is in one state and counted once."""
    message_id = queue.put("x", max_attempts=1)
    message = queue.get(timeout=0)
    arguments = {"move": {"to": "second"}, "edit": {"payload": "y"}}.get(act, {})

    getattr(other, act)(message_id, **arguments)
    message.fail("broken")
    getattr(other, act)(message_id, **arguments)
    with pytest.raises(LeaseLost):
        other.store.settle_receipt(*parse_receipt(message.receipt), Settlement(AttemptOutcome.COMPLETED))

    detail, counts = queue.store.looking.message(message_id), queue.store.looking.counts()
    assert counts.total == (0 if detail.is_trashed else 1)
    assert counts.of(detail.state) == counts.total
    assert [one.outcome for one in detail.attempts] == [AttemptOutcome.FAILED]


def test_an_orphan_keeps_its_unique_key_and_blocks_new_work(queue: Queue, clock: MovableClock) -> None:
    """oban-bg/oban 424, procrastinate 1543: the key follows live states only, whoever ends the message."""
    queue.put("hung", key="k", max_attempts=1)
    queue.get(lease=1)
    clock.advance(2)
    queue.store.tending.tend()
    second = queue.put("second", key="k")
    queue.cancel(second)
    third = queue.put("third", key="k")
    queue.delete(third)
    fourth = queue.put("fourth", key="k")
    queue.move(fourth, to="elsewhere")

    assert queue.put("fifth", key="k") > fourth


def test_no_automatic_dead_letters_retry_or_groups(queue: Queue) -> None:
    """pgmq/pgmq 274, 294, litements/litequeue 1: built in, with replay of what failed, all or a few, in its order."""
    ids = [queue.put(number, group="g", max_attempts=2) for number in range(3)]
    for _ in ids:
        queue.get(timeout=0).nack("down", delay=0)
        queue.get(timeout=0).nack("down", delay=0)
    assert queue.counts().failed == 3

    assert queue.retry(ids[0]).done == 1
    assert queue.retry(where="state:failed down").done == 2

    for message_id in ids:
        with queue.get(timeout=0) as message:
            assert (message.id, message.attempt) == (message_id, 3)
    assert [one.outcome.word for one in queue.message(ids[0]).attempts if one.outcome] == [
        "nacked", "nacked", "completed",
    ]  # fmt: skip


def test_no_way_to_see_what_is_queued(queue: Queue) -> None:
    """coleifer/huey 577, 129: what waits, its payload, what became of each attempt, and what people did to it."""
    queue.put({"to": "ada", "n": 10**30}, type="mail")
    queue.put({"to": "grace"}, type="mail")
    queue.get(timeout=0).fail("no such address")
    queue.edit(1, {"to": "ada@example.com"})

    (found,) = queue.messages(search="grace")
    detail = queue.message(1)

    assert (found.id, found.state.word, found.payload_preview) == (2, "ready", '{"to":"grace"}')
    assert (detail.payload, detail.version, detail.error_text) == ({"to": "ada@example.com"}, 2, "no such address")
    assert queue.versions(1)[0].payload == {"to": "ada", "n": 10**30}
    assert [one.command for one in acting.list_activity(queue.store, 10, None)] == ["pqdesk edit 1 -"]
    with pytest.raises(NotFound):
        queue.message(3)
