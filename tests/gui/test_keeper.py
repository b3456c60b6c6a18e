"""Making, removing and refusing workspaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk import Workspace
from pqdesk.gui.threads.keeper import Keeper
from pqdesk.paths import WorkspacePaths, demo_workspace


@pytest.fixture
def keeper(qapp: object) -> Keeper:
    return Keeper()


def test_the_demo_is_made_with_its_workers_and_removed_whole(qtbot, keeper: Keeper) -> None:
    with qtbot.waitSignal(keeper.demo_made) as made:
        keeper.make_demo()
    assert made.args == [demo_workspace()]
    assert sorted(one.stem for one in WorkspacePaths(demo_workspace()).workers.glob("*.conf")) == [
        "consumer",
        "producer",
    ]

    with qtbot.waitSignal(keeper.demo_removed):
        keeper.remove_demo()

    assert not demo_workspace().exists()


def test_removing_a_demo_that_is_not_there_is_no_failure(qtbot, keeper: Keeper) -> None:
    with qtbot.waitSignal(keeper.demo_removed):
        keeper.remove_demo()


def test_a_demo_that_cannot_be_written_says_where_and_why(qtbot, keeper: Keeper) -> None:
    demo_workspace().parent.mkdir(parents=True)
    demo_workspace().write_text("a file in its place")

    with qtbot.waitSignal(keeper.failed) as failed:
        keeper.make_demo()

    assert str(demo_workspace()) in failed.args[0]
    assert "\n" not in failed.args[0]


def test_a_new_workspace(qtbot, keeper: Keeper, tmp_path: Path) -> None:
    with qtbot.waitSignal(keeper.created) as created:
        keeper.create(tmp_path / "jobs")

    assert created.args == [tmp_path / "jobs"]
    assert Workspace.exists(tmp_path / "jobs")


def test_a_workspace_that_cannot_be_made(qtbot, keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with qtbot.waitSignal(keeper.failed) as failed:
        keeper.create(tmp_path / "file" / "jobs")

    assert "file" in failed.args[0]
