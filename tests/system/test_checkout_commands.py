"""The commands of the README, typed in a fresh checkout: supervisord by hand, its workers, their logs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.checkout import copy_checkout, git_status
from tests.programs import pqdesk_json, run
from tests.support import wait_until

_CONFIGURATION = "supervisor/supervisord.conf"


@pytest.fixture
def checkout(short_folder: Path) -> Iterator[Path]:
    """A copy of the checkout with its supervisord running, started as the README says."""
    copy_checkout(short_folder)
    run("supervisord", "-c", _CONFIGURATION, folder=short_folder)
    for name in ("producer", "consumer"):
        # Not only for the lines: a TERM that a worker gets between fork and exec is lost, with supervisor 4.3.0, and
        # its stop takes as long as stopwaitsecs.
        wait_until(partial(_has_lines, short_folder / f"logs/{name}.out.log"), 60, f"lines of {name}")
    yield short_folder
    pid_file = short_folder / "supervisor/supervisord.pid"
    if pid_file.exists():
        supervisord = psutil.Process(int(pid_file.read_text()))
        supervisorctl(short_folder, "shutdown")
        supervisord.wait(timeout=60)


def _has_lines(log: Path) -> bool:
    return log.exists() and "id=" in log.read_text(encoding="utf-8")


def supervisorctl(checkout: Path, *words: str) -> str:
    # `status` exits 3 while any process is stopped, as an init script does
    return run("supervisorctl", "-c", _CONFIGURATION, *words, folder=checkout, check=words != ("status",)).stdout


def states(checkout: Path) -> dict[str, str]:
    """Worker → supervisord's word for its state."""
    return {words[0]: words[1] for line in supervisorctl(checkout, "status").splitlines() if (words := line.split())}


def count(checkout: Path, state: str) -> int:
    return sum(queue["counts"][state] for queue in pqdesk_json(checkout, "queues"))


def wait_for_states(checkout: Path, **expected: str) -> None:
    wait_until(lambda: states(checkout) == expected, 60, f"{expected}")


def test_workers_start_with_supervisord_and_obey_supervisorctl(checkout: Path) -> None:
    wait_for_states(checkout, producer="RUNNING", consumer="RUNNING")

    assert supervisorctl(checkout, "stop", "consumer") == "consumer: stopped\n"
    assert states(checkout) == {"producer": "RUNNING", "consumer": "STOPPED"}
    completed = count(checkout, "completed")
    wait_until(lambda: count(checkout, "ready") > 0, 60, "messages to wait for the consumer")
    assert count(checkout, "completed") == completed

    assert supervisorctl(checkout, "start", "consumer") == "consumer: started\n"
    wait_until(lambda: count(checkout, "completed") > completed, 60, "the consumer to go on")


def test_logs_are_where_the_contract_says(checkout: Path) -> None:
    assert "queue=" in run("tail", "-n", "1", "logs/producer.out.log", folder=checkout).stdout
    assert "completed id=" in run("tail", "-n", "5", "logs/consumer.out.log", folder=checkout).stdout


def test_messages_complete_and_some_fail_and_a_retry_mends_those(checkout: Path) -> None:
    wait_until(lambda: count(checkout, "failed") > 0, 60, "a message that fails on purpose")
    failed = pqdesk_json(checkout, "messages", "--state", "failed")[0]
    assert "on purpose" in failed["error"]

    run("pqdesk", "-w", ".", "retry", str(failed["id"]), folder=checkout)

    wait_until(lambda: pqdesk_json(checkout, "show", str(failed["id"]))["state"] == "completed", 60, "the retried one")


def test_git_status_stays_clean(checkout: Path) -> None:
    wait_until(lambda: count(checkout, "completed") > 0, 60, "a completed message")

    assert git_status(checkout) == ""
    supervisorctl(checkout, "shutdown")
    wait_until(lambda: not (checkout / "supervisor/supervisord.pid").exists(), 60, "supervisord to end")
    assert git_status(checkout) == ""


def test_a_second_supervisord_is_refused_and_the_first_unharmed(checkout: Path) -> None:
    wait_for_states(checkout, producer="RUNNING", consumer="RUNNING")

    second = run("supervisord", "-c", _CONFIGURATION, folder=checkout, check=False)

    assert second.returncode == 2
    assert "already listening" in second.stderr
    assert states(checkout) == {"producer": "RUNNING", "consumer": "RUNNING"}
