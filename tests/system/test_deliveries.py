"""Whatever happens in a delivery is an outcome of its attempt. Consumers run in this process, on a real workspace."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import io
import itertools
import threading

import pytest

from pqdesk import AsyncMessage, Fail, Retry, Workspace, consumer
from pqdesk.workers import async_work
from pqdesk.workers import consumer as consumer_module
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.handlers import Handler
from tests.support import wait_until


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def drain(workspace):
    """Drain the queue `mail` through a function; what stderr said is in `drain.err`."""

    def run(function, *, expected=0, **options):
        run.out, run.err = io.StringIO(), io.StringIO()
        handler = Handler.of(function, "a:handler")
        run.code = run_consumer(workspace.queue("mail"), handler, drain=True, out=run.out, err=run.err, **options)
        assert run.code == expected, run.err.getvalue()

    return run


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def _changed(exc, **values):
    for name, value in values.items():
        setattr(exc, name, value)
    return exc


class Unmade(Retry):
    def __init__(self):
        pass


@pytest.mark.parametrize(
    ("raised", "state"),
    [
        (Mute(), "retrying"),
        (SystemExit(3), "retrying"),
        (KeyboardInterrupt(), "retrying"),
        (GeneratorExit(), "retrying"),
        (BaseExceptionGroup("two", [SystemExit(1), ValueError("x")]), "retrying"),
        (MemoryError(), "retrying"),
        (RecursionError(), "retrying"),
        (ValueError("\ud800\0"), "retrying"),
        (_changed(Retry(), delay="soon"), "retrying"),
        (Unmade(), "retrying"),
        (_changed(Fail("x"), reason=7), "failed"),
    ],
)
def test_whatever_a_handler_raises_is_an_outcome_of_the_attempt(workspace, drain, raised, state):
    message_id = workspace.queue("mail").put("x")

    def handle(message):
        raise raised

    drain(handle)

    detail = workspace.message(message_id)
    assert (detail.state.word, len(detail.attempts)) == (state, 1)
    assert detail.error


class Trap(dict):
    def __iter__(self):
        raise OSError("gone")

    values = items = __iter__


def test_result_that_raises_when_it_is_read_is_left_out_and_the_next_message_goes_on(workspace, drain):
    queue = workspace.queue("mail")
    first, second = queue.put(1), queue.put(2)

    drain(lambda message: Trap(x=1) if message.payload == 1 else "fine")

    assert (queue.result(first), queue.result(second)) == (None, "fine")
    assert "completed without its result" in drain.err.getvalue()


@pytest.mark.parametrize("raised", [ValueError("embedded null byte"), SystemExit(1), AttributeError("no such thing")])
def test_error_in_any_kind_of_work_is_a_failed_attempt_with_its_traceback(workspace, drain, monkeypatch, raised):
    class Broken:
        ends_itself = True

        def do(self, delivery):
            raise raised

        def abandon(self):
            pass

        close = abandon

    monkeypatch.setattr(consumer_module, "_work", lambda *args: Broken())
    ids = [workspace.queue("mail").put(number) for number in range(3)]

    drain(print)

    for message_id in ids:
        detail = workspace.message(message_id)
        assert (detail.state.word, len(detail.attempts)) == ("retrying", 1)
        assert type(raised).__name__ in detail.error
        assert "Traceback" in detail.attempts[0].error


async def send(message):
    return "sent"


def decorated(function):
    @functools.wraps(function)
    def call(message):
        return function(message)

    return call


def generate(message):
    yield "sent"


async def generate_slowly(message):
    yield "sent"


class Sender:
    def send(self, message):
        return send(message)


def of_a_pool(message):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(str)


@pytest.mark.parametrize(
    "handler",
    [
        lambda message: send(message),
        functools.partial(send),
        decorated(send),
        Sender().send,
        lambda message: generate(message),
        lambda message: generate_slowly(message),
        lambda message: send,
        lambda message: map(str, [1]),
        lambda message: filter(None, [1]),
        lambda message: itertools.chain([1]),
        lambda message: (one for one in [1]),
        lambda message: functools.partial(print, "sent"),
        lambda message: decorated(print),
        lambda message: concurrent.futures.Future(),
        of_a_pool,
    ],
)
def test_handler_that_returns_what_has_not_run_has_failed_and_says_so(workspace, drain, handler):
    message_id = workspace.queue("mail").put("x")

    drain(handler)

    detail = workspace.message(message_id)
    assert detail.state.word == "retrying"
    assert detail.error.startswith("its handler has not run: it returned a ")


@pytest.mark.parametrize("result", ["x", 1, [1], {"a": (1, 2)}, b"x", True, 1.5, 0, "", []])
def test_handler_that_returns_a_value_has_run(workspace, drain, result):
    message_id = workspace.queue("mail").put("x")

    drain(lambda message: result)

    assert workspace.message(message_id).state.word == "completed"


def test_async_handler_gets_the_message_and_its_result_is_kept(workspace, drain):
    message_id = workspace.queue("mail").put({"to": "ada"}, headers={"A": "b"})

    @consumer("mail")
    async def handle(message):
        assert isinstance(message, AsyncMessage)
        await message.progress(0.5, "half")
        await asyncio.sleep(0)
        return {"to": message.payload["to"], "header": message.headers["A"]}

    drain(handle)

    assert workspace.queue("mail").result(message_id) == {"to": "ada", "header": "b"}
    assert workspace.message(message_id).state.word == "completed"


def test_async_handlers_run_concurrency_at_once_in_one_loop(workspace, drain):
    workspace.queue("mail").put_many(range(40))
    running, most, threads = 0, 0, set()
    full = asyncio.Event()

    async def handle(message):
        nonlocal running, most
        threads.add(threading.current_thread().name)
        running += 1
        most = max(most, running)
        if running == 8:
            full.set()
        await asyncio.wait_for(full.wait(), 30)
        running -= 1

    drain(handle, concurrency=8)

    assert (most, len(threads)) == (8, 1)
    assert workspace.counts().completed == 40


class AsyncSender:
    async def __call__(self, message):
        raise Fail("no address")

    async def method(self, message):
        raise Retry(3600) from ValueError("later")


@pytest.mark.parametrize(
    ("handler", "state", "error"),
    [
        (AsyncSender(), "failed", "no address"),
        (AsyncSender().method, "retrying", "ValueError: later"),
    ],
)
def test_async_handler_says_how_it_failed(workspace, drain, handler, state, error):
    message_id = workspace.queue("mail").put("x")

    drain(handler)

    detail = workspace.message(message_id)
    assert (detail.state.word, detail.error) == (state, error)


@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_what_an_async_handler_raises_fails_its_attempt_and_no_other(workspace, drain, raised):
    queue = workspace.queue("mail")
    bad, good = queue.put("bad"), queue.put("good")

    async def handle(message):
        if message.payload == "bad":
            raise raised

    drain(handle)

    detail = workspace.message(bad)
    assert (detail.state.word, workspace.message(good).state.word) == ("retrying", "completed")
    assert "in handle" in detail.attempts[0].error
    assert "async_work.py" not in detail.attempts[0].error


def test_async_handler_that_returns_what_has_not_run_has_failed(workspace, drain):
    message_id = workspace.queue("mail").put("x")

    async def handle(message):
        return send(message)

    drain(handle)

    assert "it returned a coroutine" in workspace.message(message_id).error


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: [send(1), send(2)], "in what it returned: it returned a coroutine"),
        (lambda: {"a": [{"b": send(1)}]}, "in what it returned: it returned a coroutine"),
        (lambda: (1, (n for n in "x")), "in what it returned: it returned a generator"),
        (lambda: {send(1)}, "in what it returned: it returned a coroutine"),
        (lambda: [concurrent.futures.Future()], "in what it returned: it returned a Future"),
        (lambda: threading.Thread(target=print), "it returned a Thread, which nobody waits for"),
    ],
)
def test_promises_within_what_a_handler_returns_have_not_run(workspace, drain, make, words):
    message_id = workspace.queue("mail").put("x")

    drain(lambda message: make())

    detail = workspace.message(message_id)
    assert (detail.state.word, words in detail.error) == ("retrying", True)


def test_a_result_that_is_no_json_and_no_promise_is_left_out(workspace, drain):
    message_id = workspace.queue("mail").put("x")

    drain(lambda message: [{1, 2}, object(), [[[]]]])

    assert workspace.message(message_id).state.word == "completed"
    assert "completed without its result" in drain.err.getvalue()


def test_async_handler_is_cancelled_at_its_time_limit_and_the_worker_goes_on(workspace, drain):
    queue = workspace.queue("mail")
    slow, quick = queue.put("slow"), queue.put("quick")
    tidied = []

    async def handle(message):
        if message.payload == "slow":
            try:
                await asyncio.sleep(600)
            finally:
                tidied.append(message.id)

    drain(handle, timeout=0.2)

    detail = workspace.message(slow)
    assert (detail.state.word, detail.error, tidied) == ("retrying", "timed out after 200 ms", [slow])
    assert [attempt.outcome.word for attempt in detail.attempts] == ["timed out"]
    assert workspace.message(quick).state.word == "completed"


def test_async_handler_that_will_not_be_cancelled_ends_the_worker(workspace, drain, monkeypatch):
    monkeypatch.setattr(async_work, "_CANCEL_S", 0.1)
    queue = workspace.queue("mail")
    stubborn, other = queue.put("stubborn"), queue.put("other")
    is_over = threading.Event()

    async def handle(message):
        while message.payload == "stubborn" and not is_over.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                pass

    try:
        drain(handle, timeout=0.2, expected=70)
    finally:
        is_over.set()

    assert "although it was cancelled" in drain.err.getvalue()
    assert workspace.message(stubborn).state.word == "retrying"
    assert workspace.message(other).state.word in ("ready", "completed")


def test_async_handler_that_blocks_the_loop_ends_the_worker_and_gives_the_others_back(workspace, drain, monkeypatch):
    monkeypatch.setattr(async_work, "_CANCEL_S", 0.1)
    monkeypatch.setattr(async_work, "_ANSWER_S", 0.1)
    queue = workspace.queue("mail")
    blocking, innocent = queue.put("blocking", max_attempts=1), queue.put("innocent")
    has_begun, is_over = asyncio.Event(), threading.Event()

    async def handle(message):
        if message.payload == "innocent":
            has_begun.set()
            await asyncio.sleep(600)
        else:
            await has_begun.wait()
            is_over.wait(30)

    queue.configure(timeout=None)
    try:
        drain(handle, concurrency=2, timeout=1, expected=70)
    finally:
        is_over.set()
        wait_until(lambda: not any(one.name == "consumer-events" for one in threading.enumerate()))

    assert "blocks the event loop" in drain.err.getvalue()
    assert workspace.message(blocking).state.word == "failed"
    assert workspace.message(innocent).state.word in ("ready", "retrying")
