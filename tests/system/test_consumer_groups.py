"""Consumers that claim ahead and settle in groups: nothing waits for a slow handler, nothing is lost or held back."""

from __future__ import annotations

import re
import signal

import pytest

from pqdesk import Workspace
from tests.support import wait_until
from tests.system.worker_processes import wait_for_state, workers_on

_SOME_SLOW = (
    "def some_slow(message):\n"
    "    if message.payload == 'slow' and message.attempt == 1:\n"
    "        (here / 'began').touch()\n"
    "        while not (here / 'go').exists(): time.sleep(0.01)\n"
)


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


def completed_ids(*started):
    lines = [line for worker in started for line in worker.lines()]
    return [int(re.search(r"\bid=(\d+)", line)[1]) for line in lines if line.startswith("completed ")]


def test_slow_message_keeps_neither_the_ended_nor_the_following(workspace, workers):
    workers.handler(_SOME_SLOW)
    queue = workspace.queue("mail")
    queue.put_many(["quick"] * 300 + ["slow"] + ["quick"] * 50)

    worker = workers.consume("mail", "handlers.py:some_slow")

    wait_until((workers.folder / "began").exists, logs=workers.folder)
    wait_until(lambda: (queue.counts().completed, queue.counts().running) == (300, 1), logs=workers.folder)
    assert queue.counts().ready == 50
    assert {one.attempt for one in queue.messages(state="ready")} == {0}
    (workers.folder / "go").touch()
    wait_until(lambda: queue.counts().completed == 351, logs=workers.folder)
    assert worker.stop() == 0


def test_idle_threads_take_what_a_slow_one_had_ahead_also_when_draining(workspace, workers):
    workers.handler(
        "def until_all_others(message):\n"
        "    if message.payload != 'slow': (here / f'done-{message.id}').touch()\n"
        "    while message.payload == 'slow' and len(list(here.glob('done-*'))) < 500: time.sleep(0.01)\n"
    )
    queue = workspace.queue("mail")
    queue.put_many(["quick"] * 300 + ["slow"] + ["quick"] * 200)

    worker = workers.consume("mail", "handlers.py:until_all_others", drain=True, concurrency=2)

    assert worker.wait(40) == 0
    assert queue.counts().completed == 501


def test_term_gives_back_what_was_only_claimed_ahead(workspace, workers):
    workers.handler(_SOME_SLOW)
    queue = workspace.queue("mail")
    queue.put_many(["quick"] * 300 + ["slow"] + ["quick"] * 50)
    worker = workers.consume("mail", "handlers.py:some_slow")
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    worker.signal(signal.SIGTERM)
    (workers.folder / "go").touch()

    assert worker.wait() == 0
    assert (queue.counts().completed, queue.counts().ready, queue.counts().running) == (301, 50, 0)
    assert {one.attempt for one in queue.messages(state="ready")} == {0}


def test_killed_worker_loses_nothing_and_no_message_that_was_told_completed_comes_again(workspace, workers):
    workers.handler("def done(message): return None")
    queue = workspace.queue("mail")
    queue.put_many([None] * 8000)

    killed = []
    for _ in range(3):
        worker = workers.consume("mail", "handlers.py:done")
        killed.append(worker)
        begun_at = queue.counts().completed
        wait_until(lambda seen=begun_at: queue.counts().completed > seen, logs=workers.folder)
        worker.signal(signal.SIGKILL)
        worker.wait()
    last = workers.consume("mail", "handlers.py:done", drain=True)

    assert last.wait(60) == 0
    ids = completed_ids(*killed, last)
    assert queue.counts().completed == 8000
    assert len(ids) == len(set(ids))


def test_death_counts_for_the_message_in_the_handler_only(workspace, workers):
    workers.handler(_SOME_SLOW)
    queue = workspace.queue("mail")
    ids = queue.put_many(["quick"] * 200 + ["slow"] + ["quick"] * 100)
    worker = workers.consume("mail", "handlers.py:some_slow")
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    worker.signal(signal.SIGKILL)
    worker.wait()
    second = workers.consume("mail", "handlers.py:some_slow", drain=True)

    assert second.wait() == 0
    assert [attempt.outcome.word for attempt in queue.message(ids[200]).attempts] == ["died", "completed"]
    assert {queue.message(one).attempt for one in ids[201:]} == {1}


def test_rate_of_the_handler_holds_over_threads_and_queues(workspace, workers):
    workers.handler("@consumer('a', concurrency=3, rate=(2, 3600))\ndef done(message): return None")
    workspace.queue("a").put_many([1, 2])
    workspace.queue("b").put_many([1, 2])

    worker = workers.consume(["a", "b"], "handlers.py:done")

    wait_until(lambda: workspace.counts().completed == 2, logs=workers.folder)
    assert worker.stop() == 0
    counts = workspace.counts()
    assert (counts.completed, counts.ready) == (2, 2)


def test_rate_is_waited_out(workspace, workers):
    workers.handler("@consumer('a', rate=(50, 0.2))\ndef done(message): return time.monotonic()")
    ids = workspace.queue("a").put_many(range(120))

    worker = workers.consume("a", "handlers.py:done", drain=True)

    assert worker.wait() == 0
    begun = [workspace.message(one).result for one in ids]
    assert all(later - first >= 0.195 for first, later in zip(begun, begun[50:], strict=False))


def test_timeout_is_an_outcome_of_its_own(workspace, workers):
    workers.handler("@consumer('mail', timeout=0.2, max_attempts=1)\ndef hang(message): time.sleep(600)")
    message_id = workspace.queue("mail").put("x")

    worker = workers.consume("mail", "handlers.py:hang")

    assert worker.wait() == 70
    detail = workspace.message(message_id)
    assert [attempt.outcome.word for attempt in detail.attempts] == ["timed out"]
    assert (detail.state.word, detail.error) == ("failed", "timed out after 200 ms")
    assert worker.errors() == f"id={message_id} queue=mail attempt=1: timed out after 200 ms\n"


def test_handler_that_heeds_a_request_to_cancel_is_cancelled(workspace, workers):
    workers.handler(
        "def heed(message):\n"
        "    (here / 'began').touch()\n"
        "    while not message.cancel_requested: time.sleep(0.01)\n"
        "    raise RuntimeError('stopping half way')\n"
    )
    message_id = workspace.queue("mail").put("x")
    worker = workers.consume("mail", "handlers.py:heed")
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    workspace.queue("mail").cancel(message_id)

    wait_for_state(workspace, message_id, "cancelled", logs=workers.folder)
    assert worker.stop() == 0
    assert worker.lines()[0].startswith(f"cancelled id={message_id} queue=mail attempt=1 ")


def test_program_whose_message_is_cancelled_gets_term(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    code = "trap 'touch told; exit 0' TERM; touch began; while :; do sleep 0.05; done"
    worker = workers.consume("mail", command=["sh", "-c", code])
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    workspace.queue("mail").cancel(message_id)

    detail = wait_for_state(workspace, message_id, "cancelled", logs=workers.folder)
    assert (workers.folder / "told").exists()
    assert detail.attempts[0].error.startswith("ended since somebody cancelled it")
    assert worker.stop() == 0
    assert worker.lines()[0].startswith(f"cancelled id={message_id} queue=mail attempt=1 ")


def test_attempt_has_failed_before_its_program_is_gone(workspace, workers):
    message_id = workspace.queue("mail").put("x")
    code = "trap 'while [ ! -e go ]; do sleep 0.05; done; exit 0' TERM; touch began; while :; do sleep 0.05; done"
    worker = workers.consume("mail", command=["sh", "-c", code], timeout=0.5, max_attempts=1)

    detail = wait_for_state(workspace, message_id, "failed", logs=workers.folder)

    assert [attempt.outcome.word for attempt in detail.attempts] == ["timed out"]
    (workers.folder / "go").touch()
    assert worker.stop() == 0


def test_what_a_handler_prints_is_left_alone(workspace, workers):
    workers.handler("def talk(message):\n    print('first half, ', end='')\n    print('second half')")
    workspace.queue("mail").put_many([1, 2, 3])

    worker = workers.consume("mail", "handlers.py:talk", drain=True)

    assert worker.wait() == 0
    assert worker.lines().count("first half, second half") == 3
    assert completed_ids(worker) == [1, 2, 3]


def test_worker_whose_file_was_replaced_asks_for_a_new_start(workspace, workers):
    workers.handler(
        "def slow(message):\n    (here / 'began').touch()\n    while not (here / 'go').exists(): time.sleep(0.01)\n"
    )
    workspace.queue("mail").put("x")
    worker = workers.consume("mail", "handlers.py:slow")
    wait_until((workers.folder / "began").exists, logs=workers.folder)

    (workspace.path / "queue.db").rename(workspace.path / "other.db")
    (workers.folder / "go").touch()

    assert worker.wait() == 70
    assert "was replaced or removed while open" in worker.errors()
    assert worker.lines() == []


def test_places_of_a_limited_queue_are_not_held_by_what_is_claimed_ahead(workspace, workers):
    workers.handler(
        "def meet(message):\n"
        "    if message.payload != 'meet': return\n"
        "    (here / f'there-{message.id}').touch()\n"
        "    while len(list(here.glob('there-*'))) < 2: time.sleep(0.01)\n"
    )
    queue = workspace.queue("mail")
    queue.configure(concurrency=2)
    started = [workers.consume("mail", "handlers.py:meet") for _ in range(2)]
    queue.put_many(["quick"] * 60)
    wait_until(lambda: queue.counts().completed == 60, logs=workers.folder)

    queue.put_many(["meet", "meet"])

    wait_until(lambda: queue.counts().completed == 62, logs=workers.folder)
    assert [worker.stop() for worker in started] == [0, 0]
