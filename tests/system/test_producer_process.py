"""Producers as processes: handlers, commands and folders; what a signal, a full run and a restart make of them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pqdesk import Workspace
from tests.support import wait_until
from tests.system.worker_processes import is_alive, workers_on


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def workers(workspace, tmp_path):
    folder = tmp_path / "producers"
    folder.mkdir()
    with workers_on(workspace.path, folder) as started:
        yield started


def payloads(workspace, queue="files"):
    """In the order in which they were put."""
    return [workspace.message(one.id).payload for one in reversed(workspace.messages(queue, limit=10_000))]


def test_items_are_put_as_they_are_yielded(workspace, workers):
    workers.handler(
        "def stream():\n"
        "    yield {'number': 1}\n"
        "    yield Outgoing('other', queue='others', priority=5)\n"
        "    threading.Event().wait()\n"
    )

    worker = workers.produce("files", "handlers.py:stream")

    wait_until(lambda: workspace.counts().ready == 2, logs=workers.folder)
    assert payloads(workspace) == [{"number": 1}]
    assert workspace.messages("others")[0].priority == 5
    assert worker.stop() == 0
    assert worker.lines() == ["put id=1 queue=files", "put id=2 queue=others"]
    assert worker.errors() == ""


def test_signal_runs_the_finally_blocks_of_a_blocked_handler(workspace, workers):
    workers.handler(
        "def stream():\n"
        "    try:\n"
        "        yield 'began'\n"
        "        time.sleep(600)\n"
        "    finally:\n"
        "        (here / 'tidied').touch()\n"
    )
    worker = workers.produce("files", "handlers.py:stream")
    wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)

    assert worker.stop() == 0
    assert (workers.folder / "tidied").exists()
    assert worker.errors() == ""


def test_second_interrupt_ends_a_handler_that_goes_on(workspace, workers):
    workers.handler(
        "def stream():\n"
        "    try:\n"
        "        yield 'began'\n"
        "        time.sleep(600)\n"
        "    finally:\n"
        "        (here / 'stuck').touch()\n"
        "        time.sleep(600)\n"
    )
    worker = workers.produce("files", "handlers.py:stream")
    wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)

    worker.signal(signal.SIGINT)
    wait_until((workers.folder / "stuck").exists, logs=workers.folder)
    worker.signal(signal.SIGINT)

    assert worker.wait() == 130


def test_handler_that_ends_is_called_again(workspace, workers):
    workers.handler("def three(): return [1, 2, 3] if not (here / 'stop').exists() else []")
    worker = workers.produce("files", "handlers.py:three")

    wait_until(lambda: workspace.counts().ready >= 9, logs=workers.folder)

    (workers.folder / "stop").touch()
    assert worker.stop() == 0
    assert payloads(workspace)[:6] == [1, 2, 3, 1, 2, 3]


def test_handler_that_raises_ends_the_worker_with_a_traceback(workspace, workers):
    workers.handler("def broken():\n    yield 1\n    raise ValueError('no more')")

    worker = workers.produce("files", "handlers.py:broken")

    assert worker.wait() == 1
    assert payloads(workspace) == [1]
    assert worker.errors().startswith("handler 'handlers.py:broken' ended: Traceback")
    assert "ValueError: no more" in worker.errors()


def test_payload_that_is_returned_and_not_yielded_is_told(workspace, workers):
    workers.handler("def poll(): return {'to': 'ada'}")

    worker = workers.produce("files", "handlers.py:poll")

    assert worker.wait() == 1
    assert "a producer yields its payloads; handlers.py:poll returned one dict" in worker.errors()
    assert workspace.counts().total == 0


def test_item_that_cannot_be_put_is_told_and_the_others_go_on(workspace, workers):
    workers.handler("def mixed():\n    yield 1\n    yield {2}\n    yield 3\n    threading.Event().wait()")

    worker = workers.produce("files", "handlers.py:mixed")

    wait_until(lambda: workspace.counts().ready == 2, logs=workers.folder)
    assert worker.stop() == 0
    assert payloads(workspace) == [1, 3]
    assert "1 message not put: item 0: payload contains a set" in worker.errors()


def test_run_of_a_schedule_is_all_or_nothing(workspace, workers):
    workers.handler(
        "runs = iter(range(100))\n"
        "@producer('files', every=0.1)\n"
        "def poll():\n"
        "    run = next(runs)\n"
        "    yield f'{run} a'\n"
        "    if run == 1: raise ValueError('half way')\n"
        "    yield f'{run} b'\n"
    )

    worker = workers.produce("files", "handlers.py:poll")

    wait_until(lambda: workspace.counts().ready >= 4, logs=workers.folder)
    assert worker.stop() == 0
    assert payloads(workspace)[:4] == ["0 a", "0 b", "2 a", "2 b"]
    assert "nothing of this run was put: Traceback" in worker.errors()


def test_handler_marked_without_a_schedule_runs_for_ever(workspace, workers):
    workers.handler("@producer('files')\ndef stream():\n    yield 'x'\n    threading.Event().wait()")

    worker = workers.produce("files", "handlers.py:stream")

    wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)
    assert worker.stop() == 0
    assert worker.lines() == ["put id=1 queue=files"]


def test_next_run_is_told_in_the_time_zone_of_the_schedule(workspace, workers):
    workers.handler("def poll(): yield 'tick'")

    worker = workers.produce("files", "handlers.py:poll", cron="30 12 29 2 *", timezone="Asia/Kolkata")

    wait_until(worker.lines, logs=workers.folder)
    assert worker.stop() == 0
    [line] = worker.lines()
    assert re.fullmatch(r"next run 20\d\d-02-29 12:30:00 IST", line)


def test_next_run_comes_after_the_lines_of_the_last(workspace, workers):
    workers.handler("def poll(): return ['a', 'b']")

    worker = workers.produce("files", "handlers.py:poll", every=3600)

    wait_until(lambda: len(worker.lines()) == 3, logs=workers.folder)
    assert worker.stop() == 0
    assert worker.lines()[:2] == ["put id=1 queue=files", "put id=2 queue=files"]
    assert worker.lines()[2].startswith("next run 20")


def test_cron_of_six_fields_runs_each_second(workspace, workers):
    workers.handler("def poll(): yield 'tick'")

    worker = workers.produce("files", "handlers.py:poll", cron="* * * * * *", timezone="UTC")

    wait_until(lambda: workspace.counts().ready >= 2, logs=workers.folder)
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"cron": "often"}, "cron expression 'often' cannot be used"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
        ({"every": 5, "missed": "never"}, "missed must be one of once, skip, all"),
        ({"missed": "all"}, "--timezone and --missed belong to --every or --cron"),
        ({"every": 0}, "every must be above zero"),
    ],
)
def test_schedule_that_cannot_be_used_is_refused(workspace, workers, options, reason):
    workers.handler("def poll(): yield 'tick'")

    worker = workers.produce("files", "handlers.py:poll", **options)

    assert worker.wait() == 1
    assert reason in worker.errors()
    assert workspace.counts().total == 0


def test_lines_of_a_command_become_messages_and_its_exit_status_is_passed_on(workspace, workers):
    code = "printf 'one\\ntwo\\n\\377\\n'; echo said >&2; exit 7"

    worker = workers.produce("files", command=["sh", "-c", code])

    assert worker.wait() == 7
    assert payloads(workspace) == ["one", "two", b"\xff"]
    assert worker.errors() == f"said\ncommand {shutil.which('sh')!r} ended: exit status 7\n"


def test_lines_are_put_while_the_command_runs_and_term_ends_it(workspace, workers):
    code = "echo $$; trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"
    worker = workers.produce("files", command=["sh", "-c", code])
    wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)
    pid = int(payloads(workspace)[0])

    assert worker.stop() == 0
    assert payloads(workspace) == [str(pid), "bye"]
    assert not is_alive(pid)


def test_many_lines_keep_their_order(workspace, workers):
    worker = workers.produce("files", command=["seq", "20000"])

    assert worker.wait() == 0
    assert workspace.counts().ready == 20_000
    assert workspace.message(20_000).payload == "20000"
    assert len(worker.lines()) == 20_000


def test_command_on_a_schedule_puts_whole_runs_only(workspace, workers):
    code = "echo x >> runs; n=$(wc -l < runs); echo $n a; [ $n -eq 2 ] && exit 1; echo $n b"

    worker = workers.produce("files", command=["sh", "-c", code], every=0.1)

    wait_until(lambda: workspace.counts().ready >= 4, logs=workers.folder)
    assert worker.stop() == 0
    assert payloads(workspace)[:4] == ["1 a", "1 b", "3 a", "3 b"]
    assert "exit status 1; nothing of this run was put" in worker.errors()


def test_unknown_command_is_refused(workspace, workers):
    worker = workers.produce("files", command=["no-such-program"])

    assert worker.wait() == 1
    assert "command 'no-such-program' is not found here or in $PATH; nothing was started" in worker.errors()


def test_program_dies_with_a_killed_producer(workspace, workers):
    worker = workers.produce("files", command=["sh", "-c", "echo $$; exec sleep 600"])
    wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)
    pid = int(payloads(workspace)[0])

    worker.signal(signal.SIGKILL)

    worker.wait()
    wait_until(lambda: not is_alive(pid), reason="the program to be gone")


def test_files_become_messages_once_each_also_over_a_restart(workspace, workers, tmp_path):
    watched = tmp_path / "in box"
    (watched / "deep").mkdir(parents=True)
    (watched / "a ä.txt").write_text("hello")
    (watched / "deep" / "b.txt").write_text("")
    for name in (".hidden", "half.part", "half.tmp"):
        (watched / name).write_text("no")
    (watched / "loop").symlink_to(watched)
    Path(os.fsdecode(os.fsencode(watched) + b"/\xff.bin")).write_bytes(b"123")

    worker = workers.produce("files", folder=str(watched))
    wait_until(lambda: workspace.counts().ready == 3, logs=workers.folder)
    worker.signal(signal.SIGKILL)
    worker.wait()
    (watched / "a ä.txt").write_text("hello again")
    second = workers.produce("files", folder=str(watched))
    wait_until(lambda: workspace.counts().ready == 4, logs=workers.folder)

    assert second.stop() == 0
    found = payloads(workspace)
    assert [(one["path"], one["size"]) for one in found] == [
        (str(watched / "a ä.txt"), 5),
        (str(watched / "deep" / "b.txt"), 0),
        (None, 3),
        (str(watched / "a ä.txt"), 11),
    ]
    assert found[2]["uri"] == f"file://{str(watched).replace(' ', '%20')}/%FF.bin"
    assert found[3]["mtime_ns"] == (watched / "a ä.txt").stat().st_mtime_ns
    assert second.errors() == ""


def test_file_is_put_when_its_writer_has_closed_it(workspace, workers, tmp_path):
    watched = tmp_path / "in"
    watched.mkdir()
    with open(watched / "recording.wav", "wb", buffering=0) as recording:
        recording.write(b"head")
        worker = workers.produce("files", folder=str(watched))
        (watched / "other").write_text("x")
        wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)
        recording.write(b"sound")

    wait_until(lambda: workspace.counts().ready == 2, logs=workers.folder)

    assert worker.stop() == 0
    assert [one["size"] for one in payloads(workspace)] == [1, 9]


def test_marks_go_with_their_files_also_those_that_went_while_nobody_looked(workspace, workers, tmp_path):
    watched = tmp_path / "in"
    watched.mkdir()
    for number in range(40):
        (watched / f"{number} ä:{'x' * 200}").write_text("x")
    store = workspace.queue("files").store
    worker = workers.produce("files", folder=str(watched))
    wait_until(lambda: workspace.counts().ready == 40, logs=workers.folder)
    for path in list(watched.iterdir())[:10]:
        path.unlink()
    wait_until(lambda: len(store.marks("file:")) == 30, logs=workers.folder)
    assert worker.stop() == 0
    kept = list(watched.iterdir())
    for path in kept[:-1]:
        path.unlink()

    second = workers.produce("files", folder=str(watched))
    wait_until(lambda: len(store.marks("file:")) == 1, logs=workers.folder)
    kept[-1].rename(tmp_path / "out")
    wait_until(lambda: not store.marks("file:"), logs=workers.folder)
    (tmp_path / "out").rename(kept[-1])
    wait_until(lambda: workspace.counts().ready == 41, logs=workers.folder)

    assert second.stop() == 0


def test_two_queues_get_a_message_each(workspace, workers, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("x")

    started = [workers.produce(name, folder=str(tmp_path / "in")) for name in ("one", "two")]

    wait_until(lambda: workspace.counts().ready == 2, logs=workers.folder)
    assert [worker.stop() for worker in started] == [0, 0]
    assert [workspace.queue(name).counts().ready for name in ("one", "two")] == [1, 1]


def test_folder_that_vanishes_is_told_once_and_waited_for(workspace, workers, tmp_path):
    watched = tmp_path / "in"
    watched.mkdir()
    (watched / "a").write_text("x")
    worker = workers.produce("files", folder=str(watched))
    wait_until(lambda: workspace.counts().ready == 1, logs=workers.folder)

    watched.rename(tmp_path / "away")
    wait_until(lambda: "its files wait" in worker.errors(), logs=workers.folder)
    (tmp_path / "away" / "b").write_text("y")
    (tmp_path / "away").rename(watched)

    wait_until(lambda: workspace.counts().ready == 2, logs=workers.folder)
    assert worker.stop() == 0
    assert worker.errors().splitlines() == [
        f"cannot look into folder '{watched}': No such file or directory; its files wait",
        f"folder '{watched}' can be looked into again",
    ]


def test_more_files_than_the_queue_may_hold_come_as_there_is_room(workspace, workers, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(30):
        (tmp_path / "in" / str(number)).write_text("x")
    queue = workspace.queue("files")
    queue.configure(max_size=10)
    producer = workers.produce("files", folder=str(tmp_path / "in"))
    wait_until(lambda: "waiting to put" in producer.errors(), logs=workers.folder)

    consumer = workers.consume("files", command=["cat"])

    wait_until(lambda: queue.counts().completed == 30, logs=workers.folder)
    assert [producer.stop(), consumer.stop()] == [0, 0]


def test_missing_folder_is_refused(workspace, workers, tmp_path):
    worker = workers.produce("files", folder=str(tmp_path / "nowhere"))

    assert worker.wait() == 1
    assert "No such file or directory; nothing was put" in worker.errors()


def test_reader_that_has_gone_ends_the_producer(workspace, workers):
    """As in `pqdesk produce … | head`: nobody hears it any more."""
    file = workers.handler("def stream():\n    while True:\n        yield 'x'\n")
    program = (
        "import sys; from pqdesk import Workspace; from pqdesk.workers.producer import run_producer;"
        "from pqdesk.workers.handlers import load_handler;"
        f"w = Workspace({str(workspace.path)!r});"
        f"code = run_producer(w.queue('files'), load_handler({str(file) + ':stream'!r})); w.close();"
        "import os; os._exit(code)"
    )

    pipeline = 'exec "$0" -c "$1" | head -n 1'
    done = subprocess.run(["sh", "-c", pipeline, sys.executable, program], capture_output=True, text=True, timeout=30)

    assert (done.stdout, done.stderr) == ("put id=1 queue=files\n", "")
