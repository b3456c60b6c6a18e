"""kill -9 of a worker and of supervisord, under the demo's load: both come back and nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pqdesk import Workspace
from pqdesk.demo import write_demo
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.records import ReplicaRecord, WorkerState
from pqdesk.supervision.supervision import Supervision
from tests.support import wait_until


@pytest.fixture
def demo(short_folder: Path) -> Iterator[Supervision]:
    """The demo's workers, running."""
    paths = WorkspacePaths(short_folder / "demo")
    write_demo(paths)
    supervision = Supervision(paths)
    supervision.ensure_running()
    supervision.start("all")
    running(supervision, "producer")
    running(supervision, "consumer")
    yield supervision
    supervision.shutdown()


def replica(supervision: Supervision, name: str) -> ReplicaRecord:
    [found] = [one for one in supervision.status().replicas if one.process == name]
    return found


def has_another_pid(supervision: Supervision, name: str, old: int) -> bool:
    return replica(supervision, name).pid not in (None, old)


def running(supervision: Supervision, name: str, *, other_than: int | None = None) -> ReplicaRecord:
    """The worker, once it runs, with another pid if one is given."""

    def look() -> ReplicaRecord | None:
        one = replica(supervision, name)
        return one if one.state is WorkerState.RUNNING and one.pid not in (None, other_than) else None

    found = wait_until(look, 60, f"{name} to run")
    assert found is not None
    return found


def completed(workspace: Workspace) -> int:
    return workspace.counts().completed


def wait_for_more(workspace: Workspace, at_least: int = 20) -> None:
    before = completed(workspace)
    wait_until(lambda: completed(workspace) >= before + at_least, 60, f"{at_least} more completed messages")


def assert_nothing_lost(supervision: Supervision, workspace: Workspace) -> None:
    """Stop the producer; then every message must come to an end: completed, or failed on purpose."""
    supervision.stop("producer")
    wait_until(lambda: workspace.counts().unfinished == 0, 60, "everything to be worked off")
    newest = workspace.messages(limit=1)[0].id
    counts = workspace.counts()
    assert counts.completed + counts.failed == counts.total == newest, "ids are given out without gaps"
    for message in workspace.messages(state=State.FAILED, limit=1000):
        assert "on purpose" in (message.error or ""), message


def test_killed_consumer_comes_back(demo: Supervision) -> None:
    with Workspace(demo.paths.root) as workspace:
        wait_for_more(workspace)
        old = running(demo, "consumer").pid
        assert old is not None
        os.kill(old, signal.SIGKILL)

        running(demo, "consumer", other_than=old)
        wait_for_more(workspace)
        assert_nothing_lost(demo, workspace)


def test_consumer_killed_again_and_again_is_told_to_crash_loop_and_loses_nothing(demo: Supervision) -> None:
    with Workspace(demo.paths.root) as workspace:
        for _ in range(3):
            wait_for_more(workspace, 5)
            old = replica(demo, "consumer").pid
            assert old is not None
            os.kill(old, signal.SIGKILL)
            wait_until(partial(has_another_pid, demo, "consumer", old), 60, "a new consumer")

        assert replica(demo, "consumer").state is WorkerState.CRASH_LOOPING
        assert_nothing_lost(demo, workspace)


def test_killed_supervisord_leaves_no_second_set_of_workers(demo: Supervision) -> None:
    with Workspace(demo.paths.root) as workspace:
        wait_for_more(workspace)
        daemon, old = demo.status().pid, running(demo, "consumer").pid
        assert daemon is not None
        os.kill(daemon, signal.SIGKILL)
        wait_until(lambda: not demo.status().is_running, 60, "supervisord to be seen as gone")

        assert demo.ensure_running().pid != daemon
        demo.start("all")

        running(demo, "consumer", other_than=old)
        running(demo, "producer")
        assert old is not None
        assert not _is_alive(old), "the old consumer ended before the new one started"
        wait_for_more(workspace)
        assert_nothing_lost(demo, workspace)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # it may have become a zombie under an init that reaps late
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
