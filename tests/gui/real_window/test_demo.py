"""The demo, from the welcome page to quitting, as a newcomer goes through it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage

from pqdesk.paths import demo_workspace
from tests.gui.real_window.conftest import Start, shut_down
from tests.gui.real_window.window import Window
from tests.programs import pqdesk_json

_QUIT = ("Up", "Up", "Return")  # the last entry but one: "Quit (workers keep running)"


@pytest.fixture
def _demo_is_ended() -> Iterator[None]:
    yield
    shut_down(demo_workspace())


def ask(*arguments: str) -> Any:
    """What the command line says about the demo's workspace."""
    return pqdesk_json(demo_workspace(), *arguments)


def totals() -> dict[str, int]:
    """How many messages are in each state, in all queues."""
    queues = [queue["counts"] for queue in ask("queues")]
    return {state: sum(counts[state] for counts in queues) for state in queues[0]}


@pytest.mark.usefixtures("_demo_is_ended")
def test_from_the_welcome_page_to_quitting_from_the_tray(start: Start) -> None:
    window = start()
    window.program.press("Try the demo")

    completed = window.wait_for_count("completed", 1)
    window.wait_for_count("completed", completed + 20)
    window.wait_for_count("failed", 1)
    stop_and_start_the_producer(window)
    retry_a_failed_message(window)
    quit_from_the_tray(window)


def stop_and_start_the_producer(window: Window) -> None:
    window.open_page("Workers")
    window.wait_for_worker("producer", "Running")
    window.select("Workers", "Name", "producer")
    window.program.press("Stop")
    window.wait_for_worker("producer", "Stopped")
    assert window.worker_state("consumer") == "Running"

    window.wait(lambda: totals()["ready"] + totals()["running"] == 0, "the consumer to finish")
    total = sum(totals().values())
    window.open_page("Overview")
    window.wait(lambda: window.count("completed") + window.count("failed") == total, "the Overview to agree")

    window.open_page("Workers")
    window.select("Workers", "Name", "producer")
    window.program.press("Start")
    window.wait_for_worker("producer", "Running")
    assert sum(totals().values()) > total


def retry_a_failed_message(window: Window) -> None:
    window.open_page("Messages")
    window.filter_messages("state:failed")
    window.wait(lambda: set(window.messages().column("State")) == {"Failed"}, "failed messages only")
    failed = window.messages().column("ID")[-1]
    window.select("Messages", "ID", failed)
    window.program.press("Retry", role="push button")

    window.wait(lambda: ask("show", failed)["state"] == "completed", f"message {failed} to complete")
    attempts = [attempt["outcome"] for attempt in ask("show", failed)["attempts"]]
    assert attempts == ["nacked", "completed"]


def quit_from_the_tray(window: Window) -> None:
    window.desktop.tray_icon().choose(*_QUIT)

    assert window.program.wait_exit() == 0
    assert [one["state"] for one in ask("workers")] == ["running", "running"]
    completed = totals()["completed"]
    window.desktop.wait_until(lambda: totals()["completed"] > completed, "the workers to go on", timeout_s=60)


def test_a_consumer_killed_by_hand_comes_back_and_nothing_is_lost(demo: Window) -> None:
    demo.open_page("Workers")
    demo.wait_for_worker("consumer", "Running")
    old = demo.workers().row("Name", "consumer")["PID"]
    os.kill(int(old), signal.SIGKILL)

    demo.wait(lambda: demo.workers().row("Name", "consumer")["PID"] not in ("", old), "another consumer")
    demo.wait_for_worker("consumer", "Running")
    assert demo.workers().row("Name", "consumer")["Restarts"] != "0"

    demo.select("Workers", "Name", "producer")
    demo.program.press("Stop")
    demo.wait_for_worker("producer", "Stopped")
    demo.wait(lambda: totals()["ready"] + totals()["running"] + totals()["retrying"] == 0, "everything to be done")
    newest = ask("messages", "--limit", "1")[0]["id"]
    assert totals()["completed"] + totals()["failed"] == newest
    errors = {one["error"] for one in ask("messages", "--state", "failed", "--limit", "1000")}
    assert all("on purpose" in error for error in errors)


def test_a_selected_message_shows_its_payload_attempts_and_result(demo: Window) -> None:
    demo.open_page("Messages")
    demo.filter_messages("id:1")
    demo.wait(lambda: demo.messages().column("ID") == ["1"], "one message")
    demo.select("Messages", "ID", "1")

    detail = ask("show", "1")
    demo.program.press("Payload", role="page tab")
    demo.wait(lambda: detail["payload"]["path"] in demo.program.tree(), "the payload")
    demo.program.press("Result", role="page tab")
    demo.wait(lambda: detail["result"]["sha256"] in demo.program.tree(), "the result")


def test_the_log_follows_its_worker(demo: Window) -> None:
    demo.open_page("Workers")
    demo.select("Workers", "Name", "consumer")
    demo.wait(lambda: "completed id=" in demo.program.find("Log").shown, "lines of the consumer")
    seen = demo.program.find("Log").shown
    demo.wait(lambda: demo.program.find("Log").shown != seen, "more lines")

    demo.select("Workers", "Name", "producer")
    demo.wait(lambda: "completed id=" not in demo.program.find("Log").shown, "the producer's log instead")


def test_start_all_and_stop_all(demo: Window) -> None:
    demo.open_page("Workers")
    demo.wait_for_worker("consumer", "Running")
    demo.program.press("Stop all")
    for name in ("producer", "consumer"):
        demo.wait_for_worker(name, "Stopped")

    demo.program.press("Start all")

    for name in ("producer", "consumer"):
        demo.wait_for_worker(name, "Running")


def test_dark_theme(start: Start, tmp_path: Path) -> None:
    window = start()

    def brightness() -> int:
        """Of a point of the page's header, 0 to 255."""
        window.desktop.screenshot(tmp_path / "shot.png")
        return QImage(str(tmp_path / "shot.png")).pixelColor(700, 69).lightness()

    window.program.choose_menu("View", "Theme", "Light")
    window.wait(lambda: brightness() > 220, "a light window")
    window.program.choose_menu("View", "Theme", "Dark")
    window.wait(lambda: brightness() < 60, "a dark window")
