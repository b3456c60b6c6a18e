"""The palette: what it finds, in which order, and that what is chosen is done when it is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QTreeWidget

from pqdesk import Workspace
from pqdesk.gui.desktop import Desktop
from pqdesk.gui.shell.command_palette import Command, CommandPalette, best_matches
from pqdesk.gui.shell.routes import Route

Open = Callable[..., Desktop]


def command(text: str, reason: str = "") -> Command:
    return Command(text, "", lambda: None, reason)


def texts(found: list[Command]) -> list[str]:
    return [one.text for one in found]


def test_every_word_that_is_typed_is_in_what_is_found() -> None:
    commands = [command(text) for text in ("Retry", "Queue mail", "Queue code", "Show mail log", "Worker mail")]

    assert texts(best_matches(commands, "MAIL que", ())) == ["Queue mail"]
    assert best_matches(commands, "nothing of it", ()) == []
    assert len(best_matches(commands, "  ", ())) == 5


def test_what_can_be_done_then_what_was_chosen_lately_then_what_begins_so_comes_first() -> None:
    commands = [
        command("Start all", "Every worker runs"),
        command("Restart"),
        command("Start"),
        command("Start at login"),
    ]

    assert texts(best_matches(commands, "start", ["Start at login"])) == [
        "Start at login",
        "Start",
        "Restart",
        "Start all",
    ]


@pytest.fixture
def desktop(qtbot, open_app: Open, tmp_path) -> Desktop:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("mail <b>& co</b>").put_many(range(3))
    desktop = open_app(tmp_path / "w")
    qtbot.waitUntil(lambda: desktop.controller.counts.ready == 3)
    return desktop


class Palette:
    """Opened by its entry in View, and typed into."""

    def __init__(self, qtbot, desktop: Desktop) -> None:
        desktop.window.window_actions["palette"].trigger()
        found = desktop.window.findChild(CommandPalette)
        assert found is not None
        self._qtbot, self.dialog = qtbot, found
        field, rows = found.findChild(QLineEdit), found.findChild(QTreeWidget)
        assert field is not None
        assert rows is not None
        self.field, self.rows = field, rows

    def shown(self) -> list[tuple[str, str]]:
        items = [self.rows.topLevelItem(at) for at in range(self.rows.topLevelItemCount())]
        return [(item.text(0), item.text(1)) for item in items if item is not None]

    def choose(self, text: str, *keys: Qt.Key) -> None:
        self.field.setText(text)
        for key in (*keys, Qt.Key.Key_Return):
            self._qtbot.keyClick(self.field, key)


def test_control_k_opens_it(qtbot, desktop: Desktop) -> None:
    qtbot.keyClick(desktop.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)

    palette = desktop.window.findChild(CommandPalette)
    assert palette is not None
    assert palette.focusWidget().accessibleName() == "Find an action or a place"
    palette.close()


def test_it_leads_to_pages_queues_states_and_messages(qtbot, desktop: Desktop) -> None:
    for typed, route in (
        ("logs", Route("logs", subject="")),
        ("queue mail", Route("messages", filter='queue:"mail <b>& co</b>"')),
        ("failed mess", Route("messages", filter="state:failed")),
        (" 2 ", Route("messages", filter="id:2")),
    ):
        Palette(qtbot, desktop).choose(typed)
        qtbot.waitUntil(lambda route=route: desktop.window.page.route == route)


def test_what_cannot_be_done_says_why_and_is_not_done(qtbot, desktop: Desktop) -> None:
    palette = Palette(qtbot, desktop)
    palette.field.setText("messages: delete")
    assert palette.shown() == [("Messages: Delete", "On the page Messages")]

    qtbot.keyClick(palette.field, Qt.Key.Key_Return)

    assert palette.dialog.isVisible()
    palette.dialog.close()


def test_the_arrows_move_and_what_was_chosen_comes_first_the_next_time(qtbot, desktop: Desktop) -> None:
    palette = Palette(qtbot, desktop)
    palette.field.setText("sidebar")
    assert palette.shown() == [("Narrow sidebar", "Ctrl+B")]
    palette.choose("sidebar")
    qtbot.waitUntil(lambda: desktop.window.window_actions["sidebar"].isChecked())

    palette = Palette(qtbot, desktop)
    assert palette.shown()[0][0] == "Narrow sidebar"
    second = palette.shown()[1][0]
    assert second == "Overview"
    palette.choose("", Qt.Key.Key_Down)

    qtbot.waitUntil(lambda: desktop.window.page.title == "Overview")
