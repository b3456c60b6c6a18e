"""Workspaces that cannot be used, or only in part: the window says why, stays up, and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk import Counts, Queue
from pqdesk.demo import write_demo
from pqdesk.paths import WorkspacePaths
from tests.bad_workspaces import BAD_WORKSPACES, fill, fingerprint, make_good_workspace, read_only, small_disk
from tests.gui.real_window.conftest import Start, shut_down
from tests.gui.real_window.window import Window
from tests.programs import PQDESK

_LONG = "a-folder-with-a-rather-long-name"


def open_in_same_window(window: Window, root: Path) -> None:
    """As by a double click on another workspace while the app runs."""
    assert window.desktop.launch([PQDESK, "open", root]).wait_exit() == 0
    window.wait(lambda: window.program.text("workspace_name") == root.name, f"{root.name} to be shown")


def content(root: Path) -> list[str]:
    """The queue file's fingerprint and the names beside it, but for what SQLite needs to look into a file."""
    return [fingerprint(root), *sorted(name for name in os.listdir(root) if not name.endswith(("-wal", "-shm")))]


def wait_for_words(window: Window, words: str) -> None:
    window.wait(lambda: words in window.program.text("welcome_text"), f"{words!r} about the workspace")


def test_each_bad_workspace_is_told_apart_and_left_as_it_was(start: Start, tmp_path: Path) -> None:
    window = start()
    for bad in BAD_WORKSPACES:
        root = tmp_path / bad.name
        root.mkdir(mode=0o700)
        bad.make(root)
        before = content(root)

        open_in_same_window(window, root)
        wait_for_words(window, bad.words)

        window.program.find("Try the demo", role="push button")
        assert content(root) == before, bad.name
    assert "Traceback" not in window.program.output


def test_read_only_workspace(start: Start, tmp_path: Path) -> None:
    root = tmp_path / "read-only-workspace"
    make_good_workspace(root)
    before = fingerprint(root)

    with read_only(root):
        window = start("open", root)
        wait_for_words(window, "read-only")
        window.desktop.press_keys("ctrl+q")
        assert window.program.wait_exit() == 0

    assert fingerprint(root) == before


def test_full_disk(start: Start, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_mib=64) as disk, Queue("files", workspace=disk / "workspace") as queue:
        count = len(fill(queue))
        window = start("open", disk / "workspace")
        window.wait(lambda: window.count("ready") == count, "the messages that are there")

        window.program.choose_menu("Queue", "Send a test message")

        window.wait(lambda: "free some space" in window.program.text("toast_text"), "the reason")
        assert queue.counts() == Counts(ready=count)
        window.desktop.press_keys("ctrl+q")
        assert window.program.wait_exit() == 0


@pytest.fixture
def far_away(short_folder: Path) -> Iterator[Path]:
    """A demo whose path is too long for a socket beside its files."""
    root = short_folder.joinpath(*[_LONG] * 4)
    write_demo(WorkspacePaths(root))
    yield root
    shut_down(root)


def test_workspace_with_a_path_too_long_for_a_socket(start: Start, far_away: Path) -> None:
    window = start("open", far_away)
    window.open_page("Workers")
    window.program.press("Start all")
    window.program.press("Run these commands")

    window.wait_for_worker("producer", "Running")
    window.wait_for_worker("consumer", "Running")
    window.open_page("Overview")
    window.wait_for_count("completed", 1)
