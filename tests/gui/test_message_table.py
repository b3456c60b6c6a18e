"""The message table through thousands of random changes: no reset, and nothing the user looks at moves."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from pqdesk.gui.pages.messages.columns import COLUMNS, usual_columns
from pqdesk.gui.pages.messages.message_table import MessageTable, make_model
from pqdesk.gui.records import RecordModel
from pqdesk.gui.theme import Theme, ThemeChoice
from pqdesk.messages.states import State
from tests.gui.fakes import NOW, make_record

_Flag = QItemSelectionModel.SelectionFlag
AT = {one.key: at for at, one in enumerate(COLUMNS)}


@pytest.fixture
def model(qapp):
    return make_model(NOW)


@pytest.fixture
def table(qtbot, model):
    table = MessageTable(model, Theme(QApplication.instance(), ThemeChoice.LIGHT))
    qtbot.addWidget(table)
    table.resize(1000, 500)
    table.show()
    qtbot.waitExposed(table)
    return table


def show(model: RecordModel, ids, state=State.READY) -> None:
    model.show_records([make_record(one, state) for one in sorted(ids, reverse=True)])


def ids_of(model):
    return [model.row_at(at).id for at in range(model.rowCount())]


def mutate(rng: random.Random, ids: set[int]) -> set[int]:
    for _ in range(rng.randrange(4)):
        first = rng.randrange(1, 2000)
        if rng.random() < 0.5:
            ids |= set(range(first, first + rng.randrange(1, 40)))
        else:
            ids -= set(range(first, first + rng.randrange(1, 40)))
    return ids


@pytest.mark.timeout(600)  # 20 s of computing, on a busy machine much longer
def test_thousands_of_changes_keep_the_model_consistent_without_a_reset(model):
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    resets = []
    model.modelReset.connect(lambda: resets.append(1))
    rng = random.Random(7)
    ids: set[int] = set()

    for _ in range(2000):  # of few rows: the tester looks at every cell after every change
        ids ^= {rng.randrange(1, 9) for _ in range(rng.randrange(5))}
        show(model, ids, State.READY if rng.random() < 0.8 else State.RUNNING)

        assert ids_of(model) == sorted(ids, reverse=True)
    assert not resets
    assert tester.model() is model


def test_selection_stays_with_its_ids(table, model):
    rng = random.Random(11)
    ids = set(range(1, 400))
    show(model, ids)
    chosen = {10, 11, 12, 200, 399}
    for one in chosen:
        index = model.index(model.position_of(one), 0)
        table.selectionModel().select(index, _Flag.Select | _Flag.Rows)

    for _ in range(500):
        ids = mutate(rng, ids)
        show(model, ids)

        selected = {model.row_at(index.row()).id for index in table.selectionModel().selectedRows()}
        assert selected == chosen & ids
        assert set(table.selected.records) == chosen


def test_the_row_at_the_top_of_the_view_stays_there(table, model):
    rng = random.Random(13)
    fixed = set(range(5000, 5100))
    ids = set(range(4000, 6000))
    show(model, ids)
    table.verticalScrollBar().setValue(model.position_of(5060))

    for _ in range(200):
        for _ in range(3):
            first = rng.choice((rng.randrange(4000, 4900), rng.randrange(5100, 6500)))
            block = set(range(first, first + rng.randrange(1, 60)))
            ids = (ids | block if rng.random() < 0.6 else ids - block) | fixed
        show(model, ids)

        assert model.row_at(table.rowAt(2)).id == 5060


def test_the_chosen_row_stays_where_it_is_while_rows_above_it_go(table, model):
    show(model, range(1, 300))
    table.verticalScrollBar().setValue(50)
    table.choose(240)
    before = table.rowViewportPosition(model.position_of(240))

    show(model, set(range(1, 300)) - {245, 246, 247, 290})

    assert table.rowViewportPosition(model.position_of(240)) == before
    assert table.chosen_id == 240


def test_at_the_very_top_new_rows_come_into_view(table, model):
    show(model, range(1, 300))

    show(model, range(1, 320))

    assert table.is_at_top
    assert model.row_at(table.rowAt(2)).id == 319


def test_nobody_is_told_when_the_current_row_is_removed(qtbot, table, model):
    show(model, range(1, 50))
    table.choose(20)

    with qtbot.assertNotEmitted(table.chosen):
        show(model, set(range(1, 50)) - {20})

    assert table.currentIndex().isValid()
    assert table.chosen_id == 20
    show(model, range(1, 50))
    assert model.row_at(table.currentIndex().row()).id == 20


def test_a_plain_click_drops_what_is_selected_out_of_sight(qtbot, table, model):
    show(model, range(1, 50))
    table.choose(20)
    show(model, range(30, 50))
    assert set(table.selected.records) == {20}

    qtbot.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(model.index(2, AT["queue"])).center()
    )

    assert set(table.selected.records) == {47}


def test_a_click_with_control_adds_to_what_is_selected_out_of_sight(qtbot, table, model):
    show(model, range(1, 50))
    table.choose(20)
    show(model, range(30, 50))

    qtbot.mouseClick(
        table.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        table.visualRect(model.index(2, AT["queue"])).center(),
    )

    assert set(table.selected.records) == {20, 47}


def test_the_state_of_a_selected_message_is_kept_up_to_date(qtbot, table, model):
    show(model, [1], State.FAILED)
    table.choose(1)

    with qtbot.waitSignal(table.selected.changed):
        show(model, [1], State.READY)

    assert table.selected.records[1].state is State.READY


def test_escape_clears_the_selection(qtbot, table, model):
    show(model, range(1, 10))
    table.choose(3)

    qtbot.keyClick(table, Qt.Key.Key_Escape)

    assert not table.selected.records
    assert not table.selectionModel().hasSelection()


def test_cells_read_as_they_are_shown(model):
    record = replace(
        make_record(7, State.FAILED, type="a.b.mail.send", attempt=5, error="ValueError: no\nsecond"),
        queue="e\u202emails",
    )
    model.show_records([record])

    def text(column):
        return model.data(model.index(0, column))

    assert text(AT["state"]) == "Failed"
    assert text(AT["id"]) == "7"
    assert text(AT["queue"]) == "e\\u202Emails"
    assert text(AT["type"]) == "mail.send"
    assert text(AT["attempts"]) == "5 / 5"
    assert text(AT["error"]) == "ValueError: no␊second"
    assert model.headerData(0, Qt.Orientation.Vertical) == "Failed 7 mail.send"
    described = model.data(model.index(0, 0), Qt.ItemDataRole.AccessibleDescriptionRole)
    assert described.startswith("Failed, message 7 in e\\u202Emails, type a.b.mail.send, 5 of 5 attempts")
    assert model.data(model.index(0, AT["type"]), Qt.ItemDataRole.ToolTipRole) == "<qt>a.b.mail.send</qt>"


def test_a_tooltip_never_takes_data_for_rich_text(model):
    model.show_records([make_record(1, payload_preview="<img src=x>&amp;")])

    tip = model.data(model.index(0, AT["payload"]), Qt.ItemDataRole.ToolTipRole)

    assert tip == "<qt>&lt;img src=x&gt;&amp;amp;</qt>"


def test_time_changes_only_the_cells_that_depend_on_it(qtbot, model):
    show(model, range(1, 20), State.COMPLETED)
    changed = []
    model.dataChanged.connect(lambda first, last: changed.append((first.row(), first.column(), last.column())))

    model.tick(NOW.replace(second=30), 2, 3)

    assert changed == [(2, AT["enqueued"], AT["finished"]), (3, AT["enqueued"], AT["finished"])]


@pytest.mark.parametrize("width", [300, 700, 1000, 1600])
def test_columns_fit_without_scrolling_sideways_where_they_can(table, model, width):
    table.set_view((State.FAILED,))
    table.resize(width, 400)

    shown = [key for key, column in AT.items() if not table.isColumnHidden(column)]
    total = sum(table.columnWidth(AT[key]) for key in shown)

    assert {"state", "id", "payload", "error"} <= set(shown)
    if width >= 1000:
        assert total == table.viewport().width()
    if width == 1600:
        assert set(shown) == usual_columns((State.FAILED,))


def test_the_model_is_a_table_model_of_fixed_columns(model):
    assert isinstance(model, QAbstractItemModel)
    assert model.columnCount() == len(COLUMNS)


def test_at_the_very_top_a_page_of_other_rows_takes_the_place_of_all(table, model):
    show(model, range(1, 501))

    show(model, range(1001, 1501))

    assert table.is_at_top
    assert model.row_at(table.rowAt(2)).id == 1500


def test_copying_takes_the_selected_rows_as_shown(qtbot, table, model):
    show(model, [1, 2, 3], State.COMPLETED)
    table.choose(2)

    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)

    cells = QApplication.clipboard().text().split("\t")
    assert cells[:4] == ["Completed", "2", "code", "files.count"]
    assert "\n" not in cells[-1]


def test_a_slash_asks_for_the_filter(qtbot, table, model):
    show(model, [1])

    with qtbot.waitSignal(table.filter_wanted):
        qtbot.keyClicks(table, "/")
