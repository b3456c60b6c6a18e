"""Workers that cannot work: each is shown for what it is, and the others run on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.errors import SupervisorError
from pqdesk.paths import WorkspacePaths
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


def test_a_definition_that_cannot_be_read(supervision: Supervision) -> None:
    (supervision.paths.workers / "broken.conf").write_text("[program:broken\ncommand=true\n", encoding="utf-8")

    done = pqdesk(supervision.paths.root, "start", "all", check=False)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "broken.conf" in line
