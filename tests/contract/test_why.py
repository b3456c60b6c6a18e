"""Why a message is not running: each reason there is, and the words for it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pqdesk import NotFound, Queue
from pqdesk.messages.looking import ReasonKind
from pqdesk.paths import WorkspacePaths
from pqdesk.storage.contract import Store
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState
from tests.contract import engines
from tests.contract.clocks import MovableClock


@pytest.fixture
def served(queue: Queue, other: Queue) -> Queue:
    """The queue, with another process that waits for it."""
    other.store.wait("work", until_us=None, timeout_s=0)
    return queue


@pytest.fixture
def upkeep_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for before the queue: what it would do in the background comes when the test says so."""
    engines.rest(monkeypatch)


def test_a_running_message_tells_who_runs_it_since_when(queue: Queue, clock: MovableClock) -> None:
    message_id = queue.put("x")
    queue.get(lease=9999)
    clock.advance(65)

    why = queue.why(message_id)

    assert why.startswith("Message 1 is running on pid ")
    assert re.search(r" for 1 min \d\d s, attempt 1 of 5\.$", why)
    queue.cancel(message_id)
    assert queue.why(message_id).endswith("; it was asked to stop.")


def test_a_message_claimed_ahead_waits_for_its_turn(queue: Queue) -> None:
    queue.put("x")
    queue.store.claim("work", limit=1, lease_us=None, is_detached=False, is_ahead=True)

    assert "was claimed ahead by pid" in queue.why(1)


def test_a_message_taken_by_a_shell_waits_for_its_receipt(queue: Queue) -> None:
    queue.put("x")
    queue.get(detached=True)

    assert queue.why(1).startswith("Message 1 was taken for another program ")
    assert queue.why(1).endswith("ago, attempt 1 of 5; whoever has its receipt settles it.")


def test_a_completed_message_tells_when_and_by_whom(queue: Queue, clock: MovableClock) -> None:
    queue.put("x")
    message = queue.get(lease=9999)
    clock.advance(3)
    message.ack()
    clock.advance(60)

    assert re.fullmatch(r"Message 1 was completed 1 min \d\d s ago by pid \d+ in 3\.\d\d s, attempt 1\.", queue.why(1))


def test_a_failed_message_tells_its_error(queue: Queue) -> None:
    queue.put("x")
    queue.get().fail("no such address")

    assert "ago, after 1 attempt: no such address. Retry makes it ready again." in queue.why(1)


def test_a_cancelled_message_tells_how(upkeep_by_hand: None, queue: Queue, clock: MovableClock) -> None:
    queue.put("by hand")
    queue.cancel(1)
    queue.put("late", expires=5)
    clock.advance(6)
    assert queue.why(2).startswith("Message 2 expired 1.")
    assert queue.why(2).endswith(" ago, before it was started; it will be cancelled.")
    engines.run_chores(queue)

    assert queue.why(1).startswith("Message 1 was cancelled 6.")
    assert queue.why(2).endswith(" ago: expired. Retry makes it ready again.")


def test_an_expired_message_that_was_started_is_not_said_to_have_never_been(
    upkeep_by_hand: None, queue: Queue, clock: MovableClock
) -> None:
    queue.put("x", expires=60)
    queue.get(timeout=0, lease=600).nack("no", delay=600)
    clock.advance(61)

    assert "after 1 attempt and before the next; it will be cancelled." in queue.why(1)
    assert "before it was started" not in queue.why(1)


def test_a_trashed_message_tells_so(queue: Queue) -> None:
    queue.put("x")
    queue.delete(1)

    assert queue.why(1).startswith("Message 1 is in the trash for ")
    assert queue.why(1).endswith("it was ready before. Restore brings it back.")


def test_a_scheduled_message_tells_when_it_is_due(queue: Queue, clock: MovableClock) -> None:
    queue.put("x", delay=120)
    clock.advance(60)

    assert queue.why(1).startswith("Message 1 is due in ")
    assert queue.why(1).endswith("Run now makes it ready at once.")


def test_a_retrying_message_tells_what_failed_and_when_it_is_tried_again(queue: Queue) -> None:
    queue.put("x", max_attempts=3)
    queue.get().nack("ConnectionError: refused", delay=3600)

    why = queue.why(1)
    assert why.startswith("Attempt 1 of 3 of message 1 failed: ConnectionError: refused; the next one is due in ")
    assert why.endswith(". Retry makes it ready at once.")


def test_a_paused_queue_is_told_first(served: Queue) -> None:
    served.put("x")
    served.pause()

    assert served.why(1) == "Queue 'work' is paused. Resume it."


def test_procrastinate_1599_a_group_held_by_a_delayed_message_says_by_which(served: Queue) -> None:
    served.put("a", group="g")
    served.put("b", group="g")
    held = "is before it in group 'g', which run one at a time, in order."

    assert served.why(2) == f"Message 1, which is ready, {held}"
    message = served.get()
    assert served.why(2) == f"Message 1, which is running, {held}"
    message.nack("boom", delay=3600)
    assert served.why(2).startswith("Message 1, which is retrying and due in ")
    served.put("later", group="h", delay=7200)
    served.put("x", group="h")
    assert served.why(4).startswith("Message 3, which is scheduled and due in ")


def test_a_wide_group_says_how_many_run_at_once(served: Queue) -> None:
    served.configure(group_concurrency=2)
    for _ in range(3):
        served.put("x", group="g")

    assert "is before it in group 'g', of which 2 run at once." in served.why(3)


def test_a_concurrency_limit_is_told(served: Queue) -> None:
    served.configure(concurrency=1)
    served.put_many(["a", "b"])
    served.get()

    assert served.why(2) == "1 of 1 messages that may run at once in queue 'work' are running."


def test_a_rate_limit_tells_when_the_next_may_begin(served: Queue) -> None:
    served.configure(rate=(1, 3600))
    served.put_many(["a", "b"])
    served.get()

    why = served.why(2)
    assert why.startswith("Queue 'work' has reached its rate of 1 in 1 h 0 min; the next may begin in ")


def test_a_message_behind_others_tells_how_many(served: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    served.put_many(["a", "b", "c"])
    served.put("urgent", priority=9)

    assert served.why(3) == "3 others are before message 3: of higher priority, or older."
    assert served.why(1) == "1 other is before message 1: of higher priority, or older."
    assert served.why(4) == "Message 4 is next: a worker is about to take it."
    engines.count_before(monkeypatch, 2)
    assert served.why(3) == "At least 2 others are before message 3: of higher priority, or older."


def test_the_next_one_waits_for_a_worker_to_be_free(served: Queue) -> None:
    served.put_many(["a", "b"])
    served.get()

    assert served.why(2) == "Message 2 is next: it is taken as soon as a worker is free."


def test_a_damaged_payload_is_told(served: Queue) -> None:
    served.put("x")
    engines.sql(served, "UPDATE pqdesk_message SET payload = x'00'")

    assert "The payload of message 1 in the file is not the one that was put" in served.why(1)


def test_a_queue_that_nobody_takes_from_is_told(queue: Queue) -> None:
    queue.put("x")

    assert queue.why(1) == "Nothing takes messages from queue 'work' now. Start a worker for it."


def test_a_waiting_worker_that_has_gone_is_no_worker(queue: Queue, open_another: Callable[[], Store]) -> None:
    queue.put("x")
    store = open_another()
    store.wait("work", until_us=None, timeout_s=0)
    assert "is next" in queue.why(1)

    store.close()

    assert "Nothing takes messages" in queue.why(1)


def test_a_message_of_a_dead_process_tells_so(queue: Queue) -> None:
    queue.put("x")
    queue.get()
    with engines.held(queue):
        engines.sql(queue, "UPDATE pqdesk_owner SET token = 'gone', boot = 'another boot'")
        why = queue.why(1)

    assert "which is dead; it is ready again as soon as" in why


def test_several_reasons_are_all_told(queue: Queue) -> None:
    queue.put_many(["a", "b"], group="g")
    queue.pause()

    kinds = [one.kind for one in queue.store.looking.explain(2)]

    assert kinds == [ReasonKind.PAUSED, ReasonKind.GROUP_HELD, ReasonKind.NO_WORKER]
    assert queue.why(2).count(". ") >= 2


def test_what_is_not_there_is_not_found(queue: Queue, clock: MovableClock) -> None:
    with pytest.raises(NotFound, match="no message 7"):
        queue.why(7)
    Queue.over(queue.store, "theirs", clock).put("x")
    with pytest.raises(NotFound, match="in queue 'theirs', not in 'work'"):
        queue.why(1)


# --- what supervisord knows -------------------------------------------------------------------------


@pytest.fixture
def told(queue: Queue, paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is said when supervisord tells of these consumers."""
    paths.workers.mkdir(parents=True)
    queue.put("x")

    def ask(*replicas: ReplicaRecord, word: Any = "running") -> str:
        status = SupervisionStatus(word == "running", word, 7, replicas)
        monkeypatch.setattr("pqdesk.supervision.supervision.Supervision.status", lambda self: status)
        return queue.why(1)

    return ask


def _replica(tmp_path: Path, state: WorkerState, **values: Any) -> ReplicaRecord:
    return ReplicaRecord(
        process="mail", worker="mail", kind="consumer", replica=1, state=state, queues=("work",),
        stdout_log=tmp_path / "mail.out.log", stderr_log=tmp_path / "mail.err.log", **values,
    )  # fmt: skip


def test_a_worker_that_is_stopped_or_not_there_is_told(told: Callable[..., str], tmp_path: Path) -> None:
    start = "Nothing takes messages from queue 'work': "
    assert told() == f"{start}no worker of this workspace is for it. Add one, or run pqdesk consume."
    assert told(_replica(tmp_path, WorkerState.STOPPED)) == f"{start}its worker mail is stopped. Start it."
    assert told(_replica(tmp_path, WorkerState.STARTING)).endswith("is starting, and has not asked for messages yet.")
    assert told(_replica(tmp_path, WorkerState.STOPPED), word="not running") == (
        f"{start}supervisord is not running, so its worker mail does not run. Start the workers."
    )


def test_a_worker_that_crashes_is_told_with_its_likely_cause(told: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "mail.err.log").write_text("ModuleNotFoundError: No module named 'requests'\n")

    why = told(_replica(tmp_path, WorkerState.CRASH_LOOPING, exit_text="exit code 1"))

    assert "its worker mail crashes again and again: Python cannot find the module requests." in why
    failed = told(_replica(tmp_path, WorkerState.FAILED_TO_START, exit_text="can't find command 'nope'"))
    assert "its worker mail failed to start: The command was not found: nope." in failed


def test_without_the_workers_extra_the_storage_still_tells(
    told: Callable[..., str], queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    told()
    monkeypatch.setitem(sys.modules, "pqdesk.supervision.supervision", None)

    assert queue.why(1) == "Nothing takes messages from queue 'work' now. Start a worker for it."
