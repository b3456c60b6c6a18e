"""What people do to workers is in the activity, and the library takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pqdesk.errors import InvalidInput, LookOnly, SupervisorError
from pqdesk.messages.activities import NewActivity
from pqdesk.paths import WorkspacePaths
from pqdesk.services.workers import RecordedSupervision, workers_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import WorkerState
from pqdesk.workspace import Workspace
from tests.support import wait_until
from tests.system.conftest import SupervisedWorkspace

MAIL = WorkerDefinition(name="mail", command=("true",))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w") as workspace:
        yield workspace


@pytest.fixture
def workers(workspace: Workspace) -> RecordedSupervision:
    return workers_of(workspace.paths, "cli")


def names(workers: RecordedSupervision) -> list[str]:
    return [one.name for one in workers.definitions()]


def told(workspace: Workspace) -> list[tuple[str, bool]]:
    """The commands of the activity, newest first, and whether each can be undone."""
    return [(one.command, one.can_be_undone) for one in workspace.activity()]


def test_adding_is_undone_and_done_again(workspace: Workspace, workers: RecordedSupervision) -> None:
    workers.add(MAIL, start=False)
    assert told(workspace) == [("pqdesk add-worker mail", True)]
    assert workspace.activity()[0].actor.endswith(" cli")
    assert workers.activity_id == workspace.activity()[0].id

    assert workspace.undo().done == 1
    assert names(workers) == []
    workspace.redo()
    assert names(workers) == ["mail"]


def test_removing_is_undone_and_done_again(workspace: Workspace, workers: RecordedSupervision) -> None:
    workers.add(MAIL, start=False)
    workers.remove("mail")

    assert workspace.undo().note == "that was: pqdesk remove-worker mail"
    assert names(workers) == ["mail"]
    workspace.redo()
    assert names(workers) == []


def test_editing_scaling_and_the_start_are_undone(workspace: Workspace, workers: RecordedSupervision) -> None:
    workers.add(MAIL, start=False)
    workers.change(replace(workers.definition("mail"), command=("false",)))
    workers.scale("mail", 3)
    workers.set_autostart("mail", not MAIL.is_autostart)

    workspace.undo()
    assert workers.definition("mail").is_autostart is MAIL.is_autostart
    workspace.undo()
    assert workers.definition("mail").replicas == 1
    workspace.redo()
    assert workers.definition("mail").replicas == 3
    workspace.undo()
    workspace.undo()
    assert workers.definition("mail").command == ("true",)


def test_what_changed_nothing_leaves_no_activity(workspace: Workspace, workers: RecordedSupervision) -> None:
    workers.add(MAIL, start=False)
    workers.change(workers.definition("mail"))
    workers.scale("mail", 1)
    workers.set_autostart("all", MAIL.is_autostart)

    assert len(told(workspace)) == 1
    assert workers.activity_id is None


def test_changes_are_taken_back_one_after_the_other_as_far_as_one_goes_back(workspace, workers) -> None:
    workers.add(MAIL, start=False)
    for command in ("first", "second", "third"):
        workers.change(replace(workers.definition("mail"), command=(command,)))

    for command in ("second", "first", "true"):
        workspace.undo()
        assert workers.definition("mail").command == (command,)
    workspace.redo()
    assert workers.definition("mail").command == ("first",)


def test_what_cannot_be_taken_back_stays_as_it_was(workspace: Workspace, workers: RecordedSupervision) -> None:
    workers.add(MAIL, start=False)
    workers.change(replace(workers.definition("mail"), command=("first",)))
    edit = workspace.activity()[0].id
    workers.change(replace(workers.definition("mail"), command=("second",)))

    with pytest.raises(SupervisorError, match="'mail' was changed since"):
        workspace.undo(edit)

    assert workers.definition("mail").command == ("second",)
    assert workspace.activity()[1].can_be_undone
    workspace.undo()
    workspace.undo(edit)
    with pytest.raises(InvalidInput, match="has undone it"):
        workspace.undo(edit)


def test_where_people_may_only_look_nothing_is_taken_back(workspace: Workspace, workers: RecordedSupervision) -> None:
    workers.add(MAIL, start=False)
    workspace.look_only = True

    with pytest.raises(LookOnly):
        workspace.undo()
    assert names(workers) == ["mail"]


def test_without_a_queue_file_none_is_made(tmp_path: Path) -> None:
    workers = workers_of(WorkspacePaths(tmp_path))

    workers.add(MAIL, start=False)

    assert (names(workers), workers.activity_id) == (["mail"], None)
    assert not workers.paths.database.exists()


def test_stopping_is_undone_by_starting_what_was_up(supervised: SupervisedWorkspace) -> None:
    with Workspace(supervised.paths.root) as workspace:
        workers = workers_of(supervised.paths)
        workers.add(WorkerDefinition(name="sleeper", command=("sleep", "600"), replicas=2), start=True)
        up = lambda: [one.state is WorkerState.RUNNING for one in workers.status().replicas]  # noqa: E731
        wait_until(lambda: up() == [True, True], reason="both to run")
        workers.stop("sleeper:sleeper", wait_s=None)
        assert told(workspace)[0] == ("pqdesk stop sleeper:sleeper", True)
        assert up() == [False, True]

        workspace.undo()
        wait_until(lambda: up() == [True, True], reason="the stopped one to run again")
        workers.restart("all")
        assert told(workspace)[0] == ("pqdesk restart all", False)
        workspace.redo()

        wait_until(lambda: up() == [False, True], reason="it to be stopped again")


def test_what_one_order_did_to_several_is_undone_at_once(workspace: Workspace, workers: RecordedSupervision) -> None:
    for name in "abc":
        workers.add(replace(MAIL, name=name), start=False)
    before = len(workspace.activity())

    workers.do("remove", ("a", "b", "c"))

    assert len(workspace.activity()) == before + 1
    assert told(workspace)[0] == ("pqdesk remove-worker a b c", True)
    assert workspace.undo(workers.activity_id).done == 1
    assert names(workers) == ["a", "b", "c"]
    workspace.redo()
    assert names(workers) == []


def test_each_of_several_gets_back_what_it_had(workspace: Workspace, workers: RecordedSupervision) -> None:
    for name, count in (("a", 2), ("b", 3)):
        workers.add(replace(MAIL, name=name, replicas=count), start=False)

    workers.do("scale", ("a", "b"), 5)
    workspace.undo()

    assert [one.replicas for one in workers.definitions()] == [2, 3]


@pytest.mark.parametrize("verb", ["start", "restart", "start_daemon", "restart_daemon"])
def test_undo_starts_nothing_that_this_user_has_never_started_here(
    workspace: Workspace, workers: RecordedSupervision, tmp_path: Path, verb: str
) -> None:
    ran = tmp_path / "ran"
    workers.add(replace(MAIL, name="strange", command=("/usr/bin/touch", str(ran))), start=False)
    deed = (verb, ("strange",), 2)
    before = {"workers": {"back": [deed], "again": [deed]}}
    workspace.store.operating.record_activity(NewActivity("stop", "pqdesk stop strange", before=before))

    with pytest.raises(SupervisorError, match="never started here by this user"):
        workspace.undo()

    assert not workers.status().is_running
    assert not ran.exists()
    assert told(workspace)[0] == ("pqdesk stop strange", True)
