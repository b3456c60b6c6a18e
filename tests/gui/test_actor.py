"""The actor on a real workspace: what it does, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk import Workspace
from pqdesk.errors import WorkspaceError
from pqdesk.gui.threads.actor import TEST_QUEUE, Actor
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.storage import open_inspection
from tests.support import wait_until


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w") as workspace:
        yield workspace


@pytest.fixture
def actor(qapp: object, workspace: Workspace) -> Iterator[Actor]:
    actor = Actor(lambda: Workspace(workspace.path))
    yield actor
    actor.stop()


def failed_message(workspace: Workspace) -> int:
    queue = workspace.queue("mail")
    queue.put("x", max_attempts=1)
    message = queue.get(block=False)
    message.nack("no such address")
    return message.id


def test_retry_makes_a_failed_message_ready_again(qtbot, workspace: Workspace, actor: Actor) -> None:
    message_id = failed_message(workspace)

    with qtbot.waitSignal(actor.performed) as answer:
        actor.perform("retry", (message_id,), 7)

    name, outcome, ids, token = answer.args
    assert (name, outcome.done, ids, token) == ("retry", 1, (message_id,), 7)
    assert workspace.message(message_id).state is State.READY


def test_delete_and_restore(qtbot, workspace: Workspace, actor: Actor) -> None:
    message_id = failed_message(workspace)

    actor.perform("delete", (message_id,), 0)
    assert workspace.counts().failed == 0

    actor.perform("restore", (message_id,), 0)
    assert workspace.counts().failed == 1


def test_a_message_whose_state_forbids_it_is_skipped(qtbot, workspace: Workspace, actor: Actor) -> None:
    message_id = workspace.queue("mail").put("x")

    with qtbot.waitSignal(actor.performed) as answer:
        actor.perform("retry", (message_id,), 0)

    assert (answer.args[1].done, answer.args[1].skipped) == (0, 1)


def test_a_second_click_on_retry_runs_nothing_twice(qtbot, workspace: Workspace, actor: Actor) -> None:
    queue = workspace.queue("mail")
    message_id = queue.put("x")
    queue.get().fail("broken")
    seen = {message_id: State.FAILED}

    actor.perform("retry", seen, 0)
    queue.get(timeout=5).ack()
    with qtbot.waitSignal(actor.performed) as answer:
        actor.perform("retry", seen, 0)

    assert (answer.args[1].done, answer.args[1].skipped) == (0, 1)
    assert queue.message(message_id).state == State.COMPLETED


def test_running_a_completed_message_again_is_an_action_of_its_own(qtbot, workspace: Workspace, actor: Actor) -> None:
    queue = workspace.queue("mail")
    message_id = queue.put("x")
    queue.get().ack()

    with qtbot.waitSignal(actor.performed) as answer:
        actor.perform("run_again", {message_id: State.COMPLETED}, 0)

    assert (answer.args[0], answer.args[1].done) == ("run_again", 1)
    assert queue.message(message_id).state == State.READY


def test_a_workspace_that_cannot_be_opened(qtbot) -> None:
    def refuse() -> Workspace:
        raise WorkspaceError("read-only")

    actor = Actor(refuse)
    with qtbot.waitSignal(actor.failed) as answer:
        actor.perform("delete", (1,), 3)

    assert (answer.args[0], str(answer.args[1]), answer.args[3]) == ("delete", "read-only", 3)


def test_pause_and_resume(qtbot, workspace: Workspace, actor: Actor) -> None:
    for name in ("mail", "code"):
        workspace.queue(name).put("x")

    actor.pause(("mail", "code"), True)
    assert all(one.is_paused for one in workspace.queues())

    actor.pause(("mail", "code"), False)
    assert not any(one.is_paused for one in workspace.queues())


def test_a_test_message(qtbot, workspace: Workspace, actor: Actor) -> None:
    with qtbot.waitSignal(actor.message_put) as answer:
        actor.put_test_message()

    assert answer.args == [1, TEST_QUEUE]
    assert workspace.counts(TEST_QUEUE).ready == 1


def test_while_a_window_is_open_what_plain_sql_puts_becomes_a_message(qapp: object, workspace: Workspace) -> None:
    with workspace.queue("mail").transaction() as tx:
        tx.execute("INSERT INTO pqdesk_put(queue, payload) VALUES ('other', '1')")
    actor = Actor(lambda: Workspace(workspace.path))

    actor.begin()

    wait_until(lambda: workspace.counts("other").ready == 1, reason="the window's process takes it in")
    actor.stop()


def test_beginning_makes_no_workspace(qapp: object, tmp_path: Path) -> None:
    actor = Actor(lambda: Workspace(tmp_path / "new"), look=lambda: open_inspection(WorkspacePaths(tmp_path / "new")))

    actor.begin()

    assert not (tmp_path / "new").exists()
    actor.stop()


def test_a_file_that_was_replaced_is_opened_anew(qapp: object, tmp_path: Path, qtbot) -> None:
    here = [tmp_path / "a", tmp_path / "b"]
    ids = []
    for place in here:
        with Workspace(place) as one:
            ids.append(failed_message(one))
    current = [0]
    actor = Actor(lambda: Workspace(here[current[0]]), identify=lambda: current[0])
    actor.begin()

    current[0] = 1
    actor.perform("retry", (ids[1],), 1)

    with Workspace(here[1]) as other, Workspace(here[0]) as first:
        assert (first.counts().failed, other.counts().failed) == (1, 0)
    actor.stop()
