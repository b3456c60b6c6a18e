"""Threads of one queue beside each other, while one of them has a transaction open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pqdesk import Busy, Empty, Message, Queue, WorkspaceError
from tests.contract import engines

_SOON_S = 5.0


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


_READS: dict[str, Callable[[Queue, Message], Any]] = {
    "counts": lambda queue, _: queue.counts(),
    "qsize": lambda queue, _: queue.qsize(),
    "messages": lambda queue, _: queue.messages(where="put"),
    "message": lambda queue, message: queue.message(message.id),
    "why": lambda queue, message: queue.why(message.id),
    "errors": lambda queue, _: queue.errors(),
    "metrics": lambda queue, _: queue.metrics(datetime(2026, 1, 1, tzinfo=UTC), step=86_400),
    "paused": lambda queue, _: queue.paused,
    "configuration": lambda queue, _: queue.configuration,
    "versions": lambda queue, message: queue.versions(message.id),
    "cancel_requested": lambda _, message: message.cancel_requested,
    "lease_remaining": lambda _, message: message.lease_remaining,
    "join": lambda queue, _: queue.join(timeout=0),
}


@pytest.mark.parametrize("what", _READS)
@pytest.mark.parametrize("is_first", [True, False], ids=["first question", "not the first"])
def test_a_thread_reads_while_another_has_a_transaction_open(
    queue: Queue, beside: ThreadPoolExecutor, what: str, is_first: bool
) -> None:
    queue.put("put before")
    message = queue.get()
    if not is_first:
        _READS[what](queue, message)

    with queue.transaction() as tx:
        queue.put("put inside", tx=tx)
        beside.submit(_READS[what], queue, message).result(timeout=_SOON_S)

    assert queue.counts().total == 2


def test_what_a_thread_reads_beside_a_transaction_is_what_was_there_before(
    queue: Queue, beside: ThreadPoolExecutor
) -> None:
    queue.put("before")

    with queue.transaction() as tx:
        queue.put("inside", tx=tx)
        assert beside.submit(queue.qsize).result(timeout=_SOON_S) == 1

    assert queue.qsize() == 2


_WRITES: dict[str, Callable[[Queue, Message], Any]] = {
    "put": lambda queue, _: queue.put("x"),
    "put with a key": lambda queue, _: queue.put("x", key="k"),
    "put_many": lambda queue, _: queue.put_many(["x", "y"]),
    "get": lambda queue, _: queue.get(timeout=0),
    "get detached": lambda queue, _: queue.get(timeout=0, detached=True),
    "ack": lambda _, message: message.ack(),
    "ack with a result": lambda _, message: message.ack(1),
    "nack": lambda _, message: message.nack(),
    "extend": lambda _, message: message.extend(),
    "progress": lambda _, message: message.progress(0.5),
    "transaction": lambda queue, _: queue.transaction().__enter__(),
    "configure": lambda queue, _: queue.configure(max_attempts=3),
    "pause": lambda queue, _: queue.pause(),
    "cancel": lambda queue, _: queue.cancel(state="ready"),
}


@pytest.mark.parametrize("what", _WRITES)
def test_a_thread_waits_for_the_transaction_of_another_as_long_as_for_another_program(
    queue: Queue, beside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    assert engines.wait_for_others(monkeypatch, 0.1) == 10
    queue.put_many(["in hand", "ready"])
    message = queue.get()
    before = queue.counts()

    with queue.transaction():
        waiting = beside.submit(_WRITES[what], queue, message)
        with pytest.raises(Busy, match="another thread has a transaction open"):
            waiting.result(timeout=_SOON_S)

    assert queue.counts() == before
    if what != "transaction":
        _WRITES[what](queue, message)  # nothing is left of it


def test_who_waits_for_another_threads_transaction_goes_on_when_it_is_over(
    queue: Queue, beside: ThreadPoolExecutor
) -> None:
    started = [threading.Event() for _ in range(4)]

    def put(number: int) -> int:
        started[number].set()
        return queue.put(number)

    with queue.transaction():
        waiting: list[Future[int]] = [beside.submit(put, number) for number in range(4)]
        for one in started:
            assert one.wait(_SOON_S)
        assert not any(one.done() for one in waiting)

    assert len({one.result(timeout=_SOON_S) for one in waiting}) == 4


def test_a_queue_that_is_closed_ends_the_waits_of_other_threads_and_lets_questions_finish(
    queue: Queue, beside: ThreadPoolExecutor
) -> None:
    reading = [beside.submit(queue.messages, limit=10_000) for _ in range(20)]

    queue.store.close()

    for one in reading:
        assert one.exception(timeout=_SOON_S) is None or "is closed" in str(one.exception())


def test_threads_that_close_and_call_at_once_get_an_error_of_ours_or_none(tmp_path: Path) -> None:
    for number in range(15):
        queue = Queue("q", workspace=tmp_path / str(number))
        queue.put("x")
        odd: list[BaseException] = []

        def call(use: Callable[[], object], odd: list[BaseException] = odd) -> None:
            try:
                for _ in range(50):
                    use()
            except (WorkspaceError, Empty):
                pass
            except BaseException as exc:  # noqa: BLE001
                odd.append(exc)

        uses = (lambda q=queue: q.put(1), lambda q=queue: q.get(timeout=1), queue.counts, queue.messages)
        callers = [threading.Thread(target=call, args=(use,)) for use in uses]
        closers = [threading.Thread(target=queue.close) for _ in range(2)]
        for thread in (*callers, *closers):
            thread.start()
        for thread in (*callers, *closers):
            thread.join(60)

        assert odd == []
