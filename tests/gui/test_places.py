"""What the window opens on, and what it calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk.gui.places import Place, first_place, place_of
from pqdesk.gui.settings import Settings
from pqdesk.paths import WorkspacePaths, default_workspace, demo_workspace


@pytest.fixture
def settings(qapp: object, tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.ini")


def test_what_was_asked_for_wins(settings: Settings, tmp_path: Path) -> None:
    settings.remember_workspace(str(tmp_path))

    assert first_place("/data/jobs", settings).location == Path("/data/jobs")


def test_then_the_variable_then_the_last_one_then_the_default(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_place(None, settings).location == default_workspace()

    settings.remember_workspace(str(tmp_path))
    assert first_place(None, settings).location == tmp_path

    monkeypatch.setenv("PQDESK_WORKSPACE", "/data/named")
    assert first_place(None, settings).location == Path("/data/named")


def test_a_last_workspace_that_is_gone_is_not_opened(settings: Settings, tmp_path: Path) -> None:
    settings.remember_workspace(str(tmp_path / "gone"))

    assert first_place(None, settings).location == default_workspace()


def test_a_queue_file_stands_for_its_workspace() -> None:
    assert place_of("/data/jobs/queue.db") == place_of("/data/jobs") == Place(WorkspacePaths(Path("/data/jobs")))


def test_another_file_is_an_applications_with_queues_in_it(tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    file.touch()

    place = place_of(file)

    assert (place.location, place.name) == (file, "shop.sqlite")
    assert place.paths.root == tmp_path / "shop.sqlite-pqdesk"
    assert place.python_arguments == f', database="{file}"'


def test_names() -> None:
    demo = place_of(demo_workspace())

    assert (demo.is_demo, demo.name) == (True, "demo")
    assert not place_of(default_workspace()).is_demo
    assert place_of(default_workspace()).python_arguments == ""
    assert place_of("/data/it's").python_arguments == ', workspace="/data/it\'s"'
