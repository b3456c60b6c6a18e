"""A workspace that people may only look at: a lock against slips, not against work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pqdesk import InvalidInput, LookOnly, Queue, Workspace
from pqdesk.messages.origin import Origin


@pytest.fixture
def locked(queue: Queue) -> Queue:
    """A queue with a message in hand and two that wait, in a workspace that is set to look only."""
    queue.put_many(range(3))
    queue.store.operating.set_look_only(True)
    return queue


@pytest.mark.parametrize(
    "change",
    [
        lambda queue: queue.put("x"),
        lambda queue: queue.put_many(["x", "y"]),
        lambda queue: queue.pause(),
        lambda queue: queue.resume(),
        lambda queue: queue.configure(lease=5),
        lambda queue: queue.retry(1),
        lambda queue: queue.run_now(1),
        lambda queue: queue.cancel(state="ready"),
        lambda queue: queue.delete(1),
        lambda queue: queue.restore(1),
        lambda queue: queue.move(1, to="second"),
        lambda queue: queue.edit(1, "y"),
        lambda queue: queue.duplicate(1),
        lambda queue: queue.purge(),
        lambda queue: queue.empty_trash(),
        lambda queue: queue.store.operating.undo(1),
    ],
)
def test_nothing_is_changed_by_people(locked: Queue, change: Callable[[Queue], Any]) -> None:
    with pytest.raises(LookOnly, match="look only"):
        change(locked)

    assert locked.counts().ready == locked.counts().total == 3
    assert not locked.paused


def test_work_goes_on(locked: Queue, other: Queue) -> None:
    other.store.origin = Origin("worker mail", is_worker=True)

    locked.get(timeout=0).ack(put=["follow-up"])
    locked.get(timeout=0).nack("again", delay=0)
    locked.get(timeout=0).release()
    produced = other.put("produced")

    assert locked.counts().ready == 4
    assert locked.message(produced).payload == "produced"


def test_looking_and_dry_runs_go_on(locked: Queue) -> None:
    assert len(locked.messages()) == 3
    assert locked.cancel(state="ready", dry_run=True).done == 3


def test_whoever_runs_under_supervisord_or_consume_is_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    assert Origin.here() == Origin("library", is_worker=False)
    monkeypatch.setenv("PQDESK_WORKER", "mail")
    assert Origin.here() == Origin("worker mail", is_worker=True)
    assert Origin.here("cli") == Origin("cli", is_worker=True)


def test_it_is_set_and_lifted_for_all_clients_and_written_down(queue: Queue) -> None:
    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        assert not workspace.look_only
        workspace.look_only = True
        workspace.look_only = True
        with pytest.raises(LookOnly):
            queue.put("x")
        workspace.look_only = False

        assert queue.put("x") == 1
        assert [one.command for one in workspace.activity()] == ["pqdesk look-only off", "pqdesk look-only on"]
        with pytest.raises(InvalidInput):
            workspace.look_only = "yes"  # type: ignore[assignment]
