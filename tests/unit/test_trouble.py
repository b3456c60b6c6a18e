"""Alarms about the workers as a whole."""

from __future__ import annotations

from pathlib import Path

from pqdesk.supervision.records import ReplicaRecord, WorkerState
from pqdesk.supervision.trouble import QueueFacts, alarms


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


def test_a_queue_with_ready_messages_and_no_worker_is_an_alarm() -> None:
    [alarm] = alarms((), (QueueFacts("mail", 1), QueueFacts("empty", 0), QueueFacts("held", 9, is_paused=True)), {})

    assert (alarm.kind, alarm.subject) == ("no worker", "mail")
    assert alarm.text == "1 message of 'mail' waits: no worker is there for this queue; add one"


def test_a_worker_that_does_not_run_is_named() -> None:
    stopped = replica("sender", WorkerState.STOPPED, "mail", "other")

    [alarm] = alarms([stopped], [QueueFacts("mail", 2500)], {})

    assert alarm.text == "2,500 messages of 'mail' wait: 'sender' would take them and does not run; start it"


def test_a_crash_looping_worker_is_none() -> None:
    looping = replica("sender", WorkerState.CRASH_LOOPING, "mail")

    assert [one.kind for one in alarms([looping], [QueueFacts("mail", 1)], {})] == ["no worker"]


def test_who_works_or_works_elsewhere_is_no_alarm() -> None:
    running = replica("sender", WorkerState.RUNNING, "mail", up_s=10)

    assert alarms([running], [QueueFacts("mail", 5)], {}) == ()
    assert alarms([], [QueueFacts("mail", 5, has_other_worker=True)], {}) == ()


def test_a_worker_that_never_finishes_anything_is_an_alarm() -> None:
    replicas = [replica("sender", WorkerState.RUNNING, "mail", number=number, up_s=200 * number) for number in (1, 2)]

    [alarm] = alarms(replicas, [QueueFacts("mail", 5)], {"other": 7})

    assert (alarm.kind, alarm.subject) == ("never finishes", "sender")
    assert "has run for 6 min 40 s and finished nothing, while messages of 'mail' wait" in alarm.text
    assert alarms(replicas, [QueueFacts("mail", 5)], {"sender": 1}) == ()
    assert alarms(replicas[:1], [QueueFacts("mail", 5)], {}) == ()
    assert alarms(replicas, [QueueFacts("mail", 0)], {}) == ()
