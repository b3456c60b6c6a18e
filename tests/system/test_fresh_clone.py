"""The first command in a fresh clone, for somebody whose HOME is empty.

tests/run is not started from here: it would start this. It does its set-up with the same packaging/setup.sh.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import copy_checkout, git_status
from tests.gui.desktop import Desktop
from tests.gui.real_window.window import Window
from tests.support import wait_until
from tests.system.newcomer import newcomer, run_as

pytestmark = pytest.mark.timeout(600)  # the set-up fetches Qt


class Newcomer:
    """Somebody with a clone, and what the first start said."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.home = folder / "pqdesk", folder / "home"
        self.demo = self.home / ".local/share/pqdesk/demo"
        copy_checkout(self.checkout)
        self.environment = newcomer(self.home)
        self.first_start = self.start("--version")

    def start(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = ("bash", self.checkout / "packaging/run", *arguments)
        return run_as(self.environment, *command, folder=self.home, timeout_s=500)

    def ask(self, *arguments: str | Path) -> Any:
        done = self.start(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def somebody() -> Iterator[Newcomer]:
    with tempfile.TemporaryDirectory(prefix="c") as folder:  # short, since the demo's socket lies below it
        yield Newcomer(Path(folder))


@pytest.fixture
def _demo_is_ended(somebody: Newcomer) -> Iterator[None]:
    yield
    somebody.start("supervisorctl", "-w", somebody.demo, "shutdown")


def test_the_first_start_sets_up_and_the_second_does_not(somebody: Newcomer) -> None:
    first, second = somebody.first_start, somebody.start("--version")

    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stderr
    assert "pqdesk" in first.stdout.lower()
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")
    assert git_status(somebody.checkout) == ""


def test_with_a_display_the_window_opens_and_shows_the_demo_at_work(somebody: Newcomer) -> None:
    with Desktop(folders={"HOME": str(somebody.home)}) as desktop:
        window = Window(desktop, desktop.launch(["bash", somebody.checkout / "packaging/run"]))

        window.program.press("Try the demo")

        window.wait_for_count("completed", 1)
        window.wait_for_count("failed", 1)
        assert "no display" not in window.program.output
    assert git_status(somebody.checkout) == ""


@pytest.mark.usefixtures("_demo_is_ended")
def test_without_a_display_the_demo_works_in_the_terminal(somebody: Newcomer) -> None:
    done = somebody.start()

    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr.splitlines()[0]
    assert "consumer" in done.stdout
    wait_until(lambda: sum(one["counts"]["completed"] for one in somebody.ask("-w", somebody.demo, "queues")), 60)
    assert git_status(somebody.checkout) == ""
