"""What happened to a message, in words."""

from __future__ import annotations

from datetime import timedelta

from pqdesk.gui.pages.messages.timeline import first_line, timeline
from pqdesk.messages.activities import ActivityRecord
from pqdesk.messages.records import AttemptRecord
from pqdesk.messages.states import AttemptOutcome, State
from tests.gui.fakes import NOW, make_detail, make_record


def second(count: float):
    return NOW + timedelta(seconds=count)


def attempt(number, start, end, outcome, error=None):
    return AttemptRecord(number, "consumer", second(start), None if end is None else second(end), outcome, error)


def words(state, *attempts, acts=(), **values):
    record = make_record(1, state, enqueued_at=NOW, **values)
    told = timeline(make_detail(record, attempts=attempts), acts, second(100))
    return [(one.text, one.gap, one.note) for one in told]


def act(action, at, actor="ada, pqdesk 0.2.0 window"):
    return ActivityRecord(
        id=1, at=second(at), actor=actor, action=action, command="", queue=None, done=1, skipped=0,
        undone_by=None, why_not=None,
    )  # fmt: skip


def test_a_completed_message():
    told = words(State.COMPLETED, attempt(1, 2, 2.842, AttemptOutcome.COMPLETED))

    assert told == [
        ("Enqueued", "", ""),
        ("Attempt 1 started", "waited 2.00 s", "consumer"),
        ("Completed", "ran 842 ms", ""),
    ]


def test_a_retrying_message_says_when_it_goes_on():
    trace = "Traceback (most recent call last):\n  File…\nValueError: no"
    told = words(State.RETRYING, attempt(1, 0, 1, AttemptOutcome.NACKED, trace), due_at=second(340))

    assert told[-2:] == [("Attempt failed", "ran 1.00 s", "ValueError: no"), ("Next attempt due", "in 4 min 00 s", "")]


def test_a_running_message_counts():
    assert words(State.RUNNING, attempt(1, 40, None, None))[-1] == ("Running", "for 1 min 00 s", "")


def test_a_message_that_failed_without_an_attempt_says_why():
    assert words(State.FAILED, error="damaged: its priority")[-1] == ("Failed", "", "damaged: its priority")


def test_a_ready_message_waits():
    assert words(State.READY)[-1] == ("Ready", "for 1 min 40 s", "")


def test_a_retried_message_waits_since_the_retry_and_says_who_retried_it():
    told = words(
        State.READY,
        attempt(1, 0, 10, AttemptOutcome.FAILED),
        acts=[act("retry", 99)],
        due_at=second(99),
    )

    assert told[-2:] == [("Retried", "by ada, pqdesk 0.2.0 window", ""), ("Ready", "for 1.00 s", "")]


def test_what_people_did_stands_where_it_happened():
    told = words(
        State.COMPLETED,
        attempt(1, 0, 10, AttemptOutcome.FAILED),
        attempt(2, 42, 43, AttemptOutcome.COMPLETED),
        acts=[act("cancel", 20), act("retry", 40, "bob\u202e, cli"), act("remove-x", 50)],
    )

    assert [(text, gap) for text, gap, _ in told[2:]] == [
        ("Failed for good", "ran 10.00 s"),
        ("Cancelled", "by ada, pqdesk 0.2.0 window"),
        ("Retried", "by bob\\u202E, cli"),
        ("Attempt 2 started", "waited 2.00 s"),
        ("Completed", "ran 1.00 s"),
        ("Remove x", "by ada, pqdesk 0.2.0 window"),
    ]


def test_a_scheduled_message_that_was_run_now_waits_since_then():
    assert words(State.READY, due_at=second(95))[-1] == ("Ready", "for 5.00 s", "")


def test_a_worker_that_died():
    told = words(State.READY, attempt(1, 0, 10, AttemptOutcome.DIED))

    assert told[-2:] == [("Its worker died", "ran 10.00 s", ""), ("Ready", "for 1 min 30 s", "")]


def test_many_attempts_show_the_newest():
    attempts = [attempt(one, one, one + 0.5, AttemptOutcome.NACKED) for one in range(1, 31)]

    told = words(State.FAILED, *attempts)

    assert told[1] == ("22 earlier attempts", "", "they are under Attempts")
    assert told[2][0] == "Attempt 23 started"


def test_the_line_that_says_what_went_wrong():
    assert first_line("Traceback (most recent call last):\n  x\nKeyError: 'a'\n") == "KeyError: 'a'"
    assert first_line("exit status 3\nmore") == "exit status 3"
    assert first_line(None) == ""
