"""The two commands in a fresh clone, for somebody whose HOME is empty.

tests/run itself is not started from here: it would start this. It does its set-up with the same packaging/setup.sh.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.checkouts import changes, clone, newcomer, run

pytestmark = pytest.mark.timeout(600)  # the set-up fetches Qt


class Newcomer:
    """Somebody with a clone, an empty HOME and no display."""

    def __init__(self, folder: Path) -> None:
        self.checkout = clone(folder / "pqdesk")
        self.home = folder / "newcomer"
        self.environment = newcomer(self.home)
        self.first_start = self.start("--version")

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", self.checkout / "packaging/run", *arguments]
        return run(command, cwd=self.home, env=self.environment, timeout_s=500)

    def ask(self, *arguments: str) -> Any:
        done = self.start(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    return Newcomer(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def _demo_is_ended(somebody: Newcomer) -> Iterator[None]:
    yield
    somebody.start("supervisorctl", "-w", str(somebody.home / ".local/share/pqdesk/demo"), "shutdown")


def test_the_first_start_sets_up_and_the_second_does_not(somebody: Newcomer) -> None:
    first, second = somebody.first_start, somebody.start("--version")

    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stderr
    assert "pqdesk" in first.stdout.lower()
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")
    assert changes(somebody.checkout) == ""


@pytest.mark.usefixtures("_demo_is_ended")
def test_without_a_display_the_demo_works_in_the_terminal(somebody: Newcomer) -> None:
    demo = str(somebody.home / ".local/share/pqdesk/demo")

    done = somebody.start()

    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "consumer" in done.stdout
    assert {one["worker"] for one in somebody.ask("-w", demo, "workers")["replicas"]} == {"producer", "consumer"}
    assert changes(somebody.checkout) == ""
