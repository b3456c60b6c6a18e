"""The window of rows, without Qt."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pqdesk.gui.pages.messages.row_window import GONE_STAYS_MS, LONGEST, PAGE_ROWS, RowWindow
from pqdesk.messages.states import State
from tests.gui.fakes import make_record

IDS = st.sets(st.integers(1, 40)).map(lambda ids: sorted(ids, reverse=True))


def ids_of(window):
    return [row.id for row in window.rows]


def records(ids, state=State.READY):
    return [make_record(one, state) for one in ids]


def test_a_followed_window_is_the_newest_page():
    window = RowWindow()
    window.show_head(records(range(PAGE_ROWS, 0, -1)), 0)

    window.show_head(records(range(PAGE_ROWS + 10, 10, -1)), 1)

    assert ids_of(window) == list(range(PAGE_ROWS + 10, 10, -1))
    assert window.has_older
    assert not window.held


def test_a_row_that_no_longer_matches_stays_for_a_while():
    window = RowWindow()
    window.show_head(records([3, 2, 1]), 0)

    window.show_head(records([3, 1]), 1000)
    window.show_head(records([4, 3, 1]), 2000)

    assert ids_of(window) == [4, 3, 2, 1]
    assert window.gone_ids() == (2,)
    assert not window.expire(1000 + GONE_STAYS_MS - 1)
    assert window.expire(1000 + GONE_STAYS_MS)
    assert ids_of(window) == [4, 3, 1]


def test_a_gone_row_tells_what_became_of_it_and_comes_back_when_it_matches_again():
    window = RowWindow()
    window.show_head(records([2, 1], State.FAILED), 0)
    window.show_head(records([1], State.FAILED), 0)

    window.tell_gone(records([2], State.RUNNING))

    assert window.rows[0].record.state is State.RUNNING
    window.show_head(records([2, 1], State.FAILED), 0)
    assert window.gone_ids() == ()


def test_a_refresh_updates_in_place_and_holds_what_is_new():
    window = RowWindow()
    window.show_head(records([9, 7, 5, 3]), 0)
    page = [make_record(8), replace(make_record(7), attempt=4), make_record(5, State.READY)]

    window.refresh(page, top=9, limit=3, now_ms=0)
    window.count_newer(2)

    assert ids_of(window) == [9, 7, 5, 3]
    assert window.rows[1].record.attempt == 4
    assert window.gone_ids() == (9,)
    assert window.held == 1 + 2


def test_a_short_answer_covers_everything_below():
    window = RowWindow()
    window.show_head(records([9, 7, 5, 3]), 0)

    window.refresh(records([7]), top=9, limit=4, now_ms=0)

    assert window.gone_ids() == (9, 5, 3)


def test_a_full_answer_says_nothing_about_what_is_below_it():
    window = RowWindow()
    window.show_head(records([9, 7, 5, 3]), 0)

    window.refresh(records([9, 7]), top=9, limit=2, now_ms=0)

    assert window.gone_ids() == ()


def test_the_window_gives_up_one_edge_for_the_other():
    window = RowWindow()
    all_ids = list(range(20_000, 0, -1))
    window.show_head(records(all_ids[:PAGE_ROWS]), 0)
    while window.rows[-1].id > 10_000:
        below = window.rows[-1].id
        window.add_older(records(range(below - 1, below - 1 - PAGE_ROWS, -1)))
        assert len(window.rows) <= LONGEST
    assert window.has_newer
    assert window.rows_above == 20_000 - window.rows[0].id

    while window.has_newer:
        above = window.rows[0].id
        window.add_newer(records(range(min(above + PAGE_ROWS, 20_003), above, -1)))
        assert len(window.rows) <= LONGEST

    assert ids_of(window) == all_ids[:LONGEST]
    assert window.rows_above == 0
    assert window.has_older


@given(st.lists(st.tuples(st.sampled_from(["head", "refresh", "older", "expire"]), IDS), max_size=12))
def test_ids_stay_unique_and_in_order(steps):
    window = RowWindow()
    for at, (step, ids) in enumerate(steps):
        if step == "head":
            window.show_head(records(ids), at * 2000)
        elif step == "refresh":
            limit = max(1, len(ids) + at % 2)
            window.refresh(records(ids), top=ids[0] if ids else 40, limit=limit, now_ms=at * 2000)
        elif step == "older":
            below = window.rows[-1].id if window.rows else 1
            window.add_older(records([one for one in ids if one < below]))
        else:
            window.expire(at * 2000)

        assert ids_of(window) == sorted(set(ids_of(window)), reverse=True)
