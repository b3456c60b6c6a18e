"""The messages page over a real queue file."""

from __future__ import annotations

import shutil
import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QWidget,
)

from pqdesk import Workspace
from pqdesk.clock import SystemClock
from pqdesk.errors import Corrupt, WorkspaceError
from pqdesk.gui.pages.messages.columns import COLUMNS
from pqdesk.gui.pages.messages.detail_pane import DetailPane
from pqdesk.gui.pages.messages.message_table import make_model
from pqdesk.gui.pages.messages.messages_page import MessagesPage
from pqdesk.gui.pages.messages.row_window import GONE_STAYS_MS
from pqdesk.gui.palette import Role
from pqdesk.gui.shell.routes import Route
from pqdesk.gui.theme import ThemeChoice
from pqdesk.gui.threads.actor import Actor
from pqdesk.gui.threads.orders import Matching, Order, Seen
from pqdesk.gui.threads.reader import Reader
from pqdesk.messages.records import MessageDetail
from pqdesk.messages.states import State
from pqdesk.storage.sqlite.inspection import SqliteInspection
from tests.gui.fakes import NOW, make_detail, make_record, said
from tests.gui.message_files import MessageFile, make_messages


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """1,500 completed messages, to be copied."""
    root = tmp_path_factory.mktemp("template") / "w"
    make_messages(root, 1500)
    return root


@pytest.fixture
def file(qapp, template, tmp_path):
    shutil.copytree(template, tmp_path / "w")
    file = MessageFile(tmp_path / "w")
    yield file
    file.close()


@pytest.fixture
def page(qtbot, file, theme, clock):
    clock.advance(SystemClock().wall_us() / 1e6 - clock.wall_us() / 1e6)
    page = MessagesPage(file.reader, file.actor, theme, clock)
    qtbot.addWidget(page)
    page.resize(1060, 700)
    page.show()
    qtbot.waitExposed(page)
    page.set_live(True)
    file.tell()
    wait_rows(qtbot, page)
    settle(qtbot, page)
    return page


def wait_rows(qtbot, page):
    qtbot.waitUntil(lambda: not page.controller._loader.is_loading and not is_asking(page))


def is_asking(page):
    return page.controller._loader._question is not None


def settle(qtbot, page):
    qtbot.waitUntil(lambda: not is_asking(page))


def ids_of(page):
    model = page.table.model()
    return [model.row_at(at).id for at in range(model.rowCount())]


def child(page, kind, name):
    found = page.findChild(kind, name)
    assert found is not None, name
    return found


def button(page, name):
    return child(page, QPushButton, f"{name}_button")


def top_id(page):
    return page.table.model().row_at(page.table.verticalScrollBar().value()).id


def test_shows_the_newest_first_and_says_how_many(page):
    assert ids_of(page)[:3] == [1500, 1499, 1498]
    assert page.footer.text().startswith("Rows 1–500 of 1,500, newest ")


def test_looks_follow_the_theme_from_one_style_sheet(qtbot, page, theme):
    page.pill.show_held(3, is_more=False)
    field = child(page, QLineEdit, "filterField")
    field.setText("age:soon")
    qtbot.waitUntil(lambda: page.findChild(QLabel, "filter_mistake") is not None)  # its parent is the page while shown
    mistake = child(page, QLabel, "filter_mistake")
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    for choice, shade in ((ThemeChoice.DARK, "dark"), (ThemeChoice.LIGHT, "light")):
        theme.choose(choice)
        for widget, at, role in (
            (page.pill, QPoint(page.pill.width() // 2, 3), Role.ACCENT),
            (mistake, QPoint(mistake.width() // 2, 0), Role.ERROR),
            (field, QPoint(field.width() // 2, 0), Role.ERROR),
            (page.detail, QPoint(2, 2), Role.BASE),
        ):
            assert widget.grab().toImage().pixelColor(at).name() == QColor(getattr(role, shade)).name(), widget
    assert not [one for one in page.findChildren(QWidget) if one.styleSheet()]


def test_new_rows_come_in_at_the_top(qtbot, page, file):
    file.put(2)
    settle(qtbot, page)

    assert ids_of(page)[:2] == [1502, 1501]
    assert page.pill.isHidden()


def test_new_rows_are_held_while_something_is_selected(qtbot, page, file):
    page.table.choose(1499)

    file.put(128)
    settle(qtbot, page)

    assert ids_of(page)[0] == 1500
    assert page.pill.text() == "▲ 128 new"
    qtbot.mouseClick(page.pill, Qt.MouseButton.LeftButton)
    settle(qtbot, page)
    assert ids_of(page)[0] == 1628
    assert page.pill.isHidden()
    assert set(page.table.selected.records) == {1499}


def test_clearing_the_selection_takes_the_held_rows_in(qtbot, page, file):
    page.table.choose(1499)
    file.put()
    settle(qtbot, page)

    page.table.selected.clear()
    settle(qtbot, page)

    assert ids_of(page)[0] == 1501


def test_new_rows_are_held_while_scrolled_down_and_nothing_moves(qtbot, page, file):
    page.table.verticalScrollBar().setValue(40)
    before = top_id(page)

    for _ in range(19):
        file.put()
        settle(qtbot, page)

    assert top_id(page) == before
    assert page.pill.text() == "▲ 19 new"
    qtbot.keyClick(page.table, Qt.Key.Key_Home)
    settle(qtbot, page)
    assert ids_of(page)[0] == 1519
    assert page.table.is_at_top


def test_rows_in_sight_are_updated_in_place(qtbot, page, file):
    page.table.choose(1499)

    file.turn(State.FAILED, 1498)
    settle(qtbot, page)

    assert page.table.model().row_at(2).record.state is State.FAILED
    assert ids_of(page)[:3] == [1500, 1499, 1498]


def test_scrolling_down_loads_older_rows_without_moving_what_is_seen(qtbot, page):
    while ids_of(page)[-1] != 1:
        page.table.verticalScrollBar().setValue(page.table.verticalScrollBar().maximum() - 20)
        before = top_id(page)
        settle(qtbot, page)
        assert top_id(page) == before

    assert ids_of(page) == list(range(1500, 0, -1))


def test_a_window_of_many_rows_stays_small_and_goes_both_ways(qtbot, page, file):
    file.put(7500)
    settle(qtbot, page)
    bar = page.table.verticalScrollBar()
    for _ in range(30):
        bar.setValue(bar.maximum())
        settle(qtbot, page)
    assert ids_of(page)[-1] == 1
    assert len(ids_of(page)) <= 4000
    for _ in range(30):
        bar.setValue(0)
        settle(qtbot, page)

    assert ids_of(page)[0] == 9000
    assert ids_of(page) == sorted(set(ids_of(page)), reverse=True)


def test_the_state_filter_asks_for_that_state(qtbot, page, file):
    file.turn(State.FAILED, 7, 9)

    child(page, QComboBox, "stateFilter").setCurrentText("Failed")
    wait_rows(qtbot, page)

    assert ids_of(page) == [9, 7]


def test_the_filter_field_takes_terms_and_text(qtbot, page, file):
    file.turn(State.FAILED, 7, error="needle in it")
    file.workspace.move(8, to="other")
    field = child(page, QLineEdit, "filterField")
    assert field.accessibleName() == "Filter"

    qtbot.keyClicks(field, "state:failed needle")
    qtbot.waitUntil(lambda: ids_of(page) == [7])

    assert not child(page, QComboBox, "stateFilter").isEnabled()
    field.clear()
    qtbot.keyClicks(field, "queue:other")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: ids_of(page) == [8])


def test_a_wrong_term_keeps_the_rows_and_says_what_is_wrong(qtbot, page):
    field = child(page, QLineEdit, "filterField")
    before = ids_of(page)

    qtbot.keyClicks(field, "state:faild")
    qtbot.keyClick(field, Qt.Key.Key_Return)

    assert ids_of(page) == before
    assert "there is no state 'faild'" in field.accessibleDescription()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""
    assert "no state" not in field.accessibleDescription()


def test_links_from_elsewhere_set_the_filter(qtbot, page, file):
    file.turn(State.FAILED, 5, 6)
    file.workspace.move(5, to="data")
    child(page, QLineEdit, "filterField").setText("text")

    page.go(Route("messages", filter="state:failed queue:data"))
    wait_rows(qtbot, page)

    assert ids_of(page) == [5]
    assert child(page, QComboBox, "queueFilter").currentText() == "data"


def test_a_message_that_no_longer_matches_stays_for_a_while_and_tells_what_became_of_it(qtbot, page, file, clock):
    file.turn(State.FAILED, 5, 6)
    page.go(Route("messages", filter="state:failed"))
    wait_rows(qtbot, page)
    page.table.choose(6)

    file.turn(State.RUNNING, 6)
    settle(qtbot, page)
    file.reader.changed.emit()
    settle(qtbot, page)

    row = page.table.model().row_at(0)
    assert (row.id, row.record.state, row.gone_ms is not None) == (6, State.RUNNING, True)
    clock.advance(GONE_STAYS_MS / 1000)
    page.controller._loader._on_tick()
    assert ids_of(page) == [5]


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("failed", "No failed messages. Good."),
        ("running", "No running messages"),
    ],
)
def test_an_empty_view_says_why(qtbot, page, state, title):
    page.go(Route("messages", filter=f"state:{state}"))
    wait_rows(qtbot, page)

    assert page.empty.isVisible()
    assert said(page, "messages_empty_title") == title


def test_a_filter_without_a_match_can_be_cleared(qtbot, page):
    child(page, QLineEdit, "filterField").setText("no such text")
    qtbot.keyClick(child(page, QLineEdit, "filterField"), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.empty.isVisible())
    assert said(page, "messages_empty_title") == "No match for this filter"

    qtbot.mouseClick(child(page, QPushButton, "messages_empty_button"), Qt.MouseButton.LeftButton)
    wait_rows(qtbot, page)

    assert len(ids_of(page)) == 500
    assert not page.empty.isVisible()


def test_without_messages_it_says_so(qtbot, tmp_path, theme, clock):
    reader = Reader(lambda: None)
    page = MessagesPage(reader, Actor(lambda: Workspace(tmp_path / "w")), theme, clock)
    qtbot.addWidget(page)
    page.show()
    page.set_live(True)
    reader.poll()

    assert said(page, "messages_empty_title") == "There are no messages yet"


def test_buttons_work_on_what_qualifies(qtbot, page, file):
    file.turn(State.RUNNING, 1498)
    file.turn(State.FAILED, 1499)
    settle(qtbot, page)
    for name in ("retry", "run_again", "delete", "run_now", "cancel"):
        assert not button(page, name).isEnabled()
        assert "Select messages" in button(page, name).toolTip()

    page.table.choose(1498)
    flags = page.table.selectionModel().SelectionFlag
    for position in (0, 1):
        page.table.selectionModel().select(page.table.model().index(position, 0), flags.Select | flags.Rows)

    assert button(page, "delete").text() == "Delete 2"
    assert button(page, "delete").accessibleName() == "Delete"
    assert button(page, "delete").accessibleDescription() == "Delete 2 messages"
    assert button(page, "retry").text() == "Retry"
    assert button(page, "cancel").text() == "Cancel"
    assert not button(page, "run_now").isEnabled()
    assert "Only scheduled" in button(page, "run_now").toolTip()
    qtbot.mouseClick(button(page, "retry"), Qt.MouseButton.LeftButton)
    assert file.orders[-1] == Order("retry", Seen({1499: State.FAILED}))
    qtbot.mouseClick(button(page, "run_again"), Qt.MouseButton.LeftButton)
    assert file.orders[-1] == Order("run_again", Seen({1500: State.COMPLETED}))
    assert [one.outcome.done for one in file.done] == [1, 1]


def test_what_leaves_the_list_leaves_the_selection(qtbot, page, file, clock):
    """After a bulk retry: what is not on the screen any more is not there to be deleted either."""
    file.turn(State.FAILED, *range(1000, 1400))
    child(page, QComboBox, "stateFilter").setCurrentText("Failed")
    wait_rows(qtbot, page)
    page.table.selectAll()
    assert len(page.table.selected.records) == 400

    file.turn(State.READY, *range(1000, 1399))
    settle(qtbot, page)
    qtbot.waitUntil(lambda: len(page.table.selected.records) <= 201)  # those still shown, as gone, and the one failed
    clock.advance(GONE_STAYS_MS / 1000 + 1)

    qtbot.waitUntil(lambda: set(page.table.selected.records) == {1399})
    assert ids_of(page) == [1399]


def test_rows_stay_under_a_pointer_that_is_about_to_click(qtbot, page, file, monkeypatch):
    table = page.table
    monkeypatch.setattr(table.viewport(), "underMouse", lambda: True)
    qtbot.mouseMove(table.viewport(), table.visualRect(table.model().index(3, 0)).center())
    before = ids_of(page)[:5]

    file.put()
    settle(qtbot, page)
    assert ids_of(page)[:5] == before
    assert page.pill.isVisible()

    table._pointed.invalidate()  # two seconds later
    qtbot.waitUntil(lambda: ids_of(page)[0] == 1501)


def test_rows_that_no_longer_match_stay_under_a_pointer_that_aims(qtbot, page, file, clock, monkeypatch):
    file.turn(State.FAILED, 5, 6, 7)
    page.go(Route("messages", filter="state:failed"))
    wait_rows(qtbot, page)
    table = page.table
    monkeypatch.setattr(table.viewport(), "underMouse", lambda: True)
    qtbot.mouseMove(table.viewport(), table.visualRect(table.model().index(1, 0)).center())
    file.turn(State.READY, 7)
    settle(qtbot, page)

    clock.advance(GONE_STAYS_MS / 1000 + 1)
    page.controller._loader._on_tick()
    assert ids_of(page) == [7, 6, 5]

    table._pointed.invalidate()  # two seconds later
    page.controller._loader._on_tick()
    assert ids_of(page) == [6, 5]


def test_a_filter_of_other_messages_shows_them_from_the_top(qtbot, page, file):
    file.put(1000)
    settle(qtbot, page)
    page.table.verticalScrollBar().setValue(200)

    page.go(Route("messages", filter="state:completed"))
    wait_rows(qtbot, page)

    assert ids_of(page)[0] == 1500
    assert page.table.is_at_top


def test_delete_key_deletes_and_the_rows_go_at_once(qtbot, page, file):
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    page.table.setFocus()
    page.table.choose(1499)

    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert file.orders == [Order("delete", Seen({1499: State.COMPLETED}))]

    assert 1499 not in ids_of(page)
    assert not page.table.selected.records
    settle(qtbot, page)
    assert page.table.model().row_at(0).gone_ms is None


def test_while_not_live_nothing_is_asked(qtbot, page, file, monkeypatch):
    page.set_live(False)
    asked = []
    monkeypatch.setattr(file.reader, "ask", lambda *question: asked.append(question) or 0)

    file.put()

    assert asked == []
    monkeypatch.undo()
    page.set_live(True)
    settle(qtbot, page)
    assert ids_of(page)[0] == 1501


def test_another_filter_while_nothing_is_live_shows_its_rows_as_they_are_now(qtbot, page, file):
    page.set_live(False)
    file.turn(State.FAILED, 7)

    page.go(Route("messages", filter="state:failed"))

    qtbot.waitUntil(lambda: ids_of(page) == [7])
    assert page.footer.text().startswith("Rows 1–1")


def test_what_is_chosen_while_nothing_is_live_is_shown(qtbot, page):
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)
    page.set_live(False)

    page.table.choose(1498)

    qtbot.waitUntil(lambda: page.detail.shown_id == 1498)


@pytest.mark.parametrize("error", [WorkspaceError("cannot read: disk gone"), RuntimeError("cannot read: disk gone")])
def test_a_failure_keeps_the_rows_and_is_told(qtbot, page, file, monkeypatch, error):
    before = ids_of(page)

    def fail(*_):
        raise error

    monkeypatch.setattr(SqliteInspection, "page", fail)
    file.reader.changed.emit()
    qtbot.waitUntil(lambda: page.footer.text() == "cannot read: disk gone")

    assert ids_of(page) == before
    monkeypatch.undo()
    file.reader.changed.emit()
    settle(qtbot, page)
    assert page.footer.text().startswith("Rows 1–500")


def test_the_detail_pane_follows_the_chosen_row(qtbot, page, file):
    detail = child(page, QTabWidget, "detail_tabs")
    assert not detail.isVisible()

    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    assert detail.isVisible()
    assert said(page, "detail_title") == "Message 1499 · files.count"
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1498)


def test_choosing_the_first_row_shows_it(qtbot, page):
    rect = page.table.visualRect(page.table.model().index(0, 1))

    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())

    qtbot.waitUntil(lambda: page.detail.shown_id == 1500)


def test_the_payload_is_shown_as_it_is(qtbot, page, file):
    file.workspace.edit(1499, {"n": 12345678901234567890, "html": "<b>&amp;</b>", "x": 0.1})
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    page.detail._tabs.setCurrentIndex(1)

    shown = page.detail._payload._editor.toPlainText()
    assert shown == '{\n  "n": 12345678901234567890,\n  "html": "<b>&amp;</b>",\n  "x": 0.1\n}'


def test_a_huge_payload_comes_in_parts(qtbot, page, file):
    text = "x" * 3_000_000
    file.workspace.edit(1499, text)
    page.detail._tabs.setCurrentIndex(1)
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)
    pane = page.detail._payload
    assert len(pane._editor.toPlainText()) < 200_000
    assert pane._load.text() == "Load all 2.9 MiB"

    with qtbot.waitSignal(pane.loaded_all, timeout=30_000):
        qtbot.mouseClick(pane._load, Qt.MouseButton.LeftButton)

    assert pane._editor.toPlainText().replace("\n", "") == text


@pytest.mark.parametrize(
    "text",
    ["1" + "7" * 1_500_000, '{"n": -1%s, "e": 1e400000}' % ("7" * 1_500_000), '{"%s": 1}' % ("k" * 1_500_000)],
    ids=["integer", "within", "key"],
)
def test_numbers_and_keys_of_any_size_are_shown_without_standing_still(qtbot, page, file, text):
    """As a file of an older version may hold them: none is put any more."""
    with file.workspace.store._engine.writing() as db:
        db.execute("UPDATE pqdesk_message SET payload = ? WHERE id = 1499", (text.encode(),))
    page.detail._tabs.setCurrentIndex(1)
    page.table.choose(1499)
    spent_s = []

    def is_shown():
        began_s = time.thread_time()
        qtbot.wait(1)
        spent_s.append(time.thread_time() - began_s)
        return page.detail.shown_id == 1499

    qtbot.waitUntil(is_shown, timeout=20_000)

    assert ("7" * 1000 in page.detail._payload._editor.toPlainText()) or "k" * 1000 in (
        page.detail._payload._editor.toPlainText()
    )
    assert max(spent_s) < 0.5
    page.detail._payload._on_copy()
    qtbot.waitUntil(lambda: len(QGuiApplication.clipboard().text()) > 1_500_000)


def test_attempts_are_listed_newest_first(qtbot, page, file):
    (message_id,) = file.put(max_attempts=3)
    for one in (1, 2, 3):
        file.queue.get(id=message_id, timeout=5).nack(f"Traceback…\nError {one}", delay=0)
    settle(qtbot, page)
    page.detail._tabs.setCurrentIndex(2)
    page.table.choose(message_id)
    qtbot.waitUntil(lambda: page.detail.shown_id == message_id)

    table = page.detail._attempts._table
    assert [table.model().index(row, 0).data() for row in range(3)] == ["3", "2", "1"]
    assert page.detail._attempts._trace._editor.toPlainText() == "Traceback…\nError 3"


@pytest.mark.parametrize("error", [Corrupt("message 1498 is damaged: its error"), ZeroDivisionError("1498")])
def test_a_message_that_cannot_be_read_is_named_in_place_of_the_one_before(qtbot, page, monkeypatch, error):
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)
    read = SqliteInspection.message

    def refuse(look, message_id):
        if message_id == 1498:
            raise error
        return read(look, message_id)

    monkeypatch.setattr(SqliteInspection, "message", refuse)
    page.table.choose(1498)
    qtbot.waitUntil(lambda: page.detail.shown_id is None)

    assert said(page, "detail_empty_title") == "Message 1498 cannot be shown"
    assert "1498" in said(page, "detail_empty_text")
    page.table.choose(1497)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1497)
    assert not child(page, QWidget, "detail_empty").isVisible()


def test_a_deleted_message_leaves_the_pane_and_comes_back_by_undo(qtbot, page, file):
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    file.workspace.delete(1499)
    file.tell()
    qtbot.waitUntil(lambda: page.detail.shown_id is None)

    assert said(page, "detail_empty_title") == "Message 1499 is in the trash"
    file.workspace.undo()
    file.tell()
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)


@pytest.mark.parametrize(
    ("text", "is_shown"), [("id:1499", True), ("state:completed", True), ("id:7", False), ("state:failed", False)]
)
def test_a_filter_leaves_in_the_pane_what_it_matches(qtbot, page, text, is_shown):
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    page.filter_bar.show_filter(None, None, text)
    wait_rows(qtbot, page)
    qtbot.wait(20)

    qtbot.waitUntil(lambda: (page.detail.shown_id == 1499) is is_shown)


def test_what_no_longer_matches_leaves_the_pane_with_its_row(qtbot, page, file, clock):
    file.turn(State.FAILED, 5, 6)
    page.go(Route("messages", filter="state:failed"))
    wait_rows(qtbot, page)
    page.table.choose(6)
    qtbot.waitUntil(lambda: page.detail.shown_id == 6)

    file.turn(State.COMPLETED, 6)
    settle(qtbot, page)
    assert page.detail.shown_id == 6  # as its row is, still
    clock.advance(GONE_STAYS_MS / 1000 + 1)

    qtbot.waitUntil(lambda: page.detail.shown_id is None)
    assert said(page, "detail_empty_title") == "No message selected"


def test_select_all_says_how_many_more_match_and_takes_them_frozen_at_the_highest_id(qtbot, page, file):
    file.turn(State.FAILED, 1, 1500)
    settle(qtbot, page)
    page.table.selectAll()
    qtbot.waitUntil(lambda: said(page, "selection_text") == "500 of 1,500 selected")
    link = child(page, QPushButton, "select_all_matching")
    assert link.text() == "Select all 1,500 that match"

    file.put(3)  # after the choice was made
    settle(qtbot, page)
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert said(page, "selection_text") == "All 1,500 that match are selected"
    assert (button(page, "delete").text(), button(page, "retry").text()) == ("Delete 1,500", "Retry 2")
    assert link.isHidden()
    qtbot.mouseClick(button(page, "retry"), Qt.MouseButton.LeftButton)

    assert isinstance(file.orders[-1].target, Matching)
    assert (file.done[-1].error, file.done[-1].outcome.done) == (None, 2)
    assert file.workspace.counts().completed == 1498
    settle(qtbot, page)
    wait_rows(qtbot, page)
    assert said(page, "selection_text") == "Nothing selected"

    page.table.selectAll()
    qtbot.waitUntil(lambda: said(page, "selection_text") == "500 of 1,503 selected")
    file.put()
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(button(page, "delete"), Qt.MouseButton.LeftButton)
    assert file.workspace.counts().total == 1
    file.workspace.undo()
    assert file.workspace.counts().total == 1504


def test_select_all_goes_by_the_filter(qtbot, page, file):
    file.put(700, type="mail")
    settle(qtbot, page)
    page.filter_bar.show_filter(State.READY, "code", "type:mail")
    wait_rows(qtbot, page)
    page.table.selectAll()
    link = child(page, QPushButton, "select_all_matching")
    qtbot.waitUntil(lambda: link.text() == "Select all 700 that match")

    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(button(page, "cancel"), Qt.MouseButton.LeftButton)

    assert file.workspace.counts().cancelled == 700
    assert file.workspace.activity()[0].command == "pqdesk cancel --queue code --where type:mail --state ready"


def test_more_than_a_walk_would_count_are_counted_by_the_counters(qtbot, page, file, monkeypatch):
    monkeypatch.setattr(SqliteInspection, "count_part", lambda *_: pytest.fail("walked through the table"))
    page.filter_bar.show_filter(State.COMPLETED, "code")
    wait_rows(qtbot, page)

    page.table.selectAll()

    qtbot.waitUntil(lambda: said(page, "selection_text") == "500 of 1,500 selected")


@pytest.mark.parametrize(("text", "footer"), [("queue:code", "of 1,500"), ("attempts:>0", "Rows 1–500,")])
def test_the_footer_says_how_many_match_where_the_counters_know(qtbot, page, text, footer):
    page.filter_bar.show_filter(None, None, text)
    wait_rows(qtbot, page)

    assert footer in page.footer.text()


def test_where_all_rows_are_loaded_there_is_nothing_more_to_select(qtbot, page, file):
    page.filter_bar.show_filter(None, None, "id:1,2,3")
    wait_rows(qtbot, page)

    page.table.selectAll()
    settle(qtbot, page)

    assert said(page, "selection_text") == "3 selected"
    assert child(page, QPushButton, "select_all_matching").isHidden()


def test_more_than_ten_thousand_are_deleted_only_when_asked(qtbot, page, file):
    file.put(9000)
    settle(qtbot, page)
    qtbot.mouseClick(page.pill, Qt.MouseButton.LeftButton) if page.pill.isVisible() else None
    wait_rows(qtbot, page)
    page.table.selectAll()
    link = child(page, QPushButton, "select_all_matching")
    qtbot.waitUntil(link.isVisible)
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)

    qtbot.mouseClick(button(page, "delete"), Qt.MouseButton.LeftButton)

    dialog = child(page.window(), QMessageBox, "delete_matching_dialog")
    assert "10,500" in dialog.text()
    assert file.orders == []
    dialog.reject()


def test_every_control_that_takes_the_focus_has_a_name(qtbot, page):
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    nameless = [
        one
        for one in page.findChildren(QWidget)
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus
        and one.isVisible()
        and not one.accessibleName()
        and not (isinstance(one, QPushButton) and one.text())
    ]

    assert [repr(one) for one in nameless] == []


def test_secrets_are_hidden_until_they_are_asked_for_and_for_that_message_alone(qtbot, theme) -> None:
    pane = DetailPane(theme)
    qtbot.addWidget(pane)
    tabs, button = child(pane, QTabWidget, "detail_tabs"), child(pane, QPushButton, "show_secrets")

    def shown() -> str:
        texts = []
        for index in range(tabs.count()):
            tabs.setCurrentIndex(index)
            texts += [one.toPlainText() for one in tabs.widget(index).findChildren(QPlainTextEdit)]
            texts += [one.text() for one in tabs.widget(index).findChildren(QLabel)]
        return "\n".join(texts)

    def detail(message_id: int) -> MessageDetail:
        payload = {"to": "ada", "password": "hunter2", "deep": [{"apiKey": ["hunter2"]}]}
        return make_detail(make_record(message_id), payload, headers={"Token": "hunter2"})

    pane.show_detail(detail(1), (), NOW)
    assert "ada" in shown()
    assert "hunter2" not in shown()

    button.click()
    assert "hunter2" in shown()

    pane.show_detail(detail(2), (), NOW)
    assert "hunter2" not in shown()


def test_a_preview_in_the_table_hides_secrets(qapp) -> None:
    model = make_model(NOW)
    model.show_records([make_record(1, payload_preview='{"to": "ada", "token": "hunter2 and m')])
    payload = model.index(0, [one.key for one in COLUMNS].index("payload"))
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole)

    said = [payload.data(role) for role in roles]

    assert not [text for text in said if "hunter2" in text]
    assert "ada" in said[0]
