"""What the app remembers survives a restart, and a broken file is no reason not to start."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from pqdesk.gui.settings import Settings
from pqdesk.gui.theme import ThemeChoice


def test_everything_comes_back(qapp: object, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "deep" / "settings.ini")
    settings.theme = ThemeChoice.DARK
    settings.keep_view("/a", {"page": "workers", "pages": {"messages": {"widths": [1, 2]}}})
    settings.geometry = QByteArray(b"\x00\x01geometry")
    settings.remember_workspace("/a")
    settings.mark_told("tray")
    settings.save()

    again = Settings(tmp_path / "deep" / "settings.ini")

    assert again.theme is ThemeChoice.DARK
    assert (again.last_workspace, again.recent_workspaces) == ("/a", ["/a"])
    assert again.view("/a") == {"page": "workers", "pages": {"messages": {"widths": [1, 2]}}}
    assert again.view("/b") == {}
    assert again.geometry == QByteArray(b"\x00\x01geometry")
    assert again.was_told("tray")
    assert not again.was_told("quit")


def test_recent_workspaces_are_few_newest_first_and_can_be_forgotten(qapp: object, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.ini")
    for name in "abcdefgha":
        settings.remember_workspace(f"/{name}")

    assert settings.recent_workspaces == ["/a", "/h", "/g", "/f", "/e", "/d"]
    settings.forget_workspace("/a")
    assert settings.last_workspace is None
    assert settings.recent_workspaces[0] == "/h"


def test_a_broken_file_gives_the_defaults(qapp: object, tmp_path: Path) -> None:
    file = tmp_path / "settings.ini"
    file.write_bytes(b"\xff\xfe[window]\ngeometry=@Variant(\x00garbage\ntheme=purple\nworkspace\\recent=@Invalid()\n")

    settings = Settings(file)

    assert settings.theme is ThemeChoice.SYSTEM
    assert settings.recent_workspaces == []
    assert settings.geometry.isEmpty()


def to_too_much(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize("name", ["settings.ini", "settings.ini.lock"])
@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), to_too_much],
    ids=["pipe", "folder", "zero", "huge"],
)
def test_what_is_no_file_of_settings_is_left_and_the_app_starts(
    qapp: object, tmp_path: Path, make: Callable[[Path], object], name: str
) -> None:
    make(tmp_path / name)
    before = (tmp_path / name).lstat()

    settings = Settings(tmp_path / "settings.ini")
    settings.keep_view("/a", {"page": "workers"})
    settings.save()

    assert settings.view("/a") == {"page": "workers"}
    assert (tmp_path / name).lstat().st_mode == before.st_mode
