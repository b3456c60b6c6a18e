"""What needs attention, worst first, with the right way out."""

from __future__ import annotations

from datetime import UTC, datetime

from pqdesk.gui.pages.overview.attention import Remedy, attention_items
from pqdesk.gui.tray_state import TrayFacts, TrayState, TrayStateMachine
from pqdesk.messages.records import QueueRecord
from pqdesk.services.health import Facts, Health, Need, needs_of
from pqdesk.storage import Space
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.gui.shell_fakes import make_health, make_queue, make_replica, make_status


def items_of(status: SupervisionStatus, *queues: QueueRecord):
    return attention_items(make_health(status, *queues))


def test_nothing_is_wrong() -> None:
    consumer = make_replica("consumer", queues=("code",))
    assert items_of(make_status(consumer), make_queue(ready=3, running=1)) == ()


def test_a_workspace_without_workers_does_not_ask_for_supervisord() -> None:
    assert items_of(make_status(is_running=False), make_queue(completed=3)) == ()


def test_the_worst_stands_first() -> None:
    status = make_status(
        make_replica("consumer"), make_replica("producer", WorkerState.CRASH_LOOPING, exit_text="exit code 1")
    )

    items = items_of(status, make_queue("code", failed=2), make_queue("text", is_paused=True, ready=31))

    assert [item.remedy for item in items] == [Remedy.SHOW_LOG, Remedy.SHOW_FAILED, Remedy.RESUME]
    assert items[0].text == "producer: crash-looping"
    assert items[0].detail == "exit code 1"
    assert items[1].text == "2 failed messages in 'code'"
    assert [item.subject for item in items] == ["producer", "code", "text"]


def test_ready_messages_without_a_worker() -> None:
    consumer = make_replica("consumer", WorkerState.STOPPED, queues=("code",))

    [start] = items_of(make_status(consumer), make_queue(ready=1))
    [add] = items_of(make_status(), make_queue(ready=181_280))

    assert start.text == "1 message of 'code' waits: 'consumer' would take them and does not run"
    assert (start.remedy, start.subject) == (Remedy.START_WORKER, "consumer")
    assert add.text == "181,280 messages of 'code' wait: no worker is there for this queue"
    assert add.remedy is Remedy.SHOW_WORKERS


def test_a_disk_that_is_nearly_full_tells_what_to_do_and_the_tray_asks() -> None:
    status = make_status()
    health = Health(needs_of(Facts(status, datetime(2026, 12, 1, tzinfo=UTC), space=Space(300 << 20, 256 << 20))))

    [item] = attention_items(health)

    assert item.text.startswith("the disk is nearly full: 300 MiB are free")
    assert (item.detail, item.remedy) == ("free some space", None)
    assert TrayStateMachine().update(TrayFacts(status=status, health=health), 0) is TrayState.ATTENTION


def test_a_paused_queue_waits_for_no_worker() -> None:
    stopped = make_status(make_replica("consumer", WorkerState.STOPPED))

    assert [item.remedy for item in items_of(stopped, make_queue(is_paused=True, ready=5))] == [Remedy.RESUME]


def test_supervisord_that_does_not_run_with_workers_defined() -> None:
    [item] = items_of(make_status(make_replica("consumer", WorkerState.STOPPED), is_running=False))

    assert item.text == "supervisord is not running"
    assert item.remedy is Remedy.START_ALL


def test_a_problem_of_supervisord_is_told_in_its_words() -> None:
    status = SupervisionStatus(False, "foreign", 5, (make_replica("consumer", WorkerState.UNKNOWN),), "it is another's")

    [item] = items_of(status)

    assert (item.text, item.detail) == ("supervisord: foreign", "it is another's")


def test_what_no_button_mends_tells_what_to_do() -> None:
    [item] = attention_items(Health((Need("schedule", "report", "'report' does not run", todo="install tzdata"),)))

    assert (item.remedy, item.detail) == (None, "install tzdata")
