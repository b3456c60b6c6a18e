"""A person who has never written a configuration file adds two workers, scales, breaks and mends one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk.paths import default_workspace
from tests.gui.real_window.conftest import Start, shut_down
from tests.gui.real_window.window import Window
from tests.programs import pqdesk_json

_FILES = 1000


@pytest.fixture
def window(start: Start) -> Iterator[Window]:
    """The app on a workspace that is not even made yet."""
    yield start()
    shut_down(default_workspace())


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def fill(window: Window, field: str, text: str) -> None:
    """Click into a field, and type in place of what is there."""
    window.program.click(field, role="text")
    window.desktop.press_keys("ctrl+a")
    window.desktop.type_text(text)


def add_worker(window: Window, kind: str, fields: dict[str, str]) -> None:
    """By mouse and keyboard; Return presses Add."""
    window.program.click("Add worker", object_name="add_worker_button")
    window.program.click(kind, role="radio button")
    for field, text in fields.items():
        fill(window, field, text)
    window.desktop.press_keys("Return")
    window.program.wait_gone("Name", role="text")


def edit_command(window: Window, button: str, command: str) -> None:
    window.program.click(button, role="push button")
    fill(window, "Command", command)
    window.desktop.press_keys("Return")
    window.program.wait_gone("Command", role="text")


def scale(window: Window, worker: str, replicas: int) -> None:
    window.select("Workers", "Name", worker)
    window.program.click("Scale…", role="push button")
    window.program.find("Replicas", role="spin button")
    window.desktop.press_keys("ctrl+a")
    window.desktop.type_text(str(replicas))
    window.desktop.press_keys("Return")
    window.program.wait_gone("Replicas", role="spin button")


def states(window: Window, worker: str) -> dict[str, str]:
    """The states of the processes of a worker by name; a worker's own row comes first and gives way to them."""
    table = window.workers()
    return {row[0]: row[1] for row in table.cells if row[0] == worker or row[0].startswith(f"{worker}-")}


@pytest.mark.timeout(300)  # a thousand programs are run
def test_from_an_empty_workspace_to_a_thousand_messages(window: Window, incoming: Path) -> None:
    window.open_page("Workers")
    add_worker(window, "Watch a folder", {"Folder": str(incoming), "Queue": "files", "Name": "watcher"})
    add_worker(window, "Command per message", {"Command": "sha256sum", "Queues": "files", "Name": "hasher"})
    for name in ("watcher", "hasher"):
        window.wait_for_worker(name, "Running")
    pid = window.workers().row("Name", "hasher")["PID"]

    for number in range(_FILES):
        (incoming / f"file {number}.txt").write_text(f"content {number}\n")
    scale_up_and_down(window, pid)
    wait_for_completed(window, _FILES)

    break_and_mend(window, incoming.parent / "sha256sam")
    (incoming / "one more.txt").write_text("after the mending\n")
    wait_for_completed(window, _FILES + 1)

    find_its_log_lines(window, _FILES // 2)
    assert "Traceback" not in window.program.output


def scale_up_and_down(window: Window, pid: str) -> None:
    """While it works; the first process is not touched."""
    scale(window, "hasher", 4)
    running = dict.fromkeys(("hasher", "hasher-2", "hasher-3", "hasher-4"), "Running")
    window.wait(lambda: states(window, "hasher") == running, "four processes")

    scale(window, "hasher", 1)
    window.wait(lambda: states(window, "hasher") == {"hasher": "Running"}, "one process")
    assert window.workers().row("Name", "hasher")["PID"] == pid


def wait_for_completed(window: Window, count: int) -> None:
    window.open_page("Overview")
    window.wait_for_count("completed", count)
    [queue] = pqdesk_json(default_workspace(), "queues")
    assert (queue["counts"]["completed"], queue["counts"]["failed"]) == (count, 0)
    window.open_page("Workers")


def break_and_mend(window: Window, program: Path) -> None:
    """What is not there is not taken; so it goes once it is."""
    program.write_text("#!/bin/sh\nsha256sum\n")
    program.chmod(0o700)
    window.select("Workers", "Name", "hasher")
    edit_command(window, "Edit…", str(program))
    window.wait_for_worker("hasher", "Running")
    program.unlink()
    window.program.click("Restart", role="push button")
    window.wait_for_worker("hasher", "Crash-looping")
    window.wait(lambda: "sha256sam was not found" in window.program.text("trouble_cause"), "the likely cause")

    edit_command(window, "Edit command", "sha256sum")

    window.wait_for_worker("hasher", "Running")


def find_its_log_lines(window: Window, message_id: int) -> None:
    """And back from there to the worker that wrote them."""
    window.open_page("Messages")
    window.filter_messages(f"id:{message_id}")
    window.wait(lambda: window.messages().column("ID") == [str(message_id)], "one message")
    window.select("Messages", "ID", str(message_id))
    window.program.press("Log", role="page tab")
    written = f"completed id={message_id} "
    window.wait(lambda: written in window.program.find("Log of the message").shown, "what its worker wrote")

    window.program.click("Worker", role="push button")
    window.wait_for_worker("hasher", "Running")
