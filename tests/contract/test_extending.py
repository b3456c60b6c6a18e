"""Leases are extended as long as somebody has the message, and no longer."""

from __future__ import annotations

import asyncio

import pytest

from pqdesk import AsyncQueue
from pqdesk.errors import Busy
from pqdesk.queues.queue import Queue
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.support import wait_until


def test_a_message_that_a_loop_left_unsettled_is_ready_again_when_its_lease_ends(
    queue: Queue, other: Queue, clock: MovableClock
) -> None:
    queue.configure(lease=10)
    queue.put("one")

    for _ in queue:
        break
    clock.advance(seconds=6)
    engines.run_chores(queue)
    clock.advance(seconds=6)

    assert other.get(timeout=0).attempt == 2


def test_a_message_whose_block_could_not_ack_it_is_ready_again_when_its_lease_ends(
    queue: Queue, other: Queue, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.configure(lease=10)
    queue.put("one")

    def refuse(*_: object, **__: object) -> None:
        raise Busy("held by another program")

    with pytest.raises(Busy), queue.get():
        monkeypatch.setattr(queue.store, "settle", refuse)
    clock.advance(seconds=6)
    engines.run_chores(queue)
    clock.advance(seconds=6)

    assert other.get(timeout=0).attempt == 2


def test_a_message_that_an_asyncio_loop_left_unsettled_is_extended_no_more(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async def leave() -> None:
        async with AsyncQueue("work", workspace=tmp_path_factory.mktemp("w") / "w") as queue:
            await queue.put("one")
            async for _ in queue:
                break
            wait_until(lambda: not engines.extended(queue), reason="the loop's last message is extended")

    asyncio.run(leave())


def test_a_detached_lease_is_extended_no_more_once_its_message_is_settled(queue: Queue) -> None:
    queue.put("one")

    with queue.get(detached=True):
        pass

    assert engines.extended(queue) == []
