"""What the tests of the window share. They run offscreen; a warning of Qt fails them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QtMsgType
from PySide6.QtWidgets import QApplication

from pqdesk.gui.theme import Theme, ThemeChoice
from tests.gui.shell_fakes import FakeClock

_HARMLESS = (
    "systemTrayWindowChanged",  # the offscreen platform has no tray, and QSystemTrayIcon asks it all the same
    "This plugin does not support",
)
_BAD = (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)


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
