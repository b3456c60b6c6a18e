"""The actor on a real workspace: what it does, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk import Workspace
from pqdesk.errors import NotFound, WorkspaceError
from pqdesk.gui.notices import describe_done
from pqdesk.gui.threads.actor import TEST_QUEUE, Actor
from pqdesk.gui.threads.orders import Activity, Done, Matching, Order, Queues, Schedules, Seen, Target
from pqdesk.messages.looking import CappedCounts
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


def carry_out(actor: Actor, action: str, target: Target) -> Done:
    told: list[Done] = []
    connection = actor.done.connect(told.append)
    actor.carry_out(Order(action, target))
    actor.done.disconnect(connection)
    (done,) = told  # one answer, whatever happens
    return done


def test_retry_makes_a_failed_message_ready_again(workspace: Workspace, actor: Actor) -> None:
    message_id = failed_message(workspace)

    done = carry_out(actor, "retry", Seen({message_id: State.FAILED}))

    assert (done.order, done.outcome.done) == (Order("retry", Seen({message_id: State.FAILED})), 1)
    assert workspace.message(message_id).state is State.READY
    assert done.outcome.activity_id == workspace.activity()[0].id


def test_delete_undo_and_redo(workspace: Workspace, actor: Actor) -> None:
    message_id = failed_message(workspace)

    first = carry_out(actor, "delete", Seen({message_id: State.FAILED}))
    assert workspace.counts().failed == 0
    carry_out(actor, "undo", Activity(first.outcome.activity_id))
    assert workspace.counts().failed == 1
    carry_out(actor, "redo", Activity())
    assert workspace.counts().failed == 0
    carry_out(actor, "undo", Activity())
    assert workspace.counts().failed == 1
    assert isinstance(carry_out(actor, "undo", Activity()).error, NotFound)


def test_a_message_whose_state_forbids_it_is_skipped(workspace: Workspace, actor: Actor) -> None:
    message_id = workspace.queue("mail").put("x")

    outcome = carry_out(actor, "retry", Seen({message_id: State.READY})).outcome

    assert (outcome.done, outcome.skipped) == (0, 1)


def test_a_second_click_on_retry_runs_nothing_twice(workspace: Workspace, actor: Actor) -> None:
    queue = workspace.queue("mail")
    message_id = queue.put("x")
    queue.get().fail("broken")
    seen = Seen({message_id: State.FAILED})

    carry_out(actor, "retry", seen)
    queue.get(timeout=5).ack()
    outcome = carry_out(actor, "retry", seen).outcome

    assert (outcome.done, outcome.skipped) == (0, 1)
    assert queue.message(message_id).state == State.COMPLETED


def test_running_a_completed_message_again_is_an_action_of_its_own(workspace: Workspace, actor: Actor) -> None:
    queue = workspace.queue("mail")
    message_id = queue.put("x")
    queue.get().ack()

    assert carry_out(actor, "run_again", Seen({message_id: State.COMPLETED})).outcome.done == 1
    assert queue.message(message_id).state == State.READY


def test_a_filter_means_what_it_matched_when_it_was_frozen(workspace: Workspace, actor: Actor) -> None:
    queue = workspace.queue("mail")
    ids = queue.put_many(range(5), type="t")
    queue.put("later", type="t")

    target = Matching(
        {"where": "type:t", "queue": "mail", "state": [State.READY]}, [State.READY], CappedCounts(up_to=ids[-1])
    )
    outcome = carry_out(actor, "cancel", target).outcome

    assert (outcome.done, workspace.counts().ready) == (5, 1)


@pytest.mark.parametrize("error", [WorkspaceError("read-only"), ZeroDivisionError("a bug")])
def test_an_order_that_fails_is_answered_too(qapp: object, error: Exception) -> None:
    def refuse() -> Workspace:
        raise error

    done = carry_out(Actor(refuse), "delete", Seen({1: State.READY}))

    assert (done.error, done.outcome.done) == (error, 0)


def test_pause_and_resume(workspace: Workspace, actor: Actor) -> None:
    for name in ("mail", "code"):
        workspace.queue(name).put("x")

    done = carry_out(actor, "pause", Queues())
    assert all(one.is_paused for one in workspace.queues())
    carry_out(actor, "resume", Queues(("mail",)))
    assert [one.is_paused for one in workspace.queues()] == [True, False]

    carry_out(actor, "undo", Activity())
    carry_out(actor, "undo", Activity(done.outcome.activity_id))
    assert not any(one.is_paused for one in workspace.queues())


def test_a_test_message(workspace: Workspace, actor: Actor) -> None:
    assert carry_out(actor, "test_message", Queues((TEST_QUEUE,))).outcome.new_ids == (1,)
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
    carry_out(actor, "retry", Seen({ids[1]: State.FAILED}))

    with Workspace(here[1]) as other, Workspace(here[0]) as first:
        assert (first.counts().failed, other.counts().failed) == (1, 0)
    actor.stop()


def test_schedules_are_paused_resumed_run_and_removed(workspace: Workspace, actor: Actor) -> None:
    workspace.add_schedule("daily", "mail", "x", cron="0 8 * * *")
    daily = Schedules(("daily",))

    carry_out(actor, "disable_schedule", daily)
    assert not workspace.schedules()[0].is_enabled
    carry_out(actor, "enable_schedule", daily)
    assert workspace.schedules()[0].is_enabled
    [message_id] = carry_out(actor, "run_schedule", daily).outcome.new_ids
    assert workspace.message(message_id).headers["Schedule"] == "daily"
    carry_out(actor, "remove_schedule", daily)
    assert workspace.schedules() == ()
    carry_out(actor, "undo", Activity())
    assert [one.name for one in workspace.schedules()] == ["daily"]


def test_an_unknown_schedule_is_told(actor: Actor, workspace: Workspace) -> None:
    done = carry_out(actor, "run_schedule", Schedules(("nightly",)))

    assert describe_done(done) == "Run now failed, nothing was changed: there is no schedule 'nightly'"
