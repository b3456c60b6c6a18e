"""Stopping workers: what stays stopped, what is left of them, what becomes of their messages, who carries it out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pqdesk import Workspace
from pqdesk.messages.states import State
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.stopped_by_hand import StoppedByHand
from pqdesk.supervision.definitions.writing import write_supervisor_configuration
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.supervision import Supervision
from tests.programs import run
from tests.support import wait_until
from tests.system.conftest import WAIT_S, SupervisedWorkspace

SLEEPER = "import time\ntime.sleep(600)"
# Ends at TERM only when the file GO is there.
SLOW = """
import os, signal, sys, time
def finish(*_):
    while not os.path.exists('GO'):
        time.sleep(0.02)
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
time.sleep(600)
"""
# Ends at TERM at once; its children do not hear of that, or do not care.
LITTER = """
import subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
kinds = [
    dict(args=["sleep", "600"]),
    dict(args=["sleep", "600"], start_new_session=True),
    dict(args=[sys.executable, "-I", "-c", deaf]),
    dict(args=[sys.executable, "-I", "-c", deaf], start_new_session=True),
    dict(args=["sleep", "600"], start_new_session=True, env={}),
]
print(*[subprocess.Popen(**one).pid for one in kinds], flush=True)
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def litter_of(workspace: SupervisedWorkspace, process: str) -> list[int]:
    log = workspace.paths.logs / f"{process}.out.log"
    line = wait_until(
        lambda: log.exists() and log.read_text().strip(), WAIT_S, "the children", logs=workspace.paths.logs
    )
    return [int(word) for word in str(line).split()[-5:]]


# --- nothing is left --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop", "stop --now", "restart", "remove", "scale", "shutdown"])
def test_nothing_of_a_stopped_process_is_left(supervised: SupervisedWorkspace, how: str) -> None:
    supervised.add("worker", LITTER, replicas=2 if how == "scale" else 1)
    supervised.supervision.start("all")
    process = "worker-2" if how == "scale" else "worker"
    leader = supervised.wait_for_running(process).pid
    children = litter_of(supervised, process)
    assert all(map(is_alive, children))

    match how:
        case "stop":
            supervised.supervision.stop("worker", wait_s=None)
        case "stop --now":
            supervised.supervision.stop_now("worker")
        case "restart":
            supervised.supervision.restart("worker")
        case "remove":
            supervised.supervision.remove("worker")
        case "scale":
            supervised.supervision.scale("worker", 1)
        case _:
            supervised.supervision.shutdown()

    wait_until(lambda: not any(map(is_alive, [leader or 0, *children])), WAIT_S, f"{children} to end")


def test_a_stop_that_nobody_waits_for_leaves_nothing_either(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", LITTER)
    supervised.supervision.start("worker")
    supervised.wait_for_running("worker")
    children = litter_of(supervised, "worker")

    supervised.supervision.stop("worker")

    wait_until(lambda: not any(map(is_alive, children)), WAIT_S, f"{children} to end")
    wait_until(lambda: not supervised.replica("worker").has_request, WAIT_S, "nothing to be left to do")


def test_others_are_left_alone(supervised: SupervisedWorkspace) -> None:
    supervised.add("one", LITTER)
    supervised.add("two", LITTER)
    supervised.supervision.start("all")
    for process in ("one", "two"):
        supervised.wait_for_running(process)
    other = litter_of(supervised, "two")
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        supervised.supervision.stop_now("one")
        wait_until(lambda: not any(map(is_alive, litter_of(supervised, "one"))), WAIT_S, "its children to end")

        assert all(map(is_alive, other))
        assert is_alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


# --- who carries it out -----------------------------------------------------------------------------


def test_a_restart_is_carried_out_after_whoever_asked_for_it_has_gone(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=60)
    supervised.supervision.start("worker")
    old = supervised.wait_for_running("worker").pid
    asked = f"""
from pathlib import Path
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.supervision import Supervision
Supervision(WorkspacePaths(Path({str(supervised.paths.root)!r}))).restart("worker", wait_s=0)
"""
    subprocess.run([sys.executable, "-c", asked], check=True)

    assert supervised.replica("worker").has_request
    (supervised.paths.root / "GO").touch()

    assert supervised.wait_for_running("worker", other_than=old).restarts == 0
    assert not supervised.replica("worker").has_request


def test_a_command_that_is_killed_while_it_waits_has_its_restart_carried_out(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=60)
    supervised.supervision.start("worker")
    old = supervised.wait_for_running("worker").pid
    command = subprocess.Popen([sys.executable, "-m", "pqdesk", "-w", str(supervised.paths.root), "restart", "worker"])
    supervised.wait_for("worker", WorkerState.STOPPING)
    wait_until(lambda: _carriers(supervised.paths), WAIT_S, "somebody to carry on")
    command.send_signal(signal.SIGKILL)
    command.wait()

    (supervised.paths.root / "GO").touch()

    supervised.wait_for_running("worker", other_than=old)


def test_what_was_asked_for_is_done_by_whoever_comes_next(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=60)
    supervised.add("other", SLEEPER, is_autostart=False)
    supervised.supervision.start("worker")
    old = supervised.wait_for_running("worker").pid
    supervised.supervision.restart("worker", wait_s=0)
    for carrier in wait_until(lambda: _carriers(supervised.paths), WAIT_S, "somebody to carry on"):
        carrier.kill()
    (supervised.paths.root / "GO").touch()
    supervised.wait_for("worker", WorkerState.STOPPED)

    for _ in range(5):
        assert supervised.replica("worker").state is WorkerState.STOPPED, "looking changes nothing"
    supervised.supervision.ensure_running()

    supervised.wait_for_running("worker", other_than=old)


def test_a_stop_takes_back_a_restart_that_waits(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=60)
    supervised.supervision.start("worker")
    supervised.wait_for_running("worker")
    supervised.supervision.restart("worker", wait_s=0)

    supervised.supervision.stop("worker")
    (supervised.paths.root / "GO").touch()

    supervised.wait_for("worker", WorkerState.STOPPED)
    wait_until(lambda: not supervised.replica("worker").has_request, WAIT_S, "nothing to be left to do")
    assert supervised.replica("worker").state is WorkerState.STOPPED


@pytest.mark.parametrize("policy", ["always", "if it fails"])
def test_one_that_ends_again_and_again_is_stopped_at_any_moment(supervised: SupervisedWorkspace, policy: str) -> None:
    supervised.add_command(
        "worker", ("/bin/sh", "-c", "echo run >> runs; exit 3"), restart=policy, start_s=0, is_autostart=False
    )
    runs = supervised.paths.root / "runs"
    runs.write_text("")
    for _ in range(6):
        supervised.supervision.start("worker")
        before = len(runs.read_text().splitlines())
        wait_until(lambda: len(runs.read_text().splitlines()) > before, WAIT_S, "it to run")  # noqa: B023
        supervised.supervision.stop("worker", wait_s=None)
        stopped_at = len(runs.read_text().splitlines())

        for _ in range(30):
            assert supervised.replica("worker").state is WorkerState.STOPPED
        assert len(runs.read_text().splitlines()) == stopped_at


# --- a stop by hand stays ---------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["killed", "shut down", "renewed"])
def test_a_stop_by_hand_survives_a_restart_of_supervisord(supervised: SupervisedWorkspace, end: str) -> None:
    supervised.add("a", SLEEPER)
    supervised.add("b", SLEEPER, replicas=2)
    supervised.add("c", SLEEPER)
    supervised.supervision.start("all")
    for process in ("a", "b", "b-2", "c"):
        supervised.wait_for_running(process)
    supervised.supervision.stop("b-2", wait_s=None)
    supervised.supervision.stop("c", wait_s=None)

    if end == "killed":
        supervised.kill_daemon()
        supervised.supervision.start("a")
    elif end == "shut down":
        supervised.supervision.shutdown()
        supervised.supervision.start("a")
    else:
        supervised.supervision.restart_daemon()

    for process in ("a", "b"):
        supervised.wait_for_running(process)
    for process in ("b-2", "c"):
        record = supervised.replica(process)
        assert (record.state, record.is_held) == (WorkerState.STOPPED, True)
    supervised.supervision.start("b")
    supervised.supervision.restart("c")
    for process in ("b-2", "c"):
        assert not supervised.wait_for_running(process).is_held
    supervised.supervision.shutdown()
    supervised.supervision.ensure_running()
    for process in ("a", "b", "b-2", "c"):
        supervised.wait_for_running(process)


def test_plain_supervisord_by_hand_keeps_to_a_stop_too(supervised: SupervisedWorkspace) -> None:
    supervised.add("a", SLEEPER)
    supervised.add("b", SLEEPER)
    supervised.supervision.start("all")
    supervised.supervision.stop("b", wait_s=None)
    supervised.supervision.shutdown()
    configuration = supervised.paths.supervisor_configuration

    run("supervisord", "-c", configuration)

    supervised.wait_for_running("a")
    assert "STOPPED" in run("supervisorctl", "-c", configuration, "status", "b", check=False).stdout
    run("supervisorctl", "-c", configuration, "update")
    assert supervised.replica("b").state is WorkerState.STOPPED


def test_a_job_that_starts_with_supervisord_runs_once_when_it_is_started(supervised: SupervisedWorkspace) -> None:
    for name in ("one", "two"):
        supervised.add_command(name, ("/bin/sh", "-c", f"echo run >> {name}.runs"), restart="never")

    supervised.supervision.start("all")
    for name in ("one", "two"):
        supervised.wait_for(name, WorkerState.EXITED)
    supervised.supervision.shutdown()
    supervised.supervision.start("one")
    supervised.wait_for("two", WorkerState.EXITED)
    supervised.wait_for("one", WorkerState.EXITED)

    for name in ("one", "two"):
        assert (supervised.paths.root / f"{name}.runs").read_text() == "run\n" * 2


def test_a_worker_that_is_gone_is_no_longer_held(supervised: SupervisedWorkspace) -> None:
    stopped = StoppedByHand(supervised.paths)
    for name in ("a", "b", "c"):
        supervised.add(name, SLEEPER)
    supervised.supervision.start("all")
    supervised.supervision.stop("all", wait_s=None)
    assert stopped.read() == {"a", "b", "c"}

    supervised.supervision.remove("b")
    (supervised.paths.workers / "c.conf").unlink()
    supervised.supervision.shutdown()
    supervised.supervision.ensure_running()

    assert stopped.read() == {"a"}
    assert supervised.replica("a").state is WorkerState.STOPPED


@pytest.mark.parametrize(
    "text", ["[program:../../x]\nautostart=false\n", "nonsense", "[program:a]\ncommand=touch PWNED\n", "\0\xff"]
)
def test_what_is_written_into_the_file_of_stopped_ones_is_no_more_than_names(
    supervised: SupervisedWorkspace, text: str
) -> None:
    supervised.add("a", SLEEPER)
    write_supervisor_configuration(supervised.paths)
    file = supervised.paths.supervisor / "stopped.conf"
    file.write_text(text)
    os.chmod(file, 0o600)

    supervised.supervision.start("a")

    supervised.wait_for_running("a")
    assert StoppedByHand(supervised.paths).read() == frozenset()
    assert not (supervised.paths.root / "PWNED").exists()


def test_an_older_configuration_learns_of_it_and_one_written_by_hand_stays(supervised: SupervisedWorkspace) -> None:
    file = write_supervisor_configuration(supervised.paths)
    new = file.read_text()
    file.write_text("; mine\n" + new.replace(" stopped.conf\n", "\n"))
    write_supervisor_configuration(supervised.paths)
    assert file.read_text() == "; mine\n" + new
    other = new.replace("files=workers/*.conf stopped.conf", "files=workers/*.conf more/*.conf")
    file.write_text(other)

    write_supervisor_configuration(supervised.paths)

    assert file.read_text() == other


# --- messages in hand -------------------------------------------------------------------------------

HANDLER = """
import time
def work(message):
    time.sleep(600)
"""
LOOP = """
import os, sys, time
from pqdesk import Queue
queue = Queue("mail", workspace=os.environ["PQDESK_WORKSPACE"])
message = queue.get()
time.sleep(600)
"""


@pytest.mark.parametrize("kind", ["handler", "command", "a program of the user's"])
@pytest.mark.parametrize("how", ["restart", "stop --now", "edit", "remove", "supervisorctl", "shutdown", "signal KILL"])
def test_what_is_ended_on_purpose_blames_no_message(supervised: SupervisedWorkspace, kind: str, how: str) -> None:
    if kind == "a program of the user's" and how == "supervisorctl":
        pytest.skip("nobody can know: TERM ends it at once, and nobody of ours was asked")
    with Workspace(supervised.paths.root) as workspace:
        message_id = workspace.queue("mail").put("x", max_attempts=1)
    (supervised.paths.root / "handlers.py").write_text(HANDLER)
    (supervised.paths.root / "loop.py").write_text(LOOP)
    commands = {
        "handler": ("pqdesk", "consume", "mail", "--handler", "handlers.py:work"),
        "command": ("pqdesk", "consume", "mail", "--", "sleep", "600"),
        "a program of the user's": (sys.executable, "loop.py"),
    }
    supervised.add_command("worker", commands[kind], stop_wait_s=1, restart="always", is_autostart=False)
    supervised.supervision.start("worker")
    with Workspace(supervised.paths.root) as workspace:
        begun = wait_until(
            lambda: workspace.message(message_id).started_at, WAIT_S, "it to be in hand", logs=supervised.paths.logs
        )
        wait_until(lambda: workspace.message(message_id).state is State.RUNNING, WAIT_S, "it to be in a handler")
        assert begun is not None

    match how:
        case "restart":
            supervised.supervision.restart("worker")
        case "stop --now":
            supervised.supervision.stop_now("worker")
        case "edit":
            definition = supervised.supervision.definition("worker")
            supervised.supervision.change(replace(definition, environment={"A": "1"}))
        case "remove":
            supervised.supervision.remove("worker")
        case "supervisorctl":
            run("supervisorctl", "-c", supervised.paths.supervisor_configuration, "stop", "worker")
        case "shutdown":
            supervised.supervision.shutdown()
        case _:
            supervised.supervision.signal("worker", "KILL")

    with Workspace(supervised.paths.root) as workspace:
        if how in ("restart", "edit", "signal KILL"):  # a new process works on it

            def is_begun_again() -> bool:
                detail = workspace.message(message_id)
                assert detail.state is not State.FAILED, detail
                return detail.state is State.RUNNING and detail.started_at != begun

            wait_until(is_begun_again, WAIT_S, "it to begin again", logs=supervised.paths.logs)
        else:
            message = workspace.queue("mail").get(timeout=WAIT_S)
            assert (message.id, message.attempt) == (message_id, 1)
            message.release()
        assert workspace.message(message_id).attempt <= 1


def _carriers(paths: WorkspacePaths) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "carry-on" in words and str(paths.root) in words and "-m" in words[:6]:
            found.append(process)
    return found


def test_folders_are_not_made_by_looking(short_folder: Path) -> None:
    Supervision(WorkspacePaths(short_folder / "none")).status()

    assert not (short_folder / "none").exists()
