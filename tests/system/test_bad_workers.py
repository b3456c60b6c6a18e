"""Workers that cannot work: each is shown for what it is, and the others run on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.daemon.bundled_programs import daemon_command
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
from pqdesk.supervision.logs.log_files import tail_lines
from pqdesk.supervision.records import ReplicaRecord, WorkerState
from pqdesk.supervision.supervision import Supervision
from tests.programs import pqdesk
from tests.support import wait_until

_GOOD = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(3600)")
_LEAVING = (sys.executable, "-c", "import sys; sys.exit('no configuration found')")
_BINARY = (sys.executable, "-c", "import os, time; os.write(1, bytes(range(256)) * 40); time.sleep(3600)")


@pytest.fixture
def supervision(short_folder: Path) -> Iterator[Supervision]:
    """A workspace with one good worker; supervisord is not started yet."""
    paths = WorkspacePaths(short_folder / "workspace")
    write_supervisor_configuration(paths)
    write_definition(paths, WorkerDefinition(name="good", command=_GOOD))
    supervision = Supervision(paths)
    yield supervision
    supervision.shutdown()


def add(supervision: Supervision, name: str, command: tuple[str, ...]) -> None:
    write_definition(supervision.paths, WorkerDefinition(name=name, command=command))


def replica(supervision: Supervision, name: str) -> ReplicaRecord:
    [found] = [one for one in supervision.status().replicas if one.process == name]
    return found


def wait_for_state(supervision: Supervision, name: str, *states: WorkerState) -> ReplicaRecord:
    wait_until(lambda: replica(supervision, name).state in states, 60, f"{name} to be one of {states}")
    return replica(supervision, name)


def test_a_command_that_does_not_exist(supervision: Supervision) -> None:
    add(supervision, "missing", ("/no/such/program", "--fast"))

    with pytest.raises(SupervisorError, match=r"/no/such/program.*unaffected"):
        supervision.start("all")

    seen = wait_for_state(supervision, "missing", WorkerState.FAILED_TO_START)

    assert "/no/such/program" in f"{seen.description} {seen.exit_text}"
    wait_for_state(supervision, "good", WorkerState.RUNNING)


def test_a_command_that_exits_at_once(supervision: Supervision) -> None:
    add(supervision, "leaving", _LEAVING)
    supervision.start("all")

    seen = wait_for_state(supervision, "leaving", WorkerState.BACKING_OFF, WorkerState.CRASH_LOOPING)

    wait_until(lambda: tail_lines(seen.stderr_log, 5) != [], 60, "its last words")
    assert "no configuration found" in tail_lines(seen.stderr_log, 5)
    wait_for_state(supervision, "leaving", WorkerState.CRASH_LOOPING)
    wait_for_state(supervision, "good", WorkerState.RUNNING)
    said = pqdesk(supervision.paths.root, "workers").stdout
    assert "Crash-looping" in said
    assert "Running" in said


def test_a_command_that_prints_binary(supervision: Supervision) -> None:
    add(supervision, "binary", _BINARY)
    supervision.start("all")
    seen = wait_for_state(supervision, "binary", WorkerState.RUNNING)

    wait_until(lambda: seen.stdout_log.stat().st_size >= 256 * 40, 60, "its output")
    lines = tail_lines(seen.stdout_log, 10)

    assert lines
    assert all(character.isprintable() or character in "\t\x1b" for line in lines for character in line)
    shown = pqdesk(supervision.paths.root, "logs", "binary").stdout
    assert "\0" not in shown
    wait_for_state(supervision, "good", WorkerState.RUNNING)


HIDDEN = (
    "[eventlistener:ev]\ncommand=/usr/bin/touch {marker}\nevents=TICK_5\n",
    "[fcgi-program:f]\ncommand=/usr/bin/touch {marker}\nsocket=unix://{marker}.sock\n",
    "[rpcinterface:evil]\nsupervisor.rpcinterface_factory=marker:made\n",
    "[DEFAULT]\nenvironment=PYTHONPATH='/tmp'\n[eventlistener:ev]\ncommand=/usr/bin/touch {marker}\nevents=TICK_5\n",
    "[supervisord]\nlogfile={marker}\n",
    "[program:good]\ncommand=/usr/bin/touch {marker}\n",
)


@pytest.mark.parametrize("text", HIDDEN)
def test_what_a_file_holds_besides_workers_is_told_and_never_run(supervision: Supervision, text: str) -> None:
    paths, marker = supervision.paths, supervision.paths.root / "marker"
    bad = paths.workers / "x.conf"
    bad.write_text(text.format(marker=marker), encoding="utf-8")

    done = pqdesk(paths.root, "start", "good")

    wait_for_state(supervision, "good", WorkerState.RUNNING)
    told = (done.stderr, pqdesk(paths.root, "workers").stderr, pqdesk(paths.root, "doctor", check=False).stdout)
    assert all(f"'{bad}', line " in one for one in told), told
    assert [one.process for one in supervision.status().replicas] == ["good"]

    add(supervision, "late", _GOOD)  # a supervisord that runs is not asked to read that either
    with pytest.raises(SupervisorError, match=r"x\.conf', line "):
        supervision.start("late")

    assert [one.process for one in supervision.status().replicas if one.pid] == ["good"]
    assert not marker.exists()
    bad.unlink()
    supervision.start("late")
    wait_for_state(supervision, "late", WorkerState.RUNNING)


def test_a_supervisord_that_is_still_reading_is_ended_with_all(supervision: Supervision) -> None:
    paths = supervision.paths
    slow = paths.root.parent / "slow"
    os.mkfifo(slow)
    text = paths.supervisor_configuration.read_text()
    paths.supervisor_configuration.write_text(text.replace("stopped.conf\n", f"stopped.conf {slow}\n"))
    with subprocess.Popen(daemon_command(paths.supervisor_configuration), cwd=paths.root) as starting:
        descriptor = os.open(slow, os.O_WRONLY)  # from here on it waits for what is in there
        try:
            done = pqdesk(paths.root, "stop", "all", "--supervisord")

            assert starting.wait(60) != 0
            assert "good: stopped" in done.stdout
        finally:
            starting.kill()
            os.close(descriptor)


def test_supervisord_is_restarted_where_all_workers_have_ended(supervision: Supervision) -> None:
    paths = supervision.paths
    (paths.workers / "good.conf").unlink()
    write_definition(paths, WorkerDefinition(name="once", command=("/bin/true",), restart="never"))
    supervision.start("once")
    wait_for_state(supervision, "once", WorkerState.EXITED)
    before = supervision.status().pid

    done = pqdesk(paths.root, "restart", "all", "--supervisord")

    assert done.stdout.startswith("once: ")
    assert "no workers" not in done.stderr
    assert supervision.status().pid not in (None, before)


def test_a_definition_that_cannot_be_read(supervision: Supervision) -> None:
    (supervision.paths.workers / "broken.conf").write_text("[program:broken\ncommand=true\n", encoding="utf-8")

    done = pqdesk(supervision.paths.root, "start", "all", check=False)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "broken.conf" in line
