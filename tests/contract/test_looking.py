from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from pqdesk import Empty, InvalidInput, NotFound, Queue
from pqdesk.messages.states import State
from pqdesk.queues import acting
from pqdesk.storage import open_inspection
from tests.contract import engines
from tests.contract.clocks import MovableClock


def test_pages_go_by_id_in_both_directions(queue: Queue) -> None:
    ids = queue.put_many(range(10))

    first = queue.messages(limit=4)
    second = queue.messages(before=first[-1].id, limit=4)
    back = queue.messages(after=second[0].id, limit=2)

    assert [record.id for record in first] == ids[:-5:-1]
    assert [record.id for record in second] == ids[5:1:-1]
    assert [record.id for record in back] == [second[0].id + 2, second[0].id + 1]


@pytest.mark.parametrize("few", [10_000, 2])
def test_every_state_is_listed_whichever_way_it_is_found(
    queue: Queue, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    engines.count_as_few(monkeypatch, few)
    groups = itertools.cycle([None, "g"])
    ids: dict[State, list[int]] = {state: [] for state in State}
    for _ in range(4):
        ids[State.COMPLETED].append(queue.put("c"))
        queue.get().ack()
        ids[State.FAILED].append(queue.put("f"))
        queue.get().fail("x")
        ids[State.RETRYING].append(queue.put("r"))
        queue.get().nack("x", delay=3600)
        ids[State.RUNNING].append(queue.put("run"))
        queue.get(lease=9999)
        ids[State.CANCELLED].append(queue.put("x"))
        queue.cancel(ids[State.CANCELLED][-1])
        ids[State.SCHEDULED].append(queue.put("s", delay=3600))
    ids[State.READY] = [queue.put("p", group=next(groups)) for _ in range(6)] + [queue.put("due", delay=5)]
    clock.advance(6)

    listed = {state: [record.id for record in queue.messages(state=state)] for state in State}

    assert listed == {state: sorted(found, reverse=True) for state, found in ids.items()}
    for state in State:
        assert queue.counts().of(state) == len(ids[state])
        assert all(record.state == state for record in queue.messages(state=state))


def test_a_queue_lists_only_its_own(queue: Queue) -> None:
    queue.put("mine")
    Queue.over(queue.store, "other", queue._clock).put("theirs")

    assert [record.payload_preview for record in queue.messages()] == ["mine"]
    with pytest.raises(NotFound, match="'other'"):
        queue.message(2)


def test_search_finds_payload_type_key_and_error(queue: Queue) -> None:
    queue.put({"to": "Ada Lovelace"})
    queue.put("x", type="mail.ada")
    queue.put("y", key="ADA-1")
    queue.put("z")
    queue.get_many(3)
    queue.get().nack("cannot reach ada.example")
    queue.put("x" * 5000 + "ada")
    queue.put("100%")

    assert len(queue.messages(search="ada")) == 5
    assert [record.payload_preview for record in queue.messages(search="100%")] == ["100%"]
    assert queue.messages(search="1_0%") == []


def test_where_speaks_the_filter_grammar(queue: Queue) -> None:
    queue.put("a", type="t")
    queue.put("b", type="u")
    queue.get().fail("x")

    assert [record.payload_preview for record in queue.messages(where="state:failed type:t")] == ["a"]
    assert queue.messages(where="state:failed,ready", type="u")[0].payload_preview == "b"


def test_a_preview_is_one_line_of_visible_characters(queue: Queue) -> None:
    queue.put("a\nb\x1b[31m\x00" + "ä" * 500)
    queue.put(b"\x00\xff")

    preview = queue.messages(limit=2)[1].payload_preview
    assert preview.startswith("a␊b␛[31m␀ä")
    assert len(preview) == 160
    assert queue.messages(limit=1)[0].payload_preview == "00ff"
    assert queue.messages(limit=1)[0].payload_size == 2


def test_an_inspection_sees_what_others_change(queue: Queue) -> None:
    assert queue.paths is not None
    queue.put("x")
    inspection = open_inspection(queue.paths)
    try:
        before = inspection.version()
        assert inspection.version() == before
        message = queue.get()

        assert inspection.version() != before
        assert [ids for _, ids in inspection.running_by_worker().values()] == [(message.id,)]
        assert inspection.counts("work").running == 1
        assert inspection.counts("unknown").total == 0
    finally:
        inspection.close()


def test_looking_changes_nothing(queue: Queue, other: Queue, clock: MovableClock) -> None:
    other.put("x", delay=1)
    clock.advance(2)
    assert queue.paths is not None
    inspection = open_inspection(queue.paths, clock=clock)
    try:
        before = inspection.version()

        queue.counts(), queue.messages(state="ready"), queue.message(1)
        inspection.queues()

        assert inspection.version() == before
    finally:
        inspection.close()


def test_an_unknown_queue_looks_empty_and_is_not_made(queue: Queue) -> None:
    assert (queue.counts().total, queue.messages(), queue.paused) == (0, [], False)
    with pytest.raises(Empty):
        queue.get(timeout=0)

    assert queue.store.looking.queues() == ()


def test_messages_come_in_the_order_that_is_asked_for(queue: Queue, clock: MovableClock) -> None:
    low = queue.put("low", priority=-1)
    high = queue.put("high", priority=7)
    later = queue.put("later", delay=20)
    sooner = queue.put("sooner", delay=10)

    def ids(**how: Any) -> list[int]:
        return [one.id for one in queue.messages(**how)]

    assert ids(sort="due", state="scheduled", descending=False) == [sooner, later]
    assert ids(sort="priority", state="ready") == [high, low]
    assert ids(sort="id", descending=False, limit=2) == [low, high]
    assert ids() == [sooner, later, high, low]


@pytest.mark.parametrize("how", [{"sort": "nonsense"}, {"sort": "due", "before": 3}, {"descending": False, "after": 3}])
def test_an_order_that_there_is_not_is_refused(queue: Queue, how: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        queue.messages(**how)


def test_a_result_is_waited_for(queue: Queue) -> None:
    message_id = queue.put("x")
    with pytest.raises(InvalidInput, match="ready"):
        queue.result(message_id)
    with pytest.raises(Empty, match="is ready"):
        queue.result(message_id, timeout=0.05)
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(queue.result(message_id, timeout=30)))
    waiting.start()

    queue.get().ack({"pages": 3})
    waiting.join()

    assert found == [{"pages": 3}]
    assert queue.result(message_id) == queue.result(message_id, timeout=None) == {"pages": 3}


def test_waiting_for_a_result_ends_when_there_will_be_none(queue: Queue) -> None:
    ids = queue.put_many(range(3))
    queue.get().fail("no")
    queue.cancel(ids[1])
    queue.delete(ids[2])

    for one in ids:
        with pytest.raises(InvalidInput):
            queue.result(one, timeout=30)
    with pytest.raises(NotFound):
        queue.result(99, timeout=30)


def test_progress_can_be_read(queue: Queue) -> None:
    message_id = queue.put("x")
    message = queue.get()
    assert (queue.message(message_id).progress, queue.message(message_id).progress_note) == (None, "")

    message.progress(0.25, "a quarter")

    assert (queue.message(message_id).progress, queue.message(message_id).progress_note) == (0.25, "a quarter")
    message.nack(delay=0)
    assert queue.message(message_id).progress == 0.25  # how far it came
    queue.get(timeout=0)
    assert queue.message(message_id).progress is None


def test_a_state_named_twice_lists_a_message_once(queue: Queue) -> None:
    queue.put(1)

    assert len(queue.messages(state=["ready", "ready"])) == 1


def test_text_that_cannot_be_searched_is_refused(queue: Queue) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        queue.messages(search="\ud800")
    with pytest.raises(InvalidInput, match="surrogate"):
        queue.retry(where="\ud800")


def test_what_is_queued_can_be_seen(queue: Queue) -> None:
    """As in huey 577."""
    message_id = queue.put({"to": "ada@example.com"}, type="mail", headers={"tenant": "7"})

    (record,) = queue.messages(search="ada@")

    assert (record.id, record.payload_preview) == (message_id, '{"to":"ada@example.com"}')
    assert queue.message(message_id).headers == {"tenant": "7"}


def test_what_waits_what_became_of_it_and_what_people_did_can_be_seen(queue: Queue) -> None:
    """coleifer/huey 577, 129: what waits, its payload, what became of each attempt, and what people did to it."""
    queue.put({"to": "ada", "n": 10**30}, type="mail")
    queue.put({"to": "grace"}, type="mail")
    queue.get(timeout=0).fail("no such address")
    queue.edit(1, {"to": "ada@example.com"})

    (found,) = queue.messages(search="grace")
    detail = queue.message(1)

    assert (found.id, found.state.word, found.payload_preview) == (2, "ready", '{"to":"grace"}')
    assert (detail.payload, detail.version, detail.error_text) == ({"to": "ada@example.com"}, 2, "no such address")
    assert queue.versions(1)[0].payload == {"to": "ada", "n": 10**30}
    assert [one.command for one in acting.list_activity(queue.store, 10, None)] == ["pqdesk edit 1 -"]
    with pytest.raises(NotFound):
        queue.message(3)
