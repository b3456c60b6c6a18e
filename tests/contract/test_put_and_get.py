from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pqdesk import DuplicateKey, Empty, InvalidInput, Outgoing, Queue
from tests.contract import engines
from tests.contract.clocks import MovableClock


@pytest.mark.parametrize(
    "payload",
    [
        None,
        True,
        0,
        -1,
        10**5000,
        1.5,
        -0.0,
        1e308,
        "",
        "text",
        "{'not': json}",
        "ünïcödé \x00\x1b",
        b"",
        b"\x00\xff",
        b"x" * 100_000,
        [],
        {},
        {"a": [1, {"b": None}], "": 10**400},
        "x" * 1_000_000,
    ],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:12] if not isinstance(value, int) else 'int'}",
)
def test_a_payload_comes_back_exactly_as_given(queue: Queue, payload: object) -> None:
    message_id = queue.put(payload)

    message = queue.get(block=False)

    assert (message.id, message.payload, type(message.payload)) == (message_id, payload, type(payload))
    assert queue.message(message_id).payload == payload


def test_tuples_come_back_as_lists_and_buffers_as_bytes(queue: Queue) -> None:
    queue.put_many([(1, (2,)), bytearray(b"a"), memoryview(b"b")])

    assert [message.payload for message in queue.get_many(9)] == [[1, [2]], b"a", b"b"]


def test_what_was_put_with_a_message_comes_with_it(queue: Queue) -> None:
    queue.put("x", type="mail", priority=3, key="k", group="g", max_attempts=2, headers={"Trace-Id": "é"})

    message = queue.get(block=False)

    assert (message.type, message.priority, message.key, message.group) == ("mail", 3, "k", "g")
    assert (message.attempt, message.max_attempts, message.headers) == (1, 2, {"Trace-Id": "é"})
    assert message.enqueued_at == message.due_at
    assert message.enqueued_at.utcoffset() == timedelta(0)
    assert 59 < message.lease_remaining <= 60


def test_higher_priority_goes_first_then_the_lower_id(queue: Queue) -> None:
    for name, priority in (("a", 0), ("b", 5), ("c", 5), ("d", -5)):
        queue.put(name, priority=priority)

    assert [message.payload for message in queue.get_many(9)] == ["b", "c", "a", "d"]


def test_ids_grow_and_come_back_in_order(queue: Queue) -> None:
    ids = queue.put_many(range(5))

    assert ids == sorted(set(ids))
    assert [queue.message(message_id).payload for message_id in ids] == list(range(5))


def test_a_delayed_message_is_scheduled_until_it_is_due(queue: Queue, clock: MovableClock) -> None:
    queue.put("later", delay=10)
    assert queue.counts().scheduled == 1
    with pytest.raises(Empty):
        queue.get(timeout=0)

    clock.advance(10.001)

    assert queue.counts().ready == 1
    assert queue.messages(state="ready")[0].payload_preview == "later"
    assert queue.get(timeout=0).payload == "later"


def test_at_is_an_instant(queue: Queue, clock: MovableClock) -> None:
    queue.put("x", at=datetime.now(UTC) + timedelta(hours=1))
    queue.put("past", at=datetime(1999, 1, 1, tzinfo=UTC))

    assert queue.get(timeout=0).payload == "past"
    assert queue.counts().scheduled == 1
    clock.advance(3601)
    assert queue.get(timeout=0).payload == "x"


def test_many_due_at_once_all_come(queue: Queue, clock: MovableClock) -> None:
    queue.put_many(range(150), delay=5)

    clock.advance(6)

    assert [queue.get(timeout=0).payload for _ in range(150)] == list(range(150))


def test_put_many_is_all_or_nothing_when_the_iterable_raises(queue: Queue) -> None:
    def items():
        yield 1
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        queue.put_many(items())

    assert queue.counts().total == 0


def test_put_many_is_all_or_nothing_when_a_key_is_in_use(queue: Queue) -> None:
    queue.put("first", key="k")

    with pytest.raises(DuplicateKey):
        queue.put_many([Outgoing(1), Outgoing(2, key="k")])

    assert queue.counts().total == 1


def test_put_many_names_the_item_that_is_wrong(queue: Queue) -> None:
    with pytest.raises(InvalidInput, match=r"item 1: .*set.*nothing was put"):
        queue.put_many([1, {2}])

    assert queue.counts().total == 0


def test_an_outgoing_may_name_another_queue(queue: Queue) -> None:
    queue.put_many([Outgoing("here"), Outgoing("there", queue="other")])

    assert queue.counts().ready == 1
    assert {record.name: record.counts.ready for record in queue.store.looking.queues()} == {"work": 1, "other": 1}


def test_a_key_is_unique_among_unfinished_messages(queue: Queue) -> None:
    first = queue.put(1, key="k")

    with pytest.raises(DuplicateKey, match=f"message {first} .*'k'") as caught:
        queue.put(2, key="k")

    assert caught.value.message_id == first
    assert queue.put(2, key="k", on_conflict="keep") == first
    queue.get(block=False).ack()
    assert queue.put(3, key="k") > first


def test_replace_takes_the_place_of_a_waiting_message_only(queue: Queue) -> None:
    first = queue.put(1, key="k")

    second = queue.put(2, key="k", on_conflict="replace")

    assert queue.message(first).state.word == "cancelled"
    message = queue.get(block=False)
    assert message.id == second
    with pytest.raises(DuplicateKey, match="is running"):
        queue.put(3, key="k", on_conflict="replace")


def test_a_message_that_expires_before_it_starts_is_cancelled_and_its_key_is_free(
    queue: Queue, clock: MovableClock
) -> None:
    late = queue.put("late", expires=5, key="k")

    clock.advance(6)
    again = queue.put("again", key="k")

    assert queue.get(timeout=0).id == again
    assert (queue.message(late).state.word, queue.message(late).error) == ("cancelled", "expired")


def test_an_expired_message_is_never_delivered_however_many_there_are(queue: Queue, clock: MovableClock) -> None:
    queue.put_many(range(100), expires=5)
    clock.advance(6)

    with pytest.raises(Empty):
        queue.get(timeout=0)

    assert queue.counts().cancelled == 100


def test_put_once_remembers_what_was_put(queue: Queue) -> None:
    assert queue.put_once([("a", 1), ("b", 2)]) == [1, 2]
    queue.get_many(9)

    assert queue.put_once([("a", 1), ("c", Outgoing(3, type="t")), ("c", 4)]) == [3]
    assert queue.get(block=False).type == "t"


def test_mark_that_is_forgotten_may_be_put_again(queue: Queue) -> None:
    queue.put_once([("in/a:1", 1), ("in/b:1", 2), ("in/b:2", 3), ("other", 4), ("in/" + "x" * 9000, 5)])

    queue.store.change_marks(["in/c"], ["in/a:1", "nobody's"])

    assert queue.store.marks("in/b") == ["in/b:1", "in/b:2"]
    assert queue.store.marks("in/")[-2:] == ["in/c", "in/" + "x" * 9000]
    assert queue.put_once([("in/a:1", 6), ("in/c", 7), ("other", 8)]) == [6]


def test_an_empty_queue_raises_empty(queue: Queue) -> None:
    for call in (queue.get_nowait, lambda: queue.get(block=False), lambda: queue.get(timeout=0)):
        with pytest.raises(Empty, match="'work' has no ready message"):
            call()


def test_a_paused_queue_is_as_if_empty(queue: Queue, other: Queue) -> None:
    queue.put(1)
    other.pause()

    assert queue.paused
    with pytest.raises(Empty, match="paused"):
        queue.get(timeout=0)
    queue.put(2)
    other.resume()

    assert not queue.paused
    assert queue.get(timeout=0).payload == 1


def test_get_many_takes_what_is_there(queue: Queue) -> None:
    queue.put_many(range(3))

    assert [message.payload for message in queue.get_many(2)] == [0, 1]
    assert [message.payload for message in queue.get_many(2)] == [2]


def test_two_clients_never_get_the_same_message(queue: Queue, other: Queue) -> None:
    queue.put_many(range(10))

    taken = [client.get(block=False).payload for client in (queue, other) * 5]

    assert sorted(taken) == list(range(10))


def test_counts_are_exact_per_state(queue: Queue) -> None:
    queue.put_many(range(6))
    queue.put("later", delay=60)
    queue.get().ack()
    queue.get().nack("no", delay=60)
    queue.get().fail("no")
    held = queue.get()
    queue.cancel(held.id + 1)

    counts = queue.counts()

    assert (counts.scheduled, counts.ready, counts.running, counts.retrying) == (1, 1, 1, 1)
    assert (counts.completed, counts.failed, counts.cancelled, counts.total) == (1, 1, 1, 7)
    assert queue.qsize() == 1


def test_join_waits_for_the_work(queue: Queue) -> None:
    queue.put(1)
    assert not queue.join(timeout=0)

    queue.get().ack()

    assert queue.join(timeout=0)


def test_many_payloads_of_every_kind_and_size_are_put_in_order(queue: Queue) -> None:
    """Those that lie in their row go to SQLite half a thousand at a time; a large one among them does not."""
    payloads: list[Any] = ["", b"", {}, b"\x00" * 999, "ü" * 500, None, [1], 2**70] * 200 + ["x" * 1000, ""]

    small = queue.put_many(payloads, type="kind", priority=3, headers={"a": "b"})
    mixed = queue.put_many([*payloads[:8], "x" * 5000, Outgoing("other", priority=9), *payloads[:8]], max_attempts=2)
    same = queue.put_many([""] * 3)

    assert small == list(range(small[0], small[0] + len(payloads)))
    assert len(set(small + mixed + same)) == len(small) + len(mixed) + len(same)
    taken = queue.get_many(10_000)
    assert [one.payload for one in taken] == ["other", *payloads, *payloads[:8], "x" * 5000, *payloads[:8], "", "", ""]
    first, later = taken[1], taken[-4]
    assert (first.id, first.type, first.priority, first.headers) == (small[0], "kind", 3, {"a": "b"})
    assert (later.max_attempts, later.type) == (2, None)
    assert queue.counts().running == len(taken)


def test_a_key_is_free_whoever_ends_the_message(queue: Queue, clock: MovableClock) -> None:
    """oban-bg/oban 424, procrastinate 1543: the key follows live states only, whoever ends the message."""
    queue.put("hung", key="k", max_attempts=1)
    queue.get(lease=1)
    clock.advance(2)
    engines.run_chores(queue)
    second = queue.put("second", key="k")
    queue.cancel(second)
    third = queue.put("third", key="k")
    queue.delete(third)
    fourth = queue.put("fourth", key="k")
    queue.move(fourth, to="elsewhere")

    assert queue.put("fifth", key="k") > fourth


def test_putting_again_after_an_unknown_outcome_makes_no_second_message(queue: Queue) -> None:
    """As in murmur 122."""
    first = queue.put("x", key="order-7")

    assert queue.put("x", key="order-7", on_conflict="keep") == first
    with pytest.raises(DuplicateKey) as caught:
        queue.put("x", key="order-7")

    assert caught.value.message_id == first
    assert queue.counts().total == 1


def test_counts_of_many_are_exact(queue: Queue) -> None:
    """As in good_job 1366."""
    for state in ("a", "b"):
        queue.put_many([state] * 500)
    queue.get_many(100)

    counts = queue.counts()

    assert (counts.ready, counts.running, counts.total) == (900, 100, 1000)
