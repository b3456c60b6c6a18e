"""Pages in every order, jumps, searches in slices, counts and names."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pqdesk import Busy, InvalidInput, NotFound, Queue
from pqdesk.clock import from_datetime, to_datetime
from pqdesk.messages.filters import parse_filter
from pqdesk.messages.looking import CappedCount, CappedCounts, Cursor, Names
from pqdesk.messages.records import Counts, MessageRecord
from pqdesk.messages.selection import Selection
from pqdesk.messages.states import State
from pqdesk.storage import open_inspection
from pqdesk.storage.contract import Store
from pqdesk.storage.looking import Inspection, PageRequest
from tests.contract import engines
from tests.contract.clocks import MovableClock


@pytest.fixture
def inspection(queue: Queue, clock: MovableClock) -> Iterator[Inspection]:
    assert queue.paths is not None
    queue.put("first")
    queue.delete(1)
    opened = open_inspection(queue.paths, clock=clock)
    yield opened
    opened.close()


def _value(record: MessageRecord, sort: str) -> int:
    at = {"due": record.due_at, "finished": record.finished_at}.get(sort)
    return from_datetime(at) if at is not None else record.priority


_ORDERS = [
    ("due", "state:scheduled,retrying"),
    ("due", "state:retrying queue:work"),
    ("finished", "state:completed,failed"),
    ("finished", "state:failed queue:other type:t"),
    ("priority", "state:ready queue:work"),
]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(("sort", "text"), _ORDERS)
def test_pages_in_any_cheap_order_lose_and_repeat_nothing_also_when_many_share_a_value(
    queue: Queue, clock: MovableClock, inspection: Inspection, sort: Any, text: str, descending: bool
) -> None:
    _fill(queue, clock)
    selection = parse_filter(text)
    by_id = inspection.page(PageRequest(selection=selection, limit=1000))
    ids_fall = descending != (sort == "priority")
    wanted = sorted(by_id, key=lambda one: one.id, reverse=ids_fall)
    wanted.sort(key=lambda one: _value(one, sort), reverse=descending)
    assert len(wanted) > 10

    forward, cursor = [], None
    while True:
        request = PageRequest(selection=selection, sort=sort, descending=descending, cursor=cursor, limit=4)
        page = inspection.page(request)
        forward += page
        if not page:
            break
        cursor = Cursor(_value(page[-1], sort), page[-1].id)
    last = Cursor(_value(wanted[-1], sort), wanted[-1].id)
    request = PageRequest(selection=selection, sort=sort, descending=descending, cursor=last, is_backward=True, limit=3)
    backward = inspection.page(request)

    assert [one.id for one in forward] == [one.id for one in wanted]
    assert [one.id for one in backward] == [one.id for one in wanted[-4:-1]]


def _fill(queue: Queue, clock: MovableClock) -> None:
    """Some of every state in two queues, many of which share a time or a priority."""
    rng = Random(3)
    for name in ("work", "other"):
        one = Queue.over(queue.store, name, clock)
        for _ in range(12):
            one.put_many(["a", "b"], type=rng.choice(["t", "u"]), delay=rng.choice([100, 200]))
        for _ in range(12):
            one.put("x", type="t")
            one.get().nack("boom", delay=300)
            one.put("x", type="t")
            one.get().fail("boom")
            one.put("x")
            one.get().ack()
        for number in range(24):
            one.put("x", priority=rng.choice([-1, 0, 5]), group=rng.choice([None, "g"]), delay=3 * (number % 5 == 0))
    clock.advance(5)


def test_few_messages_come_in_any_order(queue: Queue, inspection: Inspection) -> None:
    for payload, name in (("ccc", "b"), ("a", None), ("bb", "a")):
        queue.put(payload, type=name)

    by_type = inspection.page(PageRequest(sort="type"))
    by_size = inspection.page(PageRequest(sort="size", descending=False))
    after = inspection.page(PageRequest(sort="size", descending=False, cursor=Cursor(1, 3)))

    assert [one.type for one in by_type] == ["b", "a", None]
    assert [one.payload_preview for one in by_size] == ["a", "bb", "ccc"]
    assert [one.payload_preview for one in after] == ["bb", "ccc"]


def test_an_order_that_would_sort_a_large_table_is_refused_with_what_to_do(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines.count_as_few(monkeypatch, 5)
    queue.put_many(range(9))

    with pytest.raises(InvalidInput, match="filter to fewer than 5 messages to sort them by due; by due, scheduled"):
        queue.store.looking.page(PageRequest(sort="due"))
    with pytest.raises(InvalidInput, match="there is no order 'colour'"):
        queue.store.looking.page(PageRequest(sort="colour"))  # type: ignore[arg-type]


def test_by_id_pages_go_upwards_too(queue: Queue) -> None:
    ids = queue.put_many(range(10))

    first = queue.store.looking.page(PageRequest(descending=False, limit=3))
    second = queue.store.looking.page(PageRequest(descending=False, limit=3, cursor=Cursor(None, first[-1].id)))
    back = queue.store.looking.page(
        PageRequest(descending=False, limit=2, cursor=Cursor(None, ids[5]), is_backward=True)
    )

    assert [one.id for one in (*first, *second)] == ids[:6]
    assert [one.id for one in back] == ids[3:5]


def test_a_time_leads_to_the_first_message_put_then_or_later(queue: Queue, clock: MovableClock) -> None:
    ids = []
    for _ in range(30):
        ids.append(queue.put("x"))
        clock.advance(10)
    queue.delete(ids[10:20])
    engines.sql(queue, "DELETE FROM pqdesk_message WHERE state < 0")
    at = queue.message(ids[20]).enqueued_at

    look = queue.store.looking
    assert look.id_at(at) == ids[20]
    assert look.id_at(at - timedelta(seconds=50)) == ids[20]
    assert look.id_at(at + timedelta(microseconds=1)) == ids[21]
    assert look.id_at(to_datetime(0)) == ids[0]
    assert look.id_at(at + timedelta(days=1)) is None


def test_a_search_goes_through_slices_newest_first_and_tells_how_far_it_is(
    queue: Queue, inspection: Inspection
) -> None:
    queue.put_many(["needle" if number % 10 == 0 else "hay" for number in range(100)])
    request = PageRequest(selection=Selection(search="NEEDLE"), limit=3)

    found, scanned, from_id = [], 0, None
    while True:
        part = inspection.search(request, from_id=from_id, slice_ids=25)
        found += [one.id for one in part.records]
        scanned += part.scanned
        if part.is_done:
            break
        from_id = part.next_id

    assert found == [number + 2 for number in range(90, -1, -10)]
    assert scanned >= 100
    assert part.back_to is not None


def test_a_long_search_is_stopped_at_once_and_the_connection_goes_on(queue: Queue, inspection: Inspection) -> None:
    queue.put_many(["hay " * 200] * 2000)
    _multiply(queue, 6)
    stopper = threading.Timer(0.01, inspection.interrupt)
    stopper.start()
    try:
        with pytest.raises(Busy, match="stopped"):
            inspection.page(PageRequest(selection=Selection(search="needle")))
    finally:
        stopper.join()

    assert inspection.page(PageRequest(limit=1))


def test_others_are_answered_while_one_thread_searches(queue: Queue) -> None:
    queue.put_many(["hay " * 200] * 2000)
    _multiply(queue, 6)
    answers: list[int] = []
    request = PageRequest(selection=Selection(search="needle"))
    searching = threading.Thread(target=lambda: answers.append(len(queue.store.looking.page(request))))
    searching.start()

    during = 0
    while searching.is_alive():
        queue.counts()
        during += searching.is_alive()
    searching.join()

    assert answers == [0]
    assert during >= 1


def _multiply(queue: Queue, times: int) -> None:
    """Double the messages so many times."""
    columns = [row[1] for row in engines.sql(queue, "PRAGMA table_info(pqdesk_message)") if row[1] != "id"]
    names = ", ".join(f'"{name}"' for name in columns)
    for _ in range(times):
        engines.sql(queue, f"INSERT INTO pqdesk_message ({names}) SELECT {names} FROM pqdesk_message")


def test_counts_of_a_filter_are_exact_where_counters_tell_and_stop_at_a_cap_elsewhere(
    queue: Queue, inspection: Inspection
) -> None:
    queue.put_many(["a"] * 30, type="t")
    queue.put_many(["b"] * 5)

    assert inspection.count(parse_filter("type:t"), most_ids=25).count() == CappedCount(20, True)
    assert str(inspection.count(parse_filter("type:t"), most_ids=25).count()) == "20+"
    assert inspection.count(parse_filter("type:t"), most_ids=36).count() == CappedCount(30)
    assert inspection.count(parse_filter("state:ready"), most_ids=25).count() == CappedCount(35)
    assert inspection.count(Selection(is_trashed=True)) == CappedCounts(Counts(ready=1), 36)


@pytest.mark.parametrize(
    "text",
    ["queue:work", "queue:work type:t", "type:t", "state:ready,failed type:t"],
    ids=["counters", "few", "walked", "some states"],
)
def test_counts_of_a_filter_tell_the_states_as_they_are_by_now(
    queue: Queue, clock: MovableClock, inspection: Inspection, text: str
) -> None:
    queue.put_many(["due"] * 4, type="t", delay=10)
    queue.put_many(["later"] * 3, type="t", delay=100)
    queue.put_many(["ready"] * 2, type="t")
    queue.get().fail("x")
    clock.advance(11)

    found = inspection.count(parse_filter(text))

    states = parse_filter(text).states or tuple(State)
    assert {state: found.counts.of(state) for state in states if found.counts.of(state)} == {
        state: count
        for state, count in {State.SCHEDULED: 3, State.READY: 5, State.FAILED: 1}.items()
        if state in states
    }
    assert found == CappedCounts(found.counts, up_to=queue.messages(limit=1)[0].id)


def test_names_are_those_in_use(queue: Queue, inspection: Inspection) -> None:
    queue.put({"to": "ada", "address": {"city": "Paris", "geo": {"lat": 1, "deep": {"er": 1}}}}, type="mail")
    queue.put({"to": "bob", "a.b": 1, "": 2})
    Queue.over(queue.store, "another", queue._clock).put("text")
    queue.get()

    names = inspection.names()

    assert names.queues == ("another", "work")
    assert names.types == ("mail",)
    assert len(names.workers) == 1
    assert names.payload_paths[0] == "to"
    assert set(names.payload_paths) == {"to", "address.city", "address.geo.lat", '"a.b"', '""'}
    for path in names.payload_paths:
        assert parse_filter(f"payload.{path}:x").terms


def test_the_oldest_ready_message_tells_since_when_a_queue_waits(
    queue: Queue, clock: MovableClock, inspection: Inspection
) -> None:
    oldest = queue.put("low", priority=-5)
    clock.advance(10)
    queue.put("high", priority=5)
    Queue.over(queue.store, "later", clock).put("x", delay=100)

    assert inspection.waiting_since() == {"work": queue.message(oldest).due_at}
    clock.advance(200)
    assert set(inspection.waiting_since()) == {"work", "later"}


def test_an_application_file_without_queues_looks_empty(tmp_path: Path, clock: MovableClock) -> None:
    path = tmp_path / "app.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (id)")
    db.close()
    look = open_inspection(path, clock=clock)
    try:
        assert (look.queues(), look.page(PageRequest()), look.errors(), look.waiting_since()) == ((), (), (), {})
        assert (look.count(Selection()), look.id_at(to_datetime(0)), look.names()) == (CappedCounts(), None, Names())
        assert look.search(PageRequest()).is_done
        for question in (look.message, look.explain):
            with pytest.raises(NotFound):
                question(1)
    finally:
        look.close()


def test_huey_577_what_is_queued_can_be_seen_found_and_followed(queue: Queue) -> None:
    wanted = queue.put({"to": {"name": "Ada"}, "n": 1}, type="mail")
    queue.put({"to": {"name": "Bob"}, "n": 2}, type="mail")
    queue.get().nack("ConnectionError: refused", delay=60)

    for where in ("ada", "payload.to.name:Ada", "payload.n:1", "error:refused", "type:mail attempts:>0", "-bob"):
        assert [one.id for one in queue.messages(where=where)] == [wanted], where
    detail = queue.message(wanted)
    assert detail.payload == {"to": {"name": "Ada"}, "n": 1}
    assert [(one.attempt, one.error) for one in detail.attempts] == [(1, "ConnectionError: refused")]


def test_good_job_1458_a_number_and_its_text_are_found_alike(queue: Queue) -> None:
    queue.put({"n": 5})
    queue.put({"n": "5"})
    queue.put({"n": 50})

    assert [one.id for one in queue.messages(where="payload.n:5")] == [2, 1]


def test_a_worker_is_all_its_replicas(
    open_another: Callable[[], Store], queue: Queue, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mail", "mail-2", "mail-two", "mailer"):
        monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", name)
        queue.put(name)
        Queue.over(open_another(), "work", clock).get()

    assert [one.worker for one in queue.messages(where="worker:mail")] == ["mail-2", "mail"]
    assert [one.worker for one in queue.messages(where="worker:mail-2")] == ["mail-2"]
    assert [one.worker for one in queue.messages(where="-worker:mail")] == ["mailer", "mail-two"]


def test_the_filter_and_the_other_arguments_all_have_to_be_met(queue: Queue) -> None:
    queue.put("ada", type="t")
    queue.put("ada bob", type="t")
    queue.put("ada bob", type="u")
    queue.get().fail("x")

    assert [one.id for one in queue.messages(where="ada", search="bob", type="t")] == [2]
    assert [one.id for one in queue.messages(where="state:failed,ready", state=["failed", "running"])] == [1]
    assert queue.messages(where="state:failed", state="ready") == []
    assert queue.delete(where="id:2,3 type:u").done == 1
    assert [one.id for one in queue.messages()] == [2, 1]


def test_good_job_1725_messages_that_share_a_time_are_all_on_some_page(queue: Queue, inspection: Inspection) -> None:
    queue.put_many(["x"] * 20, delay=60)
    seen, cursor = [], None
    for _ in range(7):
        page = inspection.page(
            PageRequest(selection=Selection(states=(State.SCHEDULED,)), sort="due", cursor=cursor, limit=3)
        )
        seen += [one.id for one in page]
        cursor = Cursor(from_datetime(page[-1].due_at), page[-1].id)

    assert sorted(seen) == list(range(2, 22))
