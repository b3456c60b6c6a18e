"""A workspace whose supervisord is the real one, with workers that a test writes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pqdesk.paths import WorkspacePaths
from pqdesk.services.workers import workers_of
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.recipes import usual_restart
from pqdesk.supervision.definitions.writing import write_definition
from pqdesk.supervision.records import ReplicaRecord, SupervisionStatus, WorkerState
from tests.support import wait_until

WAIT_S = 40  # the machine is shared


class SupervisedWorkspace:
    """A workspace with workers that are small scripts, and its Supervision."""

    def __init__(self, root: Path) -> None:
        self.paths = WorkspacePaths(root)
        self.supervision = workers_of(self.paths)

    def add(self, name: str, script: str, **values: object) -> WorkerDefinition:
        """A worker that runs the Python text `script`, unbuffered."""
        file = self.paths.root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script)
        # -I: the workspace's own folder is not searched for modules
        return self.add_command(name, (sys.executable, "-I", "-u", file.name), **values)

    def add_command(self, name: str, command: tuple[str, ...], **values: object) -> WorkerDefinition:
        options: dict[str, object] = {"start_s": 1, "stop_wait_s": 5, "restart": usual_restart(command), **values}
        definition = WorkerDefinition(name=name, command=command, **options)  # type: ignore[arg-type]
        write_definition(self.paths, definition)
        return definition

    def replica(self, process: str) -> ReplicaRecord:
        return next(one for one in self.supervision.status().replicas if one.process == process)

    def wait_for(self, process: str, *states: WorkerState, other_than: int | None = None) -> ReplicaRecord:
        """The process, once it is in one of `states`, with another pid if one is given."""

        def look() -> ReplicaRecord | None:
            found = self.replica(process)
            return found if found.state in states and (other_than is None or found.pid != other_than) else None

        reason = f"{process} to be {' or '.join(state.word for state in states)}"
        try:
            found = wait_until(look, WAIT_S, reason, logs=self.paths.logs)
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{self.supervision.status()}") from None
        assert found is not None
        return found

    def wait_for_running(self, process: str, *, other_than: int | None = None) -> ReplicaRecord:
        return self.wait_for(process, WorkerState.RUNNING, other_than=other_than)

    def wait_for_daemon(self, condition: Callable[[SupervisionStatus], bool]) -> SupervisionStatus:
        """The status, once `condition` holds for it."""
        wait_until(lambda: condition(self.supervision.status()), WAIT_S, "supervisord", logs=self.paths.logs)
        return self.supervision.status()

    @property
    def daemon_pid(self) -> int:
        pid = self.supervision.status().pid
        assert pid is not None
        return pid

    def kill_daemon(self) -> int:
        """kill -9 of supervisord; returns when nobody answers any more."""
        pid = self.daemon_pid
        os.kill(pid, signal.SIGKILL)
        self.wait_for_daemon(lambda status: status.state_word == "not running")
        return pid


@pytest.fixture
def supervised(short_folder: Path) -> Iterator[SupervisedWorkspace]:
    """An empty workspace; what runs in it at the end of the test is stopped."""
    workspace = SupervisedWorkspace(short_folder / "workspace")
    yield workspace
    workspace.supervision.shutdown(wait_s=10)
