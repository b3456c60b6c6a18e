"""What becomes of messages when the process that has them in hand is ended on purpose, or dies by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pqdesk import Workspace
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.ordered_ends import is_owner_lock, mark_ordered, was_ordered
from pqdesk.supervision.processes.trees import mark_ordered_ends
from tests.processes import end_child

_HOLDER = """
import sys, time
from pqdesk import Workspace
workspace = Workspace(sys.argv[1])
message = workspace.queue("mail").get()
print(message.id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


def taken_by_a_process(workspace: Workspace) -> tuple[int, subprocess.Popen[str]]:
    """A message, and the process that has it in hand."""
    message_id = workspace.queue("mail").put("x")
    child = subprocess.Popen([sys.executable, "-c", _HOLDER, str(workspace.path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert int(child.stdout.readline()) == message_id
    return message_id, child


def killed(child: subprocess.Popen[str]) -> None:
    os.kill(child.pid, signal.SIGKILL)
    end_child(child)


def test_an_ordered_end_releases_what_was_in_hand_however_often(workspace: Workspace) -> None:
    for _ in range(4):  # one more than a message may survive of other deaths
        message_id, child = taken_by_a_process(workspace)
        mark_ordered_ends([psutil.Process(child.pid)])
        killed(child)

        message = workspace.queue("mail").get(timeout=30)

        assert (message.id, message.attempt) == (message_id, 1)
        message.ack()
        assert AttemptOutcome.DIED not in [one.outcome for one in workspace.message(message_id).attempts]


def test_a_death_that_nobody_ordered_counts(workspace: Workspace) -> None:
    message_id, child = taken_by_a_process(workspace)
    killed(child)

    message = workspace.queue("mail").get(timeout=30)

    assert (message.id, message.attempt) == (message_id, 2)
    assert workspace.message(message_id).attempts[0].outcome == AttemptOutcome.DIED


def test_marks_go_with_the_owners(workspace: Workspace) -> None:
    message_id, child = taken_by_a_process(workspace)
    mark_ordered_ends([psutil.Process(child.pid)])
    killed(child)
    workspace.queue("mail").get(timeout=30).ack()

    assert [file.name for file in (workspace.paths.run / "owners").iterdir() if file.suffix] == []
    assert workspace.message(message_id).state is State.COMPLETED


def test_a_worker_that_marked_itself_and_ends_in_good_order_leaves_no_mark(tmp_path: Path) -> None:
    with Workspace(tmp_path / "workspace") as workspace:
        queue = workspace.queue("mail")
        queue.put("x")
        message = queue.get()
        queue.store.mark_ordered_end()
        assert len(list((workspace.paths.run / "owners").glob("*.end"))) == 1
        message.ack()
        queue.close()

    assert list((tmp_path / "workspace" / "run" / "owners").iterdir()) == []


@pytest.mark.parametrize("name", ["../../queue.db", "x", "", "f" * 31, "F" * 32, "detached-boot", "f" * 32 + ".end"])
def test_what_is_no_owners_lock_is_neither_marked_nor_forgotten(tmp_path: Path, name: str) -> None:
    lock = tmp_path / "owners" / name

    assert not is_owner_lock(lock)
    assert not was_ordered(lock)


def test_a_mark_is_a_file_of_ones_own_and_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "owners"
    folder.mkdir()
    lock = folder / ("a" * 32)
    (folder / ("b" * 32 + ".end")).symlink_to(tmp_path / "elsewhere")

    mark_ordered(lock)
    mark_ordered(lock)
    mark_ordered(folder / ("b" * 32))

    assert was_ordered(lock)
    assert oct((folder / ("a" * 32 + ".end")).stat().st_mode & 0o777) == "0o600"
    assert not (tmp_path / "elsewhere").exists()
