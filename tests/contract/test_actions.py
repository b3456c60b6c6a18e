from __future__ import annotations

import pytest

from pqdesk import InvalidInput, LeaseLost, Outcome, Queue, Workspace
from pqdesk.clock import to_datetime
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.queues.message import parse_receipt
from pqdesk.storage.values import Settlement
from tests.contract.clocks import MovableClock


def one_of_each(queue: Queue) -> dict[str, int]:
    """A message in every state, by its word."""
    ids = {"completed": queue.put("completed")}
    queue.get().ack()
    ids["failed"] = queue.put("failed")
    queue.get().fail("broken")
    ids["retrying"] = queue.put("retrying")
    queue.get().nack("again", delay=3600)
    ids["cancelled"] = queue.put("cancelled")
    queue.cancel(ids["cancelled"])
    ids["running"] = queue.put("running")
    queue.get()
    ids["scheduled"] = queue.put("scheduled", delay=3600)
    ids["ready"] = queue.put("ready")
    return ids


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("retry", {"failed", "retrying", "cancelled", "completed"}),
        ("run_now", {"scheduled"}),
        ("cancel", {"scheduled", "ready", "retrying", "running"}),
        ("delete", {"scheduled", "ready", "retrying", "completed", "failed", "cancelled"}),
        ("restore", set()),
    ],
)
def test_an_action_moves_what_it_may_and_skips_the_rest(queue: Queue, action: str, allowed: set[str]) -> None:
    ids = one_of_each(queue)

    outcomes = {word: getattr(queue, action)(message_id) for word, message_id in ids.items()}

    assert {word for word, outcome in outcomes.items() if outcome == Outcome(1, 0)} == allowed
    assert all(outcomes[word] == Outcome(0, 1) for word in ids.keys() - allowed)


@pytest.mark.parametrize("action", ["retry", "cancel", "delete", "duplicate"])
def test_what_is_in_another_state_than_it_was_seen_in_is_left_alone(queue: Queue, action: str) -> None:
    ids = one_of_each(queue)
    words = list(ids)
    other = dict(zip(words, [*words[1:], words[0]], strict=True))
    before = queue.counts()

    outcome = getattr(queue, action)({message_id: other[word] for word, message_id in ids.items()})

    assert (outcome.done, outcome.skipped, outcome.errors) == (0, 7, ())
    assert queue.counts() == before


def test_an_order_that_names_the_state_is_carried_out_once(queue: Queue) -> None:
    failed, other = queue.put("x"), queue.put("y")
    queue.get().fail("broken")
    seen = {failed: State.FAILED, other: "ready"}

    first = queue.retry(seen)
    queue.get().ack()
    second = queue.retry(seen)

    assert (first.done, first.skipped) == (1, 1)
    assert (second.done, second.skipped) == (0, 2)
    assert queue.message(failed).state == State.COMPLETED


def test_a_message_that_is_due_by_now_was_seen_as_ready(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("later", delay=5)
    clock.advance(6)

    assert queue.cancel({message_id: "ready"}).done == 1


@pytest.mark.parametrize("state", [None, "gone", 7, ["ready"], ("ready", "failed")])
def test_a_state_that_is_none_is_refused(queue: Queue, state: object) -> None:
    message_id = queue.put("x")

    with pytest.raises(InvalidInput, match="there is no state"):
        queue.cancel({message_id: state})

    assert queue.counts().ready == 1


def test_the_counters_stay_exact_through_every_action(queue: Queue) -> None:
    ids = one_of_each(queue)
    before = queue.counts()

    queue.delete(list(ids.values()))
    assert queue.counts().total == 1
    assert queue.counts().running == 1
    queue.restore(list(ids.values()))

    assert queue.counts() == before
    assert {word: queue.message(message_id).state.word for word, message_id in ids.items()} == {w: w for w in ids}


def test_retry_by_state(queue: Queue) -> None:
    queue.put_many(range(5))
    for message in queue.get_many(5):
        message.fail("no")

    assert queue.retry(state="failed") == Outcome(5, 0)

    assert queue.counts().ready == 5


def test_a_retry_goes_on_counting_and_allows_as_many_attempts_again(queue: Queue) -> None:
    message_id = queue.put("x", max_attempts=1)
    queue.get().nack("first")
    queue.retry(message_id)

    second = queue.get(timeout=0)
    assert (second.attempt, second.max_attempts) == (2, 2)
    second.nack("second")

    assert queue.message(message_id).state == State.FAILED
    assert [one.attempt for one in queue.message(message_id).attempts] == [1, 2]


def test_what_is_retried_is_due_since_the_retry(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    queue.get().fail("broken")
    clock.advance(200)
    clock.freeze_wall()

    queue.retry(message_id)

    assert queue.message(message_id).due_at == to_datetime(clock.wall_us())


def test_a_retry_of_a_completed_message_keeps_its_first_attempt(queue: Queue) -> None:
    message_id = queue.put("x")
    queue.get().ack("one")

    queue.retry(message_id)
    queue.get(timeout=0).ack("two")

    assert [one.outcome.word for one in queue.message(message_id).attempts if one.outcome] == ["completed", "completed"]
    assert queue.result(message_id) == "two"


def test_a_filter_without_a_state_leaves_completed_messages_alone(queue: Queue) -> None:
    queue.put("a", type="t")
    queue.put("b", type="t")
    queue.get().ack()
    queue.get().fail("no")

    assert queue.retry(type="t") == Outcome(1, 0)

    assert queue.counts().completed == 1


def test_retry_and_restore_skip_when_the_key_is_in_use(queue: Queue) -> None:
    failed = queue.put(1, key="k")
    queue.get().fail("no")
    waiting = queue.put(2, key="k")
    assert queue.retry(failed) == Outcome(0, 1)
    queue.delete(waiting)
    queue.put(3, key="k")

    assert queue.restore(waiting) == Outcome(0, 1)


def test_a_deleted_message_is_in_no_count_and_no_list_but_can_be_looked_at(queue: Queue) -> None:
    message_id = queue.put("x", key="k")

    queue.delete(message_id)

    assert queue.counts().total == 0
    assert queue.messages() == []
    assert queue.message(message_id).is_trashed
    assert queue.message(message_id).state == State.READY
    assert queue.put("y", key="k") > message_id


def test_a_scheduled_message_restored_late_is_due(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=5)
    queue.delete(message_id)
    clock.advance(10)

    queue.restore(message_id)

    assert queue.get(timeout=0).id == message_id


def test_run_now_makes_a_scheduled_message_ready(queue: Queue) -> None:
    message_id = queue.put("x", delay=3600)

    queue.run_now(message_id)

    assert queue.get(timeout=0).id == message_id


def test_ids_that_do_not_exist_are_told_and_stop_nothing(queue: Queue) -> None:
    message_id = queue.put("x")

    outcome = queue.cancel([999, message_id])

    assert (outcome.done, outcome.errors) == (1, ("there is no message 999",))


def test_a_dry_run_changes_nothing(queue: Queue) -> None:
    queue.put_many(range(3))

    assert queue.cancel(state="ready", dry_run=True) == Outcome(3, 0)

    assert queue.counts().ready == 3


def test_more_than_a_batch_is_done_whole(queue: Queue) -> None:
    queue.put_many(range(2500))

    assert queue.cancel(state="ready").done == 2500

    assert queue.counts().cancelled == 2500


@pytest.mark.parametrize("action", ["retry", "run_now", "cancel", "delete", "restore"])
def test_an_action_without_ids_or_filter_is_refused(queue: Queue, action: str) -> None:
    queue.put("x")

    with pytest.raises(InvalidInput, match="nothing changed"):
        getattr(queue, action)()

    assert queue.counts().ready == 1


def test_a_workspace_acts_on_one_queue_or_all(queue: Queue) -> None:
    queue.put("x")
    with Workspace(queue.paths.root if queue.paths else None) as workspace:
        workspace.queue("second").put("y")

        assert workspace.cancel(queue="second").done == 1
        assert workspace.counts().ready == 1
        assert workspace.cancel(state="ready").done == 1
        with pytest.raises(InvalidInput):
            workspace.cancel()


def test_a_message_retried_while_another_holds_it_loses_nothing(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    first = queue.get(lease=1)
    clock.advance(2)
    queue.get(timeout=0).fail("second")
    queue.retry(message_id)

    with pytest.raises(LeaseLost):
        first.ack()

    assert queue.get(timeout=0).attempt == 3


@pytest.mark.parametrize("action", ["cancel", "delete", "retry"])
def test_a_queue_acts_on_no_message_of_another(queue: Queue, action: str) -> None:
    theirs = Queue.over(queue.store, "theirs", queue._clock).put("x")

    outcome = getattr(queue, action)([theirs])

    assert (outcome.done, outcome.errors) == (0, (f"message {theirs} is in another queue",))
    assert queue.store.looking.counts("theirs").ready == 1


def test_an_action_with_a_progress_that_cannot_be_called_changes_nothing(queue: Queue) -> None:
    queue.put("one")

    with pytest.raises(InvalidInput, match="on_progress"):
        queue.delete([1], on_progress=7)  # type: ignore[arg-type]

    assert queue.qsize() == 1


@pytest.mark.parametrize("act", ["retry", "cancel", "delete", "move", "edit", "run_now"])
def test_an_operator_and_a_worker_at_once_leave_a_message_in_one_state(queue: Queue, other: Queue, act: str) -> None:
    """rails/solid_queue 589: an operator and a worker end it at once; each message is in one state and counted once."""
    message_id = queue.put("x", max_attempts=1)
    message = queue.get(timeout=0)
    arguments = {"move": {"to": "second"}, "edit": {"payload": "y"}}.get(act, {})

    getattr(other, act)(message_id, **arguments)
    message.fail("broken")
    getattr(other, act)(message_id, **arguments)
    with pytest.raises(LeaseLost):
        other.store.settle_receipt(*parse_receipt(message.receipt), Settlement(AttemptOutcome.COMPLETED))

    detail, counts = queue.store.looking.message(message_id), queue.store.looking.counts()
    assert counts.total == (0 if detail.is_trashed else 1)
    assert counts.of(detail.state) == counts.total
    assert [one.outcome for one in detail.attempts] == [AttemptOutcome.FAILED]


def test_what_is_out_of_attempts_is_set_aside_and_can_be_run_again(queue: Queue) -> None:
    """As in pgmq 274."""
    message_id = queue.put("x", max_attempts=2)
    for _ in range(2):
        queue.get(block=False).nack("broken", delay=0)

    assert queue.message(message_id).state == State.FAILED
    assert queue.retry(message_id).done == 1
    assert queue.get(block=False).attempt == 3


def test_what_failed_is_run_again_in_the_order_of_its_group(queue: Queue) -> None:
    """pgmq/pgmq 274, 294, litements/litequeue 1: built in, with replay of what failed, all or a few, in its order."""
    ids = [queue.put(number, group="g", max_attempts=2) for number in range(3)]
    for _ in ids:
        queue.get(timeout=0).nack("down", delay=0)
        queue.get(timeout=0).nack("down", delay=0)
    assert queue.counts().failed == 3

    assert queue.retry(ids[0]).done == 1
    assert queue.retry(where="state:failed down").done == 2

    for message_id in ids:
        with queue.get(timeout=0) as message:
            assert (message.id, message.attempt) == (message_id, 3)
    assert [one.outcome.word for one in queue.message(ids[0]).attempts if one.outcome] == [
        "nacked", "nacked", "completed",
    ]  # fmt: skip
