"""Errors by kind: counted where an attempt fails, shown with an example, a filter of their own."""

from __future__ import annotations

import pytest

from pqdesk import Queue
from pqdesk.messages.states import State
from tests.contract import engines
from tests.contract.clocks import MovableClock


def _fail(queue: Queue, error: object, *, delay: float | None = None) -> int:
    message_id = queue.put("x")
    message = queue.get()
    if delay is None:
        message.fail(str(error))
    else:
        message.nack(error, delay=delay)
    return message_id


def test_errors_that_differ_in_numbers_and_names_are_one_kind(queue: Queue, clock: MovableClock) -> None:
    _fail(queue, "ConnectionError: cannot reach 10.0.0.1:80 for 'ada'")
    clock.advance(60)
    newest = _fail(queue, "ConnectionError: cannot reach 10.0.0.27:443 for 'bob'", delay=9)
    _fail(queue, "ValueError: nothing")

    errors = queue.store.looking.errors()

    assert [(one.type, one.message, one.count) for one in errors] == [
        ("ValueError", "nothing", 1),
        ("ConnectionError", "cannot reach <n> for <text>", 2),
    ]
    assert errors[1].example_id == newest
    assert (errors[1].last_at - errors[1].first_at).total_seconds() >= 60
    assert errors[1].queue == "work"


def test_an_exception_in_a_handler_is_known_by_its_type(queue: Queue) -> None:
    queue.put("x")
    try:
        with queue.get():
            raise KeyError("colour")
    except KeyError:
        pass

    assert [(one.type, one.message) for one in queue.store.looking.errors()] == [("KeyError", "<text>")]


def test_a_long_error_is_kept_by_its_ends_and_told_by_its_first_line_everywhere(queue: Queue) -> None:
    message_id = queue.put("x")
    with pytest.raises(ValueError, match="the cause"), queue.get():
        raise ValueError("the cause\n" + "a detail\n" * 30_000 + "the end")

    detail, [record], [kind] = queue.message(message_id), queue.messages(), queue.errors()

    assert (detail.error, record.error) == ("ValueError: the cause",) * 2
    assert (kind.type, kind.message) == ("ValueError", "the cause")
    assert "ValueError: the cause" in queue.why(message_id)
    assert [one.id for one in queue.messages(where='error:"the cause"')] == [message_id]
    assert [one.id for one in queue.messages(where=f"error:#{kind.id}")] == [message_id]
    text = detail.error_text or ""
    assert text.startswith("Traceback (most recent call last)")
    assert text.rstrip().endswith("the end")
    assert "\n[… cut …]\n" in text
    assert 60_000 < len(text.encode()) <= 65_536


def test_a_filter_selects_the_messages_of_one_kind_of_error(queue: Queue) -> None:
    refused = [_fail(queue, f"refused by host {number}") for number in range(3)]
    other = _fail(queue, "no such file")
    kinds = {one.message: one.id for one in queue.errors()}

    assert [one.id for one in queue.messages(where=f"error:#{kinds['refused by host <n>']}")] == refused[::-1]
    assert [one.id for one in queue.messages(where="error:'no'")] == []
    assert [one.id for one in queue.messages(where='error:"NO SUCH"')] == [other]
    assert queue.retry(where=f"error:#{kinds['no such file']}").done == 1


def test_each_queue_has_kinds_of_its_own(queue: Queue, clock: MovableClock) -> None:
    _fail(queue, "boom")
    _fail(Queue.over(queue.store, "b", clock), "boom")

    assert [(one.queue, one.count) for one in queue.store.looking.errors()] == [("b", 1), ("work", 1)]
    assert [one.queue for one in queue.errors()] == ["work"]


def test_deaths_ended_leases_and_timeouts_are_kinds_too(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    queue.get(lease=1)
    clock.advance(2)
    engines.run_chores(queue)

    errors = queue.errors()

    assert [(one.type, one.message) for one in errors] == [("lease ended", "its lease ended without an ack")]
    assert queue.message(1).state is State.READY


def test_a_kind_that_no_message_has_is_forgotten_after_a_month(queue: Queue, clock: MovableClock) -> None:
    queue.configure(keep_failed=86_400)
    _fail(queue, "old")
    queue.put("keeps the highest id")
    clock.advance(2 * 86_400)
    engines.prune(queue)
    assert [(one.message, one.example_id) for one in queue.errors()] == [("old", None)]

    clock.advance(31 * 86_400)
    engines.prune(queue)

    assert queue.errors() == ()
