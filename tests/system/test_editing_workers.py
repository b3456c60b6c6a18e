"""Workers that are added, changed, scaled and removed while the real supervisord runs them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pqdesk.errors import InvalidInput, NotFound, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.writing import write_supervisor_configuration
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.supervision import Supervision
from pqdesk.supervision.waiting import wait_for
from tests.support import wait_until
from tests.system.conftest import WAIT_S, SupervisedWorkspace

SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
# Takes TERM as "finish what is in hand", which lasts until the file GO is there.
SLOW = """
import os, signal, sys, time
def finish(*_):
    print('asked to end', flush=True)
    while not os.path.exists('GO'):
        time.sleep(0.02)
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
print('up', flush=True)
time.sleep(600)
"""


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-u", "-c", f"exec({text!r})")  # an argument is one line


def definition(name: str, text: str = SLEEPER, **values: object) -> WorkerDefinition:
    options: dict[str, object] = {"start_s": 0, "stop_wait_s": 20, **values}
    return WorkerDefinition(name=name, command=script(text), **options)  # type: ignore[arg-type]


def pids(supervised: SupervisedWorkspace, worker: str) -> dict[str, int | None]:
    replicas = supervised.supervision.status().replicas
    return {one.process: one.pid for one in replicas if one.worker == worker}


def said(supervised: SupervisedWorkspace, process: str, text: str) -> None:
    log = supervised.paths.logs / f"{process}.out.log"
    wait_until(lambda: log.exists() and text in log.read_text(), WAIT_S, f"{process} to say {text!r}")


@pytest.fixture
def other(supervised: SupervisedWorkspace) -> Iterator[int]:
    """A worker beside the one that a test is about, which must not be touched: its pid."""
    supervised.supervision.add(definition("other"), start=True)
    pid = supervised.wait_for_running("other").pid
    assert pid is not None
    yield pid
    assert supervised.replica("other").pid == pid, "a worker that nobody meant was restarted"


def test_from_nothing_to_a_running_worker(supervised: SupervisedWorkspace) -> None:
    saved = supervised.supervision.add(definition("worker", replicas=2), start=True)

    assert (saved.restarting, saved.problem) == (("worker", "worker-2"), None)
    supervised.wait_for_running("worker-2")
    assert supervised.supervision.definition("worker").replicas == 2
    with pytest.raises(SupervisorError, match="already"):
        supervised.supervision.add(definition("worker"), start=True)


def test_one_that_ends_at_once_and_comes_back_can_be_stopped_at_any_moment(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("leaving", "raise SystemExit(1)", restart="always"), start=True)

    def state() -> WorkerState:
        return supervised.supervision.status().replicas[0].state

    wait_until(lambda: state() is WorkerState.CRASH_LOOPING, WAIT_S, "it to loop")
    supervised.supervision.stop("leaving", wait_s=WAIT_S)

    assert not wait_for(lambda: state() is not WorkerState.STOPPED, 2.5), "it came back"


def test_one_that_is_not_to_be_started_waits(supervised: SupervisedWorkspace, other: int) -> None:
    supervised.supervision.add(definition("worker", is_autostart=False), start=False)

    assert supervised.replica("worker").state is WorkerState.STOPPED


def test_one_whose_program_is_missing_is_added_and_says_why(supervised: SupervisedWorkspace) -> None:
    saved = supervised.supervision.add(WorkerDefinition(name="bad", command=("no-such-program",)), start=True)

    assert "can't find command 'no-such-program'" in (saved.problem or "")
    assert supervised.replica("bad").state is WorkerState.FAILED_TO_START


def test_a_change_restarts_only_what_runs_with_other_settings(supervised: SupervisedWorkspace, other: int) -> None:
    supervised.supervision.add(definition("worker", replicas=2), start=True)
    supervised.wait_for_running("worker-2")
    supervised.supervision.stop("worker-2", wait_s=None)
    before = pids(supervised, "worker")
    seen: list[tuple[int, int, str]] = []

    saved = supervised.supervision.change(
        replace(supervised.supervision.definition("worker"), environment={"NEW": "1"}),
        on_progress=lambda *told: seen.append(told),
    )

    assert (saved.restarting, seen) == (("worker",), [(1, 1, "worker")])
    pid = supervised.wait_for_running("worker", other_than=before["worker"]).pid
    assert pid is not None
    assert psutil.Process(pid).environ()["NEW"] == "1"
    assert supervised.replica("worker-2").state is WorkerState.STOPPED
    supervised.supervision.start("worker-2")
    stopped = supervised.wait_for_running("worker-2").pid
    assert stopped is not None
    assert psutil.Process(stopped).environ()["NEW"] == "1"


def test_what_makes_no_difference_to_a_process_restarts_nothing(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("worker"), start=True)
    supervised.wait_for_running("worker")
    before = pids(supervised, "worker")

    assert supervised.supervision.change(supervised.supervision.definition("worker")).restarting == ()
    supervised.supervision.set_autostart("all", False)
    file = supervised.paths.workers / "worker.conf"
    file.write_text("; a comment by hand\n" + file.read_text())
    assert supervised.supervision.change(replace(supervised.supervision.definition("worker"))).restarting == ()

    assert pids(supervised, "worker") == before
    assert not supervised.supervision.definition("worker").is_autostart
    assert "a comment by hand" in file.read_text()


def test_scaling_touches_nothing_else_and_drains_the_highest(supervised: SupervisedWorkspace, other: int) -> None:
    supervised.supervision.add(definition("worker", SLOW), start=True)
    supervised.wait_for_running("worker")
    before = pids(supervised, "worker")

    grown = supervised.supervision.scale("worker", 4)

    assert grown.restarting == ("worker-2", "worker-3", "worker-4")
    for process in grown.restarting:
        said(supervised, process, "up")
    running = pids(supervised, "worker")
    assert running["worker"] == before["worker"]

    supervised.supervision.scale("worker", 2, wait_s=0)

    said(supervised, "worker-4", "asked to end")
    draining = supervised.replica("worker-4")
    assert draining.state is WorkerState.STOPPING
    assert 0 < (draining.stop_deadline_s or 0) <= 20
    (supervised.paths.root / "GO").touch()
    wait_until(
        lambda: (
            supervised.supervision.status()
            and set(pids(supervised, "worker")) | {one.process for one in supervised.supervision.status().replicas}
            == {"worker", "worker-2", "other"}
        ),
        WAIT_S,
        "the highest to be gone",
    )
    assert pids(supervised, "worker") == {name: running[name] for name in ("worker", "worker-2")}


def test_a_stopped_worker_grows_without_starting(supervised: SupervisedWorkspace, other: int) -> None:
    supervised.supervision.add(definition("worker", is_autostart=False), start=False)

    supervised.supervision.scale("worker", 3)

    states = {one.state for one in supervised.supervision.status().replicas if one.worker == "worker"}
    assert states == {WorkerState.STOPPED}
    with pytest.raises(InvalidInput, match="1 to 500"):
        supervised.supervision.scale("worker", 0)
    with pytest.raises(NotFound, match="no worker 'nobody'"):
        supervised.supervision.scale("nobody", 2)


def test_a_removed_worker_drains_and_can_be_brought_back(supervised: SupervisedWorkspace, other: int) -> None:
    supervised.supervision.add(definition("worker", replicas=2), start=True)
    supervised.wait_for_running("worker-2")
    supervised.supervision.stop("worker-2", wait_s=None)

    removed = supervised.supervision.remove("worker")

    assert removed.running == ("worker",)
    assert [one.process for one in supervised.supervision.status().replicas] == ["other"]
    again = Supervision(supervised.paths)
    assert again.bring_back(again.removed_worker("worker")).problem is None
    supervised.wait_for_running("worker")
    assert supervised.replica("worker-2").state is WorkerState.STOPPED


def test_a_file_that_supervisord_refuses_is_taken_back(supervised: SupervisedWorkspace, other: int) -> None:
    file = supervised.paths.workers / "mine.conf"
    # together with a command that is told of the end with its children, which this one is about to become
    file.write_text("[program:mine]\ncommand=pqdesk consume q -- cat\nkillasgroup=false\nautostart=false\n")
    text = file.read_text()
    mine = supervised.supervision.definition("mine")

    with pytest.raises(InvalidInput, match=r"does not take that for worker 'mine'.*mine\.conf', line 3\)"):
        supervised.supervision.change(replace(mine, command=("sleep", "600")))

    assert file.read_text() == text
    assert supervised.supervision.change(replace(mine, stop_wait_s=3)).problem is None


def test_while_another_file_is_broken_a_change_is_saved_and_told(supervised: SupervisedWorkspace, other: int) -> None:
    broken = supervised.paths.workers / "broken.conf"
    broken.write_text("[program:broken]\ncommand=true\n; a comment\nstartsecs=soon\n")

    saved = supervised.supervision.change(replace(supervised.supervision.definition("other"), stop_wait_s=3))

    assert saved.restarting == ()
    assert "broken.conf', line 4, " in (saved.problem or "")
    assert supervised.supervision.definition("other").stop_wait_s == 3
    broken.unlink()


def test_a_change_while_supervisord_is_down_is_used_at_its_next_start(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("worker"), start=True)
    supervised.wait_for_running("worker")
    supervised.supervision.shutdown()

    changed = replace(supervised.supervision.definition("worker"), environment={"NEW": "1"}, replicas=2)
    assert supervised.supervision.change(changed).problem is None
    supervised.supervision.ensure_running()

    for process in ("worker", "worker-2"):
        pid = supervised.wait_for_running(process).pid
        assert pid is not None
        assert psutil.Process(pid).environ()["NEW"] == "1"


def test_secrets_reach_the_worker_and_nobody_else(supervised: SupervisedWorkspace, tmp_path: Path) -> None:
    secret = 'it\'s "secret" ;# %(here)s $HOME `x` \\ \nsecond line\r'
    seen = tmp_path / "seen"
    code = f"import os, time\nopen({str(seen)!r}, 'w', newline='').write(os.environ['TOKEN'])\ntime.sleep(600)"
    supervised.supervision.add(definition("worker", code, secrets={"TOKEN": secret}), start=True)
    pid = supervised.wait_for_running("worker").pid
    assert pid is not None
    wait_until(seen.exists, WAIT_S, "the worker to tell")

    assert seen.read_bytes().decode() == secret
    assert psutil.Process(pid).cmdline() == list(script(code)), "the shell has become the command"
    assert "TOKEN" not in psutil.Process(supervised.daemon_pid).environ()
    assert "second line" not in (supervised.paths.workers / "worker.conf").read_text()

    saved = supervised.supervision.change(
        replace(supervised.supervision.definition("worker"), secrets={"TOKEN": "new"})
    )

    assert saved.restarting == ("worker",)
    wait_until(lambda: seen.read_text() == "new", WAIT_S, "the new secret")


def test_a_worker_runs_in_its_folder_and_ends_by_its_signal(supervised: SupervisedWorkspace, tmp_path: Path) -> None:
    folder = tmp_path / "ä 50% dir"
    folder.mkdir()
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGUSR1, lambda *_: (print('bye', flush=True), sys.exit(0)))\n"
        "print(os.getcwd(), flush=True)\ntime.sleep(600)"
    )
    supervised.supervision.add(definition("worker", code, folder=folder, stop_signal="USR1"), start=True)
    said(supervised, "worker", str(folder))

    supervised.supervision.stop("worker", wait_s=None)

    said(supervised, "worker", "bye")
    assert supervised.supervision.definition("worker").folder == folder


def test_stop_now_kills_children_too(supervised: SupervisedWorkspace) -> None:
    code = "import subprocess\nsubprocess.Popen(['sleep', '602'])\n" + SLOW
    supervised.supervision.add(definition("worker", code), start=True)
    said(supervised, "worker", "up")
    pid = supervised.replica("worker").pid
    assert pid is not None
    [child] = psutil.Process(pid).children()
    supervised.supervision.stop("worker")
    said(supervised, "worker", "asked to end")

    supervised.supervision.stop_now(["worker"])

    stopped = supervised.wait_for("worker", WorkerState.STOPPED)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, WAIT_S, "its child to end")
    assert stopped.last_exit is not None
    assert (stopped.last_exit.text, stopped.restarts_total) == ("signal KILL", 0)


def test_many_are_stopped_at_once_and_told_one_by_one(supervised: SupervisedWorkspace) -> None:
    code = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), sys.exit(0)))\n" + SLEEPER
    )
    for number in range(1, 6):
        supervised.supervision.add(definition(f"w{number}x", code), start=number == 5)
    supervised.supervision.start("all")
    for number in range(1, 6):
        said(supervised, f"w{number}x", "up")
    told: list[tuple[int, int, str]] = []
    wanted = [f"w{number}x" for number in range(1, 5)]

    supervised.supervision.stop(wanted, wait_s=None, on_progress=lambda *one: told.append(one))

    assert [one[:2] for one in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {one[2] for one in told} == set(wanted)
    ends = [supervised.replica(name).last_exit for name in wanted]
    moments = [one.at for one in ends if one is not None]
    assert len(moments) == 4
    assert (max(moments) - min(moments)).total_seconds() < 2, "they ended together, not one after the other"
    with pytest.raises(NotFound, match="no worker 'nobody'"):
        supervised.supervision.stop(["w5x", "nobody"])
    assert supervised.replica("w5x").pid is not None


def test_the_first_of_several_can_be_meant_alone(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("worker", replicas=2), start=True)
    second = supervised.wait_for_running("worker-2").pid
    first = supervised.wait_for_running("worker")

    supervised.supervision.stop(first.address, wait_s=None)

    assert (supervised.replica("worker").state, supervised.replica("worker-2").pid) == (WorkerState.STOPPED, second)
    supervised.supervision.stop("worker", wait_s=None)
    assert supervised.replica("worker-2").state is WorkerState.STOPPED


def test_restarts_and_the_last_exit_are_told_to_who_looks_later(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("worker"), start=True)
    pid = supervised.wait_for_running("worker").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    supervised.wait_for_running("worker", other_than=pid)

    [seen] = Supervision(supervised.paths).status().replicas

    assert (seen.restarts_total, seen.restarts_last_hour, seen.restarts) == (1, 1, 0)
    assert seen.last_exit is not None
    assert (seen.last_exit.signal, seen.last_exit.is_expected) == ("KILL", False)
    supervised.supervision.shutdown()
    [down] = Supervision(supervised.paths).status().replicas
    assert down.restarts_total == 1


# --- supervisord itself -----------------------------------------------------------------------------


def test_supervisord_is_restarted_with_the_workers_as_they_were(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("by_hand", is_autostart=False), start=True)
    supervised.supervision.add(definition("stopped", replicas=2), start=True)
    supervised.wait_for_running("stopped-2")
    supervised.supervision.stop("stopped", wait_s=None)
    supervised.supervision.start("stopped-2")
    old = supervised.wait_for_running("by_hand").pid, supervised.daemon_pid
    text = (supervised.paths.workers / "stopped.conf").read_text()

    status = supervised.supervision.restart_daemon()

    assert status.pid != old[1]
    supervised.wait_for_running("by_hand", other_than=old[0])
    supervised.wait_for_running("stopped-2")
    assert supervised.replica("stopped").state is WorkerState.STOPPED
    assert not (supervised.paths.logs / "stopped.out.log").read_text().count("up") > 1
    assert (supervised.paths.workers / "stopped.conf").read_text() == text
    supervised.supervision.shutdown()
    assert supervised.supervision.restart_daemon().is_running


def test_one_that_another_version_started_is_outdated(
    supervised: SupervisedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervised.supervision.add(definition("worker"), start=False)
    monkeypatch.setattr("pqdesk.supervision.daemon.launch.installed_version", lambda: "0.0.9")
    old = supervised.supervision.ensure_running()
    monkeypatch.undo()

    assert (old.version, old.is_outdated) == ("0.0.9", True)
    new = supervised.supervision.restart_daemon()
    assert (new.is_outdated, new.version == "0.0.9") == (False, False)


def test_a_foreign_one_is_attached_to_and_its_workers_are_not_changed(supervised: SupervisedWorkspace) -> None:
    write_supervisor_configuration(supervised.paths)
    supervised.supervision.add(definition("worker"), start=True)
    configuration = supervised.paths.supervisor_configuration
    text = configuration.read_text()
    configuration.write_text(text.replace("identifier=pqdesk", "identifier=another"))
    worker = supervised.supervision.definition("worker")
    written = (supervised.paths.workers / "worker.conf").read_text()

    for act in (
        lambda: supervised.supervision.change(replace(worker, stop_wait_s=1)),
        lambda: supervised.supervision.scale("worker", 2),
        lambda: supervised.supervision.remove("worker"),
        lambda: supervised.supervision.add(definition("more"), start=False),
        lambda: supervised.supervision.set_autostart("worker", False),
        supervised.supervision.restart_daemon,
        supervised.supervision.shutdown,
    ):
        with pytest.raises(SupervisorError, match="another configuration"):
            act()

    assert supervised.supervision.status().state_word == "foreign"
    supervised.supervision.restart("worker")
    supervised.supervision.stop("worker", wait_s=None)
    assert (supervised.paths.workers / "worker.conf").read_text() == written
    configuration.write_text(text)
    supervised.supervision.start("worker")  # has supervisord read it
    assert supervised.supervision.status().state_word == "running"


def test_a_hanging_supervisord_makes_no_call_wait_for_longer_than_its_timeout(supervised: SupervisedWorkspace) -> None:
    supervised.supervision.add(definition("worker"), start=True)
    impatient = Supervision(supervised.paths, timeout_s=0.2)
    worker = impatient.definition("worker")
    text = (supervised.paths.workers / "worker.conf").read_text()
    daemon = supervised.daemon_pid
    os.kill(daemon, signal.SIGSTOP)
    try:
        for act in (
            lambda: impatient.change(replace(worker, stop_wait_s=1)),
            lambda: impatient.scale("worker", 3),
            lambda: impatient.remove("worker"),
            lambda: impatient.add(definition("more"), start=True),
            lambda: impatient.stop("worker", wait_s=None),
            lambda: impatient.stop_now("worker"),
            lambda: impatient.signal("worker", "HUP"),
            lambda: impatient.restart("worker"),
            impatient.restart_daemon,
            impatient.shutdown,
        ):
            with pytest.raises(SupervisorError, match=rf"supervisord \(pid {daemon}\) did not answer within 0\.2 s"):
                act()
    finally:
        os.kill(daemon, signal.SIGCONT)

    assert (supervised.paths.workers / "worker.conf").read_text() == text
    assert [one.name for one in supervised.paths.workers.iterdir()] == ["worker.conf"]


def test_nothing_is_written_by_a_try(supervised: SupervisedWorkspace) -> None:
    paths = WorkspacePaths(supervised.paths.root)
    paths.root.mkdir(parents=True)

    outcome = supervised.supervision.try_out(definition("x", "print('hello')\nraise SystemExit(3)"))

    assert (outcome.exit_code, outcome.signal, outcome.output, outcome.is_still_running) == (3, None, "hello", False)
    assert list(paths.root.iterdir()) == []
