"""Pictures of every page, light and dark, empty and at work: `python -m tests.gui.screenshots DIR [--seconds N]`.

The window is the real one, offscreen, in an empty HOME of its own; the messages are the demo's, put and worked on
by its real workers under a real supervisord, for N seconds before the pictures are taken. README.md shows one of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QRadioButton, QTableView, QWidget

from pqdesk import demo
from pqdesk.clock import SystemClock
from pqdesk.gui.app import make_application
from pqdesk.gui.desktop import Desktop
from pqdesk.gui.dialogs.help import ShortcutsDialog
from pqdesk.gui.dialogs.worker import WorkerDialog
from pqdesk.gui.logging_setup import AppLog
from pqdesk.gui.main_window import DEFAULT_SIZE
from pqdesk.gui.pages.workers import WorkersPage
from pqdesk.gui.places import place_of
from pqdesk.gui.registry import PAGES
from pqdesk.gui.settings import Settings
from pqdesk.gui.shell.command_palette import CommandPalette
from pqdesk.gui.shell.routes import FAILED, Route
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.paths import WorkspacePaths, default_workspace, demo_workspace, state_folder
from pqdesk.supervision.daemon.known_starts import remember_start
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.supervision import Supervision
from tests.folders import fresh_folders

_THEMES = (ThemeChoice.LIGHT, ThemeChoice.DARK)
_SETTLE_S = 1.5
_FAILED_WANTED = 3
_LONGEST_S = 60
_CRASHING = "echo cannot reach mail.example.org >&2; exit 1"


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of every page of the window.")
    parser.add_argument("folder", type=Path, help="where the pictures go; made if missing")
    parser.add_argument("--seconds", type=float, default=75, help="how long the demo works before (default 75)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with private_folders():
        take_pictures(options.folder, options.seconds)


@contextmanager
def private_folders() -> Iterator[None]:
    """HOME and the XDG folders of somebody who has never run PQDesk."""
    root = Path(tempfile.mkdtemp(prefix="pq"))
    os.environ.pop("PQDESK_WORKSPACE", None)
    os.environ.update(fresh_folders(root / "home", root / "run"))
    try:
        yield
    finally:
        Supervision(WorkspacePaths(demo_workspace())).shutdown()
        shutil.rmtree(root)


def take_pictures(folder: Path, seconds: float) -> None:
    application = make_application()
    theme, log = Theme(application, ThemeChoice.LIGHT), AppLog()
    desktop = Desktop(application, theme, Settings(state_folder() / "settings.ini"), log, SystemClock())
    camera = Camera(desktop, theme, folder)
    desktop.start(place_of(default_workspace()))
    desktop.window.resize(*DEFAULT_SIZE)
    camera.picture("welcome")
    (broken := folder / "queue.db").write_text("Dear diary, this is no queue.\n" * 200, encoding="utf-8")
    desktop.show_workspace(place_of(broken))
    camera.picture("cannot-open")
    broken.unlink()
    demo.write_demo(WorkspacePaths(demo_workspace()))
    remember_start(WorkspacePaths(demo_workspace()))
    desktop.show_workspace(place_of(demo_workspace()))
    desktop.window.go(Route("overview"))
    camera.picture("overview-stopped")
    desktop.controller.start_daemon()
    camera.wait(lambda: desktop.controller.counts.failed >= _FAILED_WANTED, _LONGEST_S, at_least_s=seconds)
    for page in PAGES:
        desktop.window.go(Route(page.key))
        camera.wait(lambda: False, _SETTLE_S)
        _choose_first_row(desktop, page.title)
        camera.picture(page.key)
    take_pictures_of_workers(desktop, camera)
    take_pictures_of_menus(desktop, camera)
    desktop.window.go(FAILED)
    camera.wait(lambda: False, _SETTLE_S)
    _choose_first_row(desktop, "Messages")
    camera.picture("failed")
    desktop.quit()
    desktop.end()
    log.close()


def take_pictures_of_workers(desktop: Desktop, camera: Camera) -> None:
    """Adding one, and one that crashes."""
    desktop.window.go(Route("workers"))
    page = desktop.window.shown
    assert isinstance(page, WorkersPage)
    page.add_worker()
    dialog = page.findChild(WorkerDialog)
    assert dialog is not None
    button = dialog.findChild(QRadioButton, "kind_command")
    assert button is not None
    button.click()
    camera.picture("add-worker", dialog)
    dialog.close()
    broken = WorkerDefinition(name="importer", command=("sh", "-c", _CRASHING), start_s=1)
    Supervision(WorkspacePaths(demo_workspace())).add(broken, start=True)
    is_looping = WorkerState.CRASH_LOOPING
    camera.wait(lambda: any(one.state is is_looping for one in desktop.controller.status.replicas), _LONGEST_S)
    desktop.window.go(Route("workers", subject="importer"))
    camera.picture("worker-trouble")


def take_pictures_of_menus(desktop: Desktop, camera: Camera) -> None:
    """Each menu of the bar, and the palette."""
    desktop.window.go(Route("messages"))
    camera.wait(lambda: False, _SETTLE_S)
    _choose_first_row(desktop, "Messages")
    for entry in desktop.window.menuBar().actions():
        menu = desktop.window.findChild(QMenu, f"menu_{entry.text().lower()}")
        assert menu is not None
        menu.popup(desktop.window.mapToGlobal(desktop.window.rect().topLeft()))
        camera.picture(f"menu-{entry.text().lower()}", menu)
        menu.close()
    desktop.window.window_actions["palette"].trigger()
    palette = desktop.window.findChild(CommandPalette)
    assert palette is not None
    camera.picture("palette", palette)
    palette.close()
    desktop.window.window_actions["keys"].trigger()
    keys = desktop.window.findChild(ShortcutsDialog)
    assert keys is not None
    camera.picture("shortcuts", keys)
    keys.close()


class Camera:
    """Takes one picture in each theme, after the window has settled."""

    def __init__(self, desktop: Desktop, theme: Theme, folder: Path) -> None:
        self._desktop, self._theme, self._folder = desktop, theme, folder

    def picture(self, name: str, widget: QWidget | None = None) -> None:
        """Of the window, or of another one."""
        self.wait(lambda: False, _SETTLE_S)
        for choice in _THEMES:
            self._theme.choose(choice)
            self.wait(lambda: False, 0.2)
            file = self._folder / f"{name}-{choice.value}.png"
            (widget or self._desktop.window).grab().save(str(file))
            print(file)
        self._theme.choose(ThemeChoice.LIGHT)

    def wait(self, condition: Callable[[], bool], at_most_s: float, at_least_s: float = 0) -> None:
        """Let the window live until `condition`, but no longer than `at_most_s` after `at_least_s`."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < at_least_s or (
            not condition() and passed < at_least_s + at_most_s
        ):
            QTest.qWait(20)


def _choose_first_row(desktop: Desktop, title: str) -> None:
    """As somebody would who looks at the first failed message, or the first worker."""
    page = desktop.window.shown
    tables = [one for one in page.findChildren(QTableView) if one.accessibleName() == title] if page else []
    if tables and tables[0].model().rowCount():
        place = tables[0].visualRect(tables[0].model().index(0, 0)).center()
        QTest.mouseClick(tables[0].viewport(), Qt.MouseButton.LeftButton, pos=place)


if __name__ == "__main__":
    main()
