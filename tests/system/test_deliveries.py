"""Whatever happens in a delivery is an outcome of its attempt. Consumers run in this process, on a real workspace."""

from __future__ import annotations

import io

import pytest

from pqdesk import Fail, Retry, Workspace
from pqdesk.workers import consumer as consumer_module
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.handlers import Handler


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def drain(workspace):
    """Drain the queue `mail` through a function; what stderr said is in `drain.err`."""

    def run(function, **options):
        run.out, run.err = io.StringIO(), io.StringIO()
        handler = Handler.of(function, "a:handler")
        code = run_consumer(workspace.queue("mail"), handler, drain=True, out=run.out, err=run.err, **options)
        assert code == 0, run.err.getvalue()

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
