"""The real supervisord: starting, attaching, crashes, kills, hangs, and configuration that changes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from pqdesk.errors import InvalidInput, NotFound, SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.addresses import address_of
from pqdesk.supervision.definitions.writing import write_supervisor_configuration
from pqdesk.supervision.logs.log_files import LogFollower
from pqdesk.supervision.records import WorkerState
from pqdesk.supervision.supervision import Supervision
from tests.programs import BIN, run
from tests.support import wait_until
from tests.system.conftest import WAIT_S, SupervisedWorkspace

SLEEPER = "import time\nprint('up')\ntime.sleep(600)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\ntime.sleep(600)"
# Takes TERM as "finish what is in hand", which lasts until the file GO is there.
SLOW = """
import os, signal, sys, time
def finish(*_):
    print('asked to end')
    while not os.path.exists('GO'):
        time.sleep(0.02)
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
print('up')
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- starting and attaching -------------------------------------------------------------------------


def test_nothing_is_made_by_looking(supervised: SupervisedWorkspace) -> None:
    status = supervised.supervision.status()

    assert (status.is_running, status.state_word, status.replicas, status.problem) == (False, "not running", (), None)
    assert not supervised.paths.root.exists()


def test_workers_of_a_stopped_supervisord_are_listed_from_their_files(supervised: SupervisedWorkspace) -> None:
    supervised.add_command("consumer", ("pqdesk", "consume", "emails", "--handler", "m:f"), replicas=2)

    first, second = supervised.supervision.status().replicas

    assert (first.process, second.process) == ("consumer", "consumer-2")
    assert (second.worker, second.kind, second.replica, second.queues) == ("consumer", "consumer", 2, ("emails",))
    assert second.state is WorkerState.STOPPED
    assert second.command == "pqdesk consume emails --handler m:f"
    assert second.stdout_log == supervised.paths.logs / "consumer-2.out.log"


def test_starting_starts_supervisord_detached(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)

    status = supervised.supervision.ensure_running()

    assert (status.is_running, status.state_word, status.problem) == (True, "running", None)
    running = supervised.wait_for_running("worker")
    daemon = psutil.Process(supervised.daemon_pid)
    assert daemon.ppid() != os.getpid()
    assert os.getsid(daemon.pid) != os.getsid(0)
    assert running.pid is not None
    assert psutil.Process(running.pid).ppid() == daemon.pid
    assert running.started_at is not None
    assert running.uptime_s is not None
    assert (running.restarts, running.exit_text) == (0, None)
    assert oct(supervised.paths.socket.stat().st_mode & 0o777) == "0o700"
    for log in supervised.paths.logs.iterdir():
        assert oct(log.stat().st_mode & 0o777) == "0o600", log


def test_one_that_runs_is_attached_to(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.ensure_running()
    first = supervised.daemon_pid

    other = Supervision(supervised.paths)

    assert other.ensure_running().pid == first
    other.start("worker")
    other.start("all")
    assert other.status().pid == first


def test_of_many_starters_one_starts(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    pids: list[int | None] = []
    starters = [
        threading.Thread(target=lambda: pids.append(Supervision(supervised.paths).ensure_running().pid))
        for _ in range(4)
    ]

    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert len(pids) == 4
    assert set(pids) == {supervised.daemon_pid}


def test_one_started_by_hand_is_attached_to(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER, is_autostart=False)
    configuration = supervised.paths.supervisor / "supervisord.conf"
    write_supervisor_configuration(supervised.paths)
    run("supervisord", "-c", configuration)
    wait_until(supervised.paths.pid_file.exists, WAIT_S, "the pid file")

    supervised.supervision.start("worker")

    supervised.wait_for_running("worker")
    assert supervised.daemon_pid == int(supervised.paths.pid_file.read_text())
    assert "RUNNING" in run("supervisorctl", "-c", configuration, "status", "worker").stdout


def test_a_stale_socket_is_no_obstacle(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(supervised.paths.socket))

    assert supervised.supervision.status().state_word == "not running"
    supervised.supervision.start("worker")

    supervised.wait_for_running("worker")


def test_a_long_path_works_in_the_app_and_by_hand(short_folder: Path) -> None:
    workspace = SupervisedWorkspace(short_folder / ("long " * 20) / ("long" * 20))
    workspace.add("worker", SLEEPER)
    try:
        workspace.supervision.start("all")

        workspace.wait_for_running("worker")
        told = run("supervisorctl", "-c", workspace.paths.supervisor_configuration, "status")
        assert "RUNNING" in told.stdout
        assert not (workspace.paths.supervisor / "supervisord.sock").exists()
    finally:
        workspace.supervision.shutdown()
    run("supervisord", "-c", workspace.paths.supervisor_configuration)
    try:
        workspace.wait_for_running("worker")
    finally:
        workspace.supervision.shutdown()


@pytest.mark.parametrize("name", ["100 %", "[brackets]", "semi ;colon #1", 'it\'s "quoted"', "näme ☕", "x" * 120])
def test_folders_of_any_name_work(short_folder: Path, name: str) -> None:
    made = SupervisedWorkspace(short_folder / "made")
    made.add("worker", "import os\nprint(os.path.realpath(os.environ['PQDESK_WORKSPACE']))\n" + SLEEPER)
    write_supervisor_configuration(made.paths)  # as a checkout has it, not knowing where it will lie
    made.paths.root.rename(short_folder / name)
    workspace = SupervisedWorkspace(short_folder / name)
    try:
        workspace.supervision.start("all")

        workspace.wait_for_running("worker")
        assert str(workspace.paths.root) in (workspace.paths.logs / "worker.out.log").read_text()
        assert address_of(workspace.paths).socket.exists()
    finally:
        workspace.supervision.shutdown()


# --- starting, stopping, restarting -----------------------------------------------------------------


def test_stop_and_start_of_one_leave_the_others_alone(supervised: SupervisedWorkspace) -> None:
    supervised.add("one", SLEEPER)
    supervised.add("two", SLEEPER, replicas=2)
    supervised.supervision.start("all")
    pids = {process: supervised.wait_for_running(process).pid for process in ("one", "two", "two-2")}

    supervised.supervision.stop("two-2", wait_s=WAIT_S)

    assert supervised.replica("two-2").state is WorkerState.STOPPED
    assert supervised.replica("two-2").pid is None
    assert supervised.replica("two").pid == pids["two"]
    supervised.supervision.start("two")
    supervised.wait_for_running("two-2")
    assert {process: supervised.replica(process).pid for process in ("one", "two")} == {
        process: pids[process] for process in ("one", "two")
    }
    assert all(one.restarts == 0 for one in supervised.supervision.status().replicas)


def test_unknown_names_are_told_with_those_there_are(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)

    for act in (supervised.supervision.start, supervised.supervision.stop, supervised.supervision.restart):
        with pytest.raises(NotFound, match=r"no worker 'nobody'.*worker"):
            act("nobody")

    assert supervised.supervision.status().state_word == "not running"


def test_stopping_what_does_not_run_is_no_error(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER, is_autostart=False)

    supervised.supervision.stop("all")
    supervised.supervision.ensure_running()
    supervised.supervision.stop("worker", wait_s=1)

    assert supervised.replica("worker").state is WorkerState.STOPPED


def test_restart_gives_what_is_in_hand_time_to_finish(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=30)
    supervised.supervision.start("worker")
    old = supervised.wait_for_running("worker").pid

    supervised.supervision.restart("worker", wait_s=0)

    assert supervised.wait_for("worker", WorkerState.STOPPING).pid == old
    (supervised.paths.root / "GO").touch()
    new = supervised.wait_for_running("worker", other_than=old)
    assert (new.restarts, new.exit_text) == (0, None)


def test_restart_waits_and_says_when_it_was_not_enough(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", STUBBORN, stop_wait_s=20)
    supervised.add("quick", SLEEPER)
    supervised.supervision.start("all")
    supervised.wait_for_running("worker")
    old = supervised.wait_for_running("quick").pid

    supervised.supervision.restart("quick")
    with pytest.raises(SupervisorError, match=r"'worker' did not stop within 0\.3 s"):
        supervised.supervision.restart("worker", wait_s=0.3)

    assert supervised.wait_for_running("quick", other_than=old)
    with pytest.raises(SupervisorError, match=r"'worker' did not stop within 0\.1 s"):
        supervised.supervision.stop("all", wait_s=0.1)
    pid = supervised.replica("worker").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_start_during_the_stop_is_not_forgotten(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=30)
    supervised.supervision.start("worker")
    old = supervised.wait_for_running("worker").pid
    supervised.supervision.stop("worker")
    supervised.wait_for("worker", WorkerState.STOPPING)

    supervised.supervision.start("worker")
    (supervised.paths.root / "GO").touch()

    supervised.wait_for_running("worker", other_than=old)


def test_a_signal_arrives(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('got it'))\n" + SLEEPER)
    supervised.supervision.start("worker")
    supervised.wait_for_running("worker")

    for number in ("USR1", "sigusr1", signal.SIGUSR1, str(int(signal.SIGUSR1))):
        supervised.supervision.signal("worker", number)

    wait_until(lambda: "got it" in (supervised.paths.logs / "worker.out.log").read_text(), WAIT_S, "the signal")
    with pytest.raises(InvalidInput, match="no signal 'NOPE'"):
        supervised.supervision.signal("worker", "NOPE")
    supervised.supervision.stop("worker", wait_s=WAIT_S)
    with pytest.raises(SupervisorError, match="'worker': it is not running"):
        supervised.supervision.signal("worker", "USR1")


def test_workers_stop_all_at_once(supervised: SupervisedWorkspace) -> None:
    supervised.add("slow", SLOW, replicas=4, stop_wait_s=30)
    supervised.supervision.start("all")
    for process in ("slow", "slow-2", "slow-3", "slow-4"):
        supervised.wait_for_running(process)

    supervised.supervision.stop("all")

    for process in ("slow", "slow-2", "slow-3", "slow-4"):  # all of them while none has ended
        log = supervised.paths.logs / f"{process}.out.log"
        wait_until(lambda log=log: "asked to end" in log.read_text(), WAIT_S, f"{log}")  # type: ignore[misc]
    assert {one.state for one in supervised.supervision.status().replicas} == {WorkerState.STOPPING}
    (supervised.paths.root / "GO").touch()


def test_shutdown_ends_everything(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER, replicas=2)
    supervised.supervision.start("all")
    pids = [supervised.wait_for_running(process).pid for process in ("worker", "worker-2")]
    daemon = supervised.daemon_pid

    supervised.supervision.shutdown()

    assert not any(is_alive(pid) for pid in (*pids, daemon) if pid is not None)
    status = supervised.supervision.status()
    assert (status.state_word, status.pid, {one.state for one in status.replicas}) == (
        "not running",
        None,
        {WorkerState.STOPPED},
    )
    supervised.supervision.shutdown()


# --- configuration that changes ---------------------------------------------------------------------


def test_a_worker_that_was_added_since_can_be_started(supervised: SupervisedWorkspace) -> None:
    supervised.add("first", SLEEPER)
    supervised.supervision.start("all")
    pid = supervised.wait_for_running("first").pid
    supervised.add("second", SLEEPER, is_autostart=False)

    assert supervised.replica("second").state is WorkerState.STOPPED
    supervised.supervision.start("second")

    supervised.wait_for_running("second")
    assert supervised.replica("first").pid == pid


def test_a_changed_command_is_used_after_a_restart(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("all")
    supervised.wait_for_running("worker")
    supervised.add("worker", SLEEPER.replace("up", "changed"))

    supervised.supervision.restart("worker")

    wait_until(lambda: "changed" in (supervised.paths.logs / "worker.out.log").read_text(), WAIT_S, "the new command")


def test_a_broken_file_hides_and_stops_nothing(supervised: SupervisedWorkspace) -> None:
    supervised.add("good", SLEEPER, is_autostart=False)
    supervised.supervision.ensure_running()
    (supervised.paths.workers / "broken.conf").write_text("no section\n")

    supervised.supervision.start("good")

    supervised.wait_for_running("good")
    status = supervised.supervision.status()
    assert status.is_running
    assert "broken.conf" in (status.problem or "")
    with pytest.raises(SupervisorError, match=r"broken\.conf"):
        supervised.supervision.start("broken")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"[program:broken]\ncommand=true\n; a comment\nstartsecs=soon\n", 4),
        (b"command=true\n", 1),
        (b"[program:broken]\ncommand=\xff\n", 2),
    ],
)
def test_a_broken_file_keeps_the_others_from_nothing_when_supervisord_starts(
    supervised: SupervisedWorkspace, text: bytes, line: int
) -> None:
    supervised.add("good", SLEEPER)
    broken = supervised.paths.workers / "broken.conf"
    broken.write_bytes(text)

    status = supervised.supervision.ensure_running()

    assert re.search(rf"broken\.conf', line {line},", status.problem or ""), status.problem
    supervised.wait_for_running("good")
    assert broken.read_bytes() == text
    with pytest.raises(SupervisorError, match=r"broken\.conf"):
        supervised.supervision.start("broken")
    broken.write_text("[program:broken]\ncommand=sleep 600\nstartsecs=0\n")
    supervised.supervision.start("broken")
    supervised.wait_for_running("broken")


def test_a_file_that_only_supervisord_refuses_is_told_when_it_is_wanted(supervised: SupervisedWorkspace) -> None:
    supervised.add("good", SLEEPER)
    supervised.add_command("broken", ("true",))
    broken = supervised.paths.workers / "broken.conf"
    broken.write_text(broken.read_text().replace("/logs/broken.out.log", "/nowhere/broken.out.log"))

    supervised.supervision.start("good")

    supervised.wait_for_running("good")
    with pytest.raises(SupervisorError, match=r"nowhere.*broken\.conf', line 18\)"):
        supervised.supervision.start("broken")
    assert sorted(one.name for one in supervised.paths.workers.iterdir()) == ["broken.conf", "good.conf"]


def test_a_start_that_configuration_prevents_says_why(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    configuration = write_supervisor_configuration(supervised.paths)
    configuration.write_text(configuration.read_text().replace("minfds=256", "minfds=many"))

    with pytest.raises(SupervisorError, match=r"does not start: .*many") as caught:
        supervised.supervision.ensure_running()

    assert "\n" not in str(caught.value)
    assert supervised.supervision.status().state_word == "not running"


# --- crashes ----------------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("worker")
    old = supervised.wait_for_running("worker").pid
    assert old is not None

    os.kill(old, signal.SIGKILL)

    new = supervised.wait_for_running("worker", other_than=old)
    assert new.restarts == 1


def test_a_consumer_ended_by_hand_comes_back(supervised: SupervisedWorkspace) -> None:
    script = supervised.paths.root / "pqdesk"
    supervised.add_command("consumer", (str(script), "consume", "emails"))
    script.write_text("#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.1; done\n")
    script.chmod(0o700)
    supervised.supervision.start("consumer")
    old = supervised.wait_for_running("consumer").pid
    assert old is not None

    os.kill(old, signal.SIGTERM)

    supervised.wait_for_running("consumer", other_than=old)


def test_one_that_ends_well_stays_ended(supervised: SupervisedWorkspace) -> None:
    supervised.add("once", "import time\ntime.sleep(2)")
    supervised.supervision.start("once")

    ended = supervised.wait_for("once", WorkerState.EXITED)

    assert (ended.exit_text, ended.pid, ended.uptime_s) == ("exit status 0", None, None)


def test_a_crash_loop_is_named_with_the_reason(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", "import sys\nprint('no database at all', file=sys.stderr)\nsys.exit(3)")
    supervised.supervision.start("worker")

    looping = supervised.wait_for("worker", WorkerState.CRASH_LOOPING)

    assert looping.exit_text == "exit status 3: no database at all"
    assert looping.pid is None or looping.uptime_s is not None
    [seen_anew] = Supervision(supervised.paths).status().replicas
    assert seen_anew.state is WorkerState.CRASH_LOOPING, "who looks for the first time sees it too"
    supervised.supervision.stop("worker", wait_s=WAIT_S)
    assert supervised.replica("worker").state is WorkerState.STOPPED


def test_crashes_after_a_good_start_are_a_loop_too(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", "import os, time\ntime.sleep(0.4)\nos.abort()", start_s=0)
    supervised.supervision.start("worker")

    looping = supervised.wait_for("worker", WorkerState.CRASH_LOOPING)

    assert (looping.exit_text or "").startswith("terminated by SIGABRT")


def test_a_start_forgives_what_was(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", "import os, sys, time\nos.path.exists('FIXED') or sys.exit(1)\n" + SLEEPER)
    supervised.supervision.start("worker")
    supervised.wait_for("worker", WorkerState.CRASH_LOOPING)
    (supervised.paths.root / "FIXED").touch()

    supervised.supervision.restart("worker")

    supervised.wait_for_running("worker")


def test_a_missing_command_is_told_at_once(supervised: SupervisedWorkspace) -> None:
    supervised.add("good", SLEEPER)
    supervised.add_command("bad", ("no-such-program", "x"))

    with pytest.raises(SupervisorError, match=r"cannot start 'bad': can't find command 'no-such-program'.*bad\.conf"):
        supervised.supervision.start("all")

    bad = supervised.wait_for("bad", WorkerState.FAILED_TO_START)
    assert bad.exit_text == "can't find command 'no-such-program'"
    supervised.wait_for_running("good")


def test_a_command_that_may_not_be_run_is_told(supervised: SupervisedWorkspace) -> None:
    supervised.add_command("bad", (str(supervised.paths.supervisor), "x"), is_autostart=False)

    with pytest.raises(SupervisorError, match="is a directory"):
        supervised.supervision.start("bad")

    bad = supervised.replica("bad")
    assert bad.state is WorkerState.FAILED_TO_START
    assert "is a directory" in (bad.exit_text or "")
    supervised.supervision.stop("bad")
    assert supervised.replica("bad").state is WorkerState.STOPPED


# --- supervisord itself -----------------------------------------------------------------------------


def test_orphans_of_a_killed_supervisord_are_ended_before_the_next_start(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", f"import subprocess, sys\nsubprocess.Popen(['sleep', '601'])\n{SLEEPER}")
    supervised.add("stubborn", "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_IGN)\n" + SLEEPER)
    supervised.supervision.start("all")
    old = [supervised.wait_for_running(process).pid for process in ("worker", "stubborn")]
    assert old[0] is not None
    [grandchild] = psutil.Process(old[0]).children()
    supervised.kill_daemon()
    assert is_alive(old[0])
    assert supervised.replica("worker").state is WorkerState.STOPPED

    supervised.supervision.ensure_running()

    assert not any(is_alive(pid) for pid in (*old, grandchild.pid) if pid is not None)
    for process in ("worker", "stubborn"):
        supervised.wait_for_running(process)


def test_stop_ends_an_orphan_too(supervised: SupervisedWorkspace) -> None:
    supervised.add("one", SLEEPER)
    supervised.add("two", SLEEPER)
    supervised.supervision.start("all")
    one, two = (supervised.wait_for_running(process).pid for process in ("one", "two"))
    assert one is not None
    assert two is not None
    supervised.kill_daemon()

    supervised.supervision.stop("one")

    assert (is_alive(one), is_alive(two)) == (False, True)
    supervised.supervision.shutdown()
    assert not is_alive(two)


def test_processes_of_other_workspaces_are_no_orphans(supervised: SupervisedWorkspace, short_folder: Path) -> None:
    other = SupervisedWorkspace(short_folder / "other")
    other.add("worker", SLEEPER)
    other.supervision.start("all")
    supervised.add("worker", SLEEPER)
    try:
        pid = other.wait_for_running("worker").pid

        supervised.supervision.start("all")

        supervised.wait_for_running("worker")
        assert other.replica("worker").pid == pid
    finally:
        other.supervision.shutdown()


def test_a_hanging_supervisord_is_told_and_not_fought(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("worker")
    pid = supervised.wait_for_running("worker").pid
    impatient = Supervision(supervised.paths, timeout_s=0.2)
    daemon = supervised.daemon_pid
    os.kill(daemon, signal.SIGSTOP)
    try:
        status = impatient.status()
        assert (status.is_running, status.state_word) == (False, "not answering")
        assert "did not answer" in (status.problem or "")
        assert status.replicas[0].state is WorkerState.UNKNOWN
        for act in (impatient.ensure_running, lambda: impatient.start("worker"), lambda: impatient.stop("all")):
            with pytest.raises(SupervisorError, match=r"did not answer within 0\.2 s"):
                act()
    finally:
        os.kill(daemon, signal.SIGCONT)

    assert supervised.replica("worker").pid == pid
    assert supervised.daemon_pid == daemon


def test_a_supervisord_whose_socket_is_gone_is_not_fought(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("worker")
    pid, daemon = supervised.wait_for_running("worker").pid, supervised.daemon_pid
    moved = supervised.paths.socket.with_suffix(".moved")
    supervised.paths.socket.rename(moved)

    with pytest.raises(SupervisorError, match=f"pid {daemon}.*cannot be reached.*kill {daemon}"):
        supervised.supervision.ensure_running()

    moved.rename(supervised.paths.socket)
    assert supervised.replica("worker").pid == pid


def test_something_else_on_the_socket_is_left_alone(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(supervised.paths.socket))
        other.listen()

        def answer() -> None:
            try:
                while True:
                    connection, _address = other.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(b"220 mail.example.com ESMTP\r\n")
            except OSError:
                return  # shut down below, or the client was gone

        server = threading.Thread(target=answer)
        server.start()
        status = supervised.supervision.status()
        with pytest.raises(SupervisorError, match="does not answer as supervisord does"):
            supervised.supervision.ensure_running()
        other.shutdown(socket.SHUT_RDWR)
        server.join()

    assert status.state_word == "foreign"
    assert supervised.paths.socket.exists()
    supervised.paths.socket.unlink()


def test_one_with_another_configuration_is_shown_as_foreign(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    supervised.supervision.start("worker")
    configuration = supervised.paths.supervisor_configuration
    text = configuration.read_text()
    configuration.write_text(text.replace("identifier=pqdesk", "identifier=another"))

    status = supervised.supervision.status()

    assert (status.is_running, status.state_word) == (True, "foreign")
    assert "another configuration" in (status.problem or "")
    configuration.write_text(text)


def test_supervisord_on_its_way_out_is_shown_and_waited_for(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLOW, stop_wait_s=30)
    supervised.supervision.start("worker")
    supervised.wait_for_running("worker")
    first = supervised.daemon_pid
    os.kill(first, signal.SIGTERM)

    stopping = supervised.wait_for_daemon(lambda status: status.state_word == "stopping")

    assert (stopping.is_running, stopping.problem) == (False, None)
    with pytest.raises(SupervisorError, match="supervisord is stopping"):
        supervised.supervision.stop("worker")
    (supervised.paths.root / "GO").touch()
    supervised.supervision.ensure_running()
    assert supervised.daemon_pid != first


def test_workers_find_the_program_without_an_activated_environment(
    supervised: SupervisedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("SUPERVISOR_SERVER_URL", f"unix://{supervised.paths.socket}")  # as if run by a worker
    supervised.add_command("which", ("sh", "-c", "command -v pqdesk; echo url=$SUPERVISOR_SERVER_URL; sleep 600"))

    supervised.supervision.start("which")

    supervised.wait_for_running("which")
    assert str(BIN / "pqdesk") in (supervised.paths.logs / "which.out.log").read_text()
    assert "SUPERVISOR_SERVER_URL" not in psutil.Process(supervised.daemon_pid).environ()


# --- logs -------------------------------------------------------------------------------------------


def test_a_log_is_followed_through_its_rotation(supervised: SupervisedWorkspace) -> None:
    definition = supervised.add(
        "chatty",
        "import time\n"
        "for number in range(6000):\n"
        "    print(f'line {number:05d} ' + 'x' * 200)\n"
        "    if number % 100 == 0: time.sleep(0.02)\n"
        "print('\\x1b[31mlast\\x1b[0m \\x07')\n"
        "time.sleep(600)",
    )
    assert definition.file is None
    log = supervised.paths.logs / "chatty.out.log"
    follower = LogFollower(log, from_end_lines=10_000)  # on a busy machine many are there by the first look
    lines: list[str] = []
    supervised.supervision.start("chatty")

    def read_all() -> bool:
        time.sleep(0.3)  # as seldom as people look: half a line that stands still from one read to the next is a line
        lines.extend(follower.read())
        return bool(lines) and lines[-1].startswith("\x1b[31mlast")

    wait_until(read_all, WAIT_S, "the last line", logs=None)

    assert log.with_name("chatty.out.log.1").exists(), "it was rotated"
    assert [line.split()[1] for line in lines[:-1]] == [f"{number:05d}" for number in range(6000)]
    assert lines[-1] == "\x1b[31mlast\x1b[0m \\x07"
    follower.close()


# --- the programs -----------------------------------------------------------------------------------


def test_the_bundled_programs_use_the_workspaces_configuration(supervised: SupervisedWorkspace) -> None:
    supervised.add("worker", SLEEPER)
    code = "import sys\nfrom pqdesk.supervision.daemon import bundled_programs as programs\n"
    code += "sys.exit(getattr(programs, sys.argv[1])(sys.argv[2:]))"
    environment = {"PQDESK_WORKSPACE": str(supervised.paths.root)}

    def program(*words: str) -> subprocess.CompletedProcess[str]:
        return run(BIN / "python", "-c", code, *words, environment=environment, check=False)

    missing = program("supervisorctl", "status")
    assert missing.returncode != 0
    assert "has no supervisor/supervisord.conf yet" in missing.stderr
    supervised.supervision.start("all")
    supervised.wait_for_running("worker")

    assert "RUNNING" in program("supervisorctl", "status").stdout
    assert program("supervisorctl", "stop", "worker").returncode == 0
    assert program("supervisorctl", "status", "worker").returncode == 3
    second = program("supervisord", "-n")
    assert second.returncode == 2
    assert "already listening" in second.stderr
    assert program("supervisord", "--version").stdout.strip() >= "4.3"
    assert program("supervisord", "--nonsense").returncode == 2
    assert WorkspacePaths(supervised.paths.root) == supervised.paths
