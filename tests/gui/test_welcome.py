"""The welcome page: three ways in, and what is wrong with a workspace that cannot be opened."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton

from pqdesk.gui.pages.welcome import Trouble, WelcomeView
from pqdesk.gui.theme import Theme


@pytest.fixture
def view(qtbot, theme: Theme) -> WelcomeView:
    view = WelcomeView(theme)
    qtbot.addWidget(view)
    view.show_workspace("")
    view.show()
    return view


def button(view: WelcomeView, text: str) -> QPushButton:
    return next(one for one in view.findChildren(QPushButton) if one.text() == text)


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Try the demo", "demo_asked"),
        ("Open a queue file…", "open_asked"),
        ("Create a workspace…", "create_asked"),
    ],
)
def test_each_button_asks_for_its_thing(qtbot, view: WelcomeView, text: str, signal: str) -> None:
    with qtbot.waitSignal(getattr(view, signal)):
        button(view, text).click()


def test_the_demo_can_be_pressed_once(view: WelcomeView) -> None:
    view.set_busy(True)

    assert not button(view, "Try the demo").isEnabled()


def snippet(view: WelcomeView) -> str:
    label = view.findChild(QLabel, "snippet")
    assert label is not None
    return label.text()


def test_the_snippet_is_python_that_names_the_workspace_only_where_needed(view: WelcomeView) -> None:
    compile(snippet(view), "snippet", "exec")
    assert "workspace" not in snippet(view)

    view.show_workspace(', workspace="/data/it\'s here"')

    compile(snippet(view), "snippet", "exec")
    assert '''workspace="/data/it's here"''' in snippet(view)


def test_the_snippet_can_be_copied(view: WelcomeView) -> None:
    button(view, "Copy").click()

    assert QGuiApplication.clipboard().text() == snippet(view)


def test_trouble_is_told_and_the_ways_in_stay(view: WelcomeView) -> None:
    view.show_workspace("", Trouble("This workspace cannot be opened", "it was made by a newer PQDesk"))

    texts = [label.text() for label in view.findChildren(QLabel)]
    assert "it was made by a newer PQDesk" in texts
    assert button(view, "Try the demo").isEnabled()

    view.show_workspace("")
    assert "it was made by a newer PQDesk" not in [label.text() for label in view.findChildren(QLabel)]
