"""The start at login: two switches that show what holds, whatever was wished."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget
from shiboken6 import delete

from pqdesk.errors import SupervisorError
from pqdesk.gui.dialogs.start_at_login import StartAtLoginDialog
from pqdesk.gui.threads.side_jobs import SideJobs
from pqdesk.supervision.daemon.start_at_login import LoginState


class FakeLogin:
    """Switches as it is told, until `error` is set."""

    def __init__(self, *, is_lingering: bool | None = False) -> None:
        self.answer = LoginState(False, "autostart" if is_lingering is None else "systemd", is_lingering, "Off.")
        self.error: SupervisorError | None = None

    def state(self) -> LoginState:
        return self.answer

    def switch(self, is_on: bool) -> LoginState:
        return self._become(LoginState(is_on, self.answer.way, self.answer.is_lingering, "On." if is_on else "Off."))

    def keep_after_logout(self, is_on: bool) -> LoginState:
        return self._become(LoginState(self.answer.is_on, self.answer.way, is_on, "On."))

    def _become(self, state: LoginState) -> LoginState:
        if self.error is not None:
            raise self.error
        self.answer = state
        return state


@pytest.fixture
def parent(qtbot: object) -> Iterator[QWidget]:
    parent = QWidget()
    yield parent
    delete(parent)


def opened(login: FakeLogin, parent: QWidget) -> StartAtLoginDialog:
    side = SideJobs(lambda: None, lambda: login)  # type: ignore[arg-type,return-value]
    side.setParent(parent)
    dialog = StartAtLoginDialog(side, parent)
    dialog.open()
    return dialog


def switch(dialog: StartAtLoginDialog, name: str) -> QCheckBox:
    found = dialog.findChild(QCheckBox, name)
    assert found is not None
    return found


def text(dialog: StartAtLoginDialog, name: str) -> str:
    found = dialog.findChild(QLabel, name)
    assert found is not None
    return found.text()


def test_it_is_switched_on_and_off_and_explains_itself(parent: QWidget) -> None:
    login = FakeLogin()
    dialog = opened(login, parent)
    assert "Switched on, it is done by a service of your systemd" in text(dialog, "login_story")

    switch(dialog, "start_at_login").click()
    assert login.answer.is_on
    assert text(dialog, "login_story") == "On. By a service of your systemd."
    switch(dialog, "keep_after_logout").click()
    assert login.answer.is_lingering
    assert "run until it is switched off" in text(dialog, "linger_story")
    switch(dialog, "start_at_login").click()
    assert not login.answer.is_on


def test_what_could_not_be_done_is_said_and_the_switch_goes_back(parent: QWidget) -> None:
    login = FakeLogin()
    dialog = opened(login, parent)
    login.error = SupervisorError("systemd does not allow it")

    switch(dialog, "start_at_login").click()

    assert not switch(dialog, "start_at_login").isChecked()
    assert switch(dialog, "start_at_login").isEnabled()
    assert text(dialog, "login_problem") == "Systemd does not allow it."


def test_without_systemd_nothing_can_run_on_and_that_is_said(parent: QWidget) -> None:
    dialog = opened(FakeLogin(is_lingering=None), parent)

    assert not switch(dialog, "keep_after_logout").isVisible()
    assert "needs systemd" in text(dialog, "linger_story")
