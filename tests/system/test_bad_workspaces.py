"""Commands on a workspace that cannot be used: one line that says why, and nothing changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pqdesk import Counts, Queue
from tests.bad_workspaces import (
    BAD_WORKSPACES,
    BadWorkspace,
    fill,
    fingerprint,
    make_good_workspace,
    read_only,
    small_disk,
)
from tests.programs import pqdesk, pqdesk_json

_COMMANDS = {
    "put": ("put", "kept", "more"),
    "get": ("get", "kept"),
    "queues": ("queues",),
    "messages": ("messages", "kept"),
    "consume": ("consume", "kept", "--drain", "--", "true"),
    "doctor": ("doctor",),
}


def refused(workspace: Path, *command: str) -> str:
    """Run a command that has to fail with one line; that line."""
    done = pqdesk(workspace, *command, check=False)
    assert done.returncode == 1, done
    return one_line(done)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    [line] = done.stderr.splitlines()
    assert "Traceback" not in line
    return line


@pytest.fixture(params=BAD_WORKSPACES, ids=lambda bad: bad.name)
def bad(request: pytest.FixtureRequest) -> BadWorkspace:
    kind: BadWorkspace = request.param
    return kind


def test_commands_say_why_and_change_nothing(bad: BadWorkspace, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir(mode=0o700)
    bad.make(root)
    before = fingerprint(root)

    for command in (_COMMANDS["put"], _COMMANDS["queues"], _COMMANDS["consume"]):
        line = refused(root, *command)
        assert bad.words in line, line
        assert str(root) in line
    assert bad.words in pqdesk(root, *_COMMANDS["doctor"], check=False).stdout

    assert fingerprint(root) == before


def test_read_only_workspace(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    make_good_workspace(root)
    before = fingerprint(root)

    with read_only(root):
        assert "read-only" in refused(root, *_COMMANDS["put"]).lower()
        assert "read-only" in refused(root, *_COMMANDS["consume"]).lower()

    assert fingerprint(root) == before
    assert pqdesk_json(root, "queues")[0]["counts"]["ready"] == 1


def test_commands_that_look_never_make_a_workspace(tmp_path: Path) -> None:
    root = tmp_path / "nowhere"

    for command in (("queues",), ("messages", "q"), ("workers",), ("doctor",), ("get", "q")):
        pqdesk(root, *command, check=False)

    assert not root.exists()


def ack_all(queue: Queue) -> list[int]:
    ids = []
    for _ in range(queue.qsize()):
        message = queue.get_nowait()
        message.ack()
        ids.append(message.id)
    return ids


def test_full_disk_refuses_puts_lets_acks_through_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_mib=128) as disk, Queue("files", workspace=disk / "workspace") as queue:
        ids = fill(queue)

        assert "free some space" in refused(disk / "workspace", "put", "files", "y")
        assert ack_all(queue) == ids
        assert queue.counts() == Counts(completed=len(ids))
