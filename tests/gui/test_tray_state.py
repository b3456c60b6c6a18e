"""Which picture the tray shows, and that it does not flicker."""

from __future__ import annotations

from pqdesk.gui.tray_state import TrayFacts, TrayState, TrayStateMachine, tray_summary
from pqdesk.messages.states import QueueWord
from pqdesk.services.health import Health
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.gui.shell_fakes import make_health, make_queue, make_replica, make_status

_UP = make_status(make_replica("consumer"))
_IDLE = TrayFacts((make_queue(completed=4),), _UP)
_WORKING = TrayFacts((make_queue(running=1),), _UP, Health(words={"code": QueueWord.WORKING}))


def test_work_shows_after_two_seconds_and_rest_after_ten() -> None:
    machine = TrayStateMachine()
    seen = [(at, machine.update(_WORKING, at)) for at in (0.0, 1.9, 2.0)]
    seen += [(at, machine.update(_IDLE, at)) for at in (3.0, 12.9, 13.0)]

    assert [state for _, state in seen] == [
        TrayState.IDLE,
        TrayState.IDLE,
        TrayState.WORKING,
        TrayState.WORKING,
        TrayState.WORKING,
        TrayState.IDLE,
    ]


def test_a_moment_of_work_now_and_then_shows_nothing() -> None:
    machine = TrayStateMachine()

    for second in range(30):
        assert machine.update(_IDLE if second % 5 else _WORKING, float(second)) is TrayState.IDLE


def test_work_too_short_to_be_seen_running_is_known_by_what_it_finished() -> None:
    machine = TrayStateMachine()
    states = [machine.update(TrayFacts((make_queue(completed=20 * at),), _UP), float(at)) for at in range(5)]

    assert states[-1] is TrayState.WORKING


def test_failed_messages_ask_until_they_were_looked_at_then_only_new_ones() -> None:
    machine, two, three = TrayStateMachine(), TrayFacts((make_queue(failed=2),)), TrayFacts((make_queue(failed=3),))
    assert machine.update(two, 0.0) is TrayState.ATTENTION

    machine.mark_failed_seen(two)

    assert machine.update(two, 1.0) is TrayState.IDLE
    assert machine.update(three, 2.0) is TrayState.ATTENTION


def test_retried_messages_that_fail_again_ask_again() -> None:
    machine, two, none = TrayStateMachine(), TrayFacts((make_queue(failed=2),)), TrayFacts((make_queue(),))
    machine.mark_failed_seen(two)
    machine.update(none, 0.0)

    assert machine.update(two, 1.0) is TrayState.ATTENTION


def test_a_worker_that_crash_loops_shows_at_once_and_over_everything_but_no_connection() -> None:
    status, queue = make_status(make_replica("a", WorkerState.CRASH_LOOPING)), make_queue(failed=2)
    facts = TrayFacts((queue,), status, make_health(status, queue))

    assert TrayStateMachine().update(facts, 0.0) is TrayState.FAILING


def test_no_connection_shows_after_ten_seconds() -> None:
    machine, lost = TrayStateMachine(), TrayFacts((make_queue(),), _UP, is_readable=False)

    assert machine.update(lost, 0.0) is TrayState.IDLE
    assert machine.update(lost, 10.0) is TrayState.DISCONNECTED
    assert machine.update(_IDLE, 11.0) is TrayState.IDLE


def test_a_supervisord_that_was_never_started_is_no_lost_connection() -> None:
    facts = TrayFacts((), SupervisionStatus(False, "not running", None, ()))
    machine = TrayStateMachine()
    machine.update(facts, 0.0)

    assert machine.update(facts, 60.0) is TrayState.IDLE


def test_all_queues_paused() -> None:
    facts = TrayFacts((make_queue(is_paused=True), make_queue("text", is_paused=True)))

    assert TrayStateMachine().update(facts, 0.0) is TrayState.PAUSED


def test_the_tooltip() -> None:
    facts = TrayFacts((make_queue(running=12, ready=340), make_queue("text", failed=2)))

    assert tray_summary("demo", facts) == "PQDesk – demo: 12 running, 340 ready, 2 failed"
