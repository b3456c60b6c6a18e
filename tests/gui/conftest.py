"""What the tests of the window share. They run offscreen; a warning of Qt fails them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QtMsgType
from PySide6.QtWidgets import QApplication

from pqdesk.clock import SystemClock
from pqdesk.gui.desktop import Desktop
from pqdesk.gui.logging_setup import AppLog
from pqdesk.gui.places import place_of
from pqdesk.gui.settings import Settings
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.paths import state_folder
from tests.gui.shell_fakes import FakeClock

_HARMLESS = (
    "systemTrayWindowChanged",  # the offscreen platform has no tray, and QSystemTrayIcon asks it all the same
    "This plugin does not support",
)
_BAD = (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)


@pytest.fixture(autouse=True)
def _collected_here() -> Iterator[None]:
    """What Qt made ends in the thread it lives in, as in the app; else a test's reader collects what another left."""
    gc.disable()
    yield
    gc.collect(1)


@pytest.fixture(autouse=True, scope="module")
def _collected_whole() -> Iterator[None]:
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def _no_qt_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    if "qtbot" not in request.fixturenames:
        yield
        return
    log = request.getfixturevalue("qtlog")
    yield
    texts = [one.message for one in log.records if one.type in _BAD]
    assert [text for text in texts if not any(known in text for known in _HARMLESS)] == []


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, ThemeChoice.LIGHT)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def quits(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Filled when the app would leave its event loop."""
    seen: list[bool] = []
    monkeypatch.setattr(QApplication, "quit", lambda *_: seen.append(True))
    return seen


@pytest.fixture
def settings(qapp: object) -> Settings:
    return Settings(state_folder() / "settings.ini")


@pytest.fixture
def open_app(
    qtbot, qapp: QApplication, theme: Theme, settings: Settings, quits: list[bool]
) -> Iterator[Callable[..., Desktop]]:
    opened: list[tuple[Desktop, AppLog]] = []

    def open_app(root: Path, **options: bool) -> Desktop:
        log = AppLog()
        desktop = Desktop(qapp, theme, settings, log, SystemClock())
        opened.append((desktop, log))
        desktop.start(place_of(root), **options)
        return desktop

    yield open_app
    for desktop, log in opened:
        desktop.window.allow_close()
        desktop.window.close()
        desktop.tray.stop()
        desktop.end()
        log.close()
        desktop.window.deleteLater()
