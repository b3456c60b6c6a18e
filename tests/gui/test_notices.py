"""What the toast says."""

from __future__ import annotations

import pytest

from pqdesk.gui.demo_guide import demo_progress, demo_story
from pqdesk.gui.notices import describe_outcome
from pqdesk.messages.records import Counts, Outcome
from pqdesk.supervision.records import WorkerState
from tests.gui.shell_fakes import make_replica, make_status


@pytest.mark.parametrize(
    ("action", "outcome", "text"),
    [
        ("delete", Outcome(1), "1 message deleted"),
        ("retry", Outcome(4775, 37), "4,775 messages ready again · 37 skipped (their state does not allow it)"),
        ("retry", Outcome(0, 1), "1 skipped (its state does not allow it)"),
        ("delete", Outcome(), "0 messages deleted"),
        ("restore", Outcome(2, 0, ("key in use",)), "2 messages restored · 1 error: key in use"),
    ],
)
def test_outcomes(action: str, outcome: Outcome, text: str) -> None:
    assert describe_outcome(action, outcome) == text


def test_the_demo_tells_its_start_step_by_step() -> None:
    starting = make_status(make_replica("consumer", WorkerState.STARTING), make_replica("producer"))

    assert demo_progress(None) == "Starting supervisord…"
    assert demo_progress(make_status(is_running=False)) == "Starting supervisord…"
    assert demo_progress(starting) == "Starting supervisord… started · consumer starting · producer running"
    assert demo_progress(make_status(make_replica("consumer"), make_replica("producer"))) is None


def test_the_demo_leads_to_its_failed_messages_once_there_are_some() -> None:
    assert demo_story(Counts())[1] == ""
    assert demo_story(Counts(failed=1))[1] == "Show failed messages"
