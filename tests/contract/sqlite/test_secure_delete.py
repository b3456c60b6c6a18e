"""Deleted for good is gone from the files: after emptying the trash always, and where the workspace is set so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pqdesk import LookOnly, Workspace
from pqdesk.cli.main import main

SMALL, LARGE = b"small-marker-4711", b"large-marker-0815"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "w"


def put_marked(workspace: Workspace) -> list[int]:
    """Small and large ones; some were worked on, edited and moved, so that they have been at several places."""
    queue = workspace.queue("q")
    ids = [queue.put(one * count) for count in (1, 3, 8_000) for one in (SMALL, LARGE)]
    queue.get(timeout=0).ack()
    queue.get(timeout=0).nack(delay=1000)
    queue.edit(ids[3], SMALL * 20)
    queue.move(ids[4], to="other")
    queue.put(b"kept" * 10_000)
    return ids


def is_there(root: Path) -> bool:
    data = b"".join(file.read_bytes() for file in root.glob("queue.db*"))
    assert b"kept" in data
    return SMALL in data or LARGE in data


def test_emptying_the_trash_leaves_nothing_in_the_files(root: Path) -> None:
    with Workspace(root) as workspace:
        ids = put_marked(workspace)
        workspace.delete(ids)
        workspace.empty_trash()
        are_gone_at_once = not is_there_while_open(root)

    assert are_gone_at_once
    assert not is_there(root)


def is_there_while_open(root: Path) -> bool:
    """In a process of its own: closing the file here would drop SQLite's locks."""
    code = f"import glob; d = b''.join(open(f, 'rb').read() for f in glob.glob({str(root)!r} + '/queue.db*')); "
    code += f"print({SMALL!r} in d or {LARGE!r} in d)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_what_is_purged_for_good_is_overwritten_where_the_workspace_is_set_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pqdesk.storage.sqlite.operating.TRASH_LIMIT", 3)
    with Workspace(root) as workspace:
        assert not workspace.secure_delete
        workspace.secure_delete = True
        queue = workspace.queue("q")
        for count in (1, 3, 8_000):
            queue.put(LARGE * count)
        workspace.queue("other").put(b"kept" * 10_000)
        workspace.purge(queue="q")

    assert not is_there(root)


def test_the_setting_is_the_workspaces_and_is_told(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Workspace(root) as workspace:
        workspace.secure_delete = True
        workspace.secure_delete = True
        assert workspace.activity()[0].command == "pqdesk secure-delete on"
        assert len(workspace.activity()) == 1
    with Workspace(root) as workspace:
        assert workspace.secure_delete
        workspace.look_only = True
        with pytest.raises(LookOnly):
            workspace.secure_delete = False
        workspace.look_only = False

    for words, told in ((["off"], "waits"), ([], "waits"), (["on"], "is overwritten"), (["--json"], "true")):
        assert main(["-w", str(root), "secure-delete", *words]) == 0
        assert told in capfd.readouterr().out
