"""The Test button: a worker's command, really run for a moment; and what real processes use."""

from __future__ import annotations

import json
import os
import random
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from pqdesk.errors import InvalidInput
from pqdesk.paths import WorkspacePaths
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.reading import read_definitions
from pqdesk.supervision.definitions.writing import write_definition
from pqdesk.supervision.processes.usage import UsageReader
from pqdesk.supervision.records import ReplicaRecord, TryOut, WorkerState
from pqdesk.supervision.supervision import Supervision
from tests.support import wait_until


def tried(root: Path, text: str, seconds: float = 20.0, **values: object) -> TryOut:
    command = (sys.executable, "-I", "-u", "-c", f"exec({text!r})")
    definition = WorkerDefinition(name="worker", command=command)
    return Supervision(WorkspacePaths(root)).try_out(replace(definition, **values), seconds)  # type: ignore[arg-type]


def test_one_that_ends_tells_its_code_and_its_words(tmp_path: Path) -> None:
    outcome = tried(tmp_path, "import sys\nprint('out')\nprint('\\x1b]0;err\\x07', file=sys.stderr)\nsys.exit(3)")

    assert (outcome.exit_code, outcome.signal, outcome.is_still_running) == (3, None, False)
    assert outcome.output == "out\n\\x1b]0;err\\x07"


def test_one_that_runs_on_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    text = (
        "import signal, subprocess, sys, time\n"
        "print(subprocess.Popen(['sleep', '603']).pid)\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('drained'), sys.exit(0)))\ntime.sleep(600)"
    )

    outcome = tried(tmp_path, text, 0.5)

    assert (outcome.is_still_running, outcome.likely_cause) == (True, None)
    pid, *rest = outcome.output.splitlines()
    assert rest == ["drained"]
    wait_until(lambda: not psutil.pid_exists(int(pid)), 15, "its child to be gone")


def test_one_that_runs_as_the_worker_would(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    outcome = tried(
        tmp_path,
        "import os\nprint(os.getcwd(), os.environ['A'], os.environ['S'], os.environ['PQDESK_WORKSPACE'])",
        folder=folder,
        environment={"A": "b"},
        secrets={"S": "t\n"},
    )

    assert outcome.output == f"{folder} b t\n {tmp_path}"
    assert (outcome.exit_code, outcome.likely_cause) == (
        0,
        "It ends by itself without an error; a worker has to keep running",
    )


def test_a_flood_is_cut_and_does_not_delay_the_end(tmp_path: Path) -> None:
    outcome = tried(tmp_path, "while True: print('x' * 1000)", 0.3)

    assert outcome.is_still_running
    assert 60_000 < len(outcome.output) <= 64 * 1024


@pytest.mark.parametrize(
    ("text", "signal_name", "cause"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "KILL", "Something killed it"),
        ("import os\nos.abort()", "ABRT", "It gave up by itself"),
    ],
)
def test_a_signal_is_told(tmp_path: Path, text: str, signal_name: str, cause: str) -> None:
    outcome = tried(tmp_path, text)

    assert (outcome.exit_code, outcome.signal) == (None, signal_name)
    assert (outcome.likely_cause or "").startswith(cause)


def test_what_cannot_be_run_is_told_as_a_shell_would(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")

    missing = tried(tmp_path, "", command=("no-such-program",))
    unusable = tried(tmp_path, "", command=(str(plain),))
    nowhere = tried(tmp_path, "", folder=tmp_path / "nowhere")

    assert (missing.exit_code, missing.output) == (127, "no-such-program: command not found")
    assert (missing.likely_cause or "").startswith("The command was not found: no-such-program")
    assert (unusable.exit_code, (unusable.likely_cause or "")[:29]) == (126, "The command is not executable")
    assert "nowhere cannot be entered" in (nowhere.likely_cause or "")


def test_what_could_not_be_saved_is_not_tried(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="quote"):
        tried(tmp_path, "open('made', 'w')", environment={"A": '"'})

    assert list(tmp_path.iterdir()) == [] or not (tmp_path / "made").exists()


# --- secrets ----------------------------------------------------------------------------------------


def test_a_real_shell_reads_every_secret_exactly(tmp_path: Path) -> None:
    draw = random.Random(5)
    alphabet = "ab'\"\\$`!#;=%(){}[]*?~&|<>\t\n\r \x01\x7fé\u2028\U0001f600"
    secrets = {f"S_{number}": "".join(draw.choices(alphabet, k=draw.randrange(12))) for number in range(500)}
    paths = WorkspacePaths(tmp_path)
    script = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('S_')}))"
    command = (sys.executable, "-I", "-c", script)
    file = write_definition(paths, WorkerDefinition(name="worker", command=command, secrets=secrets))
    written = next(line for line in file.read_text().splitlines() if line.startswith("command="))
    words = shlex.split(written.removeprefix("command=").replace("%(here)s", str(file.parent)).replace("%%", "%"))

    done = subprocess.run(words, capture_output=True, check=True)

    assert json.loads(done.stdout) == secrets
    [read] = read_definitions(paths).workers
    assert read.secrets == secrets


# --- CPU and memory ---------------------------------------------------------------------------------


def record(pid: int, started_at: datetime | None = None) -> ReplicaRecord:
    return ReplicaRecord(
        process="worker",
        worker="worker",
        kind="command",
        replica=1,
        state=WorkerState.RUNNING,
        pid=pid,
        started_at=started_at or datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC),
        stdout_log=Path(),
        stderr_log=Path(),
    )


def test_children_are_counted_and_a_reused_pid_is_not() -> None:
    code = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'while True: pass'])\nchild.wait()"
    parent = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        wait_until(lambda: psutil.Process(parent.pid).children(), 15, "its child")
        [child] = psutil.Process(parent.pid).children()
        reader = UsageReader()

        first = reader.read([record(parent.pid)])["worker"]
        spent = sum(child.cpu_times()[:2])
        wait_until(lambda: sum(child.cpu_times()[:2]) > spent + 0.2, 30, "some work")
        second = reader.read([record(parent.pid)])["worker"]

        assert (first.cpu_percent, first.processes) == (None, 2)
        assert second.cpu_percent is not None
        assert second.cpu_percent > 0
        assert second.memory_bytes > psutil.Process(parent.pid).memory_info().rss
        earlier = datetime.fromtimestamp(psutil.Process(parent.pid).create_time(), UTC) - timedelta(minutes=1)
        assert reader.read([record(parent.pid, earlier)]) == {}
    finally:
        os.killpg(parent.pid, 9)
        parent.wait()
    assert reader.read([replace(record(os.getpid()), pid=parent.pid)]) == {}
