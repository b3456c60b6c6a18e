"""Which workspace the window opens on, and what it calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk.gui.places import first_place, is_demo, place_name, place_of, snippet_location
from pqdesk.gui.settings import Settings
from pqdesk.paths import WorkspacePaths, default_workspace, demo_workspace


@pytest.fixture
def settings(qapp: object, tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.ini")


def test_what_was_asked_for_wins(settings: Settings, tmp_path: Path) -> None:
    settings.remember_workspace(str(tmp_path))

    assert first_place("/data/jobs", settings).root == Path("/data/jobs")


def test_then_the_variable_then_the_last_one_then_the_default(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_place(None, settings).root == default_workspace()

    settings.remember_workspace(str(tmp_path))
    assert first_place(None, settings).root == tmp_path

    monkeypatch.setenv("PQDESK_WORKSPACE", "/data/named")
    assert first_place(None, settings).root == Path("/data/named")


def test_a_last_workspace_that_is_gone_is_not_opened(settings: Settings, tmp_path: Path) -> None:
    settings.remember_workspace(str(tmp_path / "gone"))

    assert first_place(None, settings).root == default_workspace()


def test_a_queue_file_stands_for_its_workspace() -> None:
    assert place_of("/data/jobs/queue.db") == place_of("/data/jobs") == WorkspacePaths(Path("/data/jobs"))


def test_names() -> None:
    demo = WorkspacePaths(demo_workspace())

    assert (is_demo(demo), place_name(demo)) == (True, "demo")
    assert not is_demo(WorkspacePaths(default_workspace()))
    assert snippet_location(WorkspacePaths(default_workspace())) is None
    assert snippet_location(WorkspacePaths(Path("/data/jobs"))) == "/data/jobs"
