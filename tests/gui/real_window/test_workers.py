"""Workers that do not stay up, and a supervisord that is gone: shown for what they are, and mended from the window."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.paths import WorkspacePaths, demo_workspace
from pqdesk.supervision.definitions.definition import WorkerDefinition
from pqdesk.supervision.definitions.writing import write_definition, write_supervisor_configuration
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
    window.program.press("Run these commands")

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


def test_commands_of_a_strange_workspace_are_shown_before_they_run(start: Start, mixed: Path, tmp_path: Path) -> None:
    window = start("open", mixed)
    window.open_page("Workers")
    window.program.press("Start all")
    window.wait(lambda: "/no/such/program" in window.program.find("Commands").shown, "the commands")
    window.screenshot(tmp_path / "first_start.png")

    window.program.press("Cancel")
    window.select("Workers", "Name", "good")
    window.program.press("Start", role="push button")
    window.wait(lambda: window.program.has("Run these commands"), "to be asked again")
    assert not WorkspacePaths(mixed).pid_file.exists()
    window.program.press("Run these commands")

    window.wait_for_worker("good", "Running")


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


def test_a_supervisord_that_hangs_is_waited_for_and_the_window_stays_usable(demo: Window) -> None:
    pid = int(WorkspacePaths(demo_workspace()).pid_file.read_text())
    demo.open_page("Workers")
    demo.wait_for_worker("consumer", "Running")
    os.kill(pid, signal.SIGSTOP)
    try:
        demo.program.press("Stop", role="push button")
        waited_for = "Waiting for supervisord"
        demo.wait(lambda: demo.program.all(object_name="workers_activity_text") or waited_for in banner(demo), "a word")
        for page in ("Overview", "Messages", "Workers"):
            demo.open_page(page)
        demo.wait(lambda: waited_for in banner(demo), "the banner to tell")
    finally:
        os.kill(pid, signal.SIGCONT)

    demo.wait_for_worker("producer", "Running")
    demo.program.press("Stop all")
    demo.wait_for_worker("producer", "Stopped")
    demo.program.press("Undo", role="push button")
    demo.wait_for_worker("producer", "Running")


def banner(window: Window) -> str:
    """What the page says across its top; nothing while it says nothing."""
    return "".join(one.shown for one in window.program.all(object_name="workers_banner_text"))


def test_a_worker_is_removed_and_brought_back_with_the_keyboard(demo: Window) -> None:
    demo.open_page("Workers")
    demo.select("Workers", "Name", "producer")
    demo.program.press("Stop", role="push button")
    demo.wait_for_worker("producer", "Stopped")

    demo.program.choose_menu("Worker", "Remove…")
    demo.wait(lambda: "producer" not in demo.workers().column("Name"), "it to go")
    demo.desktop.press_keys("ctrl+z")

    demo.wait_for_worker("producer", "Stopped")
    assert (WorkspacePaths(demo_workspace()).workers / "producer.conf").exists()
