"""Consumers as processes: what they finish, what they give back, what becomes of a message when they die."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pqdesk import Outgoing, Workspace
from tests.support import wait_until
from tests.system.worker_processes import wait_for_state, workers_on


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def workers(workspace, tmp_path):
    folder = tmp_path / "handlers"
    folder.mkdir()
    with workers_on(workspace.path, folder) as started:
        yield started


def test_return_value_becomes_the_result_and_a_line_tells(workspace, workers):
    workers.handler("def upper(message): return {'text': message.payload.upper()}")
    message_id = workspace.queue("mail").put("hello")

    worker = workers.consume("mail", "handlers.py:upper", drain=True)

    assert worker.wait() == 0
    assert workspace.message(message_id).result == {"text": "HELLO"}
    (line,) = worker.lines()
    assert line.startswith(f"completed id={message_id} queue=mail attempt=1 ")
    assert worker.errors() == ""


def test_exception_is_retried_with_its_traceback_and_no_payload_is_logged(workspace, workers):
    workers.handler("def bad(message): raise ValueError('no such user')")
    message_id = workspace.queue("mail").put("SECRET-PAYLOAD")

    worker = workers.consume("mail", "handlers.py:bad", drain=True)

    assert worker.wait() == 0
    detail = workspace.message(message_id)
    assert detail.state.word == "retrying"
    assert detail.error == "ValueError: no such user"
    assert "handlers.py" in detail.error_text
    assert "pqdesk/workers" not in detail.error_text
    assert worker.lines()[0].startswith(f"retrying id={message_id} queue=mail attempt=1 ")
    assert f"id={message_id} queue=mail attempt=1: Traceback" in worker.errors()
    assert "SECRET" not in worker.errors() + "".join(worker.lines())


def test_handler_says_how_it_failed(workspace, workers):
    workers.handler(
        "def decide(message):\n"
        "    if message.payload == 'fail': raise Fail('never')\n"
        "    if message.payload == 'exit': sys.exit(3)\n"
        "    raise Retry(3600)\n"
    )
    queue = workspace.queue("mail")
    failed, retried, exited = queue.put("fail"), queue.put("retry"), queue.put("exit")

    worker = workers.consume("mail", "handlers.py:decide", drain=True)

    assert worker.wait() == 0
    assert (workspace.message(failed).state.word, workspace.message(failed).error) == ("failed", "never")
    later = workspace.message(retried)
    assert later.state.word == "retrying"
    assert (later.due_at - later.attempts[0].ended_at).total_seconds() > 3500
    assert workspace.message(exited).error == "SystemExit: 3"


def test_result_that_cannot_be_stored_is_left_out_with_a_warning(workspace, workers):
    workers.handler("def odd(message): return {1, 2}")
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", "handlers.py:odd", drain=True)

    assert worker.wait() == 0
    assert workspace.message(message_id).state.word == "completed"
    assert "completed without its result: result contains a set" in worker.errors()


def test_handler_may_settle_by_itself(workspace, workers):
    workers.handler("def own(message): message.ack('mine', put=[Outgoing('next', queue='other')])")
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", "handlers.py:own", drain=True)

    assert worker.wait() == 0
    assert workspace.message(message_id).result == "mine"
    assert workspace.queue("other").qsize() == 1
    assert worker.errors() == ""


def test_precedence_is_put_then_configure_then_handler(workspace, workers):
    workers.handler("@consumer('mail', max_attempts=1)\ndef bad(message): raise ValueError('no')")
    given, marked = workspace.queue("mail").put("x", max_attempts=2), workspace.queue("mail").put("x")
    workspace.queue("set").configure(max_attempts=3)
    configured = workspace.queue("set").put("x")

    worker = workers.consume(["mail", "set"], "handlers.py:bad", drain=True)

    assert worker.wait() == 0
    states = [workspace.message(one).state.word for one in (given, marked, configured)]
    assert states == ["retrying", "failed", "retrying"]


def test_several_queues_and_threads_work_at_once(workspace, workers):
    workers.handler(
        "together = threading.Barrier(4)\n@consumer('a', concurrency=2)\ndef meet(message): together.wait(20)\n"
    )
    for name in ("a", "a", "b", "b"):
        workspace.queue(name).put("x")

    worker = workers.consume(["a", "b"], "handlers.py:meet", drain=True)

    assert worker.wait() == 0
    assert workspace.counts().completed == 4


def test_drain_waits_for_what_a_message_in_hand_puts(workspace, workers):
    workers.handler(
        "def chain(message):\n"
        "    other = 'b' if message.queue == 'a' else 'a'\n"
        "    if message.payload: message.ack(put=[Outgoing(message.payload - 1, queue=other)])\n"
    )
    workspace.queue("a").put(40)

    worker = workers.consume(["a", "b"], "handlers.py:chain", drain=True, concurrency=2)

    assert worker.wait() == 0
    assert workspace.counts().completed == 41


def test_paused_queue_drains_as_empty(workspace, workers):
    workers.handler("def done(message): return None")
    workspace.queue("mail").put("x")
    workspace.queue("mail").pause()

    worker = workers.consume("mail", "handlers.py:done", drain=True)

    assert worker.wait() == 0
    assert workspace.counts().completed == 0


def test_term_finishes_the_message_in_hand_and_takes_no_other(workspace, workers):
    workers.handler(
        "def slow(message):\n"
        "    (here / 'began').touch()\n"
        "    while not (here / 'go').exists(): time.sleep(0.01)\n"
        "    return 'finished'\n"
    )
    queue = workspace.queue("mail")
    first, second = queue.put(1), queue.put(2)
    worker = workers.consume("mail", "handlers.py:slow")
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    worker.signal(signal.SIGTERM)
    (workers.folder / "go").touch()

    assert worker.wait() == 0
    assert workspace.message(first).result == "finished"
    detail = workspace.message(second)
    assert (detail.state.word, detail.attempt) == ("ready", 0)


def test_term_ends_an_idle_consumer(workspace, workers):
    workers.handler("def done(message): return None")
    message_id = workspace.queue("mail").put("x")
    worker = workers.consume("mail", "handlers.py:done", concurrency=3)
    wait_for_state(workspace, message_id, "completed", logs=workers.folder)

    assert worker.stop() == 0
    assert worker.errors() == ""


def test_second_interrupt_releases_the_message(workspace, workers):
    workers.handler("def stuck(message):\n    (here / 'began').touch()\n    time.sleep(600)")
    message_id = workspace.queue("mail").put("x")
    worker = workers.consume("mail", "handlers.py:stuck")
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    worker.signal(signal.SIGINT)
    wait_until(lambda: "Ctrl-C again" in worker.errors(), logs=workers.folder)
    worker.signal(signal.SIGINT)

    assert worker.wait() == 130
    detail = workspace.message(message_id)
    assert (detail.state.word, detail.attempt) == ("ready", 0)


def test_message_of_a_killed_consumer_completes_in_another(workspace, workers):
    workers.handler(
        "def once(message):\n"
        "    if message.attempt > 1 or message.payload == 'warm up': return 'second'\n"
        "    (here / 'began').write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
    )
    message_id = workspace.queue("mail").put("x")
    first = workers.consume("mail", "handlers.py:once")
    wait_until((workers.folder / "began").exists, logs=workers.folder)
    second = workers.consume("mail", "handlers.py:once")
    wait_for_state(workspace, workspace.queue("mail").put("warm up"), "completed", logs=workers.folder)

    first.signal(signal.SIGKILL)

    detail = wait_for_state(workspace, message_id, "completed", logs=workers.folder)
    assert detail.result == "second"
    assert [attempt.outcome.word for attempt in detail.attempts] == ["died", "completed"]
    first.wait()
    assert second.stop() == 0


def test_handler_over_its_timeout_is_nacked_and_the_worker_exits_70(workspace, workers):
    workers.handler(
        "def mixed(message):\n"
        "    if message.payload == 'hang': time.sleep(600)\n"
        "    while not (here / 'go').exists(): time.sleep(0.01)\n"
        "    return 'finished'\n"
    )
    queue = workspace.queue("mail")
    hanging, other, third = queue.put("hang"), queue.put("work"), queue.put("work")
    queue.configure(timeout=None)
    worker = workers.consume("mail", "handlers.py:mixed", concurrency=2, timeout=1)
    detail = wait_for_state(workspace, hanging, "retrying", logs=workers.folder)
    # The other one began just after, so its own second is all but over: let it go on at once.
    (workers.folder / "go").touch()

    assert worker.wait() == 70
    assert detail.error == "timed out after 1.00 s"
    assert workspace.message(other).state.word in ("completed", "retrying")
    assert workspace.message(third).attempt == 0
    assert f"retrying id={hanging} queue=mail attempt=1 " in "\n".join(worker.lines())


def test_others_are_finished_when_one_hangs(workspace, workers):
    workers.handler(
        "@consumer('mail', timeout=60)\n"
        "def mixed(message):\n"
        "    if message.queue == 'quick': time.sleep(600)\n"
        "    (here / 'began').touch()\n"
        "    while not (here / 'go').exists(): time.sleep(0.01)\n"
        "    return 'finished'\n"
    )
    other = workspace.queue("mail").put("work")
    worker = workers.consume(["mail", "quick"], "handlers.py:mixed")
    wait_until((workers.folder / "began").exists, logs=workers.folder)
    workspace.queue("quick").configure(timeout=0.2)  # over the handler's
    hanging = workspace.queue("quick").put("hang")
    wait_for_state(workspace, hanging, "retrying", logs=workers.folder)

    (workers.folder / "go").touch()

    assert worker.wait() == 70
    assert workspace.message(other).result == "finished"


def test_lost_lease_is_a_warning_and_no_crash(workspace, workers):
    workers.handler(
        "def slow(message):\n"
        "    (here / 'receipt').write_text(message.receipt)\n"
        "    while not (here / 'go').exists(): time.sleep(0.01)\n"
    )
    message_id = workspace.queue("mail").put("x")
    worker = workers.consume("mail", "handlers.py:slow", drain=True)
    receipt = wait_until(lambda: _text(workers.folder / "receipt"), logs=workers.folder)

    workspace.ack(receipt, "by somebody else")
    (workers.folder / "go").touch()

    assert worker.wait() == 0
    assert f"id={message_id} queue=mail attempt=1: its lease was lost" in worker.errors()
    assert workspace.message(message_id).result == "by somebody else"


def test_unusable_handler_takes_no_message(workspace, workers):
    workers.handler("import no_such_module")
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", "handlers.py:work", drain=True)

    assert worker.wait() == 1
    assert "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'" in worker.errors()
    assert workspace.message(message_id).attempt == 0


def test_messages_are_worked_on_once_each_by_many_consumers(workspace, workers):
    workers.handler("def done(message): return message.payload")
    workspace.queue("mail").put_many([Outgoing(number) for number in range(300)])

    started = [workers.consume("mail", "handlers.py:done", drain=True, concurrency=3) for _ in range(2)]

    assert [worker.wait(60) for worker in started] == [0, 0]
    lines = [line for worker in started for line in worker.lines()]
    assert len(lines) == 300
    assert workspace.counts().completed == 300


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
