"""AsyncQueue: the same names, awaitable; whoever is cancelled, nothing is lost."""

from __future__ import annotations

import asyncio
import contextvars
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from pqdesk import (
    AsyncMessage,
    AsyncQueue,
    DuplicateKey,
    Empty,
    Full,
    InvalidInput,
    LeaseLost,
    Outgoing,
    Queue,
    Workspace,
    WorkspaceError,
)
from pqdesk.messages.states import State
from tests.contract import engines

_Test = Callable[[AsyncQueue], Coroutine[Any, Any, None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[_Test], None]:
    """Run a coroutine with a queue of a database file, and close the queue."""

    def go(test: _Test) -> None:
        async def main() -> None:
            async with AsyncQueue("work", database=tmp_path / "app.db") as queue:
                await test(queue)

        asyncio.run(main())

    return go


Run = Callable[[_Test], None]


def test_put_get_and_ack(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        message_id = await queue.put({"to": "ada"}, type="mail", headers={"Lang": "de"})

        message = await queue.get()

        assert isinstance(message, AsyncMessage)
        assert (message.id, message.payload, message.type, message.attempt) == (message_id, {"to": "ada"}, "mail", 1)
        assert message.lease_remaining > 50
        assert not await message.cancel_requested
        await message.progress(0.5, "half")
        await message.extend(100)
        assert message.lease_remaining > 90
        await message.ack({"sent": True})
        assert await queue.result(message_id) == {"sent": True}
        assert message.is_settled

    run(test)


def test_leaving_the_block_acks_and_an_exception_nacks(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        done, failed = await queue.put_many(["a", "b"])

        async with queue.get(timeout=5) as message:
            assert message.payload == "a"
        with pytest.raises(ZeroDivisionError):
            async with queue.get(timeout=5):
                raise ZeroDivisionError("division by zero")

        assert (await queue.message(done)).state == State.COMPLETED
        detail = await queue.message(failed)
        assert (detail.state, "division by zero" in (detail.error or "")) == (State.RETRYING, True)

    run(test)


def test_a_message_that_was_awaited_may_be_entered_too(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x", key="k")
        message = await queue.get()

        async with message:
            await message.release()
        with pytest.raises(LeaseLost):
            await message.ack()

        assert await queue.qsize() == 1

    run(test)


def test_every_settlement_has_its_name(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        ids = await queue.put_many(range(4))
        first, second, third, fourth = await queue.get_many(4)

        await first.ack(put=["next", Outgoing("elsewhere", queue="second")])
        await second.nack("no", delay=1000)
        await third.fail("never")
        await fourth.release()

        assert [(await queue.message(one)).state.word for one in ids] == ["completed", "retrying", "failed", "ready"]
        assert (await queue.counts()).ready == 2

    run(test)


def test_a_loop_yields_messages_for_ever(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put_many(range(5))
        seen = []

        async for message in queue:
            seen.append(message.payload)
            await message.ack()
            if len(seen) == 5:
                break

        assert seen == [0, 1, 2, 3, 4]
        assert (await queue.counts()).completed == 5

    run(test)


def test_the_other_names_are_there(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.configure(max_attempts=7, max_size=2)
        assert (await queue.configuration).max_attempts == 7
        await queue.pause()
        assert await queue.paused
        with pytest.raises(Empty, match="paused"):
            await queue.get_nowait()
        await queue.resume()
        message_id = await queue.put("x", key="k")
        with pytest.raises(DuplicateKey):
            await queue.put("y", key="k")
        assert [one.id for one in await queue.messages(state="ready")] == [message_id]
        assert (await queue.cancel(message_id)).done == 1
        assert (await queue.retry(state="cancelled")).done == 1
        assert (await queue.delete(message_id)).done == 1
        assert (await queue.restore(message_id)).done == 1
        assert isinstance(await queue.why(message_id), str)
        assert not await queue.join(timeout=0.05)
        await (await queue.get()).ack()
        assert await queue.join(timeout=5)
        assert len(await queue.put_once([("mark", 1), ("mark", 2)])) == 1

    run(test)


def test_every_name_of_queue_is_there_with_its_arguments() -> None:
    import inspect

    sync = {name for name in dir(Queue) if not name.startswith("_")} - {
        "claim", "claim_one", "defaults", "interrupt_waits", "is_shut", "opened", "over", "settle", "store",
        "use_defaults", "paths",
    }  # fmt: skip
    missing = [name for name in sync if not hasattr(AsyncQueue, name)]
    different = [
        name
        for name in sync - set(missing) - {"put_many"}
        if callable(getattr(Queue, name))
        and list(inspect.signature(getattr(Queue, name)).parameters)
        != list(inspect.signature(getattr(AsyncQueue, name)).parameters)
    ]

    assert (missing, different) == ([], [])


def test_bad_input_is_refused_as_by_queue(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        for call in (
            lambda: queue.put(float("nan")),
            lambda: queue.put("x", delay=-1),
            lambda: queue.get(lease=0),
            lambda: queue.get(timeout=float("nan")),
            lambda: queue.get_many(0),
            lambda: queue.put_many("text"),
            lambda: queue.put_many(iter([1, {1: 2}])),
            lambda: queue.delete(),
        ):
            with pytest.raises(InvalidInput):
                await call()
        assert (await queue.counts()).total == 0

    run(test)
    with pytest.raises(InvalidInput):
        AsyncQueue("")


# --- waiting ------------------------------------------------------------------------------------------


def test_a_get_waits_without_a_thread_and_a_put_wakes_it(run: Run, tmp_path: Path) -> None:
    async def test(queue: AsyncQueue) -> None:
        waiting = [asyncio.create_task(queue.get(timeout=30)) for _ in range(50)]
        await asyncio.sleep(0.3)
        busy = [one for one in threading.enumerate() if one.name.startswith("pqdesk-aio")]
        assert len(busy) <= 4

        with Queue("work", database=tmp_path / "app.db") as other:
            await asyncio.to_thread(other.put_many, range(50))
            messages = await asyncio.gather(*waiting)

        assert sorted(one.payload for one in messages) == list(range(50))
        for one in messages:
            await one.ack()

    run(test)


def test_a_put_of_another_process_wakes_it(run: Run, tmp_path: Path) -> None:
    program = "import sys; from pqdesk import Queue; Queue('work', database=sys.argv[1]).put('from afar')"

    async def test(queue: AsyncQueue) -> None:
        waiting = asyncio.ensure_future(queue.get(timeout=30))
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path / "app.db"))

        assert (await waiting).payload == "from afar"
        assert await child.wait() == 0

    run(test)


def test_what_is_due_later_wakes_it_when_it_is_due(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("later", delay=0.2)

        assert (await queue.get(timeout=30)).payload == "later"

    run(test)


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_empty_after_its_timeout(run: Run, timeout: float) -> None:
    async def test(queue: AsyncQueue) -> None:
        with pytest.raises(Empty):
            await queue.get(timeout=timeout)
        with pytest.raises(Empty):
            await queue.get(block=False)

    run(test)


def test_puts_that_are_called_at_once_keep_the_order_of_their_calls(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        puts: list[Coroutine[Any, Any, Any]] = []
        for number in range(0, 300, 3):  # of every kind: alone, with options, several
            puts += [queue.put(number), queue.put(number + 1, headers={"N": "1"}), queue.put_many([number + 2])]

        answers = await asyncio.gather(*puts)

        ids = [one if isinstance(one, int) else one[0] for one in answers]
        assert ids == sorted(ids)
        assert [(await queue.message(one)).payload for one in ids] == list(range(300))

    run(test)


def test_puts_that_are_called_before_the_queue_is_open_keep_their_order(tmp_path: Path) -> None:
    async def main() -> list[int]:
        queue = AsyncQueue("work", database=tmp_path / "app.db")
        ids = await asyncio.gather(*[queue.put(number) for number in range(50)])
        await queue.close()
        return list(ids)

    ids = asyncio.run(main())

    assert ids == sorted(ids)


def test_a_put_that_is_refused_among_others_stops_none_of_them(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x", key="k")
        puts = [queue.put(1), queue.put(2, key="k"), queue.put({3}), queue.put(4, delay=-1), queue.put(5)]

        answers = await asyncio.gather(*puts, return_exceptions=True)

        kinds = [type(one) for one in answers]
        assert kinds == [int, DuplicateKey, InvalidInput, InvalidInput, int]
        assert [(await queue.message(one.id)).payload for one in await queue.messages()] == [5, 1, "x"]

    run(test)


def test_a_put_that_was_cancelled_before_its_turn_is_not_put(run: Run) -> None:
    has_begun = asyncio.Event()

    async def put_several(queue: AsyncQueue) -> list[Any]:
        tasks = [asyncio.create_task(queue.put(0))]
        await asyncio.sleep(0)
        assert queue._puts is not None
        while queue._puts._waiting:  # until it is in its thread, where it waits for the transaction
            await asyncio.sleep(0.001)
        tasks += [asyncio.create_task(queue.put(number)) for number in range(1, 4)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        has_begun.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def test(queue: AsyncQueue) -> None:
        async with queue.transaction() as tx:
            several = asyncio.create_task(put_several(queue), context=contextvars.Context())
            await has_begun.wait()
            await queue.put("first", tx=tx)
        answers = await several

        assert isinstance(answers[2], asyncio.CancelledError)
        found = [(await queue.message(one.id)).payload for one in await queue.messages()]
        assert found == [3, 1, 0, "first"]

    run(test)


def test_puts_that_wait_for_room_get_it_in_the_order_of_their_calls(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.configure(max_size=1)
        await queue.put("first")
        puts = [asyncio.create_task(queue.put(number)) for number in range(5)]
        seen = []

        async for message in queue:
            await message.ack()
            seen.append(message.payload)
            if len(seen) == 6:
                break

        assert seen == ["first", 0, 1, 2, 3, 4]
        await asyncio.gather(*puts)

    run(test)


def test_other_tasks_read_while_one_has_a_transaction_open(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x")

        async with queue.transaction():
            look = asyncio.create_task(queue.qsize(), context=contextvars.Context())
            assert await asyncio.wait_for(look, 5) == 1

    run(test)


@pytest.mark.parametrize("is_same_store", [True, False])
@pytest.mark.parametrize("is_own_task", [True, False])
def test_a_call_that_blocks_the_loop_is_refused_at_once_while_a_task_has_a_transaction_open(
    run: Run, is_same_store: bool, is_own_task: bool
) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put_many(["a", "b"])
        path = engines.database(queue)
        blocking = engines.blocking(queue) if is_same_store else Queue(queue.name, database=path)
        message = blocking.get()
        calls: list[Callable[[], object]] = [
            lambda: blocking.put("x"), lambda: blocking.put("x", key="k"), lambda: blocking.put_many(["x"]),
            lambda: blocking.get(timeout=0), message.ack, lambda: message.extend(5), lambda: blocking.pause(),
            lambda: blocking.configure(lease=9), lambda: blocking.retry(state="failed"), blocking.store.close,
            lambda: blocking.transaction().__enter__(), lambda: next(iter(blocking)),
        ]  # fmt: skip

        async def refuse_each() -> None:
            for call in calls:
                began = time.monotonic()
                with pytest.raises(InvalidInput, match="transaction open"):
                    call()
                assert time.monotonic() - began < 5
            assert blocking.qsize() == 1  # to look takes no lock

        async with queue.transaction() as tx:
            if is_own_task:
                await refuse_each()
            else:
                await asyncio.create_task(refuse_each(), context=contextvars.Context())
            elsewhere = asyncio.create_task(asyncio.to_thread(blocking.put, "y"), context=contextvars.Context())
            await queue.put("z", tx=tx)
        await elsewhere
        message.ack()

        counts = blocking.counts()
        assert (counts.ready, counts.completed) == (3, 1)
        if not is_same_store:
            blocking.close()

    run(test)


def test_what_programs_know_from_asyncio_queue(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.configure(max_size=1)
        assert (await queue.empty(), await queue.full()) == (True, False)
        message_id = await queue.put("x", True, 5)
        with pytest.raises(Full):
            await queue.put_nowait("y")
        assert (await queue.empty(), await queue.full()) == (False, True)

        await queue.get()
        await queue.task_done()

        assert await queue.result(message_id, timeout=5) is None
        with pytest.raises(InvalidInput, match="in hand"):
            await queue.task_done()

    run(test)


def test_shutdown_ends_waits_and_loops(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        async def all_payloads() -> list[Any]:
            seen = []
            async for message in queue:
                seen.append(message.payload)
                await message.ack()
            return seen

        waiting = asyncio.create_task(all_payloads())
        await queue.put("x")
        await asyncio.sleep(0.05)
        await queue.shutdown()

        assert await asyncio.wait_for(waiting, 10) == ["x"]
        with pytest.raises(Full):
            await queue.put("y")
        with pytest.raises(Empty):
            await queue.get()

    run(test)


def test_a_result_is_waited_for(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        message_id = await queue.put("x", delay=0.05)
        waiting = asyncio.create_task(queue.result(message_id, timeout=30))
        async with queue.get() as message:
            await message.release(delay=0.05)
        with pytest.raises(Empty):
            await queue.result(message_id, timeout=0.01)
        await (await queue.get()).ack({"done": True})

        assert await waiting == {"done": True}
        assert (await queue.change(message_id, priority=3)).skipped == 1

    run(test)


def test_a_put_into_a_full_queue_waits_for_room_without_a_thread(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.configure(max_size=1)
        await queue.put("first")
        waiting = [asyncio.create_task(queue.put(number)) for number in range(10)]
        with pytest.raises(Full):
            await queue.put("x", block=False)
        with pytest.raises(Full):
            await queue.put("x", timeout=0.05)

        for _ in range(11):
            await (await queue.get(timeout=30)).ack()

        assert len(await asyncio.gather(*waiting)) == 10

    run(test)


# --- cancelling ---------------------------------------------------------------------------------------


def test_a_cancelled_get_takes_nothing(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        await queue.put("x")

        assert (await queue.get(timeout=30)).attempt == 1

    run(test)


def test_asyncio_timeout_ends_a_get(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await queue.get()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue._take(1, True, None, None, False), 0.05)

    run(test)


def test_what_is_cancelled_in_a_block_is_released_and_counts_no_attempt(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x")
        entered = asyncio.Event()

        async def work() -> None:
            async with queue.get():
                entered.set()
                await asyncio.sleep(1000)

        task = asyncio.create_task(work())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (await queue.get(block=False)).attempt == 1

    run(test)


@pytest.mark.parametrize("seed", range(4))
def test_gets_cancelled_at_random_moments_lose_no_message(run: Run, seed: int) -> None:
    rng = random.Random(seed)
    count = 150

    async def test(queue: AsyncQueue) -> None:
        done: list[int] = []

        async def work() -> None:
            async with queue.get(timeout=rng.choice((0, 0.01, 5))) as message:
                await asyncio.sleep(rng.choice((0, 0, 0.001)))
                done.append(message.payload)

        async def harass() -> None:
            while len(set(done)) < count:
                tasks = [asyncio.create_task(work()) for _ in range(8)]
                for task in tasks:
                    await asyncio.sleep(rng.random() * 0.002)
                    if rng.random() < 0.6:
                        task.cancel()
                        if rng.random() < 0.3:
                            task.cancel()
                for task in tasks:
                    task.cancel() if len(set(done)) >= count else None
                await asyncio.gather(*tasks, return_exceptions=True)

        putting = asyncio.create_task(_put_slowly(queue, count, rng))
        async with asyncio.timeout(90):
            await harass()
            await putting
            assert await queue.join(timeout=30)

        counts = await queue.counts()
        assert (counts.completed, counts.total) == (count, count)
        assert set(done) == set(range(count))
        attempts = {(await queue.message(one.id)).attempt for one in await queue.messages(limit=1000)}
        assert attempts == {1}

    run(test)


async def _put_slowly(queue: AsyncQueue, count: int, rng: random.Random) -> None:
    for number in range(count):
        await queue.put(number)
        await asyncio.sleep(rng.random() * 0.003)


def test_an_ack_that_was_begun_is_carried_through_when_its_task_is_cancelled(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        message_id = await queue.put("x")
        message = await queue.get()
        task = asyncio.create_task(message.ack("done"))
        await asyncio.sleep(0)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await queue.result(message_id) == "done"

    run(test)


# --- transactions -------------------------------------------------------------------------------------


def test_rows_puts_and_acks_commit_together(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x")
        message = await queue.get()

        async with queue.transaction() as tx:
            await tx.execute("CREATE TABLE paid (id)")
            await asyncio.sleep(0.01)
            await queue.put("y", tx=tx)
            await queue.put_many(["z"], tx=tx)
            await message.ack(tx=tx)
        async with queue.transaction() as tx:
            assert await tx.execute("SELECT count(*) FROM paid") == [(0,)]

        counts = await queue.counts()
        assert (counts.ready, counts.completed) == (2, 1)

    run(test)


@pytest.mark.parametrize("way", ["raises", "is cancelled"])
def test_left_otherwise_nothing_of_it_is_done(run: Run, way: str) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x")
        message = await queue.get()
        inside = asyncio.Event()

        async def work() -> None:
            async with queue.transaction() as tx:
                await queue.put("y", tx=tx)
                await message.ack(tx=tx)
                inside.set()
                if way == "raises":
                    raise RuntimeError
                await asyncio.sleep(1000)

        task = asyncio.create_task(work())
        await inside.wait()
        if way == "is cancelled":
            task.cancel()
        with pytest.raises((RuntimeError, asyncio.CancelledError)):
            await task

        counts = await queue.counts()
        assert (counts.ready, counts.running) == (0, 1)
        await message.ack()

    run(test)


def test_a_call_of_that_task_without_tx_is_refused_and_other_tasks_wait(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x")
        message = await queue.get()
        begin = asyncio.Event()

        async def another() -> int:
            await begin.wait()
            return await queue.put("another")

        task = asyncio.create_task(another())
        async with queue.transaction() as tx:
            for call in (
                lambda: queue.put("y"),
                lambda: queue.counts(),
                lambda: queue.get(),
                lambda: queue.close(),
                lambda: message.ack(),
                lambda: message.extend(),
                lambda: queue.transaction().__aenter__(),
            ):
                with pytest.raises(InvalidInput, match="transaction open"):
                    await call()
            begin.set()
            await asyncio.sleep(0.05)
            assert not task.done()
            mine = await queue.put("mine", tx=tx)
            with pytest.raises(InvalidInput, match="pqdesk_message"):
                await tx.execute("DELETE FROM pqdesk_message")
        assert await task == mine + 1
        with pytest.raises(InvalidInput, match="async with"):
            await queue.put("late", tx=tx)

    run(test)


def test_transactions_cancelled_while_they_open_leave_no_lock_behind(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        async def work() -> None:
            async with queue.transaction() as tx:
                await queue.put("x", tx=tx)

        for delay in range(20):
            tasks = [asyncio.create_task(work()) for _ in range(3)]
            await asyncio.sleep(delay / 5000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        async with asyncio.timeout(20):
            await queue.put("free")

    run(test)


# --- living -------------------------------------------------------------------------------------------


def test_close_leaves_no_thread_and_gives_back_what_is_in_hand(tmp_path: Path) -> None:
    async def main() -> None:
        queue = AsyncQueue("work", database=tmp_path / "app.db")
        await queue.put("x")
        await queue.get()
        waiting = asyncio.ensure_future(queue.get(timeout=60))
        await asyncio.sleep(0.05)

        await queue.close()

        with pytest.raises(WorkspaceError, match="closed"):
            await waiting
        with pytest.raises(WorkspaceError, match="closed"):
            await queue.put("y")
        await queue.close()
        assert [one.name for one in threading.enumerate() if one.name.startswith("pqdesk")] == []

    asyncio.run(main())
    with Queue("work", database=tmp_path / "app.db") as queue:
        assert queue.get(block=False).attempt == 1


def test_a_queue_of_a_workspace_leaves_that_open(tmp_path: Path) -> None:
    async def main(workspace: Workspace) -> None:
        async with AsyncQueue("work", workspace=workspace) as queue:
            await queue.put("x")

    with Workspace(tmp_path / "w") as workspace:
        asyncio.run(main(workspace))
        assert workspace.counts("work").ready == 1


def test_it_belongs_to_one_loop(tmp_path: Path) -> None:
    queue = AsyncQueue("work", database=tmp_path / "app.db")

    async def use() -> None:
        await queue.put("x")

    async def close() -> None:
        with pytest.raises(InvalidInput, match="event loop"):
            await queue.put("y")
        await queue.close()

    asyncio.run(use())
    asyncio.run(close())


def test_what_cannot_be_opened_says_so_at_the_first_use(tmp_path: Path) -> None:
    async def main() -> None:
        queue = AsyncQueue("work", database=tmp_path / "missing" / "app.db")
        for _ in range(2):
            with pytest.raises(WorkspaceError):
                await queue.put("x")
        await queue.close()

    asyncio.run(main())


def test_importing_pqdesk_imports_no_asyncio() -> None:
    program = (
        "import sys, pqdesk; assert 'asyncio' not in sys.modules; pqdesk.AsyncQueue; assert 'asyncio' in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_was_started_inside_a_transaction_uses_the_queue_when_that_is_over(run: Run) -> None:
    async def test(queue: AsyncQueue) -> None:
        await queue.put("x")
        message = await queue.get()
        is_over, timed = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def go_on() -> int:
            with pytest.raises(InvalidInput, match="transaction open"):
                await queue.put("too early")
            await is_over.wait()
            await message.ack()
            async with queue.transaction() as tx:
                await queue.put("in its own", tx=tx)
            return await queue.put("later")

        def put_by_timer() -> None:
            timed.set_result(asyncio.ensure_future(queue.put("by timer")))

        async with queue.transaction():
            task = asyncio.create_task(go_on())
            await asyncio.sleep(0.01)
            asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_later(0.05, put_by_timer))
        is_over.set()

        assert await task
        assert await (await timed)
        counts = await queue.counts()
        assert (counts.ready, counts.completed) == (3, 1)

    run(test)


def test_another_queue_of_the_file_is_refused_at_once_inside_a_transaction(run: Run, tmp_path: Path) -> None:
    async def test(queue: AsyncQueue) -> None:
        path = engines.database(queue)
        async with AsyncQueue("other", database=path) as other, AsyncQueue("x", database=tmp_path / "else.db") as apart:
            await other.put("before")
            message = await other.get()
            async with queue.transaction() as tx, asyncio.timeout(5):
                for call in (lambda: other.put("y"), message.ack, lambda: other.get(timeout=0), other.counts):
                    with pytest.raises(InvalidInput, match="tx="):
                        await call()
                await other.put("with it", tx=tx)
                await message.ack(tx=tx)
                await apart.put("in a file of its own")
            counts = await other.counts()
            assert (counts.ready, counts.completed) == (1, 1)

    run(test)
