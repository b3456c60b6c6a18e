"""The whole window on real workspaces, in this process and offscreen; supervisord is never started."""

from __future__ import annotations

import gc
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QMessageBox, QPushButton, QWidget

from pqdesk import Queue, Workspace
from pqdesk.gui.desktop import Desktop
from pqdesk.gui.pages.messages.columns import COLUMNS
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.single_instance import Wish
from pqdesk.gui.threads.orders import Order, Seen
from pqdesk.gui.widgets.pane_splitter import PaneSplitter
from pqdesk.messages.states import State
from pqdesk.paths import default_workspace
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.bad_workspaces import BAD_WORKSPACES, BadWorkspace, fingerprint
from tests.gui.shell_fakes import make_replica, make_status

Open = Callable[..., Desktop]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w") as workspace:
        workspace.queue("mail").put_many(range(5))
        yield workspace


def seen(widget: QWidget, text: str) -> bool:
    """Whether a label or button with this text, or one that holds it, is on screen."""
    found = (*widget.findChildren(QLabel), *widget.findChildren(QPushButton))
    return any(text in one.text() for one in found if one.isVisible())


def count(desktop: Desktop, state: str) -> str:
    label = desktop.window.findChild(QLabel, f"tile_{state}_count")
    return label.text() if label is not None else ""


def give_up(message_queue) -> None:
    message = message_queue.get(block=False)
    message.fail("no such address")


def test_an_empty_home_shows_the_welcome_page_and_makes_nothing(qtbot, open_app: Open) -> None:
    desktop = open_app(default_workspace())
    qtbot.waitUntil(lambda: seen(desktop.window, "Try the demo"))

    assert desktop.window.windowTitle() == "PQDesk – default"
    assert not default_workspace().exists()
    qtbot.waitUntil(lambda: seen(desktop.window, "no queues yet"))


def test_messages_put_meanwhile_are_counted(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")

    give_up(workspace.queue("mail"))

    entry = desktop.window.sidebar.entry("messages")
    told = lambda: (count(desktop, "ready"), count(desktop, "failed"), entry.accessibleDescription())  # noqa: E731
    qtbot.waitUntil(lambda: told() == ("4", "1", "1 failed message"))  # page and sidebar are told one after the other


def test_a_workspace_made_while_the_welcome_page_is_shown_is_found(qtbot, open_app: Open, tmp_path: Path) -> None:
    desktop = open_app(tmp_path / "later")
    qtbot.waitUntil(lambda: seen(desktop.window, "Try the demo"))

    with Workspace(tmp_path / "later") as workspace:
        workspace.queue("mail").put("x")

    qtbot.waitUntil(lambda: count(desktop, "ready") == "1" and not seen(desktop.window, "Try the demo"))


def test_a_workspace_that_is_removed_and_made_anew_is_noticed(qtbot, open_app: Open, tmp_path: Path) -> None:
    root = tmp_path / "w"
    with Workspace(root) as workspace:
        workspace.queue("mail").put("x")
    desktop = open_app(root)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "1")

    shutil.rmtree(root)
    qtbot.waitUntil(lambda: seen(desktop.window, "Try the demo"))

    with Workspace(root) as workspace:
        workspace.queue("mail").put_many(range(3))
    qtbot.waitUntil(lambda: count(desktop, "ready") == "3")


@pytest.mark.parametrize("bad", BAD_WORKSPACES, ids=lambda bad: bad.name)
def test_a_workspace_that_cannot_be_opened_says_why_and_offers_ways_out(
    qtbot, open_app: Open, tmp_path: Path, bad: BadWorkspace
) -> None:
    root = tmp_path / "bad"
    root.mkdir()
    bad.make(root)
    before = fingerprint(root)

    desktop = open_app(root)

    qtbot.waitUntil(lambda: seen(desktop.window, "This workspace cannot be opened"))
    assert seen(desktop.window, bad.words)
    assert seen(desktop.window, "Try the demo")
    assert seen(desktop.window, "Open a queue file…")
    assert fingerprint(root) == before


def test_another_workspace_takes_the_place_of_the_first(qtbot, open_app: Open, workspace: Workspace, tmp_path) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")
    with Workspace(tmp_path / "other") as other:
        other.queue("code").put("x")

    desktop.grant(Wish(str(tmp_path / "other" / "queue.db")))

    qtbot.waitUntil(lambda: count(desktop, "ready") == "1")
    assert desktop.window.windowTitle() == "PQDesk – other"


def test_an_applications_file_with_queues_in_it(qtbot, open_app: Open, tmp_path: Path) -> None:
    with Queue("mail", database=tmp_path / "shop.sqlite") as queue:
        queue.put("x")
        give_up(queue)
        desktop = open_app(tmp_path / "shop.sqlite")
        qtbot.waitUntil(lambda: count(desktop, "failed") == "1")
        assert desktop.window.windowTitle() == "PQDesk – shop.sqlite"

        desktop.controller._order_asked.emit(Order("retry", Seen({1: State.FAILED})))

        qtbot.waitUntil(lambda: queue.counts().ready == 1)
    assert not (tmp_path / "shop.sqlite-pqdesk" / "supervisor").exists()


def test_an_applications_file_without_queues_is_left_alone(qtbot, open_app: Open, tmp_path: Path) -> None:
    file = tmp_path / "diary.sqlite"
    file.write_text("Dear diary" * 1000)

    desktop = open_app(file)

    qtbot.waitUntil(lambda: seen(desktop.window, "This workspace cannot be opened"))
    assert not desktop.window.workspace_actions["test_message"].isEnabled()
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("diary")] == ["diary.sqlite"]


def action(desktop: Desktop, name: str) -> QAction:
    return next(one.qt for actions in desktop.window.action_sets for one in actions if one.action.name == name)


def test_what_is_unavailable_is_greyed_with_the_reason(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: desktop.controller.status is not None)
    assert not action(desktop, "remove_demo").isEnabled()
    assert "This is not the demo" in action(desktop, "remove_demo").toolTip()
    assert action(desktop, "demo").isEnabled()

    running(desktop, WorkerState.RUNNING)

    assert not action(desktop, "start_all").isEnabled()
    assert "Every worker runs" in action(desktop, "start_all").toolTip()
    assert action(desktop, "stop_all").isEnabled()
    assert action(desktop, "stop_and_quit").isEnabled()


def test_what_is_chosen_on_a_page_is_not_acted_on_from_another(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    desktop.window.go(Route("messages"))
    table = desktop.window.page.table
    qtbot.waitUntil(lambda: table.model().rowCount() == 5)
    table.choose(3)
    assert action(desktop, "delete").isEnabled()

    desktop.window.go(Route("logs"))

    assert not action(desktop, "delete").isEnabled()
    assert "On the page Messages" in action(desktop, "delete").toolTip()
    assert action(desktop, "add_worker").isEnabled()
    desktop.window.go(Route("messages"))
    assert action(desktop, "delete").isEnabled()


def test_no_two_actions_share_a_name_or_a_key_where_both_work(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    entries = [one for actions in desktop.window.action_sets for one in actions]

    for page in {one.page for one in entries if one.page}:
        there = [one.action for one in entries if one.page in ("", page)]
        names, keys = [one.name for one in there], [key for one in there for key in one.keys]
        assert len(names) == len(set(names)), page
        assert len(keys) == len(set(keys)), page


def test_every_action_stands_in_its_menu_and_each_key_in_the_list(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    menus = {one.text(): one.menu() for one in desktop.window.menuBar().actions()}
    assert list(menus) == ["File", "Edit", "View", "Message", "Queue", "Worker", "Help"]

    action(desktop, "keys").trigger()

    listed = " ".join(one.text() for one in desktop.window.findChild(QDialog, "shortcuts_dialog").findChildren(QLabel))
    menus["Tray"] = desktop.tray.menu
    for one in (one for actions in desktop.window.action_sets for one in actions):
        assert one.action.menu is None or one.qt in menus[one.action.menu.value].actions()
        assert all(key in listed for key in one.action.keys)


def test_a_second_start_brings_the_window_back(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    desktop.window.hide()

    desktop.grant(Wish(is_background=True))
    assert not desktop.window.isVisible()

    desktop.grant(Wish())
    assert desktop.window.isVisible()


def test_closing_with_a_tray_hides_and_says_once_that_workers_run_on(
    qtbot, open_app: Open, workspace: Workspace, quits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pqdesk.gui.tray.Tray.is_usable", True)
    told: list[str] = []
    monkeypatch.setattr("pqdesk.gui.tray.Tray.tell", lambda _, text, _route: told.append(text))
    desktop = open_app(workspace.path)

    for _ in range(2):
        desktop.window.close()
        assert not desktop.window.isVisible()
        desktop.window.show()

    assert quits == []
    assert len(told) == 1
    assert "Workers keep running" in told[0]


def running(desktop: Desktop, *states: WorkerState) -> SupervisionStatus:
    status = make_status(*(make_replica(f"w{at}", state) for at, state in enumerate(states)))
    desktop.controller.session.link.status_changed.emit(status)
    return status


def test_closing_without_a_tray_says_so_once_then_quits(qtbot, open_app: Open, workspace: Workspace, quits) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: desktop.controller.status is not None)
    running(desktop, WorkerState.RUNNING)

    desktop.window.close()
    note = desktop.window.findChild(QMessageBox, "quit_note")
    assert note is not None
    assert "Workers keep running" in note.text()
    assert quits == []
    next(one for one in note.buttons() if one.text() == "Quit").click()
    assert quits == [True]


def test_closing_without_a_tray_and_without_workers_just_quits(qtbot, open_app: Open, workspace, quits) -> None:
    desktop = open_app(workspace.path)

    desktop.window.close()

    assert quits == [True]


def test_a_queue_file_is_opened_by_the_dialog(qtbot, open_app: Open, workspace: Workspace, tmp_path: Path) -> None:
    desktop = open_app(tmp_path / "nothing")
    desktop.window.window_actions["open"].trigger()
    dialog = desktop.window.findChild(QFileDialog, "open_dialog")
    assert dialog is not None

    dialog.fileSelected.emit(str(workspace.paths.database))
    dialog.close()

    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")
    assert desktop.window.windowTitle() == "PQDesk – w"


def test_stop_workers_and_quit_names_what_stops(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: desktop.controller.status is not None)
    running(desktop, WorkerState.RUNNING, WorkerState.STOPPED)

    desktop.window.window_actions["stop_and_quit"].trigger()

    dialog = desktop.window.findChild(QMessageBox, "stop_and_quit_dialog")
    assert dialog is not None
    assert "w0" in dialog.informativeText()
    assert "w1" not in dialog.informativeText()
    assert dialog.defaultButton().text() == "Cancel"
    dialog.reject()


def test_undo_takes_back_what_this_person_did_by_whatever_program_and_redo_does_it_again(
    qtbot, open_app: Open, workspace: Workspace
) -> None:
    workspace.delete(1)
    workspace.pause()
    desktop = open_app(workspace.path)
    actions = desktop.window.window_actions
    qtbot.waitUntil(actions["undo"].isEnabled)
    assert "pause" in actions["undo"].toolTip()

    actions["undo"].trigger()
    qtbot.waitUntil(lambda: not any(one.is_paused for one in workspace.queues()))
    actions["undo"].trigger()  # before the window has been told what is the newest now
    qtbot.waitUntil(lambda: workspace.counts().ready == 5)
    qtbot.waitUntil(lambda: not actions["undo"].isEnabled())

    qtbot.waitUntil(actions["redo"].isEnabled)
    actions["redo"].trigger()
    qtbot.waitUntil(lambda: workspace.counts().ready == 4)
    actions["redo"].trigger()
    qtbot.waitUntil(lambda: all(one.is_paused for one in workspace.queues()))


def test_the_toast_takes_back_its_own_order_and_not_a_later_one(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")
    asked = desktop.controller._announcer.order_asked
    asked.emit(Order("delete", Seen({1: State.READY})))
    qtbot.waitUntil(lambda: workspace.counts().ready == 4)
    toast = desktop.window.toast
    qtbot.waitUntil(lambda: seen(toast, "1 message deleted"))
    workspace.delete(2)

    toast.findChild(QPushButton, "toast_undo").click()

    qtbot.waitUntil(lambda: workspace.counts().ready == 4)
    qtbot.waitUntil(lambda: [one.id for one in workspace.messages(state="ready")] == [5, 4, 3, 1])


def test_an_order_that_waits_for_another_program_says_so(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")
    toast = desktop.window.toast

    with workspace.queue("mail").transaction():
        desktop.controller._announcer.order_asked.emit(Order("cancel", Seen({1: State.READY})))
        qtbot.waitUntil(lambda: seen(toast, "Cancel waits: another program holds the queue file, 2 s"), timeout=9_000)

    qtbot.waitUntil(lambda: seen(toast, "1 message cancelled"))


def test_pausing_live_updates_freezes_and_going_on_catches_up(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")
    desktop.window.window_actions["live"].trigger()
    assert seen(desktop.window.header, "Paused")

    workspace.queue("mail").put("x")
    qtbot.waitUntil(lambda: desktop.controller.counts.ready == 6)
    assert count(desktop, "ready") == "5"

    desktop.window.window_actions["live"].trigger()
    qtbot.waitUntil(lambda: count(desktop, "ready") == "6")


def test_the_last_workspace_and_page_are_remembered(qtbot, open_app: Open, workspace: Workspace, settings) -> None:
    desktop = open_app(workspace.path)
    desktop.window.go(Route("messages"))

    desktop.quit()
    desktop.end()

    assert settings.last_workspace == str(workspace.path)
    assert open_app(workspace.path).window.page.title == "Messages"


def test_each_workspace_finds_its_own_view_again(qtbot, open_app: Open, workspace: Workspace, tmp_path: Path) -> None:
    with Workspace(tmp_path / "other") as other:
        other.queue("code").put("x")
    desktop = open_app(workspace.path)
    desktop.window.go(Route("messages", filter='state:ready queue:mail type:"a b"'))

    desktop.grant(Wish(str(tmp_path / "other")))
    assert desktop.window.page.route == Route("overview")

    desktop.window.go(Route("logs"))
    desktop.grant(Wish(str(workspace.path)))
    assert desktop.window.page.route == Route("messages", filter='state:ready queue:mail type:"a b"')
    desktop.grant(Wish(str(tmp_path / "other")))
    assert desktop.window.page.title == "Logs"


def test_columns_panes_and_sizes_are_found_again(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    desktop.window.go(Route("messages"))
    page = desktop.window.page
    queue, key = ([one.key for one in COLUMNS].index(wanted) for wanted in ("queue", "key"))
    page.table.columns.wish(key, True)
    page.table.horizontalHeader().resizeSection(queue, 171)
    page.table.horizontalHeader().moveSection(0, 3)
    splitter = page.findChild(PaneSplitter)
    splitter.moveSplitter(200, 1)
    sizes = splitter.sizes()
    action(desktop, "sidebar").trigger()
    desktop.quit()
    desktop.end()

    again = open_app(workspace.path).window.page

    assert again.table.columns.wishes()[key]
    assert again.table.columnWidth(queue) == 171
    assert again.table.horizontalHeader().visualIndex(0) == 3
    assert again.findChild(PaneSplitter).sizes() == sizes
    assert again.window().sidebar.width() < 100


def test_a_hidden_detail_pane_stays_hidden(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    desktop.window.go(Route("messages"))
    action(desktop, "detail_pane").trigger()
    desktop.quit()
    desktop.end()

    assert not open_app(workspace.path).window.page.detail.isVisible()


def test_what_a_workspace_leaves_may_be_collected_in_any_thread(
    qtbot, open_app: Open, workspace: Workspace, tmp_path: Path
) -> None:
    """A timer that Python drops in another thread than its own crashes the window."""
    desktop = open_app(workspace.path)
    with no_collections():
        for path in (tmp_path / "other", workspace.path) * 2:
            left = desktop.controller._throughput
            desktop.grant(Wish(str(path)))
            qtbot.waitUntil(lambda left=left: not shiboken6.isValid(left))
            collector = threading.Thread(target=gc.collect)
            collector.start()
            collector.join()
            qtbot.waitUntil(lambda: desktop.controller.status is not None)


@contextmanager
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_another_start_can_name_a_page_and_a_filter(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)

    desktop.grant(Wish(route=Route("messages", filter="state:failed")))
    assert desktop.window.page.route == Route("messages", filter="state:failed")

    desktop.grant(Wish(route=Route("nonsense")))
    assert desktop.window.page.title == "Overview"


def test_the_log_goes_to_the_workspace_when_it_is_there(qtbot, open_app: Open, workspace: Workspace) -> None:
    open_app(workspace.path)
    log = workspace.path / "logs" / "pqdesk.log"
    log.parent.mkdir(exist_ok=True)

    logging.getLogger("pqdesk.gui").warning("something odd")

    qtbot.waitUntil(lambda: log.exists() and "something odd" in log.read_text())


def test_everything_that_takes_the_focus_has_a_name(qtbot, open_app: Open, workspace: Workspace) -> None:
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: count(desktop, "ready") == "5")
    running(desktop, WorkerState.RUNNING, WorkerState.CRASH_LOOPING)

    nameless = []
    for title in ("Overview", "Messages", "Workers", "Logs"):
        desktop.window.go(Route(title.lower()))
        for widget in desktop.window.findChildren(QWidget):
            takes_focus = widget.focusPolicy() is not Qt.FocusPolicy.NoFocus and widget.isVisible()
            text = getattr(widget, "text", "")
            name = widget.accessibleName() or (text() if callable(text) else "")
            if takes_focus and not name and not widget.objectName().startswith("qt_"):
                nameless.append(f"{title}: {type(widget).__name__} #{widget.objectName()}")
    assert nameless == []


def test_schedules_are_run_paused_removed_and_brought_back(qtbot, open_app: Open, workspace: Workspace) -> None:
    workspace.add_schedule("daily", "mail", "x", cron="0 8 * * *")
    desktop = open_app(workspace.path)
    qtbot.waitUntil(lambda: action(desktop, "schedules").isEnabled())

    def choose(deed: str) -> None:
        """In the palette, as soon as it is offered."""
        found = lambda: [one for one in desktop.window.commands("") if one.text == f"Schedules: daily: {deed}"]  # noqa: E731
        qtbot.waitUntil(lambda: bool(found()))
        found()[0].run()

    choose("Run now")
    qtbot.waitUntil(lambda: count(desktop, "ready") == "6")
    choose("Pause")
    choose("Resume")
    qtbot.waitUntil(lambda: workspace.schedules()[0].is_enabled)
    choose("Remove")
    qtbot.waitUntil(lambda: not workspace.schedules() and action(desktop, "undo").isEnabled())
    action(desktop, "undo").trigger()
    qtbot.waitUntil(lambda: [one.name for one in workspace.schedules()] == ["daily"])
