"""Workers that do not stay up, and a supervisord that is gone: shown for what they are, and mended from the window."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.paths import WorkspacePaths, demo_workspace
from pqdesk.supervision.definitions import WorkerDefinition, write_definition, write_supervisor_configuration
from tests.gui.real_window.conftest import Start, shut_down
from tests.gui.real_window.window import Window

_GOOD = (sys.executable, "-u", "-c", "import time; print('here'); time.sleep(3600)")
_LEAVING = (sys.executable, "-c", "import sys; sys.exit('no configuration found')")
_BINARY = (sys.executable, "-c", "import os, time; os.write(1, bytes(range(256)) * 40); time.sleep(3600)")


@pytest.fixture
def mixed(short_folder: Path) -> Iterator[Path]:
    """A workspace with one good worker and three others."""
    paths = WorkspacePaths(short_folder / "mixed")
    write_supervisor_configuration(paths)
    commands = {"good": _GOOD, "missing": ("/no/such/program",), "leaving": _LEAVING, "binary": _BINARY}
    for name, command in commands.items():
        write_definition(paths, WorkerDefinition(name=name, command=command))
    yield paths.root
    shut_down(paths.root)


def test_bad_workers_are_shown_and_the_others_run_on(start: Start, mixed: Path) -> None:
    window = start("open", mixed)
    window.open_page("Workers")
    window.program.press("Start all")

    window.wait_for_worker("missing", "Failed to start")
    window.wait_for_worker("leaving", "Crash-looping")
    window.wait_for_worker("binary", "Running")
    window.wait_for_worker("good", "Running")

    window.select("Workers", "Name", "leaving")
    window.wait(lambda: "no configuration found" in window.program.tree(), "its last words")
    window.select("Workers", "Name", "missing")
    window.wait(lambda: "/no/such/program" in window.program.tree(), "the reason")
    window.select("Workers", "Name", "binary")
    window.wait(lambda: "ABCDEF" in window.program.find("Log").shown, "what can be read of its output")
    assert "\0" not in window.program.find("Log").shown


def test_killed_supervisord_is_noticed_and_started_again(demo: Window) -> None:
    pid_file = WorkspacePaths(demo_workspace()).pid_file
    demo.open_page("Workers")
    demo.wait_for_worker("consumer", "Running")
    old = {row[0]: row for row in demo.workers().cells}

    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    demo.wait(lambda: "not running" in demo.program.text("status_supervisord"), "the status bar to tell")
    demo.program.press("Start all")

    demo.wait_for_worker("producer", "Running")
    demo.wait_for_worker("consumer", "Running")
    pids = demo.workers().column("PID")
    assert not {row[2] for row in old.values()} & set(pids)
    demo.open_page("Overview")
    completed = demo.count("completed")
    demo.wait_for_count("completed", completed + 10)
