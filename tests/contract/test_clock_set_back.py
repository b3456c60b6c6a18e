"""The wall clock is set back: what was to wait for a time waits no longer for that, whoever notices it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pqdesk import Empty, Queue
from pqdesk.clock import to_datetime
from pqdesk.paths import WorkspacePaths
from pqdesk.storage.contract import Store
from tests.contract.clocks import MovableClock
from tests.contract.outside import edit

HOUR = 3600


def _notice(queue: Queue) -> None:
    """What a background thread or a get does within a second; a plain put has no length of time to reckon."""
    queue.put("later", delay=1000 * HOUR)


def _delayed(queue: Queue) -> int:
    return queue.put("x", delay=60)


def _nacked(queue: Queue) -> int:
    message_id = queue.put("x")
    queue.get(timeout=0).nack("no", delay=60)
    return message_id


def _backed_off(queue: Queue) -> int:
    queue.configure(backoff="fixed:60")
    message_id = queue.put("x")
    queue.get(timeout=0).nack("no")
    return message_id


def _delayed_among_many(queue: Queue) -> int:
    return queue.put_many(["x", "y"], delay=60)[0]


def _put_in_a_transaction(queue: Queue) -> int:
    with queue.transaction() as tx:
        return queue.put("x", delay=60, tx=tx)


@pytest.mark.parametrize("wait", [_delayed, _nacked, _backed_off, _delayed_among_many, _put_in_a_transaction])
@pytest.mark.parametrize("back_s", [-60, -HOUR, -400 * 86_400])
def test_a_length_of_time_gets_no_longer(
    queue: Queue, clock: MovableClock, wait: Callable[[Queue], int], back_s: float
) -> None:
    message_id = wait(queue)
    clock.advance(30)

    clock.set_wall(back_s)
    _notice(queue)
    clock.advance(10)
    assert queue.message(message_id).state in ("scheduled", "retrying")
    clock.advance(36)  # a backoff is up to a quarter longer than it says

    assert queue.message(message_id).state == "ready"
    assert message_id in {one.id for one in queue.get_many(10)}


@pytest.mark.parametrize("is_other_open", [True, False])
def test_another_process_notices_it_too(
    queue: Queue, clock: MovableClock, open_another: Callable[[], Store], is_other_open: bool
) -> None:
    first = Queue.over(open_another(), "work", clock) if is_other_open else None
    message_id = queue.put("x", delay=60)
    queue.store.close()

    clock.set_wall(-HOUR)
    clock.advance(61)
    late = first or Queue.over(open_another(), "work", clock)
    _notice(late)

    assert {one.id for one in late.get_many(10)} >= {message_id}


def test_it_is_moved_once_however_many_notice(queue: Queue, other: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=5 * HOUR)
    due_at = queue.message(message_id).due_at

    clock.set_wall(-HOUR)
    for one in (queue, other, queue, other):
        _notice(one)

    assert abs(queue.message(message_id).due_at - (due_at - timedelta(hours=1))) < timedelta(seconds=1)


def test_what_is_undone_is_noticed_again(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=60)
    clock.set_wall(-HOUR)

    with pytest.raises(RuntimeError), queue.transaction():
        raise RuntimeError
    _notice(queue)
    clock.advance(61)

    assert queue.message(message_id).state == "ready"


def test_a_moment_that_was_named_stays(queue: Queue, clock: MovableClock) -> None:
    at = to_datetime(clock.wall_us()) + timedelta(minutes=1)
    message_id = queue.put("x", at=at)

    clock.set_wall(-HOUR)
    _notice(queue)
    clock.advance(90)

    assert (queue.message(message_id).state, queue.message(message_id).due_at) == ("scheduled", at)


def test_an_expiry_is_not_put_off(queue: Queue, clock: MovableClock) -> None:
    waiting, running = queue.put("x", expires=60), queue.put("y", expires=60, priority=1)
    held = queue.get(timeout=0, lease=600)
    assert held.id == running

    clock.set_wall(-HOUR)
    clock.advance(61)
    _notice(queue)
    held.release()

    with pytest.raises(Empty):
        queue.get(timeout=0)
    assert [queue.message(one).state for one in (waiting, running)] == ["cancelled", "cancelled"]


def test_time_asleep_counts_and_a_clock_set_back_after_it_is_noticed(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=4 * HOUR)
    clock.suspend(HOUR)
    _notice(queue)

    clock.set_wall(-HOUR)
    _notice(queue)
    clock.advance(3 * HOUR - 10)
    assert queue.message(message_id).state == "scheduled"
    clock.advance(11)

    assert queue.message(message_id).state == "ready"


def test_after_a_reboot_nothing_is_moved(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=60)
    due_at = queue.message(message_id).due_at

    clock.reboot()
    clock.set_wall(-HOUR)
    _notice(queue)

    assert queue.message(message_id).due_at == due_at


def test_who_waits_is_woken(queue: Queue, other: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x", delay=HOUR / 2)
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(other.get(timeout=5 * HOUR)))
    waiting.start()

    clock.set_wall(-HOUR)
    clock.advance(HOUR / 2 + 1)
    waiting.join()

    assert [one.id for one in found] == [message_id]
    found[0].ack()


@pytest.mark.parametrize(
    "value", ["''", "'x'", "x'00'", "'boot-1'", "'boot-1 many'", "'boot-1 99999999999999999999999999999'", "5"]
)
def test_whatever_the_file_says_of_the_clock_is_held_against_what_it_can_be(
    queue: Queue, clock: MovableClock, paths: WorkspacePaths, value: str
) -> None:
    message_id = queue.put("x", delay=60)
    edit(paths.database, f"UPDATE pqdesk_meta SET value = {value} WHERE name = 'clock'")

    clock.suspend(5)
    _notice(queue)

    assert queue.message(message_id).due_at > datetime.now(UTC) + timedelta(seconds=30)


def _reports(caplog: pytest.LogCaptureFixture) -> int:
    return sum("set back" in one.getMessage() for one in caplog.records)


def test_a_wall_clock_that_stands_still_is_told_once(
    queue: Queue, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    message_id = queue.put("x", delay=60)
    clock.freeze_wall()

    for _ in range(20):
        clock.advance(2)
        _notice(queue)
    assert _reports(caplog) == 1
    assert queue.message(message_id).state == "scheduled"
    clock.advance(21)  # of awake time it is due by now
    _notice(queue)

    assert queue.message(message_id).state == "ready"
    assert _reports(caplog) == 1


@pytest.mark.parametrize("further_s", [-5, -HOUR])
def test_a_clock_that_is_set_back_further_is_told_again(
    queue: Queue, clock: MovableClock, caplog: pytest.LogCaptureFixture, further_s: float
) -> None:
    _notice(queue)
    for _ in range(3):
        clock.set_wall(further_s)
        _notice(queue)

    assert _reports(caplog) == 3


def test_a_clock_that_stands_still_once_more_is_told_again(
    queue: Queue, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    _notice(queue)
    for _ in range(2):
        clock.freeze_wall()
        for _ in range(5):
            clock.advance(2)
            _notice(queue)
        clock.thaw_wall()
        _notice(queue)

    assert _reports(caplog) == 2
