"""What a person saw is what is done, and what was done goes back: by mouse and keyboard, while others work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pqdesk import Counts, Queue
from tests.gui.real_window.conftest import Start
from tests.gui.real_window.window import Window
from tests.programs import pqdesk, run_python

_SPOIL = """
import sys
from pathlib import Path
from tests.contract.loose import opened_loosely
with opened_loosely(Path(sys.argv[1])) as db:
    db.execute("UPDATE pqdesk_message SET priority = NULL WHERE id = ?", (int(sys.argv[2]),))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "w"


@pytest.fixture
def queue(root: Path) -> Iterator[Queue]:
    with Queue("mail", workspace=root) as queue:
        yield queue


@pytest.fixture
def window(start: Start, queue: Queue, root: Path) -> Window:
    """On Messages, over a workspace that is there."""
    queue.put("first")
    window = start("open", root)
    window.open_page("Messages")
    return window


def fail(queue: Queue, count: int) -> None:
    queue.put_many(range(count))
    for message in queue.get_many(count):
        message.fail("broken")


def show(window: Window, text: str, rows: int) -> None:
    window.filter_messages(text)
    window.wait(lambda: len(window.messages().column("ID")) == rows, f"{rows} rows of {text!r}")


def focus_table(window: Window) -> None:
    window.program.find("Messages", role="table").focus()


def selected(window: Window) -> str:
    return window.program.text("selection_text")


def test_a_second_click_on_what_is_still_shown_as_failed_runs_nothing_again(window: Window, queue: Queue) -> None:
    queue.get().fail("broken")
    show(window, "state:failed,completed", 1)
    window.select("Messages", "ID", "1")
    window.program.press("Live updates")
    window.wait(lambda: "Paused" in window.program.find("Live updates").description, "updates to be paused")
    window.program.click("Retry", role="push button")
    queue.get(timeout=30).ack()
    assert window.messages().column("State") == ["Failed"]

    window.program.click("Retry", role="push button")

    window.wait(lambda: "skipped" in window.program.tree() or queue.counts().ready, "an answer")
    assert queue.counts() == Counts(completed=1)
    assert [one.outcome for one in queue.message(1).attempts] == ["failed", "completed"]


def test_a_message_that_was_spoiled_says_what_is_wrong_with_it(window: Window, queue: Queue, root: Path) -> None:
    queue.put_many(["second", "third"])
    window.wait(lambda: window.messages().rows == 3, "its rows")
    window.select("Messages", "ID", "1")
    window.wait(lambda: "Message 1" in window.program.text("detail_title"), "the one before")

    run_python(_SPOIL, str(root / "queue.db"), "2")
    window.select("Messages", "ID", "2")

    window.wait(lambda: "Message 2" in window.program.text("detail_title"), "the one that was chosen")
    assert "damaged: its priority" in window.program.tree()
    window.program.press("Payload", role="page tab")
    window.wait(lambda: "second" in window.program.tree(), "its own payload")


def test_what_left_the_list_is_not_deleted(window: Window, queue: Queue) -> None:
    queue.get().fail("broken")
    fail(queue, 39)
    show(window, "state:failed", 40)
    focus_table(window)
    window.desktop.press_keys("ctrl+a")
    window.wait(lambda: selected(window) == "40 selected", "all to be selected")
    window.desktop.press_keys("ctrl+shift+r")
    window.wait(lambda: queue.counts().ready == 40, "all to be ready")
    window.wait(lambda: selected(window) == "Nothing selected", "the selection to leave with its rows")

    focus_table(window)
    window.desktop.press_keys("Delete")
    window.desktop.press_keys("ctrl+z")  # takes back the retry: nothing was deleted since

    window.wait(lambda: queue.counts() == Counts(failed=40), "the retry to be taken back")
    show(window, "id:7", 1)
    focus_table(window)  # a field would take the keys for its text
    window.desktop.press_keys("ctrl+shift+z")
    window.wait(lambda: queue.counts() == Counts(ready=40), "it to be done again")
    window.select("Messages", "ID", "7")
    window.wait(lambda: "Done again" in window.program.tree(), "who did what in the timeline")
    assert " window" in window.program.tree()


def test_a_click_in_a_live_list_chooses_the_row_under_the_pointer(window: Window, queue: Queue) -> None:
    queue.put_many(range(60))
    window.wait(lambda: window.messages().rows > 10, "its rows")
    over = threading.Event()

    def put() -> None:
        while not over.wait(0.05):
            queue.put("more")

    writer = threading.Thread(target=put)
    writer.start()
    try:
        for row in (3, 6, 2):
            table = window.program.find("Messages", role="table")
            table.click_cell(row + 1, 1)  # the pointer is among the rows from here on: they stay
            window.wait(lambda: window.program.has("Copy id"), "a message to be shown")
            shown = window.messages().column("ID")
            window.program.find("Messages", role="table").click_cell(row, 1)
            window.wait(lambda: f"Message {shown[row]}" in window.program.text("detail_title"), shown[row])  # noqa: B023
            window.desktop.press_keys("Escape")
    finally:
        over.set()
        writer.join()


def test_all_that_match_are_selected_as_of_that_moment_and_come_back(window: Window, queue: Queue, root: Path) -> None:
    queue.put_many(range(1079))
    window.wait(lambda: "of 1,080" in window.program.text("messages_footer"), "all of them")
    focus_table(window)
    window.desktop.press_keys("ctrl+a")
    window.wait(lambda: selected(window) == "500 of 1,080 selected", "how many more there are")

    window.program.press("Select all 1,080 that match")
    queue.put("later")
    window.program.press("Delete", role="push button")

    window.wait(lambda: queue.counts().total == 1, "all but the one that came later to be deleted")
    pqdesk(root, "pause", "mail")
    window.desktop.press_keys("ctrl+z")
    window.wait(lambda: not queue.paused, "what the same person did by a command to be taken back")
    window.desktop.press_keys("ctrl+z")
    window.wait(lambda: queue.counts().ready == 1081, "the messages to be back")
    window.desktop.press_keys("ctrl+shift+z")
    window.wait(lambda: queue.counts().ready == 1, "the deletion to be done again")
