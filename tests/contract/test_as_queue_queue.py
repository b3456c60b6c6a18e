"""What programs know from queue.Queue: the other half of its names, and positional arguments."""

from __future__ import annotations

import queue as stdlib
import threading
from collections.abc import Callable

import pytest

from pqdesk import Empty, Full, InvalidInput, LeaseLost, Queue
from tests.contract.clocks import MovableClock


def test_put_nowait_is_a_put_that_does_not_wait(queue: Queue) -> None:
    queue.configure(max_size=1)
    first = queue.put_nowait("x", priority=3, key="k")
    assert (queue.message(first).priority, queue.message(first).key) == (3, "k")

    with pytest.raises(stdlib.Full):
        queue.put_nowait("y")

    assert queue.counts().total == 1


def test_block_and_timeout_may_be_positional(queue: Queue, clock: MovableClock) -> None:
    queue.configure(max_size=1)
    queue.put("x", True, 5)
    for arguments in ((False,), (True, 0), (True, 0.01)):
        with pytest.raises(Full):
            queue.put("y", *arguments)

    assert queue.get(True, 0).payload == "x"
    with pytest.raises(stdlib.Empty):
        queue.get(False)


def test_empty_and_full(queue: Queue, clock: MovableClock) -> None:
    assert (queue.empty(), queue.full()) == (True, False)
    queue.configure(max_size=2)
    queue.put("later", delay=10)
    assert (queue.empty(), queue.full()) == (True, False)  # nothing to get, one that takes room
    queue.put("now")
    assert (queue.empty(), queue.full()) == (False, True)

    message = queue.get()
    assert (queue.empty(), queue.full()) == (True, True)
    message.ack()
    assert (queue.empty(), queue.full()) == (True, False)


def test_task_done_acks_what_this_thread_got_last(queue: Queue) -> None:
    queue.put_many(range(6))
    barrier, payloads = threading.Barrier(3), []

    def work() -> None:
        for _ in range(2):
            payloads.append(queue.get(timeout=5).payload)
            barrier.wait(5)  # each has one in hand
            queue.task_done()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(payloads) == list(range(6))
    assert queue.counts().completed == 6
    assert queue.join(timeout=0)


def _in_a_loop(queue: Queue) -> None:
    for _ in queue:
        queue.task_done()
        break


def _in_with(queue: Queue) -> None:
    with queue.get(timeout=0):
        queue.task_done()


@pytest.mark.parametrize("way", [_in_a_loop, _in_with])
def test_task_done_settles_the_message_of_loops_and_with(queue: Queue, way: Callable[[Queue], None]) -> None:
    queue.put("x")

    way(queue)

    assert queue.counts().completed == 1


def test_task_done_without_a_message_is_refused(queue: Queue, other: Queue, clock: MovableClock) -> None:
    with pytest.raises(ValueError, match="no message of queue 'work' in hand"):
        queue.task_done()
    queue.put("x")
    queue.get().ack()
    with pytest.raises(InvalidInput):
        queue.task_done()
    queue.put("y")
    queue.get(lease=1)
    clock.advance(2)
    other.get(timeout=0)

    with pytest.raises(LeaseLost):
        queue.task_done()


def test_after_shutdown_what_is_ready_is_given_out_and_nothing_more_is_put(queue: Queue, other: Queue) -> None:
    queue.put_many([*"ab"])

    queue.shutdown()

    for put in (lambda: queue.put("c"), lambda: queue.put("c", key="k"), lambda: queue.put_many(["c"])):
        with pytest.raises(Full, match="was shut down"):
            put()
    assert [message.payload for message in _drained(queue)] == ["a", "b"]
    with pytest.raises(Empty):
        queue.get()  # would wait for ever
    other.put("d")  # through another it goes on
    assert queue.get().payload == "d"
    assert queue.join(timeout=0) is False


def test_an_immediate_shutdown_gives_out_nothing_and_keeps_it_for_others(queue: Queue, other: Queue) -> None:
    queue.put_many([*"ab"])
    loop = iter(queue)
    next(loop).ack()

    queue.shutdown(immediate=True)

    assert list(loop) == []
    with pytest.raises(Empty, match="was shut down"):
        queue.get(timeout=5)
    assert other.get(timeout=1).payload == "b"


@pytest.mark.parametrize("is_immediate", [False, True])
def test_shutdown_ends_the_waits_of_other_threads(queue: Queue, is_immediate: bool) -> None:
    queue.configure(max_size=1)
    ended: list[type[BaseException]] = []

    def wait(call: Callable[[], object]) -> None:
        try:
            call()
        except (Empty, Full) as exc:
            ended.append(type(exc))

    queue.put("x", delay=3600)
    threads = [threading.Thread(target=wait, args=(call,)) for call in (queue.get, lambda: queue.put("y"))]
    for thread in threads:
        thread.start()

    queue.shutdown(is_immediate)
    for thread in threads:
        thread.join(timeout=10)

    assert sorted(one.__name__ for one in ended) == ["Empty", "Full"]


def _drained(queue: Queue) -> list:  # type: ignore[type-arg]
    messages = list(queue)  # a loop ends when nothing is ready
    for message in messages:
        message.ack()
    return messages
