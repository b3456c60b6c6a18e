"""What is claimed ahead of its turn, settled in groups, and given back when its turn does not come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pqdesk import Counts, Queue
from pqdesk.messages.states import AttemptOutcome, State
from pqdesk.storage.values import Claim, Settlement
from tests.contract import engines
from tests.contract.clocks import MovableClock
from tests.support import wait_until

_COMPLETED = Settlement(AttemptOutcome.COMPLETED)


def _claim_ahead(queue: Queue, limit: int) -> tuple[Claim, ...]:
    look = queue.store.claim(queue.name, limit=limit, lease_us=None, is_detached=False, is_ahead=True)
    return look.claims


def test_several_are_settled_in_one_transaction_and_the_next_ones_claimed(queue: Queue) -> None:
    ids = queue.put_many(range(5))
    claims = _claim_ahead(queue, 3)
    for claim in claims:
        assert queue.store.begin(claim)

    lost, look = queue.store.settle_many(
        [
            (claims[0], _COMPLETED),
            (claims[1], Settlement(AttemptOutcome.FAILED, error="no")),
            (claims[2], Settlement(AttemptOutcome.RELEASED)),
        ],
        claim_next=2,
    )

    assert lost == []
    assert [queue.message(one).state for one in ids[:2]] == [State.COMPLETED, State.FAILED]
    assert [claim.id for claim in look.claims] == [ids[2], ids[3]]
    assert queue.counts().running == 2


def test_one_lost_lease_among_several_changes_nothing_for_the_others(queue: Queue, clock: MovableClock) -> None:
    queue.configure(lease=10)
    ids = queue.put_many(range(3))
    claims = _claim_ahead(queue, 3)
    queue.store.settle(claims[1], Settlement(AttemptOutcome.RELEASED))

    lost, _ = queue.store.settle_many([(claim, _COMPLETED) for claim in claims])

    assert lost == [claims[1]]
    assert [queue.message(one).state for one in ids] == [State.COMPLETED, State.READY, State.COMPLETED]


def test_a_group_is_settled_in_order_and_lets_the_next_one_go_each_time(queue: Queue) -> None:
    for number in range(3):
        queue.put(number, group="g")
    seen = []

    claims = _claim_ahead(queue, 10)
    while claims:
        seen += [claim.payload.data for claim in claims if claim.payload]
        _, look = queue.store.settle_many([(claim, _COMPLETED) for claim in claims], claim_next=10)
        claims = look.claims

    assert seen == [b"0", b"1", b"2"]


_CHILD = """
import os, sys, time
from pqdesk import Queue
from tests.contract import engines
queue = Queue("work", workspace=sys.argv[1])
store = queue.store
claims = store.claim("work", limit=3, lease_us=None, is_detached=False, is_ahead=True).claims
store.begin(claims[0]); store.end(claims[0])
store.begin(claims[1])
print("ready", flush=True)
time.sleep(60)
"""


def test_a_death_counts_for_the_message_in_the_handler_and_for_no_other(tmp_path: Path) -> None:
    with Queue("work", workspace=tmp_path) as queue:
        ended, begun, ahead = queue.put_many(["ended", "begun", "ahead"])
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"

        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        taken = {message.id: message for message in (queue.get(timeout=10) for _ in range(3))}

        assert {one: taken[one].attempt for one in (ended, begun, ahead)} == {ended: 1, begun: 2, ahead: 1}
        assert [one.outcome for one in queue.message(begun).attempts[:1]] == [AttemptOutcome.DIED]
        assert queue.message(ahead).attempts[0].outcome is None  # the one that runs now
        for message in taken.values():
            message.ack()


def test_a_handler_that_runs_for_a_while_is_shown_with_its_start(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    claim = _claim_ahead(queue, 1)[0]
    assert queue.message(message_id).started_at is None

    queue.store.begin(claim)
    clock.advance(1)
    engines.run_chores(queue)  # what its background thread does once a second

    assert queue.message(message_id).started_at is not None


def test_a_quick_loop_takes_several_ahead_and_gives_back_what_is_left(queue: Queue, other: Queue) -> None:
    ids = queue.put_many(range(40))
    seen = []

    for message in queue:
        seen.append(message.id)
        message.ack()
        if len(seen) == 20:
            assert queue.counts().running > 0
            break

    assert seen == ids[:20]
    assert queue.counts().running == 0
    assert other.get(block=False).id == ids[20]


def test_a_loop_whose_body_takes_long_keeps_nothing_from_others(
    queue: Queue, other: Queue, clock: MovableClock
) -> None:
    ids = queue.put_many(range(30))
    seen = []

    for message in queue:
        seen.append(message.id)
        message.ack()
        if len(seen) == 20:
            clock.advance(5)  # the body of the loop
            wait_until(lambda: queue.counts().running == 0, reason="what was taken ahead is given back")
            taken = other.get(block=False)
        if len(seen) == 21:
            break

    assert taken.id == ids[20]
    assert seen[20] == ids[21]
    assert queue.message(ids[21]).attempt == 1


def test_what_was_taken_ahead_is_not_begun_when_others_have_it(queue: Queue, clock: MovableClock) -> None:
    queue.put_many(range(2))
    look = queue.store.settle(_claim_ahead(queue, 1)[0], _COMPLETED, claim_next=1)
    assert look is not None
    clock.advance(1)

    engines.run_chores(queue)

    assert not queue.store.begin(look.claims[0])
    assert queue.counts().ready == 1


def test_closing_gives_back_what_is_claimed_ahead_without_counting_an_attempt(queue: Queue, other: Queue) -> None:
    queue.put("x")
    assert len(_claim_ahead(queue, 1)) == 1

    queue.store.close()

    assert other.get(block=False).attempt == 1


@pytest.mark.parametrize("limit", [1, 7])
def test_a_claim_ahead_keeps_to_the_concurrency(queue: Queue, limit: int) -> None:
    queue.configure(concurrency=2)
    queue.put_many(range(9))

    assert len(_claim_ahead(queue, limit)) == min(limit, 2)


def test_an_ack_after_its_loop_was_left_takes_nothing_more(queue: Queue) -> None:
    queue.put_many([1, 2])
    for message in queue:  # noqa: B007
        break
    message.ack()

    assert queue.counts() == Counts(ready=1, completed=1)


def test_what_a_loop_took_ahead_is_kept_while_its_body_goes_on(queue: Queue, other: Queue, clock: MovableClock) -> None:
    queue.put_many([1, 2])
    loop = iter(queue)
    next(loop).ack()
    clock.advance(40)  # of 60
    engines.run_chores(queue)
    clock.advance(40)
    engines.run_chores(other)

    next(loop).ack()
    assert queue.counts().completed == 2
