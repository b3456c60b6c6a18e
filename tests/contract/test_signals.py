"""What a signal handler calls, and what it raises, in the midst of any call: refused, and nothing stays held."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pqdesk import Empty, PQDeskError, Queue, WorkspaceError
from tests.contract import engines


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


def test_closing_in_a_signal_handler_inside_a_call_is_an_error_and_no_hang(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pqdesk import Queue, WorkspaceError\n"
        "queue = Queue('q', workspace=sys.argv[1]); seen = []\n"
        "def handle(*_):\n"
        "    try: queue.close()\n"
        "    except WorkspaceError as error: seen.append('inside another call' in str(error))\n"
        "signal.signal(signal.SIGALRM, handle); signal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        "try: queue.get(timeout=5)\n"
        "except Exception: pass\n"
        "queue.close(); print(seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "w")], timeout=60, check=False, capture_output=True, text=True
    )
    assert done.stdout == "[True]\n", done.stderr


@pytest.fixture
def in_a_signal_handler() -> Iterator[Callable[[Callable[[], object]], list[object]]]:
    """Arms a signal whose handler calls the function; the answers, or its errors, come into the list."""
    before = signal.getsignal(signal.SIGUSR1)

    def arm(do: Callable[[], object]) -> list[object]:
        answers: list[object] = []

        def handle(*_: object) -> None:
            try:
                answers.append(do())
            except WorkspaceError as exc:
                answers.append(exc)

        signal.signal(signal.SIGUSR1, handle)
        return answers

    yield arm
    signal.signal(signal.SIGUSR1, before)


def test_a_put_in_a_signal_handler_inside_another_puts_transaction_is_refused_and_harms_nothing(
    queue: Queue,
    in_a_signal_handler: Callable[[Callable[[], object]], list[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = in_a_signal_handler(lambda: queue.put("from the handler"))
    engines.before_a_put_ends(monkeypatch, lambda: signal.raise_signal(signal.SIGUSR1))
    queue.put("from the program")

    assert [type(answer) for answer in answers] == [WorkspaceError]
    assert [one.payload for one in map(queue.message, range(1, 2))] == ["from the program"]
    assert (queue.qsize(), len(queue.messages())) == (1, 1)


def test_a_put_in_a_signal_handler_while_another_one_is_flushed_is_refused(
    queue: Queue,
    in_a_signal_handler: Callable[[Callable[[], object]], list[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flush = os.fdatasync

    def flush_interrupted(descriptor: int) -> None:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGUSR1)
        flush(descriptor)

    answers = in_a_signal_handler(lambda: queue.put("from the handler"))
    queue.put("before")
    monkeypatch.setattr(os, "fdatasync", flush_interrupted)
    queue.put("from the program")

    assert [type(answer) for answer in answers] == [WorkspaceError]
    assert queue.qsize() == 2
