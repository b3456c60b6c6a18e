"""What needs attention, worst first, with the right way out."""

from __future__ import annotations

from pqdesk.gui.pages.overview.attention import Remedy, attention_items, count_unhealthy
from pqdesk.supervision.records import SupervisionStatus, WorkerState
from tests.gui.shell_fakes import make_queue, make_replica, make_status


def test_nothing_is_wrong() -> None:
    assert attention_items(make_status(make_replica("consumer")), (make_queue(ready=3, running=1),)) == ()


def test_a_workspace_without_workers_does_not_ask_for_supervisord() -> None:
    assert attention_items(make_status(is_running=False), (make_queue(ready=3),)) == ()


def test_the_worst_stands_first() -> None:
    status = make_status(
        make_replica("consumer"), make_replica("producer", WorkerState.CRASH_LOOPING, exit_text="exit code 1")
    )
    queues = (make_queue("code", failed=2), make_queue("text", is_paused=True, ready=31))

    items = attention_items(status, queues)

    assert [item.remedy for item in items] == [Remedy.SHOW_LOG, Remedy.SHOW_FAILED, Remedy.RESUME]
    assert items[0].text == "producer: crash-looping"
    assert items[0].detail == "exit code 1"
    assert items[1].text == "2 messages failed in code"
    assert [item.subject for item in items] == ["producer", "code", "text"]
    assert count_unhealthy(status) == 1


def test_ready_messages_without_a_running_worker() -> None:
    items = attention_items(make_status(make_replica("consumer", WorkerState.STOPPED)), (make_queue(ready=1),))

    assert [(item.text, item.detail) for item in items] == [("No worker is running", "1 message waits for one.")]
    assert items[0].remedy is Remedy.START_ALL


def test_a_paused_queue_waits_for_no_worker() -> None:
    stopped = make_status(make_replica("consumer", WorkerState.STOPPED))

    items = attention_items(stopped, (make_queue(is_paused=True, ready=5),))

    assert [item.remedy for item in items] == [Remedy.RESUME]


def test_supervisord_that_does_not_run_with_workers_defined() -> None:
    [item] = attention_items(make_status(make_replica("consumer", WorkerState.STOPPED), is_running=False), ())

    assert item.text == "supervisord is not running"
    assert item.remedy is Remedy.START_ALL


def test_a_problem_of_supervisord_is_told_in_its_words() -> None:
    status = SupervisionStatus(False, "foreign", 5, (make_replica("consumer", WorkerState.UNKNOWN),), "it is another's")

    [item] = attention_items(status, ())

    assert (item.text, item.detail) == ("supervisord: foreign", "it is another's")


def test_before_supervisord_was_asked_only_messages_count() -> None:
    assert [item.key for item in attention_items(None, (make_queue(failed=1),))] == ["failed code"]
