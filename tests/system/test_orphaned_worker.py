"""A worker whose supervisord was killed finishes what it has in hand and goes, whatever lies between the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqdesk import Workspace
from tests.programs import PQDESK
from tests.support import wait_until
from tests.system.conftest import SupervisedWorkspace
from tests.system.worker_processes import is_alive, wait_for_state

_HANDLER = """
import os, time
from pathlib import Path
def slow(message):
    Path('pid').write_text(str(os.getpid()))
    while not Path('go').exists(): time.sleep(0.01)
    return 'finished'
"""


@pytest.fixture
def workspace(supervised: SupervisedWorkspace):
    with Workspace(supervised.paths.root) as opened:
        (supervised.paths.root / "handlers.py").write_text(_HANDLER)
        yield opened


_CONSUME = (str(PQDESK), "consume", "mail", "--handler", "handlers.py:slow")


@pytest.mark.parametrize("command", [_CONSUME, ("sh", "-c", f"{' '.join(_CONSUME)}; exit $?")])
def test_idle_consumer_goes_when_supervisord_is_killed(supervised, workspace, command):
    (supervised.paths.root / "go").touch()
    message_id = workspace.queue("mail").put("x")
    supervised.add_command("consumer", command)
    supervised.supervision.start("consumer")
    pid = wait_until(lambda: _number(supervised.paths.root / "pid"), timeout_s=40, logs=supervised.paths.logs)
    wait_for_state(workspace, message_id, "completed", logs=supervised.paths.logs)

    supervised.kill_daemon()

    wait_until(lambda: not is_alive(pid), reason="the consumer to go", logs=supervised.paths.logs)


def test_message_in_hand_is_finished_when_supervisord_is_killed(supervised, workspace):
    first, second = workspace.queue("mail").put_many(["x", "x"])
    supervised.add_command("consumer", _CONSUME)
    supervised.supervision.start("consumer")
    pid = wait_until(lambda: _number(supervised.paths.root / "pid"), timeout_s=40, logs=supervised.paths.logs)

    supervised.kill_daemon()
    (supervised.paths.root / "go").touch()

    wait_until(lambda: not is_alive(pid), reason="the consumer to go", logs=supervised.paths.logs)
    assert workspace.message(first).result == "finished"
    assert workspace.message(second).state.word == "ready"


def test_producer_goes_when_supervisord_is_killed(supervised, workspace):
    (supervised.paths.root / "handlers.py").write_text(
        "import os, threading\ndef stream():\n    yield os.getpid()\n    threading.Event().wait()\n"
    )
    supervised.add_command("producer", (str(PQDESK), "produce", "mail", "--handler", "handlers.py:stream"))
    supervised.supervision.start("producer")
    wait_until(lambda: workspace.counts().ready == 1, timeout_s=40, logs=supervised.paths.logs)
    pid = workspace.message(1).payload

    supervised.kill_daemon()

    wait_until(lambda: not is_alive(pid), reason="the producer to go", logs=supervised.paths.logs)


def _number(file: Path) -> int:
    return int(file.read_text() or 0) if file.exists() else 0
