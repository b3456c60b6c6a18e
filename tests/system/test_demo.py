"""The demo does real work: files that exist, counted and hashed; one message in fifty waits for a person."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path

import pytest

from pqdesk import Fail, Workspace, demo
from pqdesk.supervision.definitions.reading import read_definitions
from tests.support import wait_until
from tests.system.worker_processes import wait_for_state, workers_on


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def workers(workspace, tmp_path):
    with workers_on(workspace.path, tmp_path) as started:
        yield started


@pytest.fixture
def unpaced(monkeypatch):
    """The producer without its pauses."""
    monkeypatch.setattr(demo, "_PAUSE_S", 0)


def test_producer_yields_files_that_exist_in_all_three_queues(unpaced):
    items = list(islice(demo.files(), 300))

    assert {item.queue for item in items[:3]} == {"code", "text", "data"}
    assert all(Path(item.payload["path"]).is_file() for item in items)
    assert all(item.payload["path"].endswith(".py") for item in items if item.queue == "code")


def test_one_in_fifty_is_marked_whatever_its_kind(unpaced):
    marked = [number for number, item in enumerate(islice(demo.files(), 300), start=1) if item.headers]
    items = [item for item in islice(demo.files(), 300) if item.headers]

    assert marked == [50, 100, 150, 200, 250, 300]
    assert {item.queue for item in items} == {"code", "text", "data"}
    assert all(item.max_attempts == 1 and item.headers == {"demo": "fails-first"} for item in items)


def test_frozen_program_takes_files_of_the_system(monkeypatch):
    monkeypatch.setattr("sys.frozen", True, raising=False)

    found = demo.find_files()

    assert all(found.values())
    assert all(path.startswith(("/usr/", "/etc/")) for paths in found.values() for path in paths)


def test_consumer_counts_and_hashes(workspace, tmp_path):
    file = tmp_path / "some.txt"
    file.write_bytes(b"one two\nthree\xff\n")
    workspace.queue("text").put({"path": str(file)})

    with workspace.queue("text").get_nowait() as message:
        result = demo.count(message)

    assert result == {"lines": 2, "words": 3, "bytes": 15, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    "payload", [{"path": "/no/such/file"}, {"path": "a\0b"}, {"path": 3}, "text", None, {"path": "/etc"}]
)
def test_file_that_cannot_be_read_fails_with_the_reason(workspace, payload):
    workspace.queue("text").put(payload)

    with workspace.queue("text").get_nowait() as message, pytest.raises(Fail, match=r"cannot read|names no file"):
        demo.count(message)


def test_whole_demo_with_a_failed_message_that_retry_completes(workspace, workers, tmp_path):
    quick = tmp_path / "quick.py"
    quick.write_text("from pqdesk import demo\ndemo._PAUSE_S = 0.005\nfiles = demo.files\n")
    producing = workers.produce("code", f"{quick}:files")
    consuming = workers.consume(demo.QUEUES, "pqdesk.demo:count")

    wait_until(lambda: workspace.counts().failed == 1, timeout_s=60, reason="a failed message", logs=workers.folder)

    assert all(workspace.counts(queue).completed > 5 for queue in demo.QUEUES)
    (failed,) = workspace.messages(state="failed")
    assert failed.error == "pqdesk.demo.FailedOnPurpose: failed on purpose: press Retry and it completes"
    assert workspace.retry(failed.id).done == 1
    detail = wait_for_state(workspace, failed.id, "completed", logs=workers.folder)
    assert (detail.attempt, set(detail.result)) == (2, {"lines", "words", "bytes", "sha256"})
    assert (producing.stop(), consuming.stop()) == (0, 0)


def test_written_workers_are_read_back(workspace):
    demo.write_demo(workspace.paths)

    definitions = read_definitions(workspace.paths)

    assert definitions.problems == ()
    assert [(one.name, one.kind, one.replicas, one.is_autostart) for one in definitions.workers] == [
        ("consumer", "consumer", 1, True),
        ("producer", "producer", 1, True),
    ]
    assert definitions.workers[0].queues == demo.QUEUES


def test_completed_messages_of_a_forgotten_demo_do_not_pile_up(workspace):
    workspace.queue("text").configure(keep_completed=5)

    demo.write_demo(workspace.paths)

    kept = [workspace.queue(name).configuration.keep_completed for name in ("code", "text", "data")]
    assert kept == [86_400.0, 5.0, 86_400.0]


def test_neither_do_those_of_a_checkout(workspace, monkeypatch):
    monkeypatch.setenv("PQDESK_WORKSPACE", str(workspace.path))

    next(demo.files())

    assert workspace.queue("code").configuration.keep_completed == 86_400
