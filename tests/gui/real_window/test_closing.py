"""Closing, coming back, quitting, and being killed: the workers run on in every case."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pqdesk.paths import demo_workspace
from tests.gui.desktop import Desktop
from tests.gui.real_window.conftest import Start
from tests.gui.real_window.window import Window
from tests.programs import PQDESK, pqdesk_json

_TRAY_NOTE = "PQDesk is still in the tray. Workers keep running either way."


def replica_pids() -> list[int]:
    """Pids of the demo's workers, asked from the command line."""
    return sorted(one["pid"] for one in pqdesk_json(demo_workspace(), "workers") if one["pid"])


def test_closing_hides_into_the_tray_says_so_once_and_the_icon_brings_it_back(start: Start) -> None:
    window = start()

    window.desktop.press_keys("ctrl+w")
    window.wait(window.is_hidden, "the window to hide")
    window.program.find(_TRAY_NOTE)
    window.program.press(object_name="QPushButton")  # the note's own, which has no name in Qt

    window.desktop.tray_icon().click()
    window.wait(lambda: not window.is_hidden(), "the window to come back")
    window.desktop.press_keys("ctrl+w")
    window.wait(window.is_hidden, "the window to hide again")
    assert window.program.is_running
    assert not window.program.has(_TRAY_NOTE)


@pytest.mark.parametrize("has_tray", [False])
def test_closing_without_a_tray_quits(start: Start) -> None:
    window = start()

    window.desktop.press_keys("ctrl+w")

    assert window.program.wait_exit() == 0


@pytest.mark.parametrize("has_tray", [False])
def test_closing_without_a_tray_says_once_that_workers_keep_running(demo: Window, start: Start) -> None:
    demo.desktop.press_keys("ctrl+w")
    demo.program.find("Workers keep running", role="label")
    demo.program.press("Quit", role="push button")
    assert demo.program.wait_exit() == 0
    assert len(replica_pids()) == 2

    again = start()
    again.wait_for_count("completed", 1)
    again.desktop.press_keys("ctrl+w")
    assert again.program.wait_exit() == 0


def test_a_second_start_brings_the_first_back(start: Start) -> None:
    window = start()
    window.desktop.press_keys("ctrl+w")
    window.wait(window.is_hidden, "the window to hide")

    second = window.desktop.launch([PQDESK])

    assert second.wait_exit() == 0
    window.wait(lambda: not window.is_hidden(), "the first window")
    assert window.program.is_running


def test_quitting_leaves_the_workers_running(demo: Window) -> None:
    pids = replica_pids()
    assert len(pids) == 2

    demo.desktop.press_keys("ctrl+q")

    assert demo.program.wait_exit() == 0
    assert replica_pids() == pids


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_quits_without_a_question(start: Start, number: signal.Signals) -> None:
    window = start()

    os.kill(window.program.pid, number)

    assert window.program.wait_exit() == 0


def test_a_killed_window_loses_nothing_and_the_next_start_finds_the_workers(demo: Window, start: Start) -> None:
    pids = replica_pids()
    demo.program.kill()
    assert replica_pids() == pids

    again = start()

    completed = again.wait_for_count("completed", 1)
    again.wait_for_count("completed", completed + 5)
    again.open_page("Workers")
    again.wait_for_worker("consumer", "Running")
    assert replica_pids() == pids


def test_a_start_without_a_display_says_so_in_one_line(desktop: Desktop, tmp_path: Path) -> None:
    program = desktop.launch([PQDESK], environment={"DISPLAY": "", "WAYLAND_DISPLAY": ""})

    assert program.wait_exit() == 1
    [line] = program.output.splitlines()
    assert "display" in line
