"""What needs a person and how a queue is, judged from facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pqdesk.messages.records import Counts, QueueRecord
from pqdesk.messages.states import QueueWord
from pqdesk.services.health import Facts, Need, needs_of, words_of
from pqdesk.storage import Space
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def replica(worker: str, state: WorkerState, *queues: str, up_s: float = 900, number: int = 1) -> ReplicaRecord:
    return ReplicaRecord(
        process=worker if number == 1 else f"{worker}-{number}",
        worker=worker,
        kind="consumer",
        replica=number,
        state=state,
        uptime_s=up_s if state is WorkerState.RUNNING else None,
        queues=queues,
        stdout_log=Path(),
        stderr_log=Path(),
    )


def queue(name: str = "mail", *, is_paused: bool = False, **counts: int) -> QueueRecord:
    return QueueRecord(name, is_paused, Counts(**counts))


def facts(*replicas: ReplicaRecord, queues: tuple[QueueRecord, ...], waited_s: float = 60, **values: Any) -> Facts:
    """With supervisord running; what is ready has waited for `waited_s`."""
    since = {one.name: NOW - timedelta(seconds=waited_s) for one in queues if one.counts.ready}
    status = SupervisionStatus(True, "running", 7, replicas)
    return Facts(status=status, now=NOW, queues=queues, waiting_since=since, **values)


def of_kind(kind: str, seen: Facts) -> list[Need]:
    return [one for one in needs_of(seen) if one.kind == kind]


# --- what a queue needs -----------------------------------------------------------------------------


def test_a_queue_with_ready_messages_and_no_worker_needs_one() -> None:
    seen = facts(queues=(queue(ready=1), queue("empty"), queue("held", ready=9, is_paused=True)))

    [need] = of_kind("queue", seen)

    assert (need.subject, need.worker) == ("mail", "")
    assert need.text == "1 message of 'mail' waits: no worker is there for this queue"
    assert of_kind("queue", facts(queues=(queue(ready=1),), waited_s=1)) == []  # it may be taken at once


def test_a_worker_that_does_not_run_is_named() -> None:
    stopped = replica("sender", WorkerState.STOPPED, "mail", "other")

    [need] = of_kind("queue", facts(stopped, queues=(queue(ready=2500),)))

    assert need.text == "2,500 messages of 'mail' wait: 'sender' would take them and does not run"
    assert (need.todo, need.worker) == ("pqdesk start sender", "sender")


def test_a_stopped_worker_is_missed_also_where_it_has_just_finished_something() -> None:
    stopped = replica("sender", WorkerState.STOPPED, "mail")

    assert of_kind("queue", facts(stopped, queues=(queue(ready=146),), finished_lately={"mail": 40}))


def test_of_a_crash_looping_worker_is_told_and_not_of_its_queue() -> None:
    seen = facts(replica("sender", WorkerState.CRASH_LOOPING, "mail"), queues=(queue(ready=1),))

    assert [one.kind for one in needs_of(seen)] == ["worker"]
    assert words_of(seen) == {"mail": QueueWord.NO_WORKER}


def test_who_works_or_works_elsewhere_needs_nobody() -> None:
    running = replica("sender", WorkerState.RUNNING, "mail", up_s=10)
    queues = (queue(ready=5),)

    assert needs_of(facts(running, queues=queues)) == ()
    assert needs_of(facts(queues=queues, served=["mail"])) == ()
    assert needs_of(facts(queues=queues, finished_lately={"mail": 3})) == ()  # by a cron job, say


def test_a_worker_that_never_finishes_anything_needs_a_look() -> None:
    replicas = [replica("sender", WorkerState.RUNNING, "mail", number=number, up_s=200 * number) for number in (1, 2)]
    queues = (queue(ready=5),)

    [need] = needs_of(facts(*replicas, queues=queues, finished={"other": 7}))

    assert (need.kind, need.worker) == ("worker", "sender")
    assert need.sentence == (
        "worker 'sender' has run for 6 min 40 s and finished nothing (messages of 'mail' wait)"
    )  # fmt: skip
    assert needs_of(facts(*replicas, queues=queues, finished={"sender": 1})) == ()
    assert needs_of(facts(replicas[0], queues=queues)) == ()
    assert needs_of(facts(*replicas, queues=(queue(),))) == ()


def test_the_worst_stands_first_and_a_wish_last() -> None:
    looping, stopped = replica("a", WorkerState.CRASH_LOOPING), replica("b", WorkerState.STOPPED, "mail")
    queues = (queue(is_paused=True), queue("text", failed=2), queue("mail", ready=1))

    needs = needs_of(facts(looping, stopped, queues=queues))

    assert [one.kind for one in needs] == ["worker", "queue", "failed", "paused"]
    assert [one.is_wish for one in needs] == [False, False, False, True]


@pytest.mark.parametrize(
    ("free_mib", "said", "severity"),
    [
        (512, "the disk is nearly full: 512 MiB are free, and below 256 MiB nothing can be put, acks still work", 1),
        (256, "the disk is full: 256 MiB are free, and below 256 MiB nothing can be put, acks still work", 0),
    ],
)
def test_a_disk_that_is_nearly_full_needs_somebody(free_mib: int, said: str, severity: int) -> None:
    (need,) = needs_of(facts(queues=(), space=Space(free_mib << 20, 256 << 20)))

    assert (need.kind, need.sentence, need.todo, need.severity) == ("disk", said, "free some space", severity)
    assert needs_of(facts(queues=(), space=Space((512 << 20) + 1, 256 << 20))) == ()


# --- how a queue is ---------------------------------------------------------------------------------

UP, STOPPED = replica("w", WorkerState.RUNNING, "mail"), replica("w", WorkerState.STOPPED, "mail")


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        (QueueWord.IDLE, facts(queues=(queue(completed=9, scheduled=3, retrying=1),))),
        (QueueWord.IDLE, facts(UP, queues=(queue(),), served=["mail"])),
        # what is taken in no time is ready or running in no look
        (QueueWord.WORKING, facts(UP, queues=(queue(completed=9),), moving=["mail"])),
        (QueueWord.WORKING, facts(queues=(queue(running=1),), served=["mail"])),
        (QueueWord.WORKING, facts(queues=(queue(running=1, ready=5),), served=["mail"])),
        (QueueWord.WORKING, facts(UP, queues=(queue(ready=5),), moving=["mail"])),
        (QueueWord.WORKING, facts(UP, queues=(queue(ready=5),), waited_s=1)),
        (QueueWord.STALLED, facts(UP, queues=(queue(ready=5),))),
        (QueueWord.STALLED, facts(queues=(queue(ready=5),), served=["mail"])),
        (QueueWord.NO_WORKER, facts(STOPPED, queues=(queue(ready=146),))),
        (QueueWord.NO_WORKER, facts(STOPPED, queues=(queue(ready=146),), moving=["mail"], waited_s=1)),
        (QueueWord.NO_WORKER, facts(queues=(queue(ready=181_280),))),
        (QueueWord.NO_WORKER, facts(queues=(queue(running=3),))),  # who had them is gone, and nobody takes them back
        (QueueWord.NO_WORKER, facts(replica("w", WorkerState.BACKING_OFF, "mail"), queues=(queue(ready=1),))),
        (QueueWord.PAUSED, facts(UP, queues=(queue(ready=5, running=1, is_paused=True),), moving=["mail"])),
    ],
)
def test_one_word_tells_how_a_queue_is(word: QueueWord, seen: Facts) -> None:
    assert words_of(seen) == {"mail": word}


def test_a_producer_serves_no_queue() -> None:
    producer = ReplicaRecord(
        process="p", worker="p", kind="producer", replica=1, state=WorkerState.RUNNING, queues=("mail",),
        stdout_log=Path(), stderr_log=Path(),
    )  # fmt: skip

    assert words_of(facts(producer, queues=(queue(ready=1),))) == {"mail": QueueWord.NO_WORKER}


# --- states of workers ------------------------------------------------------------------------------


def test_each_state_of_a_worker_is_up_stopping_at_rest_or_unknown() -> None:
    others = {WorkerState.STOPPING, WorkerState.UNKNOWN}

    for state in WorkerState:
        assert state.is_up + state.is_at_rest + (state in others) == 1
    assert [one for one in WorkerState if one.is_in_trouble] == [
        WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING, WorkerState.FAILED_TO_START,
    ]  # fmt: skip
