"""`workers`, `start`, `stop`, `restart`, `logs`, the bundled programs: with the real supervisord."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from pqdesk.supervision.records import WorkerState
from tests.programs import PQDESK, environment_with_programs, pqdesk, run
from tests.support import wait_until
from tests.system.cli.conftest import Cli, Done
from tests.system.conftest import SupervisedWorkspace

_TICKS = "import time\nfor n in range(10**9): print(f'tick {n}', flush=True); time.sleep(0.05)\n"
_HOSTILE = "import sys, time\nprint('\\x1b]0;title\\x07\\x1b[31mred\\x1b[0m', flush=True); time.sleep(600)\n"


@pytest.fixture
def at(cli: Cli, supervised: SupervisedWorkspace) -> Callable[..., Done]:
    """Call a command on the supervised workspace."""
    return lambda *words: cli("-w", supervised.paths.root, *words)


def test_workers_are_listed_started_and_stopped(at: Callable[..., Done], supervised: SupervisedWorkspace) -> None:
    supervised.add("ticker", _TICKS, is_autostart=False)

    assert [(one["process"], one["state"]) for one in at("workers", "--json").json] == [("ticker", "stopped")]
    assert "supervisord is not running" in at("workers").err

    started = at("start", "ticker")
    assert (started.code, started.err) == (0, "")
    assert started.out == f"ticker: running (pid {supervised.replica('ticker').pid})\n"
    assert supervised.replica("ticker").state is WorkerState.RUNNING
    header, row = at("workers").out.splitlines()
    assert header.split() == ["Worker", "State", "Pid", "Up", "for", "CPU", "Memory", "Description"]
    assert row.split()[:2] == ["ticker", "Running"]

    assert at("stop", "all").out == "ticker: stopped\n"
    assert supervised.replica("ticker").state is WorkerState.STOPPED


def test_restart_is_another_process(at: Callable[..., Done], supervised: SupervisedWorkspace) -> None:
    supervised.add("ticker", _TICKS)
    at("start", "all")
    before = supervised.replica("ticker").pid

    assert at("restart", "ticker").code == 0

    assert supervised.replica("ticker").pid not in (None, before)


def test_a_worker_that_does_not_come_up_is_a_failure_with_its_reason(
    at: Callable[..., Done], supervised: SupervisedWorkspace
) -> None:
    supervised.add("broken", "raise SystemExit('no such host')\n")

    done = at("start", "broken")

    assert done.code == 1
    assert done.out.startswith(("broken: backing off", "broken: crash-looping", "broken: failed to start"))


def test_an_unknown_worker_is_exit_3_and_starts_nothing(
    at: Callable[..., Done], supervised: SupervisedWorkspace
) -> None:
    supervised.add("ticker", _TICKS)

    for command in ("start", "stop", "restart", "logs"):
        done = at(command, "nope")
        assert (done.code, done.err) == (3, "pqdesk: error: there is no worker 'nope'; the workers are ticker\n")
    assert not supervised.supervision.status().is_running


def test_logs_show_the_last_lines_and_whose_they_are(at: Callable[..., Done], supervised: SupervisedWorkspace) -> None:
    supervised.add("ticker", _TICKS, replicas=2)
    at("start", "all")
    log = supervised.paths.logs / "ticker.out.log"
    wait_until(lambda: "tick 5" in log.read_text(), 30, "some ticks")

    one = at("logs", "ticker-2", "-n", 2).out.splitlines()
    assert [line.split()[0] for line in one] == ["tick", "tick"]
    both = at("logs", "ticker", "-n", 1).out.splitlines()
    assert [line.split(" | ")[0] for line in both] == ["ticker  ", "ticker-2"]
    assert {line["process"] for line in map(_object, at("logs", "all", "-n", 1, "--json").out.splitlines())} == {
        "ticker",
        "ticker-2",
    }
    assert at("logs", "ticker", "--stderr").out == ""
    assert "supervisord started" in at("logs", "supervisord").out


def _object(line: str) -> dict[str, str]:
    import json

    found: dict[str, str] = json.loads(line)
    return found


def test_a_log_cannot_reach_the_terminal(at: Callable[..., Done], supervised: SupervisedWorkspace) -> None:
    supervised.add("hostile", _HOSTILE)
    at("start", "all")
    wait_until(lambda: at("logs", "hostile").out, 30, "its line")

    assert at("logs", "hostile").out == "\\x1b]0;title\\x07red\n"


def test_a_followed_log_goes_on_until_ctrl_c(supervised: SupervisedWorkspace, at: Callable[..., Done]) -> None:
    supervised.add("ticker", _TICKS)
    at("start", "all")

    process = subprocess.Popen(
        [PQDESK, "-w", supervised.paths.root, "logs", "ticker", "-f", "-n", "1"],
        env=environment_with_programs(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    first, second, third = (int(process.stdout.readline().split()[1]) for _ in range(3))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert (second, third) == (first + 1, first + 2)
    assert (process.returncode, said) == (130, "")


def test_the_bundled_programs_use_the_workspaces_configuration(
    at: Callable[..., Done], supervised: SupervisedWorkspace
) -> None:
    supervised.add("ticker", _TICKS)
    at("start", "all")
    root = supervised.paths.root

    before = pqdesk(root, "supervisorctl", "status")
    after = run(PQDESK, "supervisorctl", "-w", root, "stop", "ticker")

    assert before.stdout.split()[:2] == ["ticker", "RUNNING"]
    assert after.stdout == "ticker: stopped\n"
    assert "supervisord" in run(PQDESK, "supervisord", "--help").stdout


def test_what_takes_its_time_to_stop_is_told(at: Callable[..., Done], supervised: SupervisedWorkspace) -> None:
    supervised.add(
        "slow", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _TICKS, stop_wait_s=3
    )
    at("start", "slow")

    done = at("stop", "slow")

    assert (done.code, done.out) == (0, "slow: stopped\n")
    assert re.fullmatch(r"slow: finishing what it has in hand; it is killed in \d s\n", done.err)
