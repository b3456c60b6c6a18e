"""What a signal handler calls, and what it raises, in the midst of any call: refused, and nothing stays held."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from pqdesk import Empty, PQDeskError, Queue, WorkspaceError


class _Stopped(Exception):
    """As the time limit of another library raises it."""


def _called_in_a_thread(do: Callable[[], object]) -> object:
    answers: list[object] = []

    def call() -> None:
        try:
            answers.append(do())
        except PQDeskError as exc:
            answers.append(exc)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(5)
    return answers[0] if answers else "it hangs"


def _raising_at(step: int, do: Callable[[], object]) -> bool:
    """Call `do` with an exception before its bytecode of that number; whether it had that many."""
    seen = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal seen
        if not str(frame.f_globals.get("__name__")).startswith("pqdesk"):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            seen += 1
            if seen == step:
                sys.settrace(None)
                raise _Stopped
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    except _Stopped:
        return True
    finally:
        sys.settrace(before)
    return seen >= step


def _begin_and_roll_back(queue: Queue) -> None:
    with contextlib.suppress(KeyError), queue.transaction() as tx:
        queue.put("in it", tx=tx)
        raise KeyError


_CALLS: dict[str, Callable[[Queue], object]] = {
    "put": lambda queue: queue.put("x"),
    "put with a key": lambda queue: queue.put("x", key="k", on_conflict="keep", delay=5),
    "put_many": lambda queue: queue.put_many(["x", "y"]),
    "get": lambda queue: queue.get(timeout=0),
    "get and ack": lambda queue: queue.get(timeout=0).ack(),
    "get and nack": lambda queue: queue.get(timeout=0).nack("no"),
    "with": lambda queue: queue.get(timeout=0).__enter__().__exit__(None, None, None),
    "counts": lambda queue: queue.counts(),
    "pause": lambda queue: queue.resume(),
    "transaction": _begin_and_roll_back,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _CALLS)
def test_an_exception_at_any_bytecode_of_a_call_leaves_no_lock_held(queue: Queue, other: Queue, name: str) -> None:
    queue.put_many(range(3))
    queue.get().ack()
    queue.counts()  # what is imported then is no part of a call
    step = 1
    while True:
        queue.put("to be had")
        had_so_many = _raising_at(step, lambda: _CALLS[name](queue))
        assert isinstance(_called_in_a_thread(lambda: queue.put("y")), int), f"at bytecode {step}"
        assert isinstance(_called_in_a_thread(lambda: other.put("z")), int), f"at bytecode {step}"
        assert queue.put("w"), f"at bytecode {step}"
        if not had_so_many:
            break
        step += 1 if step < 50 else 7
    assert step > 50
    queue.counts()


@pytest.fixture
def interrupting() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Calls the given function in a signal handler again and again, after any instant of the program."""
    before = signal.getsignal(signal.SIGALRM)

    def start(do: Callable[[], object]) -> None:
        signal.signal(signal.SIGALRM, lambda *_: do())
        signal.setitimer(signal.ITIMER_REAL, 0.0007, 0.0007)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_what_a_handler_calls_never_changes_what_the_interrupted_call_returns(
    queue: Queue, interrupting: Callable[[Callable[[], object]], None]
) -> None:
    by_handler: dict[int, str] = {}
    acked_by_handler: list[int] = []
    refused = 0

    def act() -> None:
        nonlocal refused
        try:
            by_handler[queue.put(f"handler {len(by_handler)}")] = f"handler {len(by_handler)}"
            message = queue.get(timeout=0)
            message.ack()
            acked_by_handler.append(message.id)
        except WorkspaceError:
            refused += 1
        except Empty:
            pass

    queue.put("first")
    interrupting(act)
    put, acked = {}, []
    for number in range(400):
        put[queue.put(f"program {number}")] = f"program {number}"
        message = queue.get(timeout=5)
        message.ack()
        acked.append(message.id)
    signal.setitimer(signal.ITIMER_REAL, 0)

    assert refused
    assert len(put) == 400
    assert {one: queue.message(one).payload for one in put} == put
    assert {one: queue.message(one).payload for one in by_handler} == by_handler
    assert len(acked + acked_by_handler) == len(set(acked + acked_by_handler))


def test_a_put_while_a_get_of_the_thread_waits_is_refused(
    queue: Queue, interrupting: Callable[[Callable[[], object]], None]
) -> None:
    answers: list[object] = []

    def put() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            answers.append(queue.put("from the handler"))
        except WorkspaceError as exc:
            answers.append(str(exc))

    queue.put("x")
    queue.get().ack()
    interrupting(lambda: None)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, lambda *_: put())
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(Empty):
        queue.get(timeout=0.6)

    assert len(answers) == 1
    assert "nothing changed" in str(answers[0])
