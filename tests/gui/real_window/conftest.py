"""A desktop for each test, and the app on it as a person starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pqdesk.paths import demo_workspace
from tests.gui.desktop import Desktop
from tests.gui.real_window.window import Window
from tests.programs import PQDESK, pqdesk

Start = Callable[..., Window]


@pytest.fixture
def has_tray() -> bool:
    """Override by parametrize for a desktop without one."""
    return True


@pytest.fixture
def desktop(user_folders: Mapping[str, str], has_tray: bool) -> Iterator[Desktop]:
    with Desktop(folders=user_folders, has_tray=has_tray) as desktop:
        yield desktop


@pytest.fixture
def start(desktop: Desktop) -> Start:
    """Start the app with arguments of the command line, and wait for its window."""

    def start(*arguments: str | Path) -> Window:
        window = Window(desktop, desktop.launch([PQDESK, *arguments]))
        window.program.window()
        return window

    return start


@pytest.fixture
def demo(start: Start) -> Iterator[Window]:
    """The app with the demo running, as after pressing `Try the demo`; supervisord is shut down in the end."""
    window = start()
    window.program.press("Try the demo")
    window.wait_for_count("completed", 1)
    yield window
    shut_down(demo_workspace())


def shut_down(workspace: Path) -> None:
    """End supervisord and the workers of a workspace, whether they run or not."""
    pqdesk(workspace, "supervisorctl", "shutdown", check=False)
