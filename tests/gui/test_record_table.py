"""Tables of records in general: a list of columns and the records, in any order."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from pqdesk.gui.records import Grows, RecordColumn, RecordModel, RecordTable
from pqdesk.gui.records.rows import Insert, Remove, Row, Update, reuse_rows, row_changes


@dataclass(frozen=True)
class Ship:
    name: str
    cargo: str = "tea"
    crew: int = 3


COLUMNS: tuple[RecordColumn[Ship], ...] = (
    RecordColumn("name", "Name", lambda ship, _now: ship.name, 100, Grows.SOME),
    RecordColumn("crew", "Crew", lambda ship, _now: str(ship.crew), 60, is_right=True, given_up=1),
    RecordColumn("cargo", "Cargo", lambda ship, _now: ship.cargo, 150, Grows.MUCH, is_link=lambda ship: ship.crew > 5),
    RecordColumn("flag", "Flag", lambda ship, _now: "none", 80, is_usual=False),
)
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)


def make_model():
    return RecordModel(COLUMNS, lambda ship: ship.name, phrase=lambda ship: f"the {ship.name}")


@pytest.fixture
def table(qtbot, theme):
    model = make_model()
    table = RecordTable(model, theme, "ships", "Ships")
    model.setParent(table)
    qtbot.addWidget(table)
    table.resize(700, 300)
    table.show()
    qtbot.waitExposed(table)
    return table


def names(model):
    return [row.id for row in model.rows]


def ships(names):
    return [Ship(one) for one in names]


# --- changes ----------------------------------------------------------------------------------------


def applied(rows, changes):
    rows = list(rows)
    for change in changes:
        if isinstance(change, Remove):
            del rows[change.first : change.first + change.count]
        elif isinstance(change, Insert):
            rows[change.first : change.first] = change.rows
        else:
            assert [row.id for row in change.rows] == [row.id for row in rows[change.first :][: len(change.rows)]]
            rows[change.first : change.first + len(change.rows)] = change.rows
    return rows


@given(NAMES, NAMES, st.sets(st.sampled_from("abcdefgh")))
def test_changes_make_any_order_into_any_other(before, after, changed):
    old = [Row(one, Ship(one)) for one in before]
    new = reuse_rows(old, [Ship(one, crew=7 if one in changed else 3) for one in after], lambda ship: ship.name)

    changes = list(row_changes(old, new))

    assert all(one is other for one, other in zip(applied(old, changes), new, strict=True))


@given(NAMES, st.sets(st.sampled_from("abcdefgh")))
def test_where_only_words_change_no_row_is_taken_out(order, changed):
    old = [Row(one, Ship(one)) for one in order]
    new = reuse_rows(old, [Ship(one, crew=7 if one in changed else 3) for one in order], lambda ship: ship.name)

    changes = list(row_changes(old, new))

    assert all(isinstance(one, Update) for one in changes)
    assert sum(len(one.rows) for one in changes) == len(changed & set(order))


@given(st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")))
def test_where_none_moves_nothing_is_touched_but_what_changed(before, after, changed):
    old = [Row(one, Ship(one)) for one in sorted(before)]
    new = reuse_rows(old, [Ship(one, crew=7 if one in changed else 3) for one in sorted(after)], lambda ship: ship.name)

    changes = list(row_changes(old, new))

    assert sum(len(one.rows) for one in changes if isinstance(one, Update)) == len(before & after & changed)
    assert sum(one.count for one in changes if isinstance(one, Remove)) == len(before - after)


def test_neighbours_share_one_change():
    old = [Row(one, Ship(one)) for one in "cdehij"]
    new = reuse_rows(old, [Ship(one, crew=7 if one in "cd" else 3) for one in "abcdej"], lambda ship: ship.name)

    changes = list(row_changes(old, new))

    assert [type(change) for change in changes] == [Insert, Update, Remove]
    assert (changes[0].first, len(changes[0].rows)) == (0, 2)
    assert (changes[1].first, len(changes[1].rows)) == (2, 2)
    assert (changes[2].first, changes[2].count) == (5, 2)


@pytest.mark.timeout(600)
def test_the_model_is_consistent_through_random_changes_without_a_reset():
    model = make_model()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    resets = []
    model.modelReset.connect(lambda: resets.append(1))
    rng = random.Random(3)

    for _ in range(500):
        order = rng.sample("abcdefghij", rng.randrange(11))
        model.show_records([Ship(one, crew=rng.randrange(2)) for one in order])

        assert names(model) == order
    assert not resets
    assert tester.model() is model


def test_the_selection_goes_along_with_rows_that_move(table):
    table.show_records(ships("abcdef"))
    table.choose("e")

    table.show_records(ships("eafbcd"))

    assert list(table.selected.records) == ["e"]
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]
    assert table.currentIndex().row() == 0


def test_what_is_gone_from_a_whole_list_is_selected_no_more(table):
    table.show_records(ships("abc"))
    table.choose("b")

    table.show_records(ships("ac"))

    assert table.selected.records == {}


# --- held rows --------------------------------------------------------------------------------------


def aim(table, row=0):
    """The pointer comes in and moves over a row."""
    viewport = table.viewport()
    place = table.visualRect(table.model().index(row, 0)).center()
    at = viewport.mapToGlobal(place)
    viewport.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, place.toPointF(), at.toPointF(), none, none, Qt.KeyboardModifier(0))
    QApplication.sendEvent(viewport, event)
    assert table.is_aimed_at


def test_no_other_row_comes_under_a_pointer_that_aims(table):
    table.show_records(ships("bcd"))
    aim(table)

    table.show_records([Ship("a"), Ship("b", crew=9), Ship("d")])

    assert names(table.model()) == ["b", "c", "d"]
    assert table.model().index(0, 1).data() == "9"  # what stands there is told at once
    described = table.model().index(1, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert described == "the c, no longer belongs here"
    table._release.timeout.emit()  # still aimed at: held on
    assert names(table.model()) == ["b", "c", "d"]
    table.viewport().setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    table._release.timeout.emit()
    assert names(table.model()) == ["a", "b", "d"]


def test_what_the_user_asked_for_is_not_held(table):
    table.show_records(ships("bc"))
    aim(table)

    table.show_records(ships("abc"), at_once=True)

    assert names(table.model()) == ["a", "b", "c"]


# --- mouse and keyboard -----------------------------------------------------------------------------


def test_a_link_is_followed_by_a_click_and_nothing_else_is(qtbot, table):
    table.show_records([Ship("a"), Ship("b", crew=6)])
    followed = []
    table.link_followed.connect(lambda key, ship: followed.append((key, ship.name)))

    for row in (0, 1):
        for column in (0, 2):
            place = table.visualRect(table.model().index(row, column)).center()
            qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)

    assert followed == [("cargo", "b")]


def test_return_and_a_double_click_open_the_record(qtbot, table):
    table.show_records(ships("ab"))
    opened = []
    table.opened.connect(lambda ship: opened.append(ship.name))

    table.choose("b")
    qtbot.keyClick(table, Qt.Key.Key_Return)
    place = table.visualRect(table.model().index(0, 0)).center()
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseRelease(table.viewport(), Qt.MouseButton.LeftButton, pos=place)  # else Qt takes it for held down

    assert opened == ["b", "a"]


# --- columns ----------------------------------------------------------------------------------------


def widths(table):
    return [table.columnWidth(at) for at in range(len(COLUMNS)) if not table.isColumnHidden(at)]


@pytest.mark.parametrize("width", [400, 700, 1900])
def test_columns_take_the_room_there_is_by_what_they_hold(table, width):
    table.resize(width, 300)

    name, crew, cargo = widths(table)
    assert name + crew + cargo == table.viewport().width()
    assert crew == table.columns._least(1)
    assert name <= 2 * table.columns._least(0)
    assert cargo - table.columns._least(2) >= name - table.columns._least(0)


def test_what_may_be_left_out_is_where_room_is_short(table):
    told = []
    table.columns.fitted.connect(told.append)

    table.resize(280, 300)

    assert table.isColumnHidden(1)
    assert told[-1] == 1


def test_what_the_user_chose_of_columns_is_remembered(qtbot, theme, table):
    table.columns.wish(3, True)
    table.columns.wish(1, False)
    table.setColumnWidth(0, 222)
    table.horizontalHeader().moveSection(2, 0)
    kept = table.columns.state()
    other = RecordTable(make_model(), theme, "other", "Other")
    qtbot.addWidget(other)
    other.resize(700, 300)

    other.columns.restore(kept)

    assert other.columns.state() == kept
    assert kept == {
        "shown": {"flag": True, "crew": False},
        "widths": {"name": 222},
        "order": ["cargo", "name", "crew", "flag"],
    }
    assert (other.columnWidth(0), other.columns.first) == (222, 2)


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"shown": 3, "widths": [], "order": None},
        {"shown": {"gone": True}, "widths": {"gone": 50, "name": "wide"}, "order": ["gone", "cargo"]},
        {"widths": {"name": -5, "cargo": 10**9}},
    ],
)
def test_what_was_remembered_by_another_version_does_no_harm(table, kept):
    table.columns.restore(kept)

    assert all(40 <= width <= 4_000 for width in widths(table))
    assert names(table.model()) == []


def test_a_double_click_on_a_border_fits_the_column_to_its_texts(table):
    table.show_records([Ship("a" * 60)])

    table.resizeColumnToContents(0)

    assert table.columnWidth(0) > 300


def test_a_record_says_itself_to_those_who_hear_it(table):
    table.show_records([replace(Ship("Argo"), cargo="\u202efleece")])

    assert table.model().index(0, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole) == "the Argo"
    assert table.model().headerData(0, Qt.Orientation.Vertical) == "Argo"
