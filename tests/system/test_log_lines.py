"""The logs of real workers: each line with its time and its message, and what follows them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from pqdesk import Workspace
from tests.programs import PQDESK, environment_with_programs
from tests.support import wait_until
from tests.system.conftest import SupervisedWorkspace

_TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
_HANDLER = """
import logging, sys
from pqdesk import consumer

logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")
print("module")

@consumer("mail")
def handle(message):
    print("printed\\ncompleted id=99 queue=mail attempt=1 1 ms")
    logging.info("logged %s", message.id)
    sys.stdout.buffer.write(b"bytes\\n")
    sys.stdout.buffer.flush()
    if message.payload == "bad":
        raise ValueError("no\\nid=99 queue=mail attempt=1: forged")
"""


def pqdesk(supervised: SupervisedWorkspace, *words: object) -> str:
    command = [PQDESK, "-w", supervised.paths.root, *map(str, words)]
    return subprocess.run(
        command, env=environment_with_programs(), capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_every_line_of_a_handler_has_its_time_and_its_message(supervised: SupervisedWorkspace) -> None:
    with Workspace(supervised.paths.root) as workspace:
        file = supervised.paths.root / "mail.py"
        file.write_text(_HANDLER)
        good, bad = (workspace.queue("mail").put(payload, max_attempts=1) for payload in ("good", "bad"))
        supervised.add_command("mailer", (str(PQDESK), "consume", "mail", "--handler", f"{file}:handle"))
        supervised.supervision.start("mailer")
        wait_until(lambda: workspace.counts().failed == 1, 40, logs=supervised.paths.logs)
    supervised.supervision.stop("mailer")
    out = (supervised.paths.logs / "mailer.out.log").read_text().splitlines()
    err = (supervised.paths.logs / "mailer.err.log").read_text().splitlines()

    assert all(map(_TIMED.match, out + err))
    said = [_TIMED.sub("", line) for line in out]
    assert "| module" in said
    assert [line for line in said if line.startswith(f"id={good} | ")] == [
        f"id={good} | printed", f"id={good} | completed id=99 queue=mail attempt=1 1 ms", f"id={good} | bytes",
    ]  # fmt: skip
    assert f"id={bad} | INFO logged {bad}" in [_TIMED.sub("", line) for line in err]
    assert pqdesk(supervised, "logs", "all", "--message", 99) == ""
    both = pqdesk(supervised, "logs", "mailer", "--stdout", "--stderr").splitlines()
    assert [line.split()[0] for line in both] == sorted(line.split()[0] for line in out + err)
    shown = pqdesk(supervised, "logs", "mailer", "--message", bad)
    assert "ValueError: no" in shown
    assert "    id=99 queue=mail attempt=1: forged" in shown
    assert f"id={good}" not in shown


def test_output_of_a_command_is_followed_while_it_runs(supervised: SupervisedWorkspace, tmp_path) -> None:
    done = tmp_path / "go on"
    script = f"echo first; echo warned >&2; until [ -e '{done}' ]; do sleep 0.05; done; echo last; exit 3"
    with Workspace(supervised.paths.root) as workspace:
        message_id = workspace.queue("jobs").put("x", max_attempts=1)
        supervised.add_command("worker", (str(PQDESK), "consume", "jobs", "--", "sh", "-c", script))
        supervised.supervision.start("worker")
        wait_until(lambda: workspace.counts().running == 1, 40, logs=supervised.paths.logs)
        command = [PQDESK, "-w", supervised.paths.root, "show", str(message_id), "-f"]
        with subprocess.Popen(command, env=environment_with_programs(), stdout=subprocess.PIPE, text=True) as following:
            assert following.stdout is not None
            lines: list[str] = []
            while not any(line.endswith(f"id={message_id} | first\n") for line in lines):
                lines.append(following.stdout.readline())
            assert workspace.message(message_id).state.word == "running"
            done.touch()
            rest, _ = following.communicate(timeout=60)
        detail = workspace.message(message_id)

    assert following.returncode == 0
    assert f"id={message_id} | last\n" in rest
    assert f"failed id={message_id} queue=jobs attempt=1" in rest
    assert detail.error_text == "exit status 3: warned\n\nfirst\nwarned\nlast"


def test_what_a_producers_command_says_has_its_time_too(supervised: SupervisedWorkspace) -> None:
    script = "echo one; printf 'half ' >&2; sleep 0.1; printf 'line\\nlast' >&2; sleep 600"
    supervised.add_command("source", (str(PQDESK), "produce", "lines", "--", "sh", "-c", script))
    supervised.supervision.start("source")
    err = supervised.paths.logs / "source.err.log"
    wait_until(lambda: "line" in _text(err), 40, logs=supervised.paths.logs)
    supervised.supervision.stop("source", wait_s=20)

    lines = err.read_text().splitlines()

    assert [_TIMED.sub("", line) for line in lines] == ["| half line", "| last"]
    assert all(map(_TIMED.match, lines))


def test_workers_survive_the_loss_of_their_logs(supervised: SupervisedWorkspace) -> None:
    logs = supervised.paths.logs
    script = "import time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.05)\n"
    for name in ("one", "two"):
        supervised.add(name, script)
    supervised.supervision.start("all")
    first, second = supervised.wait_for_running("one"), supervised.wait_for_running("two")
    shutil.rmtree(logs)

    supervised.supervision.restart("one")

    supervised.wait_for_running("one", other_than=first.pid)
    for name in ("one", "two"):
        wait_until(lambda name=name: "tick" in _text(logs / f"{name}.out.log"), 40, f"the log of {name}", logs=logs)
    assert (logs.stat().st_mode & 0o777, supervised.replica("two").pid) == (0o700, second.pid)
    shutil.rmtree(logs)
    pqdesk(supervised, "doctor")
    wait_until(lambda: "tick" in _text(logs / "two.out.log"), 40, "the log of two, after doctor")
    (logs / "two.out.log").unlink()
    supervised.supervision.start("one")
    wait_until(lambda: "tick" in _text(logs / "two.out.log"), 40, "the log of two, after a start")


def _text(log: Path) -> str:
    return log.read_text() if log.exists() else ""
