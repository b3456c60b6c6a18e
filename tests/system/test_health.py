"""What needs a person: found once, and told by doctor, its exit code and the lists'."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from pqdesk import Workspace
from pqdesk.services.health import look, needs_of, words_of
from pqdesk.supervision.daemon.launch import is_process_gone
from pqdesk.supervision.records import WorkerState
from tests.programs import run
from tests.support import wait_until
from tests.system.conftest import WAIT_S, SupervisedWorkspace

SLEEPER = "import time\ntime.sleep(600)"


def kinds(workspace: SupervisedWorkspace) -> list[str]:
    return [one.kind for one in needs_of(look(workspace.paths))]


def doctor(workspace: SupervisedWorkspace, *options: str) -> tuple[int, str]:
    done = run("pqdesk", "-w", workspace.paths.root, "doctor", *options, check=False)
    return done.returncode, done.stdout


def test_nothing_is_needed_where_all_is_well(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("worker")
    supervised.wait_for_running("worker")
    with Workspace(supervised.paths.root) as workspace:
        workspace.queue("later").put("x", delay=3600)

    assert kinds(supervised) == []
    assert doctor(supervised, "--quiet") == (0, "")


def test_a_killed_supervisord_with_what_it_left_and_who_waits_for_it_are_told(supervised: SupervisedWorkspace) -> None:
    supervised.add_command("mailer", ("pqdesk", "consume", "mail", "--", "true"), restart="always")
    supervised.add("stubborn", "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_IGN)\n" + SLEEPER)
    supervised.supervision.start("all")
    for process in ("mailer", "stubborn"):
        supervised.wait_for_running(process)
    mailer = supervised.replica("mailer").pid
    supervised.kill_daemon()
    wait_until(lambda: is_process_gone(mailer or 0), WAIT_S, "the worker to follow it")
    with Workspace(supervised.paths.root) as workspace:
        workspace.queue("mail").put("x")

        wait_until(lambda: "queue" in kinds(supervised), WAIT_S, "the message to have waited")

    assert {"supervisord", "orphan", "queue"} <= set(kinds(supervised))
    code, told = doctor(supervised, "--quiet")
    assert code == 1
    assert "'stubborn' is left of a supervisord that is gone" in told
    assert "ok " not in told


def test_what_was_stopped_by_hand_needs_nobody(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("worker")
    supervised.supervision.stop("worker", wait_s=None)
    supervised.supervision.shutdown()

    assert kinds(supervised) == []


@pytest.mark.parametrize(
    ("command", "policy", "is_needed"),
    [
        (("/bin/sh", "-c", "exit 3"), "if it fails", True),
        (("/bin/sh", "-c", "exit 3"), "never", True),
        (("/bin/sh", "-c", "exit 0"), "never", False),
        (("/bin/sh", "-c", "exit 0"), "if it fails", False),
    ],
)
def test_a_worker_that_failed_needs_somebody_and_one_that_is_done_does_not(
    supervised: SupervisedWorkspace, command: tuple[str, ...], policy: str, is_needed: bool
) -> None:
    supervised.add_command("job", command, restart=policy)
    supervised.supervision.start("job")
    state = WorkerState.CRASH_LOOPING if policy == "if it fails" and is_needed else WorkerState.EXITED
    supervised.wait_for("job", state)

    assert ("worker" in kinds(supervised)) is is_needed
    listed = run("pqdesk", "-w", supervised.paths.root, "workers", "--fail-if-any", "--json", check=False)
    assert listed.returncode == int(is_needed)
    assert [one["state"] for one in json.loads(listed.stdout)] == [state.name.lower()]


def test_failed_messages_queues_without_a_worker_and_missing_folders_are_told(supervised: SupervisedWorkspace) -> None:
    folder = supervised.paths.root / "inbox"
    folder.mkdir(parents=True)
    supervised.add_command("watcher", ("pqdesk", "produce", "files", "--folder", str(folder)), is_autostart=False)
    with Workspace(supervised.paths.root) as workspace:
        workspace.queue("done").put("x")
        workspace.queue("done").get().fail("no")
        workspace.queue("nobody's").put("x")
    folder.rmdir()

    facts = look(supervised.paths)
    later = replace(facts, now=facts.now.replace(year=facts.now.year + 1))

    told = {one.kind: one for one in needs_of(later)}
    assert "1 failed message in 'done'" in told["failed"].text
    assert "'nobody's'" in told["queue"].text.replace('"', "'")
    assert "inbox" in told["folder"].text
    assert "queue" not in {one.kind for one in needs_of(replace(facts, waiting_since={}))}, "it was put just now"


def test_messages_have_an_exit_code_for_cron(supervised: SupervisedWorkspace) -> None:
    with Workspace(supervised.paths.root) as workspace:
        workspace.queue("mail").put("x")
    command = ("pqdesk", "-w", supervised.paths.root, "messages", "--fail-if-any")

    assert run(*command, check=False).returncode == 1
    assert run(*command, "--state", "failed", check=False).returncode == 0
    assert run(*command[:-1], check=False).returncode == 0


def test_a_worker_made_anew_has_no_label_of_the_one_before(supervised: SupervisedWorkspace) -> None:
    supervised.add_command("job", ("/bin/sh", "-c", "exit 3"), restart="always")
    supervised.supervision.start("job")
    supervised.wait_for("job", WorkerState.CRASH_LOOPING)
    supervised.supervision.remove("job")

    supervised.add("job", SLEEPER)
    supervised.supervision.start("job")

    found = supervised.wait_for("job", WorkerState.STARTING, WorkerState.RUNNING, WorkerState.CRASH_LOOPING)
    assert found.state is not WorkerState.CRASH_LOOPING
    assert kinds(supervised) == []


def words(workspace: SupervisedWorkspace) -> dict[str, str]:
    return {name: word.value for name, word in words_of(look(workspace.paths)).items()}


def test_the_word_of_a_queue_follows_its_worker(supervised: SupervisedWorkspace) -> None:
    supervised.add_command("mailer", ("pqdesk", "consume", "mail", "--", "sleep", "0.05"), restart="always")
    with Workspace(supervised.paths.root) as workspace:
        mail = workspace.queue("mail")
        mail.put_many(["x"] * 300)
        assert words(supervised) == {"mail": "No worker"}

        supervised.supervision.start("mailer")
        supervised.wait_for_running("mailer")
        wait_until(lambda: words(supervised) == {"mail": "Working"}, WAIT_S, "it to be worked on")
        mail.pause()
        assert words(supervised) == {"mail": "Paused"}
        mail.resume()
        supervised.supervision.stop("mailer", wait_s=WAIT_S)

        assert mail.counts().ready > 0
        assert words(supervised) == {"mail": "No worker"}
        wait_until(lambda: "queue" in kinds(supervised), WAIT_S, "the stopped worker to be missed")


def test_who_waits_in_another_program_serves_a_queue(supervised: SupervisedWorkspace) -> None:
    with Workspace(supervised.paths.root) as workspace:
        queue = workspace.queue("mail")
        queue.put("x", delay=3600)
        code = f"from pqdesk import Queue; Queue('mail', workspace={str(supervised.paths.root)!r}).get(timeout=60)"
        with subprocess.Popen([sys.executable, "-c", code]) as program:
            wait_until(lambda: workspace.store.looking.served(["mail"]) == {"mail"}, WAIT_S, "it to wait")
            queue.run_now(1)
            wait_until(lambda: program.poll() is not None, WAIT_S, "it to have taken the message and gone")
        wait_until(lambda: workspace.store.looking.served(["mail"]) == frozenset(), WAIT_S, "nobody to be left")
