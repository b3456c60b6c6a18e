"""What the toast says."""

from __future__ import annotations

import pytest

from pqdesk.errors import NotFound
from pqdesk.gui.notices import describe_done, describe_waiting
from pqdesk.gui.pages.overview.demo_guide import demo_progress, demo_story
from pqdesk.gui.threads.orders import Activity, Done, Order, Queues, Schedules, Seen, Workers
from pqdesk.messages.records import Counts, Outcome
from pqdesk.supervision.records import WorkerState
from tests.gui.shell_fakes import make_replica, make_status

_SEEN = Seen({})


@pytest.mark.parametrize(
    ("order", "outcome", "text"),
    [
        (Order("delete", _SEEN), Outcome(1), "1 message deleted"),
        (
            Order("retry", _SEEN),
            Outcome(4775, 37, reasons={"running": 34, "key in use": 3}),
            "4,775 messages ready again · 37 skipped (34 running, 3 key in use)",
        ),
        (Order("retry", _SEEN), Outcome(0, 1, reasons={"completed": 1}), "1 skipped (completed)"),
        (Order("delete", _SEEN), Outcome(), "0 messages deleted"),
        (Order("cancel", _SEEN), Outcome(2, 0, ("gone",)), "2 messages cancelled · 1 error: gone"),
        (Order("undo", Activity()), Outcome(1, note="that was: x"), "1 change taken back · that was: x"),
        (Order("pause", Queues(("mail",))), Outcome(1), "Paused mail: puts go on, nothing is taken"),
        (Order("resume", Queues()), Outcome(1), "Resumed all queues"),
        (Order("stop", Workers()), Outcome(1), "Stopping all workers; what is in hand is finished first"),
        (Order("scale", Workers(("mail",), 1)), Outcome(1), "mail: 1 replica"),
        (Order("autostart", Workers(("mail",), False)), Outcome(1), "mail: does not start with supervisord"),
        (Order("signal", Workers(tuple("abcde"), "HUP")), Outcome(1), "HUP sent to a, b, c and 2 more"),
        (Order("disable_schedule", Schedules(("daily",))), Outcome(1), "Schedule daily paused"),
        (Order("run_schedule", Schedules(("daily",))), Outcome(1, new_ids=(9,)), "Message 9 put by daily"),
        (Order("test_message", Queues(("test",))), Outcome(1, new_ids=(7,)), "Message 7 put into test"),
    ],
)
def test_outcomes(order: Order, outcome: Outcome, text: str) -> None:
    assert describe_done(Done(order, outcome)) == text


def test_what_failed_says_why() -> None:
    done = Done(Order("undo", Activity()), error=NotFound("there is nothing of ada's to undo"))

    assert describe_done(done) == "Undo failed, nothing was changed: there is nothing of ada's to undo"


def test_a_slow_order_says_what_it_waits_for() -> None:
    order = Order("retry", _SEEN)

    held_up = describe_waiting(order, progress=0, seconds=6, is_held_up=True)
    assert held_up == "Retry waits: another program holds the queue file, 6 s"
    assert describe_waiting(order, progress=4000, seconds=2, is_held_up=False) == "Retry goes on: 4,000 so far, 2 s"


def test_the_demo_tells_its_start_step_by_step() -> None:
    starting = make_status(make_replica("consumer", WorkerState.STARTING), make_replica("producer"))

    assert demo_progress(None) == "Starting supervisord…"
    assert demo_progress(make_status(is_running=False)) == "Starting supervisord…"
    assert demo_progress(starting) == "Starting supervisord… started · consumer starting · producer running"
    assert demo_progress(make_status(make_replica("consumer"), make_replica("producer"))) is None


def test_the_demo_leads_to_its_failed_messages_once_there_are_some() -> None:
    assert demo_story(Counts())[1] == ""
    assert demo_story(Counts(failed=1))[1] == "Show failed messages"
