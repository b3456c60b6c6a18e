"""What is handed to another process: errors and records arrive as they are; what stays says what to do instead."""

from __future__ import annotations

import asyncio
import copy
import inspect
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

import pqdesk
from pqdesk import AsyncQueue, DuplicateKey, Full, InvalidInput, LeaseLost, Outgoing, Queue, Workspace, WorkspaceError
from pqdesk.zones import find_zone

_FIELDS: dict[str, dict[str, Any]] = {
    "Full": {"queue": "work", "size": 5, "wanted": 2},
    "DuplicateKey": {"message_id": 7},
    "LeaseLost": {"message_id": 7},
    "WorkspaceError": {"path": Path("/srv/queue.db"), "needs_restart": True},
    "SchemaTooNew": {"path": Path("/srv/queue.db")},
    "Corrupt": {"path": Path("/srv/queue.db")},
    "DiskFull": {"path": Path("/srv/queue.db")},
}
_ERRORS = [
    kind for name in pqdesk.__all__ if inspect.isclass(kind := getattr(pqdesk, name)) and issubclass(kind, Exception)
]
_OF_HANDLERS = {"Fail": ("no address",), "Retry": (5,), "Snooze": (5,)}


def _made(kind: type[Exception]) -> Exception:
    given = _OF_HANDLERS.get(kind.__name__, ("what failed; what to do",))
    error = kind(*given, **_FIELDS.get(kind.__name__, {}))
    error.add_note("a note")
    return error


@pytest.mark.parametrize("kind", _ERRORS)
@pytest.mark.parametrize(
    "travel",
    [copy.copy, copy.deepcopy, *(lambda one, n=n: pickle.loads(pickle.dumps(one, n)) for n in range(6))],  # noqa: S301
)
def test_every_public_error_arrives_as_it_was(kind: type[Exception], travel: Callable[[Any], Any]) -> None:
    error = _made(kind)

    again = travel(error)

    assert type(again) is kind
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def _raise_again(error: Exception) -> None:
    raise error


def _conflict(path: str) -> None:
    with Queue("work", workspace=path) as queue:
        queue.put("x", key="k")


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]  # a process that multiprocessing leaves


def test_errors_are_raised_again_by_a_process_pool(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    for kind in _ERRORS:
        with pytest.raises(kind) as caught:
            pool.submit(_raise_again, _made(kind)).result()
        assert {**vars(caught.value), **_FIELDS.get(kind.__name__, {})} == vars(caught.value)

    pool.submit(_conflict, str(tmp_path / "w")).result()
    with pytest.raises(DuplicateKey, match="has the key 'k'") as conflict:
        pool.submit(_conflict, str(tmp_path / "w")).result()
    assert conflict.value.message_id == 1


def test_errors_as_they_are_raised_travel(tmp_path: Path) -> None:
    found: list[Exception] = []
    with Queue("work", workspace=tmp_path / "w") as queue:
        queue.configure(max_size=1)
        queue.put("x", key="k")
        message = queue.get()
        message.ack()
        for act in (message.ack, lambda: queue.put_many([1, 2], block=False), lambda: queue.put("x", priority="high")):
            with pytest.raises((LeaseLost, Full, InvalidInput)) as caught:
                act()  # type: ignore[operator]
            found.append(caught.value)
    with pytest.raises(WorkspaceError) as closed:
        queue.put("x")
    for error in (*found, closed.value):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def _records(folder: Path) -> Iterator[Any]:
    with Workspace(folder) as workspace:
        queue = workspace.queue("work")
        done, failed = queue.put_many([Outgoing({"a": [1]}, type="t", headers={"A": "b"}, expires=60), b"\0"])
        queue.get().ack({"done": True})
        queue.get().fail("no")
        yield workspace.add_schedule("daily", "work", cron="@daily", timezone="CET-1CEST,M3.5.0,M10.5.0/3")
        yield queue.edit(failed, "other")
        yield from (queue.message(done), queue.message(failed), *queue.versions(failed), *queue.messages())
        yield from (queue.counts(), queue.configuration, *workspace.queues(), *queue.errors(), *workspace.activity())
        yield from queue.metrics(datetime.now(UTC) - timedelta(minutes=2))
        yield from workspace.workers()
        yield Outgoing("x", delay=5)
        yield from pqdesk.next_runs("@daily", "Europe/Berlin", 1)
        yield from pqdesk.next_runs("@daily", "CET-1CEST,M3.5.0,M10.5.0/3", 1)
        yield from (pqdesk.State.READY, pqdesk.AttemptOutcome.DIED)


def test_every_record_travels(tmp_path: Path) -> None:
    records = list(_records(tmp_path / "w"))

    for one in records:
        for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):  # noqa: S301
            assert again == one
            assert repr(again) == repr(one)
    assert len({type(one) for one in records}) >= 13


def test_a_zone_by_a_rule_travels() -> None:
    zone = find_zone("CET-1CEST,M3.5.0,M10.5.0/3")

    again = pickle.loads(pickle.dumps(datetime(2030, 7, 1, tzinfo=zone)))  # noqa: S301

    assert again.utcoffset() == datetime(2030, 7, 1, tzinfo=zone).utcoffset()


def _tries(thing: object) -> list[str]:
    told = []
    for travel in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(InvalidInput) as caught:
            travel(thing)  # type: ignore[operator]
        told.append(str(caught.value))
    assert len(set(told)) == 1
    return told


def test_what_stays_says_what_to_do_instead(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        queue = workspace.queue("work")
        queue.put("x")
        told_queue, told_workspace, message = _tries(queue), _tries(workspace), queue.get()
        told_message = _tries(message)
        with queue.transaction() as tx:
            told_transaction = _tries(tx)
        message.ack()

    assert told_queue[0].endswith("open it there, with Queue('work', workspace=…)")
    assert told_workspace[0].endswith(f"open it there, with Workspace({str(tmp_path / 'w')!r})")
    assert told_message[0].startswith("message 1, whose lease belongs to the process that took it, cannot be copied")
    assert "get(detached=True), and hand over its payload, and its receipt" in told_message[0]
    assert told_transaction[0].startswith("a transaction cannot be copied or handed to another process: use it in")


def test_what_stays_of_asyncio_says_it_too(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with AsyncQueue("work", workspace=tmp_path / "w") as queue:
            await queue.put("x")
            async with await queue.get() as message:
                told = [*_tries(queue)[:1], *_tries(message)[:1]]
            async with queue.transaction() as tx:
                return [*told, *_tries(tx)[:1]]

    told = asyncio.run(main())

    assert told[0].endswith("make one there, with AsyncQueue('work', workspace=…)")
    assert told[1].startswith("message 1, whose lease")
    assert told[2].startswith("an AsyncTransaction cannot")


def test_a_pool_says_why_it_did_not_get_a_message(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    with Queue("work", workspace=tmp_path / "w") as queue:
        queue.put("x")
        with queue.get() as message, pytest.raises(InvalidInput, match=r"get\(detached=True\)"):
            pool.submit(str, message).result()
