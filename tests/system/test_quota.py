"""A consumer that stops after so many messages: no more are begun, and what was claimed ahead goes back."""

from __future__ import annotations

import io
import threading

import pytest

from pqdesk.errors import InvalidInput
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.handlers import Handler
from pqdesk.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "w") as workspace:
        yield workspace


@pytest.mark.parametrize("concurrency", [1, 3, 8])
@pytest.mark.parametrize("count", [1, 5, 50])
def test_no_more_than_so_many_are_begun(workspace, concurrency, count):
    queue = workspace.queue("q")
    queue.put_many(range(60))
    begun = []

    code = run_consumer(
        queue, Handler.of(lambda message: begun.append(message.id)), max_messages=count, concurrency=concurrency,
        out=io.StringIO(), err=io.StringIO(),
    )  # fmt: skip

    assert (code, len(begun)) == (0, count)
    counts = queue.counts()
    assert (counts.completed, counts.ready, counts.running) == (count, 60 - count, 0)
    assert all(one.attempt == 0 for one in queue.messages(state="ready"))


def test_a_failed_attempt_is_one_of_them(workspace):
    queue = workspace.queue("q")
    queue.put_many(["x", "y"])

    def fail(_message):
        raise ValueError("no")

    assert run_consumer(queue, Handler.of(fail), max_messages=1, out=io.StringIO(), err=io.StringIO()) == 0
    assert (queue.counts().retrying, queue.counts().ready) == (1, 1)


def test_it_waits_for_as_many(workspace):
    queue, other = workspace.queue("q"), workspace.queue("r")
    queue.put("x")
    done = threading.Event()
    putter = threading.Thread(target=lambda: done.wait(30) and other.put("y"))
    putter.start()

    code = run_consumer([queue, other], Handler.of(lambda _: done.set()), max_messages=2, out=io.StringIO())

    putter.join()
    assert (code, other.counts().completed) == (0, 1)


def test_quiet_says_no_line_per_message(workspace):
    queue = workspace.queue("q")
    queue.put_many([1, 2])
    out, err = io.StringIO(), io.StringIO()

    run_consumer(
        queue,
        Handler.of(lambda message: 1 / (message.payload - 1)),
        drain=True,
        max_attempts=1,
        quiet=True,
        out=out,
        err=err,
    )

    assert out.getvalue() == ""
    assert "ZeroDivisionError" in err.getvalue()


def test_none_at_all_is_refused(workspace):
    with pytest.raises(InvalidInput, match="max_messages"):
        run_consumer(workspace.queue("q"), Handler.of(print), max_messages=0)
