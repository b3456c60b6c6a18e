from __future__ import annotations

from typing import Any

import pytest

from pqdesk import Counts, InvalidInput, LeaseLost, Outgoing, Queue, Workspace
from pqdesk.errors import NotFound
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.values import Settlement
from tests.contract import engines
from tests.contract.clocks import MovableClock


def test_ack_keeps_the_result(queue: Queue) -> None:
    message_id = queue.put("x")

    queue.get().ack({"lines": [1, 2]})

    assert queue.result(message_id) == {"lines": [1, 2]}
    assert queue.message(message_id).state == State.COMPLETED
    [attempt] = queue.message(message_id).attempts
    assert (attempt.attempt, attempt.outcome) == (1, AttemptOutcome.COMPLETED)


def test_a_result_that_cannot_be_stored_leaves_the_message_in_hand(queue: Queue) -> None:
    queue.put("x")
    message = queue.get()

    with pytest.raises(InvalidInput, match="result"):
        message.ack(object())

    message.ack()
    assert queue.counts().completed == 1


def test_only_a_completed_message_has_a_result(queue: Queue) -> None:
    message_id = queue.put("x")

    with pytest.raises(InvalidInput, match="is ready"):
        queue.result(message_id)
    with pytest.raises(NotFound):
        queue.result(message_id + 1)


def test_follow_ups_are_put_with_the_ack(queue: Queue) -> None:
    queue.put("x")

    queue.get().ack(put=[1, Outgoing(2, queue="next")])

    assert queue.get(block=False).payload == 1
    assert queue.counts().completed == 1


def test_follow_ups_that_cannot_be_put_undo_the_ack(queue: Queue) -> None:
    queue.put("x")
    queue.put("y", key="k")
    message = queue.get()

    with pytest.raises(Exception, match="'k'"):
        message.ack(put=[Outgoing(1, key="k")])

    assert queue.counts().running == 1
    message.ack()


def test_nack_retries_after_the_backoff(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    queue.get().nack("no luck")

    record = queue.messages()[0]
    waits_s = (record.due_at - record.started_at).total_seconds()  # type: ignore[operator]
    assert (record.state, record.error) == (State.RETRYING, "no luck")
    assert 1.4 < waits_s < 2.6  # 2 s ± 25 %

    clock.advance(2.6)
    assert queue.get(timeout=0).attempt == 2


def test_nack_with_a_delay_waits_that_long(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    queue.get().nack(delay=100)

    clock.advance(99)
    assert queue.counts().retrying == 1
    clock.advance(1.1)
    assert queue.counts().ready == 1


def test_out_of_attempts_is_failed(queue: Queue) -> None:
    message_id = queue.put("x", max_attempts=2)

    queue.get().nack("first", delay=0)
    queue.get(timeout=0).nack("second", delay=0)

    detail = queue.message(message_id)
    assert (detail.state, detail.error_text) == (State.FAILED, "second")
    assert [one.error for one in detail.attempts] == ["first", "second"]


def test_put_beats_configure_beats_the_handler(queue: Queue) -> None:
    queue.use_defaults(max_attempts=3)
    queue.put("x")
    assert queue.get().max_attempts == 3
    queue.configure(max_attempts=2)
    queue.put("y")
    assert queue.get().max_attempts == 2
    queue.put("z", max_attempts=7)
    assert queue.get().max_attempts == 7


def test_fail_gives_up_at_once(queue: Queue) -> None:
    message_id = queue.put("x")

    queue.get().fail("hopeless")

    assert (queue.message(message_id).state, queue.message(message_id).error) == (State.FAILED, "hopeless")


def test_release_does_not_count_the_attempt(queue: Queue) -> None:
    queue.put("x")
    queue.get().release()

    assert queue.get(timeout=0).attempt == 1


@pytest.mark.parametrize("how", ["ack", "nack", "release"])
def test_a_settled_message_cannot_be_settled_again(queue: Queue, how: str) -> None:
    message_id = queue.put("x")
    message = queue.get()
    message.ack()

    with pytest.raises(LeaseLost, match=f"message {message_id}") as caught:
        getattr(message, how)()

    assert caught.value.message_id == message_id


def test_leaving_with_acks(queue: Queue) -> None:
    queue.put("x")

    with queue.get() as message:
        assert message.payload == "x"

    assert queue.counts().completed == 1


def test_an_exception_in_with_nacks_with_the_traceback_and_goes_on(queue: Queue) -> None:
    message_id = queue.put("x")

    with pytest.raises(ZeroDivisionError), queue.get():
        1 / 0  # noqa: B018

    detail = queue.message(message_id)
    assert (detail.state, detail.error) == (State.RETRYING, "ZeroDivisionError: division by zero")
    assert "Traceback" in (detail.error_text or "")


def test_another_base_exception_in_with_releases(queue: Queue) -> None:
    queue.put("x")

    with pytest.raises(KeyboardInterrupt), queue.get():
        raise KeyboardInterrupt

    assert queue.counts().ready == 1


def test_settled_inside_with_nothing_happens_on_leaving(queue: Queue) -> None:
    queue.put("x")

    def work() -> None:
        with queue.get() as message:
            message.ack()
            raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        work()

    assert queue.counts().completed == 1


def test_a_receipt_settles_from_anywhere(queue: Queue) -> None:
    queue.put_many(["a", "b", "c"])
    receipts = [queue.get(detached=True).receipt for _ in range(3)]

    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        workspace.ack(receipts[0], {"ok": True})
        workspace.nack(receipts[1], "no", delay=5)
        workspace.release(receipts[2])

    counts = queue.counts()
    assert (counts.completed, counts.retrying, counts.ready) == (1, 1, 1)


@pytest.mark.parametrize("receipt", ["", "x", "1", "1-", "1-zz", "-1-0123456789abcdef", "1-0123456789abcdeg", 7, None])
def test_what_is_no_receipt_is_invalid(queue: Queue, receipt: object) -> None:
    with (
        Workspace(queue.paths.root if queue.paths else None) as workspace,
        pytest.raises(InvalidInput, match="receipt"),
    ):
        workspace.ack(receipt)  # type: ignore[arg-type]


def test_a_made_up_receipt_is_a_lost_lease(queue: Queue) -> None:
    message_id = queue.put("x")
    queue.get()

    with Workspace(queue.paths.root if queue.paths else None) as workspace, pytest.raises(LeaseLost):
        workspace.ack(f"{message_id}-0123456789abcdef")


def test_progress_and_cancel_requests_reach_each_other(queue: Queue, other: Queue) -> None:
    message_id = queue.put("x")
    message = queue.get()
    message.progress(0.5, "half")
    assert not message.cancel_requested

    assert other.cancel(message_id).done == 1

    assert message.cancel_requested
    message.nack("stopped")
    assert queue.message(message_id).state == State.CANCELLED


def test_iterating_acks_one_and_takes_the_next(queue: Queue, other: Queue) -> None:
    queue.put_many(range(4))
    seen = []

    for message in queue:
        seen.append(message.payload)
        message.ack(message.payload)
        if len(seen) == 1:
            assert other.counts().running == 1
        if len(seen) == 3:
            break

    assert seen == [0, 1, 2]
    assert (other.counts().completed, other.counts().ready, other.counts().running) == (3, 1, 0)


def test_closing_gives_back_what_is_in_hand(queue: Queue, other: Queue) -> None:
    other.put("x")
    assert other.get().attempt == 1

    other.store.close()

    assert queue.get(timeout=0).attempt == 1


def test_a_long_error_keeps_its_end(queue: Queue) -> None:
    message_id = queue.put("x")

    queue.get().nack("y" * 100_000 + "the reason")

    error = queue.message(message_id).error_text or ""
    assert len(error.encode()) <= 64 * 1024
    assert error.endswith("the reason")


def test_a_message_that_comes_back_after_its_expiry_is_cancelled_without_a_claim(
    queue: Queue, clock: MovableClock
) -> None:
    message_id = queue.put("x", expires=20)
    message = queue.get(block=False, lease=3600)
    clock.advance(60)
    engines.run_chores(queue)  # by now nothing of the queue is to be looked out for

    message.release()
    engines.run_chores(queue)

    assert queue.message(message_id).state == State.CANCELLED


def test_a_message_to_be_cancelled_is_not_retried_when_its_handler_times_out(queue: Queue) -> None:
    message_id = queue.put(1)
    message = queue.get()
    queue.cancel(message_id)

    queue.settle(message, Settlement(AttemptOutcome.TIMED_OUT, error="too long"))

    assert queue.counts() == Counts(cancelled=1)


_LOOP: list[Any] = []


_LOOP.append(_LOOP)


def test_an_error_that_cannot_be_written_down_still_fails_its_attempt(queue: Queue) -> None:
    queue.put("one")
    message = queue.get(timeout=0)

    message.fail(_LOOP)

    assert queue.message(message.id).attempts[0].error == "[[...]]"


def test_a_message_that_is_done_again_without_a_result_has_none(queue: Queue) -> None:
    queue.put("one")
    message = queue.get(timeout=0)
    message.ack("of the first time")
    queue.retry(message.id)

    queue.get(timeout=0).ack()

    assert queue.result(message.id) is None
