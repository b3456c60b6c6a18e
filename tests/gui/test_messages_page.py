"""The messages page over a reader that answers from memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QTabWidget, QWidget

from pqdesk.clock import from_datetime
from pqdesk.errors import WorkspaceError
from pqdesk.gui.pages.messages.columns import COLUMNS, Column, phrase
from pqdesk.gui.pages.messages.detail_pane import DetailPane
from pqdesk.gui.pages.messages.messages_page import MessagesPage
from pqdesk.gui.pages.messages.row_window import GONE_STAYS_MS
from pqdesk.messages.records import AttemptRecord, MessageDetail
from pqdesk.messages.states import AttemptOutcome, State
from tests.gui.fake_threads import FakeActor, FakeReader
from tests.gui.fakes import NOW, make_detail, make_record


@pytest.fixture
def reader():
    return FakeReader(make_record(one) for one in range(1, 1501))


@pytest.fixture
def actor():
    return FakeActor()


@pytest.fixture
def page(qtbot, reader, actor, theme, clock):
    clock.advance(from_datetime(NOW) / 1e6 - clock.wall_us() / 1e6)
    page = MessagesPage(reader, actor, theme, clock)
    qtbot.addWidget(page)
    page.resize(1060, 700)
    page.show()
    qtbot.waitExposed(page)
    page.set_live(True)
    reader.tell_counts()
    wait_rows(qtbot, page)
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


def test_new_rows_come_in_at_the_top(qtbot, page, reader):
    reader.put(make_record(1501), make_record(1502))
    settle(qtbot, page)

    assert ids_of(page)[:2] == [1502, 1501]
    assert page.pill.isHidden()


def test_new_rows_are_held_while_something_is_selected(qtbot, page, reader):
    page.table.choose(1499)

    reader.put(*[make_record(one) for one in range(1501, 1629)])
    settle(qtbot, page)

    assert ids_of(page)[0] == 1500
    assert page.pill.text() == "▲ 128 new"
    qtbot.mouseClick(page.pill, Qt.MouseButton.LeftButton)
    settle(qtbot, page)
    assert ids_of(page)[0] == 1628
    assert page.pill.isHidden()
    assert set(page.table.selected.states) == {1499}


def test_clearing_the_selection_takes_the_held_rows_in(qtbot, page, reader):
    page.table.choose(1499)
    reader.put(make_record(1501))
    settle(qtbot, page)

    page.table.selected.clear()
    settle(qtbot, page)

    assert ids_of(page)[0] == 1501


def test_new_rows_are_held_while_scrolled_down_and_nothing_moves(qtbot, page, reader):
    page.table.verticalScrollBar().setValue(40)
    before = top_id(page)

    for one in range(1501, 1520):
        reader.put(make_record(one))
        settle(qtbot, page)

    assert top_id(page) == before
    assert page.pill.text() == "▲ 19 new"
    qtbot.keyClick(page.table, Qt.Key.Key_Home)
    settle(qtbot, page)
    assert ids_of(page)[0] == 1519
    assert page.table.is_at_top


def test_rows_in_sight_are_updated_in_place(qtbot, page, reader):
    page.table.choose(1499)

    reader.put(make_record(1498, State.FAILED, error="no"))
    settle(qtbot, page)

    assert page.table.model().row_at(2).state is State.FAILED
    assert ids_of(page)[:3] == [1500, 1499, 1498]


def test_scrolling_down_loads_older_rows_without_moving_what_is_seen(qtbot, page):
    while ids_of(page)[-1] != 1:
        page.table.verticalScrollBar().setValue(page.table.verticalScrollBar().maximum() - 20)
        before = top_id(page)
        settle(qtbot, page)
        assert top_id(page) == before

    assert ids_of(page) == list(range(1500, 0, -1))


def test_a_window_of_many_rows_stays_small_and_goes_both_ways(qtbot, page, reader):
    reader.put(*[make_record(one) for one in range(1501, 9001)])
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


def test_the_state_filter_asks_for_that_state(qtbot, page, reader):
    reader.put(make_record(7, State.FAILED, error="x"), make_record(9, State.FAILED, error="y"))

    child(page, QComboBox, "stateFilter").setCurrentText("Failed")
    wait_rows(qtbot, page)

    assert ids_of(page) == [9, 7]


def test_the_filter_field_takes_terms_and_text(qtbot, page, reader):
    reader.put(make_record(7, State.FAILED, error="needle in it"), make_record(8, State.READY, queue="other"))
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


def test_links_from_elsewhere_set_the_filter(qtbot, page, reader):
    reader.put(make_record(5, State.FAILED, queue="data", error="x"), make_record(6, State.FAILED, error="x"))
    child(page, QLineEdit, "filterField").setText("text")

    page.show_filter("failed", "data")
    wait_rows(qtbot, page)

    assert ids_of(page) == [5]
    assert child(page, QComboBox, "queueFilter").currentText() == "data"


def test_a_message_that_no_longer_matches_stays_for_a_while_and_tells_what_became_of_it(qtbot, page, reader, clock):
    reader.put(make_record(5, State.FAILED, error="x"), make_record(6, State.FAILED, error="x"))
    page.show_filter("failed", None)
    wait_rows(qtbot, page)
    page.table.choose(6)

    reader.put(make_record(6, State.RUNNING))
    settle(qtbot, page)
    reader.changed.emit()
    settle(qtbot, page)

    row = page.table.model().row_at(0)
    assert (row.id, row.state, row.gone_ms is not None) == (6, State.RUNNING, True)
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
    page.show_filter(state, None)
    wait_rows(qtbot, page)

    assert page.empty.isVisible()
    assert page.empty._title.text() == title


def test_a_filter_without_a_match_can_be_cleared(qtbot, page):
    child(page, QLineEdit, "filterField").setText("no such text")
    qtbot.keyClick(child(page, QLineEdit, "filterField"), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.empty.isVisible())
    assert page.empty._title.text() == "No match for this filter"

    qtbot.mouseClick(child(page, QPushButton, "messages_empty_button"), Qt.MouseButton.LeftButton)
    wait_rows(qtbot, page)

    assert len(ids_of(page)) == 500
    assert not page.empty.isVisible()


def test_without_messages_it_says_so(qtbot, actor, theme, clock):
    reader = FakeReader()
    page = MessagesPage(reader, actor, theme, clock)
    qtbot.addWidget(page)
    page.show()
    page.set_live(True)
    reader.counts_loaded.emit(())

    assert page.empty._title.text() == "There are no messages yet"


def test_buttons_work_on_what_qualifies(qtbot, page, reader, actor):
    reader.put(make_record(1498, State.RUNNING), make_record(1499, State.FAILED, error="x"))
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
    assert actor.asked[-1] == ("retry", (1499,))
    assert actor.seen[-1] == {1499: State.FAILED}
    qtbot.mouseClick(button(page, "run_again"), Qt.MouseButton.LeftButton)
    assert actor.asked[-1] == ("run_again", (1500,))
    assert actor.seen[-1] == {1500: State.COMPLETED}


def test_what_leaves_the_list_leaves_the_selection(qtbot, page, reader, clock):
    """After a bulk retry: what is not on the screen any more is not there to be deleted either."""
    reader.put(*(make_record(one, State.FAILED, error="x") for one in range(1000, 1400)))
    child(page, QComboBox, "stateFilter").setCurrentText("Failed")
    wait_rows(qtbot, page)
    page.table.selectAll()
    assert len(page.table.selected.states) == 400

    reader.put(*(make_record(one, State.READY) for one in range(1000, 1399)))
    settle(qtbot, page)
    qtbot.waitUntil(lambda: len(page.table.selected.states) <= 201)  # those still shown, as gone, and the one failed
    clock.advance(GONE_STAYS_MS / 1000 + 1)

    qtbot.waitUntil(lambda: set(page.table.selected.states) == {1399})
    assert ids_of(page) == [1399]


def test_rows_stay_under_a_pointer_that_is_about_to_click(qtbot, page, reader, monkeypatch):
    table = page.table
    monkeypatch.setattr(table.viewport(), "underMouse", lambda: True)
    qtbot.mouseMove(table.viewport(), table.visualRect(table.model().index(3, 0)).center())
    before = ids_of(page)[:5]

    reader.put(make_record(1501))
    settle(qtbot, page)
    assert ids_of(page)[:5] == before
    assert page.pill.isVisible()

    table._pointed.invalidate()  # two seconds later
    qtbot.waitUntil(lambda: ids_of(page)[0] == 1501)


def test_delete_key_deletes_and_the_rows_go_at_once(qtbot, page, reader, actor):
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    page.table.setFocus()
    page.table.choose(1499)

    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert actor.asked == [("delete", (1499,))]
    reader.remove(1499)
    actor.answer()

    assert 1499 not in ids_of(page)
    assert not page.table.selected.states
    settle(qtbot, page)
    assert page.table.model().row_at(0).gone_ms is None


def test_while_not_live_nothing_is_asked(qtbot, page, reader):
    page.set_live(False)
    reader.asked.clear()

    reader.put(make_record(1501))

    assert reader.asked == []
    page.set_live(True)
    settle(qtbot, page)
    assert ids_of(page)[0] == 1501


def test_a_failure_keeps_the_rows_and_is_told(qtbot, page, reader):
    before = ids_of(page)
    reader.error = WorkspaceError("cannot read: disk gone")

    reader.changed.emit()
    qtbot.waitUntil(lambda: page.footer.text() == "cannot read: disk gone")

    assert ids_of(page) == before
    reader.error = None
    reader.changed.emit()
    settle(qtbot, page)
    assert page.footer.text().startswith("Rows 1–500")


def test_the_detail_pane_follows_the_chosen_row(qtbot, page, reader):
    detail = child(page, QTabWidget, "detail_tabs")
    assert not detail.isVisible()

    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    assert detail.isVisible()
    assert page.detail._title.text() == "Message 1499 · files.count"
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1498)


def test_choosing_the_first_row_shows_it(qtbot, page):
    rect = page.table.visualRect(page.table.model().index(0, 1))

    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())

    qtbot.waitUntil(lambda: page.detail.shown_id == 1500)


def test_the_payload_is_shown_as_it_is(qtbot, page, reader):
    reader.details[1499] = make_detail(
        reader.messages[1499], payload={"n": 12345678901234567890, "html": "<b>&amp;</b>", "x": 0.1}
    )
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    page.detail._tabs.setCurrentIndex(1)

    shown = page.detail._payload._editor.toPlainText()
    assert shown == '{\n  "n": 12345678901234567890,\n  "html": "<b>&amp;</b>",\n  "x": 0.1\n}'


def test_a_huge_payload_comes_in_parts(qtbot, page, reader):
    text = "x" * 3_000_000
    reader.details[1499] = make_detail(replace(reader.messages[1499], payload_size=len(text)), payload=text)
    page.detail._tabs.setCurrentIndex(1)
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)
    pane = page.detail._payload
    assert len(pane._editor.toPlainText()) < 200_000
    assert pane._load.text() == "Load all 2.9 MiB"

    with qtbot.waitSignal(pane.loaded_all, timeout=30_000):
        qtbot.mouseClick(pane._load, Qt.MouseButton.LeftButton)

    assert pane._editor.toPlainText().replace("\n", "") == text


def test_attempts_are_listed_newest_first(qtbot, page, reader):
    record = reader.messages[1499]
    attempts = tuple(
        AttemptRecord(one, "consumer", NOW, NOW, AttemptOutcome.NACKED, f"Traceback…\nError {one}") for one in (1, 2, 3)
    )
    reader.details[1499] = make_detail(record, attempts=attempts)
    page.detail._tabs.setCurrentIndex(2)
    page.table.choose(1499)
    qtbot.waitUntil(lambda: page.detail.shown_id == 1499)

    table = page.detail._attempts._table
    assert [table.item(row, 0).text() for row in range(3)] == ["3", "2", "1"]
    assert page.detail._attempts._trace._editor.toPlainText() == "Traceback…\nError 3"


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

    pane.show_detail(detail(1), NOW)
    assert "ada" in shown()
    assert "hunter2" not in shown()

    button.click()
    assert "hunter2" in shown()

    pane.show_detail(detail(2), NOW)
    assert "hunter2" not in shown()


def test_a_preview_in_the_table_hides_secrets() -> None:
    record = make_record(1, payload_preview='{"to": "ada", "token": "hunter2 and m')

    shown = COLUMNS[Column.PAYLOAD].text(record, NOW)
    for text in (
        shown,
        page.table.model().data(page.table.model().index(0, Column.PAYLOAD), Qt.ItemDataRole.ToolTipRole),
        phrase(record),
    ):
        assert "hunter2" not in text
    assert "ada" in shown
