"""An empty queue is removed: as if it had never been, and safe for whoever knows it still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk import InvalidInput, LookOnly, NotFound, Queue, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w") as opened:
        yield opened


def _names(workspace: Workspace) -> list[str]:
    return [one.name for one in workspace.queues()]


def test_an_empty_queue_is_removed_and_comes_back_with_its_settings_by_undo(workspace: Workspace) -> None:
    queue = workspace.queue("old")
    queue.configure(max_attempts=9, rate=(5, 60), group_concurrency=2)
    queue.pause()
    workspace.queue("other").put("x")

    workspace.remove_queue("old")

    assert _names(workspace) == ["other"]
    assert (queue.configuration.max_attempts, queue.paused) == (None, False)
    record = workspace.activity()[0]
    assert record.command == "pqdesk remove-queue old"
    assert workspace.undo(record.id).done == 1
    assert _names(workspace) == ["old", "other"]
    assert (queue.configuration.max_attempts, queue.configuration.rate, queue.paused) == (9, (5, 60), True)


def test_who_knows_the_queue_still_puts_into_it_and_it_is_there_again(workspace: Workspace) -> None:
    with Queue("old", workspace=workspace.path) as elsewhere:  # another process, as far as the file knows
        elsewhere.put(1)
        elsewhere.put(2)  # by now it has learnt the queue's number
        for _ in range(2):
            workspace.queue("old").get().ack()
        workspace.purge(queue="old")
        workspace.empty_trash()

        workspace.remove_queue("old")
        assert _names(workspace) == []
        elsewhere.put(3)

    assert _names(workspace) == ["old"]
    assert workspace.queue("old").get(timeout=1).payload == 3


def test_a_setting_makes_it_again(workspace: Workspace) -> None:
    workspace.queue("old").configure(max_attempts=9)
    workspace.remove_queue("old")

    workspace.queue("old").configure(lease=30)

    assert _names(workspace) == ["old"]
    assert workspace.queue("old").configuration.max_attempts is None
    assert workspace.undo(workspace.activity()[1].id).done == 0  # it is there again


@pytest.mark.parametrize(
    ("what", "told"),
    [("ready", "1 message"), ("completed", "1 message"), ("trash", "0 messages, and 1 in the trash")],
)
def test_a_queue_that_is_not_empty_is_not_removed(workspace: Workspace, what: str, told: str) -> None:
    queue = workspace.queue("q")
    message_id = queue.put("x")
    if what == "completed":
        queue.get().ack()
    elif what == "trash":
        queue.delete(message_id)

    with pytest.raises(InvalidInput, match=f"has {told}: purge"):
        workspace.remove_queue("q")

    assert _names(workspace) == ["q"]
    assert queue.message(message_id).id == message_id


def test_a_queue_that_a_schedule_puts_into_or_that_there_is_not_is_not_removed(workspace: Workspace) -> None:
    workspace.add_schedule("nightly", "q", "x", every=3600, enabled=False)
    workspace.queue("q").configure(lease=5)

    with pytest.raises(InvalidInput, match="nightly"):
        workspace.remove_queue("q")
    workspace.remove_schedule("nightly")
    workspace.remove_queue("q")
    for name in ("none", "q"):
        with pytest.raises(NotFound):
            workspace.remove_queue(name)
    workspace.queue("p").configure(lease=5)
    workspace.look_only = True
    with pytest.raises(LookOnly):
        workspace.remove_queue("p")
