"""The window around the pages: names, keys, sizes, and which page is live."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from pqdesk.gui.main_window import MainWindow
from pqdesk.gui.pages.welcome import WelcomeView
from pqdesk.gui.palette import Role
from pqdesk.gui.registry import PAGES
from pqdesk.gui.shell.actions import Action, ActionSet, Menu
from pqdesk.gui.shell.page import Page
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import Theme


class FakePage(Page):
    """Any of the pages; remembers the filter that it was sent to."""

    def __init__(self, kind: type[Page], theme: Theme) -> None:
        super().__init__()
        self.key, self.title = kind.key, kind.title  # type: ignore[misc]
        self.filter = ""
        self.is_live = False
        self.field = QLineEdit(self)
        QVBoxLayout(self).addWidget(self.field)
        self.action_set = ActionSet(self, theme, self.title)
        if self.key == "messages":
            self.action_set.add(Action("retry", "Retry", Menu.MESSAGE))

    def set_live(self, is_live: bool) -> None:
        self.is_live = is_live

    @property
    def route(self) -> Route:
        return Route(self.key, filter=self.filter)

    def go(self, route: Route) -> None:
        if route.filter is not None:
            self.filter = route.filter

    def begin_find(self) -> None:
        self.field.setFocus()


@pytest.fixture
def pages(qtbot, theme: Theme) -> dict[str, FakePage]:
    return {kind.title: FakePage(kind, theme) for kind in PAGES}


@pytest.fixture
def window(qtbot, theme: Theme, pages: dict[str, FakePage]) -> MainWindow:
    window = MainWindow(theme)
    qtbot.addWidget(window, before_close_func=lambda window: window.allow_close())
    window.set_pages(list(pages.values()), WelcomeView(theme))
    window.show()
    qtbot.waitExposed(window)
    return window


def live(pages: dict[str, FakePage]) -> list[str]:
    return [title for title, page in pages.items() if page.is_live]


def test_the_entries_of_the_sidebar_are_named_as_the_pages_and_show_them(window: MainWindow, pages, qtbot) -> None:
    for title, page in pages.items():
        entry = window.sidebar.entry(page.key)
        assert entry.accessibleName() == title

        qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)

        assert (window.page.title, live(pages)) == (title, [title])
        assert "current page" in entry.accessibleDescription()


def test_control_and_a_digit_show_a_page(window: MainWindow, qtbot, pages) -> None:
    qtbot.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)

    assert window.page.title == "Workers"


def test_only_the_page_that_is_seen_is_live(window: MainWindow, pages, qtbot) -> None:
    assert live(pages) == ["Overview"]

    window.hide()
    assert live(pages) == []

    window.show()
    assert live(pages) == ["Overview"]


def test_a_paused_window_has_no_live_page_until_it_goes_on(window: MainWindow, pages) -> None:
    window.set_paused(True)
    window.go(Route("messages"))
    assert live(pages) == []

    window.set_paused(False)
    assert live(pages) == ["Messages"]


def test_a_badge_is_in_the_description_and_not_in_the_name(window: MainWindow) -> None:
    entry = window.sidebar.entry("messages")

    entry.set_badge(37, "failed message", Role.ERROR)
    assert (entry.accessibleName(), entry.accessibleDescription()) == ("Messages", "37 failed messages")

    entry.set_badge(0, "failed message", Role.ERROR)
    assert entry.accessibleDescription() == ""


def test_a_narrow_window_shows_icons_only(window: MainWindow, qtbot) -> None:
    window.resize(1200, 700)
    wide = window.sidebar.width()

    window.resize(1000, 700)

    assert window.sidebar.width() < wide / 2
    window.resize(1200, 700)
    assert window.sidebar.width() == wide


def test_it_never_gets_smaller_than_it_can_be_read(window: MainWindow) -> None:
    window.resize(100, 100)

    assert (window.width(), window.height()) == (960, 600)


def test_the_title_begins_with_the_name_of_the_app(window: MainWindow) -> None:
    window.set_workspace("demo", "/data/demo")

    assert window.windowTitle() == "PQDesk – demo"


def test_the_welcome_page_stands_in_for_the_overview_only(window: MainWindow) -> None:
    assert window.set_welcoming(True)
    assert not window.set_welcoming(True)

    assert window.shown.objectName() == "welcome"
    window.go(Route("messages"))
    assert window.shown.objectName() != "welcome"


def test_closing_asks(window: MainWindow, qtbot) -> None:
    with qtbot.waitSignal(window.close_asked):
        window.close()

    assert window.isVisible()


def test_pages_are_replaced_and_an_unknown_page_is_the_first(window: MainWindow, theme: Theme, qtbot) -> None:
    window.go(Route("logs"))
    fresh = [FakePage(kind, theme) for kind in PAGES]

    window.set_pages(fresh, WelcomeView(theme))
    assert window.shown is fresh[3]

    window.go(Route("schedules"))
    assert window.shown is fresh[0]


def test_back_and_forward_lead_through_pages_and_their_filters(window: MainWindow, pages, qtbot) -> None:
    window.go(Route("messages", filter="state:failed"))
    window.go(Route("messages", filter="id:7"))
    window.go(Route("workers", subject="mail"))

    seen = []
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right):
        qtbot.keyClick(window, key, Qt.KeyboardModifier.AltModifier)
        seen.append((window.page.title, pages["Messages"].filter))

    assert seen == [
        ("Messages", "id:7"),
        ("Messages", "state:failed"),
        ("Overview", "state:failed"),
        ("Overview", "state:failed"),
        ("Messages", "state:failed"),
    ]


def test_going_where_one_is_leaves_nothing_behind(window: MainWindow, qtbot) -> None:
    window.go(Route("overview"))

    qtbot.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)

    assert window.page.title == "Overview"
    assert not window.window_actions["back"].isEnabled()
    assert window.window_actions["back"].toolTip() == "<qt>Nowhere to go back to</qt>"


def test_a_page_leads_to_another_and_says_something(window: MainWindow, pages) -> None:
    pages["Overview"].route_asked.emit(Route("logs"))
    pages["Logs"].told.emit("no such file", True)

    assert window.page.title == "Logs"
    assert window.toast.isVisible()


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"recent": [1, {}, "x"]},
        {"page": 7, "filters": [], "pages": {"messages": 5}},
        {"filters": {"messages": {}}, "sidebar": "x"},
    ],
)
def test_a_view_that_makes_no_sense_is_left_out(window: MainWindow, kept) -> None:
    window.restore(kept)

    assert window.page.title == "Overview"


def test_actions_of_a_page_stand_in_the_menu(window: MainWindow) -> None:
    menu = next(action.menu() for action in window.menuBar().actions() if action.text() == "Message")

    assert "Retry" in [action.text() for action in menu.actions()]


def test_control_f_goes_to_the_filter_of_the_page(window: MainWindow, pages, qtbot) -> None:
    window.activateWindow()
    qtbot.waitActive(window)

    window.window_actions["filter"].trigger()

    assert pages["Overview"].field.hasFocus()


def test_f6_goes_round_the_panes(window: MainWindow, pages, qtbot) -> None:
    window.activateWindow()
    qtbot.waitActive(window)
    window.sidebar.take_focus()

    window.window_actions["next_pane"].trigger()
    assert pages["Overview"].field.hasFocus()

    window.window_actions["next_pane"].trigger()
    assert window.sidebar.entry("overview").hasFocus()

    window.window_actions["previous_pane"].trigger()
    assert pages["Overview"].field.hasFocus()


def test_a_toast_offers_the_way_back_once(window: MainWindow, qtbot) -> None:
    undone: list[bool] = []
    window.toast.show_text("1 message deleted", undo=lambda: undone.append(True))

    qtbot.mouseClick(window.toast.findChild(QPushButton, "toast_undo"), Qt.MouseButton.LeftButton)

    assert undone == [True]
    assert not window.toast.isVisible()


def test_undo_and_redo_say_what_they_would_take(window: MainWindow) -> None:
    actions = window.window_actions
    assert not actions["undo"].isEnabled()
    assert "Nothing to undo" in actions["undo"].toolTip()

    window.set_undo("pqdesk delete 1", "")

    assert (actions["undo"].isEnabled(), actions["redo"].isEnabled()) == (True, False)
    assert "pqdesk delete 1" in actions["undo"].toolTip()


def test_text_of_data_is_never_rich(window: MainWindow) -> None:
    window.toast.show_text("<b>bold</b>")
    window.banner.show_text("error", "<img src='http://example.com/'>")

    for label in (*window.toast.findChildren(QWidget), *window.banner.findChildren(QWidget)):
        if hasattr(label, "textFormat") and label.text():
            assert label.textFormat() is Qt.TextFormat.PlainText
