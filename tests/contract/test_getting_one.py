"""get(id=): this message or none."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from pqdesk import AsyncQueue, Empty, NotFound, Queue
from tests.contract.clocks import MovableClock


def test_one_is_taken_before_those_that_are_more_urgent(queue: Queue) -> None:
    ids = [queue.put(number, priority=-number) for number in range(4)]

    message = queue.get(id=ids[2], lease=30)

    assert (message.payload, message.attempt) == (2, 1)
    message.ack()
    assert [one.payload for one in queue.get_many(9)] == [0, 1, 3]


@pytest.mark.parametrize("why", ["running", "scheduled", "behind its group", "paused", "limit", "completed", "trashed"])
def test_what_cannot_be_had_is_empty(queue: Queue, why: str) -> None:
    first = queue.put("first", group="g")
    one = queue.put("x", group="g" if why == "behind its group" else None, delay=60 if why == "scheduled" else None)
    if why in ("running", "completed"):
        held = queue.get(id=one)
        held.ack() if why == "completed" else None
    elif why == "paused":
        queue.pause()
    elif why == "limit":
        queue.configure(concurrency=1)
        queue.get(id=first)
    elif why == "trashed":
        queue.delete(one)

    for arguments in ((False,), (True, 0), (True, 0.05)):
        with pytest.raises(Empty):
            queue.get(*arguments, id=one)

    assert queue.message(first).state.word == ("running" if why == "limit" else "ready")


def test_one_that_there_is_not_is_not_found(queue: Queue, clock: MovableClock) -> None:
    elsewhere = Queue.over(queue.store, "elsewhere", clock).put("x")

    for one in (99, elsewhere):
        with pytest.raises(NotFound):
            queue.get(id=one)


def test_it_is_waited_for(queue: Queue) -> None:
    queue.put("another")
    one = queue.put("x")
    held = queue.get(id=one)
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(queue.get(id=one, timeout=30).attempt))
    waiting.start()

    held.nack(delay=0)
    waiting.join()

    assert found == [2]


def test_one_of_an_async_queue(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncQueue("work", database=tmp_path / "app.db") as queue:
            first, second = await queue.put_many([1, 2])
            async with queue.get(id=second) as message:
                assert message.payload == 2
            with pytest.raises(Empty):
                await queue.get(id=second, timeout=30)
            message = await queue.get(id=first, timeout=30)
            assert message.id == first

    asyncio.run(main())
