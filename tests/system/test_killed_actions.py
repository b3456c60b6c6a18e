"""kill -9 in the middle of an action on many messages: what is written down is what was done, and it can be undone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pqdesk import Workspace

_ACT = """
import sys
from pqdesk import Workspace

with Workspace(sys.argv[1]) as workspace:
    getattr(workspace, sys.argv[2])(queue="q", on_progress=lambda done, skipped: print(done, flush=True))
"""


@pytest.mark.parametrize("action", ["cancel", "delete", "duplicate"])
@pytest.mark.parametrize("batches", [1, 3])
def test_a_killed_action_is_written_down_as_far_as_it_went(tmp_path: Path, action: str, batches: int) -> None:
    path = tmp_path / "w"
    with Workspace(path, durability="relaxed") as workspace:
        workspace.queue("q").put_many(range(20_000))
    with subprocess.Popen([sys.executable, "-c", _ACT, path, action], stdout=subprocess.PIPE, text=True) as acting:
        assert acting.stdout is not None
        for _ in range(batches):
            acting.stdout.readline()
        acting.send_signal(signal.SIGKILL)

    with Workspace(path) as workspace:
        (record,) = workspace.activity()
        counts = workspace.counts()
        changed = {"cancel": counts.cancelled, "delete": 20_000 - counts.total, "duplicate": counts.total - 20_000}
        assert record.done == changed[action]
        assert batches * 1000 <= record.done < 20_000

        assert workspace.undo(record.id).done == record.done

        assert workspace.counts().ready == workspace.counts().total == 20_000


def test_two_programs_undo_the_same_at_once(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with Workspace(path, durability="relaxed") as workspace:
        workspace.queue("q").put_many(range(5000))
        workspace.cancel(queue="q")
    undo = "import sys; from pqdesk import Workspace; print(Workspace(sys.argv[1]).undo(1).done)"
    programs = [
        subprocess.Popen([sys.executable, "-c", undo, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    answers = [one.communicate() for one in programs]

    done = sum(int(out) for out, _ in answers if out)
    assert done == 5000
    assert all(out or "InvalidInput" in error for out, error in answers)
    with Workspace(path) as workspace:
        assert workspace.counts().ready == 5000
