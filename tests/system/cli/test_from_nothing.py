"""From an empty workspace, by commands alone: workers added, watched, scaled, broken, mended, and their lines found."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk.supervision.records import WorkerState
from tests.support import wait_until
from tests.system.cli.conftest import Cli, Done
from tests.system.conftest import SupervisedWorkspace

FILES = 1_000
WAIT_S = 100


@pytest.mark.timeout(300)
def test_files_are_watched_and_summed_and_a_broken_worker_is_mended(
    cli: Cli, supervised: SupervisedWorkspace, tmp_path: Path
) -> None:
    def at(*words: object) -> Done:
        return cli("-w", supervised.paths.root, *words)

    folder = tmp_path / "in"
    folder.mkdir()

    def counts() -> dict[str, int]:
        found = at("queues", "--json").json
        states = ("ready", "completed", "retrying", "failed")
        return {state: found[0]["counts"][state] if found else 0 for state in states}

    added = at("add-worker", "watcher", "--folder", folder, "--queue", "files")
    assert added.code == 0, added.err
    summer = ("--queue", "files", "--", "sh", "-c", "sha256sum")
    assert at("add-worker", "summer", *summer).code == 0
    for number in range(FILES):
        (folder / f"{number:04d}.txt").write_text(f"file {number}\n")

    wait_until(lambda: counts()["completed"] > 0, WAIT_S, "the first files", logs=supervised.paths.logs)
    first = supervised.replica("summer").pid
    assert at("scale", "summer", 4).code == 0
    assert len([one for one in at("workers", "--json").json if one["worker"] == "summer"]) == 4
    assert at("scale", "summer", 1).code == 0
    assert supervised.replica("summer").pid == first
    wait_until(lambda: counts()["completed"] == FILES, WAIT_S, "all files", logs=supervised.paths.logs)
    assert counts() == {"ready": 0, "completed": FILES, "retrying": 0, "failed": 0}

    refused = at("edit-worker", "summer", "--queue", "files", "--", "no-such-program")
    assert refused.code == 2
    assert supervised.replica("summer").state is WorkerState.RUNNING
    program = tmp_path / "no-such-program"
    program.write_text("#!/bin/sh\nsha256sum\n")
    program.chmod(0o700)
    assert at("edit-worker", "summer", "--queue", "files", "--", program).code == 0
    program.unlink()
    assert at("restart", "summer").code == 1
    wait_until(
        lambda: supervised.replica("summer").state is WorkerState.CRASH_LOOPING, WAIT_S, "the crash loop to be told"
    )
    [told] = [one for one in at("workers", "--json").json if one["worker"] == "summer"]
    assert "no-such-program" in told["exit_text"]
    (folder / "late.txt").write_text("late\n")
    mended = at("edit-worker", "summer", *summer)
    assert mended.code == 0, mended.err
    wait_until(lambda: counts()["completed"] == FILES + 1, WAIT_S, "the late file", logs=supervised.paths.logs)

    newest = at("messages", "files", "--limit", 1, "--json").json
    [message] = newest if isinstance(newest, list) else newest["messages"]
    lines = at("logs", "summer").out.splitlines()
    assert any(f"id={message['id']} " in line or line.endswith(f"id={message['id']}") for line in lines), lines[-5:]
