"""Several programs work on one queue, and some of them are killed: each message is done, by one at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pqdesk import Empty, Queue, Workspace
from pqdesk.messages.states import AttemptOutcome, State
from tests.support import wait_until

Start = Callable[..., "subprocess.Popen[str]"]

_CLAIM = """
import sys, time
from pqdesk import Queue
message = Queue("work", workspace=sys.argv[1]).get(timeout=20)
print(message.id, flush=True)
time.sleep(60)
"""
_WORK = """
import sys
from pqdesk import Empty, Queue
from tests.contract import engines
queue = Queue("work", workspace=sys.argv[1], durability="relaxed")
for number in range(60):
    queue.put(number)
    message = queue.get(timeout=20)
    message.ack()
    print(message.id, flush=True)
queue.close()
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Python program on the workspace; killed at the end if need be."""
    started: list[subprocess.Popen[str]] = []

    def start_one(code: str, **environment: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(child)
        return child

    yield start_one
    for child in started:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def _said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def _kill(child: subprocess.Popen[str]) -> None:
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


def test_no_worker_ever_sees_that_the_database_is_locked(tmp_path: Path, start: Start) -> None:
    """As in huey 445."""
    Workspace(tmp_path).close()

    children = [start(_WORK) for _ in range(4)]
    printed = [child.communicate(timeout=60)[0].split() for child in children]

    assert [child.returncode for child in children] == [0] * 4
    assert sum(len(ids) for ids in printed) == 240


def test_no_two_processes_get_the_same_message(tmp_path: Path, start: Start) -> None:
    """As in persist-queue 132."""
    Workspace(tmp_path).close()

    printed = [child.communicate(timeout=60)[0].split() for child in [start(_WORK) for _ in range(3)]]

    ids = [one for each in printed for one in each]
    assert len(ids) == len(set(ids))


def test_a_message_does_not_vanish_when_its_consumer_is_killed(tmp_path: Path, start: Start) -> None:
    """As in huey 844."""
    with Queue("work", workspace=tmp_path) as queue:
        message_id = queue.put("x")
        child = start(_CLAIM)
        assert _said(child) == str(message_id)

        _kill(child)

        with queue.get(timeout=10) as message:
            assert (message.id, message.attempt) == (message_id, 2)


def test_a_killed_worker_uses_up_no_retries(tmp_path: Path, start: Start) -> None:
    """As in solid_queue 422."""
    with Queue("work", workspace=tmp_path) as queue:
        message_id = queue.put("x", max_attempts=1)
        child = start(_CLAIM)
        _said(child)

        _kill(child)
        message = queue.get(timeout=10)

        assert queue.message(message_id).attempts[0].outcome == AttemptOutcome.DIED
        message.nack("an ordinary failure, the first one")
        assert queue.message(message_id).state == State.FAILED


def test_recovery_needs_no_timer(tmp_path: Path, start: Start) -> None:
    """As in oban 364."""
    with Queue("work", workspace=tmp_path) as queue:
        message_id = queue.put("x")
        child = start(_CLAIM.replace("timeout=20", "timeout=20, lease=86400"))
        _said(child)

        _kill(child)

        assert queue.get(block=False).id == message_id


def test_nothing_stays_running_without_a_living_owner(tmp_path: Path, start: Start) -> None:
    """As in river 1258."""
    with Queue("work", workspace=tmp_path) as queue:
        queue.put("x")
    child = start(_CLAIM)
    _said(child)
    _kill(child)

    with Queue("work", workspace=tmp_path) as queue:
        queue.get(block=False).release()

    with Workspace(tmp_path) as workspace:
        assert workspace.counts().running == 0


def test_recovery_is_nobodys_task_of_its_own(tmp_path: Path, start: Start) -> None:
    """As in procrastinate 1408."""
    with Queue("work", workspace=tmp_path) as queue:
        queue.put("x")
        child = start(_CLAIM)
        _said(child)
        _kill(child)

        assert queue.get(block=False).attempt == 2  # a claim looks for the dead first: no thread had to run


def test_two_workers_of_one_name_are_two(tmp_path: Path, start: Start) -> None:
    """As in oban 862."""
    with Queue("work", workspace=tmp_path) as queue:
        queue.put_many(["a", "b"])
        dead, living = (start(_CLAIM, SUPERVISOR_PROCESS_NAME="consumer") for _ in range(2))
        dead_id, _ = _said(dead), _said(living)

        _kill(dead)

        assert str(queue.get(timeout=10).id) == dead_id
        with pytest.raises(Empty):
            queue.get(block=False)


def test_a_message_that_is_given_up_keeps_its_key_no_longer(tmp_path: Path, start: Start) -> None:
    """As in oban 424."""
    with Queue("work", workspace=tmp_path) as queue:
        queue.configure(max_deaths=1)
        first = queue.put("x", key="k")
        child = start(_CLAIM)
        _said(child)

        _kill(child)
        wait_until(lambda: queue.message(first).state == State.FAILED or _look(queue), reason="its death is noticed")

        assert queue.put("y", key="k") > first


def _look(queue: Queue) -> bool:
    with pytest.raises(Empty):
        queue.get(block=False)
    return False
